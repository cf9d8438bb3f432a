"""Runs element-wise kernels on arrays: checks them, merges their axes, shares the work among threads.

Called by the workbench. Knows arrays and layouts, not what the program computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail
from ppc.field import Field, Words
from ppc.runtime.kernels.buffers import (
    check_array,
    check_elements,
    check_own_places,
    check_shape,
    shares_memory,
    wrong,
)
from ppc.runtime.kernels.elementwise import COUNTS, PER_ARRAY, ElementwiseKernel
from ppc.runtime.kernels.expression import Program
from ppc.runtime.kernels.library import Library
from ppc.runtime.kernels.matmul import shape
from ppc.runtime.kernels.threads import run_all, shares

_BORDER = 512  # threads part the inner axis at multiples of this, so that no two of them share a word of bits


@dataclass(frozen=True)
class Arrays:
    """What a program reads and writes. `operands` and `outs` hold elements, the others packed bits."""

    operands: tuple[Words, ...]
    packed: tuple[Words, ...]
    outs: tuple[Words, ...]
    bit_outs: tuple[Words, ...]


def check_arrays(field: Field, program: Program, arrays: Arrays) -> tuple[int, ...]:
    """The common shape in elements. Outputs have it; operands broadcast to it."""
    _check_counts(program, arrays)
    for name, group in (("operands", arrays.operands), ("outs", arrays.outs)):
        for number, array in enumerate(group):
            check_elements(array, f"{name}[{number}]", field, written=name == "outs")
    shapes = [shape(array, field) for array in (*arrays.outs[:1], *arrays.operands)]
    try:
        common = shapes[0] if arrays.outs else np.broadcast_shapes(*shapes)
        if np.broadcast_shapes(common, *shapes) != common:
            raise ValueError
    except ValueError as error:
        raise fail(
            "PPC522", f"Shapes {shapes} do not broadcast to the output's.", hint="Outputs never grow."
        ) from error
    for number, array in enumerate(arrays.outs):
        check_shape(array, f"outs[{number}]", field, common)
        check_own_places(array, f"outs[{number}]")
    _check_bits(arrays, int(np.prod(common)))
    _check_overlaps(arrays)
    if (arrays.packed or arrays.bit_outs) and len(_merged(common, _layout(field, arrays, common)).lengths) > 1:
        raise wrong(
            "operands", "cannot be walked as one axis", "Beside packed bits, arrays have no gaps and no repeats."
        )
    return common


def _check_counts(program: Program, arrays: Arrays) -> None:
    needed = (program.count("operand"), program.count("packed"))
    needed += (len(program.results(bits=False)), len(program.results(bits=True)))
    given = (len(arrays.operands), len(arrays.packed), len(arrays.outs), len(arrays.bit_outs))
    if needed != given or not arrays.operands:
        raise fail(
            "PPC522",
            f"The program has {needed[0]} operands, {needed[1]} packed operands, {needed[2]} element outputs and "
            f"{needed[3]} bit outputs; it was given {given[0]}, {given[1]}, {given[2]} and {given[3]}.",
            hint="Every operand the program counts must be there, and at least one must hold elements.",
        )


def _check_bits(arrays: Arrays, count: int) -> None:
    for name, group in (("packed", arrays.packed), ("bit_outs", arrays.bit_outs)):
        for number, array in enumerate(group):
            check_bits(array, f"{name}[{number}]", count, written=name == "bit_outs")


def check_bits(array: Any, name: str, count: int, *, written: bool) -> None:
    """`count` bits, 64 to a word, without gaps."""
    check_array(array, name, np.dtype(np.uint64), written=written)
    words = -(-count // 64)
    if array.shape != (words,) or not array.flags.c_contiguous:
        raise wrong(name, f"has shape {array.shape}; {count} bits take ({words},) words without gaps", "Reshape it.")


def _check_overlaps(arrays: Arrays) -> None:
    """An output may be exactly one of the operands of its kind (what is read there comes first), or apart from it."""
    written: list[NDArray[Any]] = []
    for outs, own, foreign in (
        (arrays.outs, arrays.operands, arrays.packed),
        (arrays.bit_outs, arrays.packed, arrays.operands),
    ):
        for out in outs:
            others = [*foreign, *(other for other in own if not _same(out, other)), *written]
            if any(shares_memory(out, other) for other in others):
                raise wrong("outs", "overlaps another array", "An output is exactly an operand, or apart from all.")
            written.append(out)


def _same(left: Words, right: Words) -> bool:
    return left.ctypes.data == right.ctypes.data and (left.shape, left.strides) == (
        right.shape,
        right.strides,
    )


Layout = tuple[tuple[int, ...], ...]  # each array's steps along the common axes, in words


@dataclass(frozen=True)
class Walk:
    """Merged axes: their lengths, and each array's step along each of them, in words."""

    lengths: tuple[int, ...]
    steps: Layout


