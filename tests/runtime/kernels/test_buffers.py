"""A wrong buffer is an error before any machine code runs, and says what was needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from ppc.errors import PpcError, render
from ppc.field import MERSENNE61, MERSENNE127
from ppc.runtime.kernels import Bit, CipherStream, Convolution, Workbench, operand, packed
from ppc.runtime.kernels.buffers import aligned, scratch
from tests.elements import elements

BENCH, WIDE = Workbench(MERSENNE61), Workbench(MERSENNE127)


def matrix(*shape: int) -> Any:
    return MERSENNE61.zeros(*shape)


def misaligned() -> Any:
    return np.zeros(8 * 9 + 1, np.uint8)[1:].view(np.uint64)[:9].reshape(3, 3)


def read_only() -> Any:
    array = matrix(3, 3)
    array.flags.writeable = False
    return array


MATRICES: list[tuple[str, Callable[[], tuple[Any, Any, Any]]]] = [
    ("not a numpy array", lambda: ([[1]], matrix(1, 1), matrix(1, 1))),
    ("holds int64", lambda: (matrix(3, 3).astype(np.int64), matrix(3, 3), matrix(3, 3))),
    ("holds float64", lambda: (matrix(3, 3), matrix(3, 3), np.zeros((3, 3)))),
    ("holds >u8", lambda: (matrix(3, 3).astype(">u8"), matrix(3, 3), matrix(3, 3))),
    ("not aligned", lambda: (misaligned(), matrix(3, 3), matrix(3, 3))),
    ("may not be written", lambda: (matrix(3, 3), matrix(3, 3), read_only())),
    ("fewer than two axes", lambda: (matrix(3), matrix(3, 3), matrix(3, 3))),
    ("has 4 rows", lambda: (matrix(3, 3), matrix(4, 3), matrix(3, 3))),
    ("has shape", lambda: (matrix(3, 3), matrix(3, 4), matrix(3, 3))),
    ("must broadcast", lambda: (matrix(2, 3, 3), matrix(3, 3, 3), matrix(3, 3, 3))),
    ("share memory", lambda: (matrix(3, 3), matrix(3, 3), as_strided(matrix(9), (3, 3), (8, 8)))),
]  # fmt: skip


@pytest.mark.parametrize(("problem", "make"), MATRICES, ids=[problem for problem, _ in MATRICES])
def test_wrong_matrices(problem: str, make: Callable[[], tuple[Any, Any, Any]]) -> None:
    for variant in (None, "slow"):
        with pytest.raises(PpcError) as caught:
            Workbench(MERSENNE61, variant=variant).matmul(*make())
        text = " ".join(render(caught.value).split())
        assert "PPC522" in text
        assert problem in text or problem in text.replace("`", "")
        assert "Hint:" in text


def test_an_output_apart_from_its_inputs() -> None:
    room = elements(MERSENNE61, (6, 6), 1)
    before = room.copy()
    for out in (room[:3, :3], room[1:4, 1:4], room[:3, :3].T):
        with pytest.raises(PpcError, match="shares memory"):
            BENCH.matmul(room[:3, :3], room[3:, 3:], out)
    assert np.array_equal(room, before)
    BENCH.matmul(room[:3, :3], room[3:, 3:], room[:3, 3:])


def test_two_words_an_element() -> None:
    good = MERSENNE127.zeros(3, 3)
    for bad in (MERSENNE61.zeros(3, 3), np.zeros((3, 3, 4), np.uint64)[..., ::2], np.zeros((3, 3, 3), np.uint64)):
        with pytest.raises(PpcError, match=r"PPC522.*neighbouring words"):
            WIDE.matmul(bad, good, MERSENNE127.zeros(3, 3))


@pytest.mark.parametrize(
    ("image", "weights", "out", "job"),
    [
        ((1, 3, 8, 8), (4, 2, 3, 3), (1, 4, 6, 6), Convolution()),
        ((1, 3, 8, 8), (4, 3, 3, 3), (1, 4, 8, 8), Convolution()),
        ((1, 4, 8, 8), (3, 2, 3, 3), (1, 3, 6, 6), Convolution(groups=2)),
        ((4, 8, 8), (4, 3, 3, 3), (1, 4, 6, 6), Convolution()),
        ((1, 0, 8, 8), (4, 0, 3, 3), (1, 4, 6, 6), Convolution()),
        ((1, 3, 2, 2), (4, 3, 3, 3), (1, 4, 1, 1), Convolution()),
        ((1, 3, 8, 8), (4, 3, 3, 3), (1, 4, 1, 1), Convolution(pool=7)),
    ],
)
def test_wrong_convolutions(
    image: tuple[int, ...], weights: tuple[int, ...], out: tuple[int, ...], job: Convolution
) -> None:
    arrays = matrix(*image), matrix(*weights), matrix(*out)
    with pytest.raises(PpcError, match=r"PPC52[25]"):
        BENCH.convolve(*arrays, job)
    with pytest.raises(PpcError, match=r"PPC52[25]"):
        BENCH.convolve_to_weights(arrays[0], arrays[2], arrays[1], job)
    with pytest.raises(PpcError, match=r"PPC52[25]"):
        BENCH.convolve_to_input(arrays[2], arrays[1], arrays[0], job)


@pytest.mark.parametrize(
    "options",
    [
        *({"stride": 0}, {"padding": -1}, {"groups": 0}, {"pool": 0}),
        *({"stride": 1.5}, {"pool": 1.5}, {"padding": (1, 1, 1)}, {"stride": (2, None)}),
    ],
)
def test_impossible_convolutions(options: dict[str, Any]) -> None:
    with pytest.raises(PpcError, match="PPC525"):
        Convolution(**options)


def test_wrong_pooling() -> None:
    for window, out in ((0, (1, 1, 4, 4)), (9, (1, 1, 0, 0)), (2, (1, 1, 3, 4))):
        with pytest.raises(PpcError, match=r"PPC52[25]"):
            BENCH.pool_sums(matrix(1, 1, 8, 8), matrix(*out), window)
        with pytest.raises(PpcError, match=r"PPC52[25]"):
            BENCH.pool_spread(matrix(*out), matrix(1, 1, 8, 8), window)


def bits(count: int) -> Any:
    return np.zeros(count, np.uint64)


def test_wrong_operands() -> None:
    total = [operand(0) + operand(1)]
    cases: list[tuple[Any, Any, Any, Any, Any]] = [
        (total, [matrix(4)], [matrix(4)], [], []),
        (total, [matrix(4), matrix(5)], [matrix(4)], [], []),
        (total, [matrix(1), matrix(1)], [matrix(4), matrix(4)], [], []),
        (total, [matrix(4), matrix(2, 4)], [matrix(4)], [], []),
        (total, [matrix(4), matrix(4)], [matrix(4).astype(np.int64)], [], []),
        ([operand(0).bit(0)], [matrix(4)], [], [], [bits(2)]),
        ([operand(0).bit(0)], [matrix(4)], [], [], [bits(1).astype(np.int64)]),
        ([operand(0).bit(0) & packed(0)], [matrix(65)], [], [bits(1)], [bits(2)]),
        ([packed(0)], [], [], [bits(1)], [bits(1)]),
        ([operand(0).bit(0)], [matrix(4, 8)[:, :4]], [], [], [bits(1)]),
    ]
    for outputs, operands, outs, given, bit_outs in cases:
        with pytest.raises(PpcError, match="PPC522"):
            BENCH.evaluate(outputs, operands, outs, packed=given, bit_outs=bit_outs)


def test_overlapping_outputs() -> None:
    room = matrix(10)
    with pytest.raises(PpcError, match="overlaps"):
        BENCH.evaluate([operand(0) + 1], [room[:8]], [room[1:9]])
    with pytest.raises(PpcError, match="overlaps"):
        BENCH.evaluate([operand(0) + 1, operand(0) + 2], [room[:8]], [room[:8], room[:8]])


def test_wrong_boolean_programs() -> None:
    programs: list[tuple[list[Bit], list[Any], list[Any]]] = [
        ([packed(0) & packed(1)], [bits(2)], [bits(2)]),
        ([packed(0)], [bits(2)], [bits(3)]),
        ([packed(0)], [bits(4)[::2]], [bits(2)]),
        ([operand(0).bit(1)], [bits(2)], [bits(2)]),
    ]
    for outputs, given, outs in programs:
        with pytest.raises(PpcError, match=r"PPC52[25]"):
            BENCH.bitwise(outputs, given, outs)
    room = bits(4)
    with pytest.raises(PpcError, match="overlaps"):
        BENCH.bitwise([~packed(0)], [room[:3]], [room[1:]])


def test_streams_fill_memory_without_gaps() -> None:
    with pytest.raises(PpcError, match="gaps"):
        BENCH.uniform(lambda attempt: pytest.fail("no stream is read"), matrix(4, 4)[:, :2])


def test_streams_begin_at_zero_and_have_keys() -> None:
    with pytest.raises(PpcError, match="PPC525"):
        BENCH.uniform(lambda attempt: pytest.fail("no stream is read"), matrix(4), first=-1)
    keys: list[Any] = ["a" * 16, bytes(24), None]
    for key in keys:
        with pytest.raises(PpcError, match="PPC525"):
            CipherStream(key)


@pytest.mark.parametrize("threads", [0, 1.5])
def test_threads_are_counted_from_one(threads: Any) -> None:
    with pytest.raises(PpcError, match="PPC525"):
        Workbench(MERSENNE61, threads=threads)


def test_scratch_is_aligned_and_reused() -> None:
    assert aligned(7).ctypes.data % 64 == 0
    assert scratch("of a test", 10).ctypes.data % 64 == 0
    assert scratch("of a test", 5) is scratch("of a test", 10)
    assert scratch("of a test", 100_000).size == 100_000
