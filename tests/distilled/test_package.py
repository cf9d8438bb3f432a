"""Packages: what goes in comes out; whatever was changed, cut off or made for others is refused before any step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ppc.compiler import compile_program
from ppc.distilled import Key, Samples, Target, is_bare, pack, unpack
from ppc.distilled import device as side
from ppc.distilled.package import VERSION
from ppc.errors import PpcError
from ppc.source import Source
from tests.distilled.made import KEY, OTHER, package, packed, samples, target


def code(data: bytes, key: Key = KEY) -> str:
    with pytest.raises(PpcError) as caught:
        unpack(data, key)
    return caught.value.diagnostics[0].code


@pytest.mark.parametrize("bare", [False, True])
def test_what_goes_in_comes_out(bare: bool) -> None:
    made = package(target())
    found = unpack(pack(made, KEY, bare=bare), KEY)

    assert found.samples.images.tobytes() == made.samples.images.tobytes()
    assert found.samples.labels.tobytes() == made.samples.labels.tobytes()
    assert found.samples.rates == made.samples.rates
    assert (found.loss, found.spread, found.target, found.start) == (made.loss, made.spread, made.target, made.start)


def test_only_a_bare_package_can_be_read_by_all() -> None:
    pixels = package(target()).samples.images.astype("<f2").tobytes()

    assert pixels in packed(target(), bare=True)
    assert pixels not in packed(target())
    assert is_bare(packed(target(), bare=True))
    assert not is_bare(packed(target()))


@pytest.mark.parametrize("name", ["start", "target"])
@pytest.mark.parametrize("value", ["", "é" * 64, "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_what_a_package_is_bound_to_is_a_hash(name: str, value: str) -> None:
    fields = {name: value}
    assert code(pack(replace(package(target()), **fields), KEY)) == "PPC591"  # pyright: ignore[reportArgumentType]


def test_two_packages_of_one_content_differ() -> None:
    assert packed(target()) != packed(target())


@pytest.mark.parametrize("bare", [False, True])
def test_every_byte_is_bound(bare: bool) -> None:
    """Each of them changed, and the file cut off before each: never an answer, always a code."""
    data = packed(target("dense(3)", "2"), bare=bare)
    for place in range(len(data)):
        edited = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert code(edited) in ("PPC591", "PPC592", "PPC593")
        assert code(data[:place]) == "PPC591"
    assert code(data + b"\0") == "PPC591"


def test_another_key_is_told_as_that() -> None:
    assert code(packed(target()), OTHER) == "PPC593"


def test_another_version_is_told_as_that() -> None:
    data = bytearray(packed(target()))
    data[8] = VERSION + 1

    assert code(bytes(data)) == "PPC592"


@pytest.mark.parametrize(
    "body", ["dense(13)\n    tanh\n    dense(3)", "dense(12)\n    relu\n    dense(3)", "dense(3)", "tanh\n    dense(3)"]
)
def test_another_network_is_refused(body: str) -> None:
    with pytest.raises(PpcError) as caught:
        side.opened(packed(target()), KEY, target(body).graph)

    assert caught.value.diagnostics[0].code == "PPC594"


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(PpcError) as caught:
        side.opened(packed(target()), KEY, target(shape="16").graph)

    assert caught.value.diagnostics[0].code == "PPC594"


def test_what_half_precision_does_not_hold_is_refused() -> None:
    with pytest.raises(PpcError) as caught:
        Samples(images=np.full((1, 2), 1e6), labels=np.zeros((1, 2)), rates=(0.1,)).halved()

    assert caught.value.diagnostics[0].code == "PPC597"


def test_a_model_of_two_inputs_is_no_target() -> None:
    text = "model two(a: real[2], b: real[2]) -> real[3] {\n    a -> concat(b)\n    dense(3)\n}\n"
    two = Target(compile_program(Source("t.pnn", text)).after("source"))
    with pytest.raises(PpcError) as caught:
        _ = two.image

    assert caught.value.diagnostics[0].code == "PPC596"


def test_a_model_without_scores_is_no_target() -> None:
    text = "model one(a: real[2]) -> real[1] {\n    dense(1)\n}\n"
    one = Target(compile_program(Source("t.pnn", text)).after("source"))
    with pytest.raises(PpcError) as caught:
        _ = one.classes

    assert caught.value.diagnostics[0].code == "PPC596"


def test_steps_that_diverge_are_told() -> None:
    small = target("dense(3)", "2", loss="mse")
    wild = samples(small, rates=(9e5,) * 80)
    _, _, start = side.opened(packed(small), KEY, small.graph)
    with pytest.raises(PpcError) as caught:
        side.trained(small, wild, start)

    assert caught.value.diagnostics[0].code == "PPC597"