def evaluate(
    library: Library, field: Field, program: Program, arrays: Arrays, common: tuple[int, ...], threads: int
) -> None:
    """The arrays have been checked."""
    if 0 in common:
        return
    walk = _prepared(library, field, program, common, _layout(field, arrays, common), threads)
    packed = [bits.copy() if any(_same(bits, out) for out in arrays.bit_outs) else bits for bits in arrays.packed]
    for bits in arrays.bit_outs:
        bits[-1:] = 0  # the last elements' bits are added one by one
    addresses = [_at(array) for array in (*arrays.operands, *arrays.outs)]
    walk.run(addresses, [_at(array) for array in (*packed, *arrays.bit_outs)])


def _at(array: Words) -> int:
    return int(array.__array_interface__["data"][0])


def _layout(field: Field, arrays: Arrays, common: tuple[int, ...]) -> Layout:
    return tuple(_steps(field, array, common) for array in (*arrays.operands, *arrays.outs))


def _steps(field: Field, array: Words, common: tuple[int, ...]) -> tuple[int, ...]:
    """The array's steps along the common axes: 0 where it repeats."""
    missing = len(common) - (array.ndim - (field.words > 1))
    own = zip(array.shape, array.strides, common[missing:], strict=False)
    return (*(0,) * missing, *(0 if length == 1 else stride // 8 for length, stride, _ in own))


def _merged(common: tuple[int, ...], layout: Layout) -> Walk:
    """Neighbouring axes become one where every array allows it."""
    axes = [(length, *steps) for length, *steps in zip(common, *layout, strict=True) if length > 1]
    merged: list[tuple[int, ...]] = []
    for axis in axes:
        if merged and all(outer == inner * axis[0] for outer, inner in zip(merged[-1][1:], axis[1:], strict=True)):
            axis = (merged.pop()[0] * axis[0], *axis[1:])
        merged.append(axis)
    merged = merged or [(1, *(0 for _ in layout))]
    return Walk(tuple(axis[0] for axis in merged), tuple(zip(*[axis[1:] for axis in merged], strict=True)))


@lru_cache(maxsize=1024)
def _prepared(
    library: Library, field: Field, program: Program, common: tuple[int, ...], layout: Layout, threads: int
) -> PreparedPass:
    return PreparedPass(library, field, program, _merged(common, layout), threads)


class PreparedPass:
    """A pass over arrays of one layout, ready for their addresses."""

    def __init__(self, library: Library, field: Field, program: Program, walk: Walk, threads: int) -> None:
        missing = max(0, COUNTS - len(walk.lengths))
        lengths = [1] * missing + list(walk.lengths[-COUNTS:])
        self.steps = [[0] * missing + list(step[-COUNTS:]) for step in walk.steps]
        self.starts = [
            [8 * sum(i * s for i, s in zip(index, step, strict=False)) for step in walk.steps]
            for index in np.ndindex(*walk.lengths[:-COUNTS])
        ]
        inner = [{field.words: "unit", 0: "repeat"}.get(step[-1], "step") for step in self.steps]
        for out in range(program.count("operand"), len(inner)):
            inner[out] = "unit" if lengths[-1] == 1 else inner[out]
        self.kernel = library.kernel(ElementwiseKernel(field, program, tuple(inner)))
        self.axis = next((axis for axis in range(COUNTS - 1) if lengths[axis] >= threads > 1), COUNTS - 1)
        unit = _BORDER if self.axis == COUNTS - 1 else 1
        self.shares = [
            (first, [last - first if axis == self.axis else length for axis, length in enumerate(lengths)])
            for first, last in shares(lengths[self.axis], threads, unit)
        ]

    def run(self, addresses: list[int], bits: list[int]) -> None:
        for start in self.starts:
            here = [address + offset for address, offset in zip(addresses, start, strict=True)]
            run_all([partial(self._share, here, bits, *share) for share in self.shares])

    def _share(self, addresses: list[int], bits: list[int], first: int, lengths: list[int]) -> None:
        """The kernel's parameters for one stretch of one axis."""
        block = list(lengths)
        for address, step in zip(addresses, self.steps, strict=True):
            block += [address + 8 * first * step[self.axis], *step]
        block += [address + (first // 8 if self.axis == COUNTS - 1 else 0) for address in bits]
        assert len(block) == COUNTS + PER_ARRAY * len(addresses) + len(bits)
        self.kernel(np.array(block, np.int64))
