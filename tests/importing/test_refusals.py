"""What cannot be imported is refused: every node at once, with what to do instead."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from ppc.errors import PpcError, render
from ppc.importing import import_model
from ppc.importing.commands import import_network
from ppc.importing.reading import read_proto
from tests.importing.onnx_models import Maker, lenet


def refusal(make: Maker, *outputs: str) -> PpcError:
    with pytest.raises(PpcError) as caught:
        import_network(make.model(*outputs), name="net")
    return caught.value


def test_every_node_is_listed_at_once_with_a_rewrite() -> None:
    """Also those that come after a refused one, and those that are refused for their form."""
    make = Maker(opset=17)
    x = make.conv("data", 4, 3, dilations=[2, 2])
    x = make.op("LeakyRelu", x)
    x = make.op("Clip", x, make.constant(np.float32(0)), make.constant(np.float32(6)))
    x = make.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    x = make.op("Mul", x, make.random(1))
    x = make.op("LogSoftmax", make.gemm(make.op("Flatten", x), 10, 16))
    text = render(refusal(make, x))

    assert text == (
        "-- PPC601 OPERATOR NOT SUPPORTED ----------------------------------------------\n"
        "\n"
        "4 nodes of the model cannot be expressed in the language.\n"
        "\n"
        "  LeakyRelu `LeakyRelu_1` (opset 17)\n"
        "      instead: use Relu; a private comparison costs the same and needs no second slope\n"
        "  Clip `Clip_2` (opset 17): it clips to 0..6\n"
        "      instead: use Relu instead of ReLU6 or hardtanh\n"
        "  Mul `Mul_4` (opset 17)\n"
        "      instead: scale the data before it is given to the model, or fold the constant into the layer before\n"
        "  LogSoftmax `LogSoftmax_7` (opset 17)\n"
        "      instead: leave it out (the largest class is the same), or use Softmax\n"
        "\n"
        "-- PPC604 FORM NOT SUPPORTED --------------------------------------------------\n"
        "\n"
        "2 nodes of the model compute something of a form that the language does not have.\n"
        "\n"
        "  Conv `Conv_0` (opset 17): its window is dilated\n"
        "      instead: use a larger kernel, or two layers\n"
        "  MaxPool `MaxPool_3` (opset 17): it rounds its size up, to 2; the language rounds down, to 1\n"
        "      instead: export with ceil_mode=False\n"
    )


Build = Callable[[Maker], str]
FORMS: dict[str, tuple[str, Build]] = {
    "padding is not alike": ("PPC604", lambda m: m.conv("data", 4, 3, pads=[0, 0, 1, 1])),
    "top 0, bottom 1": ("PPC604", lambda m: m.conv("data", 4, 3, 2, auto_pad="SAME_UPPER")),
    "top 1, bottom 0": ("PPC604", lambda m: m.conv("data", 4, 3, 2, auto_pad="SAME_LOWER")),
    "weight depends on the data": ("PPC601", lambda m: m.op("Conv", "data", m.op("Relu", "data"))),
    "its weight has shape [4, 5, 3, 3]": ("PPC604", lambda m: m.op("Conv", "data", m.random(4, 5, 3, 3))),
    "must divide": ("PPC604", lambda m: m.op("Conv", "data", m.random(4, 1, 3, 3), group=2)),
    "is 9×9, larger than its input": ("PPC604", lambda m: m.conv("data", 4, 3, 9)),
    "an image has channels": ("PPC604", lambda m: m.op("Conv", m.op("Flatten", "data"), m.random(4, 3, 3))),
    "leaves its padding out": (
        "PPC604",
        lambda m: m.op("AveragePool", "data", kernel_shape=[2, 2], pads=[1, 1, 1, 1]),
    ),
    "no padding of the pool": ("PPC604", lambda m: m.op("MaxPool", padded(m), kernel_shape=[2, 2])),
    "Pad before it": ("PPC604", lambda m: m.op("Relu", padded(m))),
    "not pad with zeros": ("PPC604", lambda m: m.conv(padded(m, value=1.0), 4, 3)),
    "something else than height": ("PPC604", lambda m: m.conv(padded(m, channels=1), 4, 4)),
    "more than half": (
        "PPC604",
        lambda m: m.op("MaxPool", "data", kernel_shape=[2, 2], strides=[2, 2], pads=[2, 2, 2, 2]),
    ),
    "flattens the batch": ("PPC604", lambda m: m.op("Flatten", "data", axis=2)),
    "the batch does not stay": ("PPC604", lambda m: m.op("Reshape", "data", m.constant(np.asarray([8, -1])))),
    "[3, 8, 8] of [1, 3, 8, 8]": ("PPC604", lambda m: m.op("Relu", m.op("Squeeze", "data"))),
    "adds a constant": (
        "PPC601",
        lambda m: m.op("Add", "data", m.constant(np.zeros((1, 1, 3, 8, 8), np.float32))),
    ),
    "do not fit together": (
        "PPC604",
        lambda m: m.conv(m.op("Pad", "data", m.constant(np.asarray([1, 1]))), 4, 3),
    ),
    "without any element": ("PPC604", lambda m: m.op("Conv", "data", m.random(4, 3, 3, 0))),
    "kernel_shape is [2, 0]": ("PPC604", lambda m: m.op("MaxPool", "data", kernel_shape=[2, 0])),
    "beyond the limits": ("PPC604", lambda m: m.op("MaxPool", "data", kernel_shape=[2, 2], strides=[2**40, 1])),
    "order of the values": ("PPC604", lambda m: m.op("Relu", m.op("Transpose", "data", perm=[0, 2, 3, 1]))),
    "along axis 2": ("PPC604", lambda m: m.op("Softmax", "data", axis=2)),
    "join along the channels": ("PPC604", lambda m: m.op("Concat", "data", m.op("Relu", "data"), axis=2)),
    "adds values of shapes": ("PPC604", lambda m: m.op("Add", "data", m.conv("data", 1, 3, pads=[1, 1, 1, 1]))),
    "no bias of the layer before": ("PPC601", lambda m: m.op("Add", m.op("Relu", "data"), m.random(3, 1, 1))),
    "reduces the axes": ("PPC604", lambda m: m.op("ReduceMean", "data", axes=[1])),
    "model.eval()": ("PPC604", lambda m: trained_norm(m)),
    "second output": ("PPC604", lambda m: m.op("Add", *two_outputs(m))),
    "leaves the real numbers": ("PPC601", lambda m: m.op("Cast", m.op("Cast", "data", to=6), to=1)),
    "row of values times a matrix": ("PPC604", lambda m: m.op("MatMul", "data", m.random(8, 4))),
    "its bias has shape [2, 5]": (
        "PPC604",
        lambda m: m.op("Gemm", m.op("Flatten", "data"), m.random(192, 5), m.random(2, 5)),
    ),
    "would have 1,099,511,627,776 elements": (
        "PPC604",
        lambda m: m.op("Add", "data", m.op("ConstantOfShape", m.constant(np.asarray([2**40])))),
    ),
    "not computed by a layer": ("PPC604", lambda m: m.op("Identity", "data")),
}


def padded(make: Maker, *, value: float = 0.0, channels: int = 0) -> str:
    pads = make.constant(np.asarray([0, 0, 1, 1, 0, channels, 1, 1]))
    return make.op("Pad", "data", pads, make.constant(np.float32(value)))


def trained_norm(make: Maker) -> str:
    rows = [make.random(3, low=0.1) for _ in range(4)]
    return make.op("BatchNormalization", "data", *rows, training_mode=1)


def two_outputs(make: Maker) -> tuple[str, str]:
    x = make.op("MaxPool", "data", kernel_shape=[2, 2])
    make.nodes[-1].output.append("places")
    return x, make.op("Cast", "places", to=1)


@pytest.mark.parametrize("words", FORMS)
def test_a_form_is_refused(words: str) -> None:
    code, build = FORMS[words]
    make = Maker(opset=17)
    error = refusal(make, build(make))

    assert words in render(error)
    assert code in {diagnostic.code for diagnostic in error.diagnostics}


@pytest.mark.parametrize(("number", "code"), [(np.nan, "PPC506"), (np.inf, "PPC506"), (-1.0, "PPC505")])
def test_numbers_that_are_no_weights_are_refused(number: float, code: str) -> None:
    make = Maker()
    rows = [*(make.random(3) for _ in range(3)), make.constant(np.full(3, number, np.float32))]
    error = refusal(make, make.op("BatchNormalization", "data", *rows))

    assert [diagnostic.code for diagnostic in error.diagnostics] == [code]
    assert "variance: " in render(error)


def test_two_outputs_are_one_too_many() -> None:
    make = Maker()
    error = refusal(make, make.op("Relu", "data"), make.op("Tanh", "data"))

    assert "PPC604" in str(error)
    assert "2 outputs" in str(error)


@pytest.mark.parametrize("shape", [(1, 3, "H", "W"), (1, 3, 0, 8), (5,), ()])
def test_open_sizes_are_refused(shape: tuple[int | str, ...]) -> None:
    make = Maker(shape=shape)
    output = make.op("Relu", "data")
    with pytest.raises(PpcError, match="PPC604"):
        make.model(output)


@pytest.mark.parametrize("element", [TensorProto.FLOAT16, TensorProto.INT64])
def test_other_elements_are_refused(element: int) -> None:
    make = Maker()
    output = make.op("Identity", "data")
    with pytest.raises(PpcError, match="PPC604"):
        read_proto(make.proto(output, element=element), label="test.onnx")


@pytest.mark.parametrize("opset", [1, 6, 29, 1000])
def test_other_opsets_are_refused(opset: int) -> None:
    proto = lenet().proto("scores")
    proto.opset_import[0].version = opset
    with pytest.raises(PpcError, match="PPC605"):
        read_proto(proto, label="test.onnx")


def test_operators_of_other_makers_are_listed() -> None:
    make = Maker()
    output = make.op("Relu", make.op("FusedConv", "data", domain="com.microsoft"))
    proto = helper.make_model(
        helper.make_graph(
            make.nodes,
            "g",
            [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 8, 8])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, 3, 8, 8])],
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)],
        ir_version=8,
    )
    with pytest.raises(PpcError) as caught:
        import_network(read_proto(proto, label="test.onnx"), name="net")

    assert "com.microsoft.FusedConv `FusedConv_0`" in render(caught.value)


def test_damaged_files_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    whole = lenet().write(tmp_path / "lenet.onnx", "scores").read_bytes()
    path, output = tmp_path / "cut.onnx", tmp_path / "cut.pnn"
    for data in (b"", b"\x80\x04.", b"PK\x03\x04", whole[:100], whole[: len(whole) // 2], whole[:-1], whole[7:]):
        path.write_bytes(data)
        with pytest.raises(PpcError, match="PPC602"):
            import_model(str(path), output=output)

    assert {file.name for file in tmp_path.iterdir()} == {"lenet.onnx", "cut.onnx"}


def test_data_outside_the_folder_of_the_model_is_not_read(tmp_path: Path) -> None:
    """A model may keep its numbers in other files; a path that leads elsewhere is an attack."""
    (tmp_path / "secret").write_bytes(bytes(4 * 3 * 9 * 4))
    (tmp_path / "models").mkdir()
    make = Maker()
    output = make.op("Conv", "data", make.random(4, 3, 3, 3, name="w"))
    proto = make.proto(output)
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../secret"
    (tmp_path / "models" / "m.onnx").write_bytes(proto.SerializeToString())

    with pytest.raises(PpcError, match="PPC602"):
        import_model(str(tmp_path / "models" / "m.onnx"), output=tmp_path / "m.pnn")
    assert not (tmp_path / "m.pnn").exists()


@pytest.mark.parametrize(
    ("origin", "package", "extra"),
    [
        ("lenet.onnx", "onnx", "ppc[onnx]"),
        ("nets:lenet", "torch", "ppc[torch-import]"),
        ("nets:lenet", "onnxscript", "ppc[torch-import]"),
    ],
)
def test_a_package_that_is_not_installed_names_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: str, package: str, extra: str
) -> None:
    monkeypatch.chdir(tmp_path)
    lenet().write(tmp_path / "lenet.onnx", "scores")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(PpcError) as caught:
        import_model(origin, input_shape="1,28,28")

    assert "PPC507" in str(caught.value)
    assert f"pip install '{extra}'" in render(caught.value)


def test_a_missing_file_is_not_readable(tmp_path: Path) -> None:
    with pytest.raises(PpcError, match="PPC501"):
        import_model(str(tmp_path / "nothing.onnx"))
