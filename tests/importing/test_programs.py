"""What an import writes: readable, stable, with the right bounds and weights; and never a program that differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest
from onnx import helper

import ppc
from ppc.errors import PpcError, render
from ppc.importing import import_model
from ppc.importing.agreement import check_agreement, typed_graph
from ppc.importing.commands import import_network
from ppc.importing.names import model_name
from ppc.importing.reading import read_proto
from ppc.ir.types import Interval
from ppc.reference import evaluate
from ppc.weights import fold, load
from tests.importing.onnx_models import Maker, lenet, residual

LENET = """\
# Imported from lenet.onnx (opset 17).
# Its 51,902 weights in 8 arrays are in lenet.safetensors.
party client, server

model lenet(data: real[1, 28, 28] in 0..1) -> real[10] {
    conv2d(6, kernel=5, padding=2)
    relu
    avg_pool(2)  # real[6, 14, 14]
    conv2d(16, kernel=5)  # real[16, 10, 10]
    relu
    max_pool(2)  # real[16, 5, 5]
    fc1 = dense(120)  # takes 400 values
    relu
    fc2 = dense(10)
}

private lenet {
    data    from client
    # The smallest power of two that holds the weights. A bound taken from weights tells the client
    # something of their range, so the program says so; a bound chosen without looking needs no such line.
    weights from server in -0.5..0.5
    reveal range of weights
    result  to   client
    joint { field = mersenne61, fraction = 16 }
}
"""


def test_the_program_of_lenet(tmp_path: Path) -> None:
    written = import_model(str(lenet().write(tmp_path / "lenet.onnx", "scores")), output=tmp_path / "lenet.pnn")

    assert written.paths == (tmp_path / "lenet.pnn", tmp_path / "lenet.safetensors")
    assert (tmp_path / "lenet.pnn").read_text() == LENET
    assert "agree on 3 random inputs" in written.notes[0]


def test_what_was_written_compiles_loads_and_evaluates(tmp_path: Path) -> None:
    make = residual()
    written = import_model(str(make.write(tmp_path / "net.onnx", "scores")), output=tmp_path / "net.pnn")
    compiled = ppc.compile(tmp_path / "net.pnn")
    typed = compiled.after("infer-shapes")
    loaded = load(written.paths[1], typed)
    image = np.random.default_rng(1).uniform(0, 1, (1, 3, 8, 8))

    before = evaluate(typed, {"data": image, **loaded.weights})["result"]
    after = evaluate(compiled.after("prepare-inference"), {"data": image, **fold(typed, loaded.weights)})["result"]
    assert loaded.notes == ()
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-9)


def test_importing_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    path = residual().write(tmp_path / "net.onnx", "scores")
    first = [file.read_bytes() for file in import_model(str(path), output=tmp_path / "net.pnn").paths]

    assert [file.read_bytes() for file in import_model(str(path), output=tmp_path / "net.pnn").paths] == first


def test_the_bound_holds_the_folded_weights_too() -> None:
    """A small variance makes the folded weights larger than any number of the file."""
    make = Maker()
    scale, shift, mean, variance = (make.constant(np.full(2, n, np.float32)) for n in (1.0, 0.0, 0.0, 0.01))
    x = make.op("BatchNormalization", make.conv("data", 2, 3), scale, shift, mean, variance)
    imported = import_network(make.model(x), name="net")
    folded = fold(typed_graph(imported.text, "net", batch=1), imported.weights)
    largest = max(float(np.abs(array).max()) for array in folded.values())

    assert 4.0 < largest <= 8.0
    assert "weights from server in -8..8" in imported.text


def test_a_large_running_variance_widens_no_bound() -> None:
    make = Maker()
    scale, shift, mean, variance = (make.constant(np.full(2, n, np.float32)) for n in (1.0, 0.0, 30.0, 900.0))
    x = make.op("BatchNormalization", make.op("Conv", "data", make.random(2, 3, 3, 3)), scale, shift, mean, variance)

    assert "weights from server in -1..1\n" in import_network(make.model(x), name="net").text


def test_a_model_without_weights_reveals_nothing_of_them(tmp_path: Path) -> None:
    make = Maker()
    path = make.write(tmp_path / "net.onnx", make.op("MaxPool", "data", kernel_shape=[2, 2]))
    written = import_model(str(path), output=tmp_path / "net.pnn", bounds="-1..0.5")

    assert written.paths == (tmp_path / "net.pnn",)
    assert "reveal" not in (tmp_path / "net.pnn").read_text()
    assert "data: real[3, 8, 8] in -1..0.5" in (tmp_path / "net.pnn").read_text()
    ppc.check(tmp_path / "net.pnn")


@pytest.mark.parametrize("bounds", ["1..0", "0", "a..b", "0..inf", "", "nan..1"])
def test_bounds_that_are_none_are_refused(tmp_path: Path, bounds: str) -> None:
    path = lenet().write(tmp_path / "lenet.onnx", "scores")
    with pytest.raises(PpcError, match="PPC301"):
        import_model(str(path), output=tmp_path / "l.pnn", bounds=bounds)


def test_a_program_that_differs_is_not_written() -> None:
    imported = import_network(residual().model("scores"), name="net")
    weights = dict(imported.weights)
    weights["conv3.weight"] = weights["conv3.weight"] + np.float32(0.1)
    with pytest.raises(PpcError) as caught:
        check_agreement(replace(imported, weights=weights))
    text = render(caught.value)

    assert "-- PPC603 IMPORT WOULD CHANGE THE ANSWER" in text
    assert "largest difference" in text
    assert "the first layer that differs is `conv3` (/Conv_" in text


def test_a_text_that_differs_is_not_written() -> None:
    """Not the numbers but the program."""
    imported = import_network(residual().model("scores"), name="net")
    with pytest.raises(PpcError, match="PPC603"):
        check_agreement(replace(imported, text=imported.text.replace("epsilon=0.001", "epsilon=0.1")))


def test_a_range_that_does_not_fit_the_field_is_told(tmp_path: Path) -> None:
    make = Maker(shape=(1, 4))
    x = "data"
    for _ in range(6):
        x = make.op("Gemm", x, make.constant(np.full((4, 4), 900.0, np.float32)))
    written = import_model(str(make.write(tmp_path / "net.onnx", x)), output=tmp_path / "net.pnn")

    assert "cannot run jointly as it is: PPC3" in written.notes[1]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("lenet.onnx", "lenet"),
        ("ResNet-18 v2.onnx", "resnet_18_v2"),
        ("model.onnx", "net_model"),
        ("2layer.onnx", "net_2layer"),
        ("größe.onnx", "gr_e"),
        ("___.onnx", "net"),
    ],
)
def test_the_model_is_named_after_its_file(file: str, name: str) -> None:
    assert model_name(file) == name


@pytest.mark.parametrize("name", ["relu", "party", "weights", "conv2", "image", "a-b", "1a", "skip", "client"])
def test_names_that_the_language_cannot_use_are_left_out(name: str) -> None:
    """Whatever the exporter calls a layer, the program compiles and computes the same."""
    make = Maker()
    x = make.op("Relu", make.conv("data", 3, 3, name=name, pads=[1, 1, 1, 1]))
    x = make.op("Add", make.conv(x, 3, 3, pads=[1, 1, 1, 1]), x)

    assert check_agreement(import_network(make.model(x), name="net")) < 1e-5


def test_numbers_in_a_file_beside_the_model(tmp_path: Path) -> None:
    """Large models keep their numbers outside; so do all that torch writes to a file."""
    path = tmp_path / "lenet.onnx"
    save = cast(Callable[..., None], onnx.save_model)  # pyright: ignore[reportUnknownMemberType]
    save(lenet().proto("scores"), path, save_as_external_data=True, location="lenet.data", size_threshold=0)
    import_model(str(path), output=tmp_path / "lenet.pnn")

    assert (tmp_path / "lenet.data").exists()
    assert (tmp_path / "lenet.pnn").read_text() == LENET


def test_functions_of_a_model_are_opened() -> None:
    make = Maker()
    output = make.op("Twice", make.op("Relu", "data"), domain="mine")
    body = [helper.make_node("Add", ["x", "x"], ["y"])]
    make.functions.append(helper.make_function("mine", "Twice", ["x"], ["y"], body, [helper.make_opsetid("", 17)]))
    imported = import_network(make.model(output), name="net")

    assert check_agreement(imported) < 1e-6
    assert "    skip = relu\n    add(skip)\n" in imported.text


def test_two_inputs() -> None:
    make = Maker()
    x = make.op("Concat", make.op("Relu", "data"), "second", axis=1)
    proto = make.proto(x)
    proto.graph.input.add().CopyFrom(proto.graph.input[0])
    proto.graph.input[1].name = "second"
    imported = import_network(read_proto(proto, label="two.onnx"), name="net", bounds=Interval(-1.0, 1.0))

    assert check_agreement(imported) < 1e-6
    assert "model net(data: real[3, 8, 8] in -1..1, second: real[3, 8, 8] in -1..1)" in imported.text
