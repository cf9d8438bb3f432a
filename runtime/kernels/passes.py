"""Runs element-wise kernels on arrays: checks them, merges their axes, shares the work among threads.

Called by the workbench. Knows arrays and layouts, not what the program computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
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
    """An output may be exactly one of the operands (each element is read before it is written), or apart from it."""
    written: list[NDArray[Any]] = []
    for out in (*arrays.outs, *arrays.bit_outs):
        others = [other for other in (*arrays.operands, *arrays.packed) if not _same(out, other)]
        if any(shares_memory(out, other) for other in (*others, *written)):
            raise wrong("outs", "overlaps another array", "An output is exactly an operand, or apart from all arrays.")
        written.append(out)


def _same(left: Words, right: Words) -> bool:
    return left.ctypes.data == right.ctypes.data and (left.shape, left.strides) == (
        right.shape,
        right.strides,
    )


@dataclass(frozen=True)
class Walk:
    """Merged axes: their lengths, and each array's step along each of them, in words."""

    lengths: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]


def evaluate(
    library: Library, field: Field, program: Program, arrays: Arrays, common: tuple[int, ...], threads: int
) -> None:
    """The arrays have been checked."""
    for bits in arrays.bit_outs:
        bits[-1:] = 0  # the last elements' bits are added one by one
    if 0 in common:
        return
    walk = _merged(field, (*arrays.operands, *arrays.outs), common)
    if (arrays.packed or arrays.bit_outs) and len(walk.lengths) > 1:
        raise wrong(
            "operands",
            "cannot be walked as one axis",
            "Beside packed bits, arrays have no gaps and no repeats.",
        )
    leading = walk.lengths[:-COUNTS]
    own = Walk(walk.lengths[-COUNTS:], tuple(step[-COUNTS:] for step in walk.steps))
    for index in np.ndindex(*leading):
        starts = [sum(i * s for i, s in zip(index, step, strict=False)) for step in walk.steps]
        _run(library, field, program, arrays, own, starts, threads)


def _merged(field: Field, arrays: Sequence[Words], common: tuple[int, ...]) -> Walk:
    """Neighbouring axes become one where every array allows it."""
    rows = [_steps(field, array, common) for array in arrays]
    axes = [(length, *steps) for length, *steps in zip(common, *rows, strict=True) if length > 1]
    merged: list[tuple[int, ...]] = []
    for axis in axes:
        if merged and all(outer == inner * axis[0] for outer, inner in zip(merged[-1][1:], axis[1:], strict=True)):
            axis = (merged.pop()[0] * axis[0], *axis[1:])
        merged.append(axis)
    merged = merged or [(1, *(0 for _ in rows))]
    return Walk(tuple(axis[0] for axis in merged), tuple(zip(*[axis[1:] for axis in merged], strict=True)))


def _steps(field: Field, array: Words, common: tuple[int, ...]) -> tuple[int, ...]:
    tail = () if field.words == 1 else (field.words,)
    strides = np.broadcast_to(array, (*common, *tail)).strides
    return tuple(stride // 8 for stride in strides[: len(common)])


def _inner(field: Field, step: int) -> str:
    return {field.words: "unit", 0: "repeat"}.get(step, "step")


def _run(
    library: Library,
    field: Field,
    program: Program,
    arrays: Arrays,
    walk: Walk,
    starts: list[int],
    threads: int,
) -> None:
    missing = COUNTS - len(walk.lengths)
    lengths = [1] * missing + list(walk.lengths)
    steps = [[0] * missing + list(step) for step in walk.steps]
    outs = range(len(arrays.operands), len(steps))
    inner = [_inner(field, step[-1]) for step in steps]
    for out in outs:
        inner[out] = "unit" if lengths[-1] == 1 else inner[out]
    kernel = library.kernel(ElementwiseKernel(field, program, tuple(inner)))
    addresses = [
        array.ctypes.data + 8 * start for array, start in zip((*arrays.operands, *arrays.outs), starts, strict=True)
    ]
    bits = [array.ctypes.data for array in (*arrays.packed, *arrays.bit_outs)]
    axis = next((axis for axis in range(COUNTS - 1) if lengths[axis] >= threads), COUNTS - 1) if threads > 1 else 2
    unit = _BORDER if axis == COUNTS - 1 else 1
    jobs = [
        partial(kernel, _block(lengths, addresses, steps, bits, axis, first, last))
        for first, last in shares(lengths[axis], threads, unit)
    ]
    run_all(jobs)


def _block(
    lengths: list[int],
    addresses: list[int],
    steps: list[list[int]],
    bits: list[int],
    axis: int,
    first: int,
    last: int,
) -> NDArray[np.int64]:
    """The kernel's parameters for one stretch of one axis."""
    own = [last - first if number == axis else length for number, length in enumerate(lengths)]
    block = own
    for address, step in zip(addresses, steps, strict=True):
        block += [address + 8 * first * step[axis], *step]
    block += [address + (first // 8 if axis == COUNTS - 1 else 0) for address in bits]
    assert len(block) == COUNTS + PER_ARRAY * len(addresses) + len(bits)
    return np.array(block, np.int64)
