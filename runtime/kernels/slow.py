"""The same results without generated code, by numpy: for machines for which llvmlite has no wheel. It is slow.

Called by the workbench. It uses the kernels' own limb plans, index maps and programs, so the two cannot drift apart;
like them it has no branch and no index that depends on a value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppc.field import Field, Words
from ppc.runtime.kernels.arithmetic import Arithmetic, Digit, Element
from ppc.runtime.kernels.bilinear import Maps
from ppc.runtime.kernels.comparison import DIGIT_BITS, GROUP, DigitsKernel, Monomials, table
from ppc.runtime.kernels.evaluate import Evaluator
from ppc.runtime.kernels.expression import Program
from ppc.runtime.kernels.limbs import plan
from ppc.runtime.kernels.numeric import ArrayOperations
from ppc.runtime.kernels.windows import Axis

LANES = 4  # what index maps are laid out for, where it matters


def arithmetic(field: Field) -> Arithmetic[Words]:
    return Arithmetic(field, ArrayOperations(), plan(field, "narrow"))


def words_of(array: Words, field: Field) -> list[Words]:
    return [array] if field.words == 1 else [array[..., word] for word in range(field.words)]


def joined(words: Sequence[Words], field: Field) -> Words:
    return words[0] if field.words == 1 else np.stack(words, axis=-1)


def multiply(field: Field, maps: Maps, left: Words, right: Words, out: Words, *, keep: bool, negate: bool) -> None:
    """The product given by index maps, on flat arrays of words."""
    for a, b, c in zip(maps.left_batches, maps.right_batches, maps.out_batches, strict=True):
        rows = (a + maps.left_rows)[:, None] + maps.left_depths
        columns = (b + maps.right_depths)[:, None] + maps.right_columns
        places = (c + maps.out_rows)[:, None] + maps.out_columns
        product = _matrix_product(field, _taken(left, rows, field), _taken(right, columns, field))
        ring = arithmetic(field)
        old = ring.unpack(_taken(out, places, field)) if keep else ring.constant(0)
        total = ring.subtract(old, product) if negate else ring.add(old, product)
        for word, values in enumerate(ring.pack(total)):
            out[places + word] = values


def _taken(array: Words, places: np.ndarray[tuple[int, ...], np.dtype[np.int64]], field: Field) -> list[Words]:
    return [array[places + word] for word in range(field.words)]


def _matrix_product(field: Field, left: list[Words], right: list[Words]) -> Element[Words]:
    """Limb by limb: numpy's products of unsigned words are exact as long as no sum overflows."""
    ring = arithmetic(field)
    total = ring.constant(0)
    depth = left[0].shape[1]
    for first in range(0, depth, ring.plan.steps):
        part = slice(first, min(depth, first + ring.plan.steps))
        a = ring.split([word[:, part] for word in left], ring.plan.left)
        b = ring.split([word[part] for word in right], ring.plan.right)
        sums = [np.zeros((a[0].shape[0], b[0].shape[1]), np.uint64) for _ in range(ring.plan.accumulators)]
        for term in ring.plan.terms:
            sums[term.accumulator] += a[term.left] @ b[term.right]
        total = ring.add(total, ring.carry(ring.finish(sums, part.stop - first)))
    return total


def windows(field: Field, rows: Axis, columns: Axis, source: Words) -> Words:
    """The window sum over the last two axes of elements."""
    ring = arithmetic(field)
    total = ring.constant(0)
    for u in range(rows.terms):
        for v in range(columns.terms):
            mask = (rows.mask[:, u, None] & columns.mask[:, v]).astype(np.uint64)
            place = (..., rows.inside[:, u, None], columns.inside[:, v])
            words = [word[place] & mask for word in words_of(source, field)]
            total = ring.carry(ring.add(total, ring.unpack(words)))
    return joined(ring.pack(total), field)


def evaluate(
    field: Field,
    program: Program,
    operands: Sequence[Words],
    packed: Sequence[Words],
    outs: Sequence[Words],
    bit_outs: Sequence[Words],
    common: tuple[int, ...],
) -> None:
    ring = arithmetic(field)
    count = int(np.prod(common))
    elements = [ring.unpack(words_of(operand, field)) for operand in operands]
    masks = [_unpacked(bits, count).reshape(common) for bits in packed]
    with np.errstate(over="ignore"):  # masks are made by borrowing from zero
        results = Evaluator(ring, elements, masks).run(program)
        free_outs, free_bits = iter(outs), iter(bit_outs)
        for result in results:
            if isinstance(result, list):
                element: Element[Words] = [Digit(np.broadcast_to(d.value, common), d.bound) for d in result]
                next(free_outs)[...] = joined(ring.pack(element), field)
            else:
                next(free_bits)[...] = _packed(np.broadcast_to(result, common))


def _unpacked(bits: Words, count: int) -> Words:
    """A mask of all ones or all zeros for each bit."""
    single = np.unpackbits(bits.view(np.uint8), count=count, bitorder="little").astype(np.uint64)
    return np.subtract(np.uint64(0), single)


def _packed(masks: Words) -> Words:
    single = (masks.ravel() & np.uint64(1)).astype(np.uint8)
    padded = np.zeros(-(-single.size // 64) * 64, np.uint8)
    padded[: single.size] = single
    return np.packbits(padded, bitorder="little").view(np.uint64)


def bitwise(program: Program, packed: Sequence[Words], outs: Sequence[Words]) -> None:
    values: list[Words] = []
    for step in program.steps:
        arguments = [values[argument] for argument in step.arguments]
        operations = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "not": np.invert}
        values.append(packed[step.number] if step.operation == "packed" else operations[step.operation](*arguments))
    results = [values[output].copy() for output in program.outputs]
    for out, result in zip(outs, results, strict=True):
        out[...] = result


def comparison_digits(kernel: DigitsKernel, elements: Words, monomials: Monomials, masks: Words, out: Words) -> None:
    """Each table entry is kept or dropped by a mask; nothing is indexed by a digit."""
    ring = arithmetic(kernel.field)
    less: list[Words] = []
    equal: list[Words] = []
    for digit in range(kernel.digits):
        shifted = ring.shift_right(ring.unpack(words_of(elements, kernel.field)), kernel.shift + digit * DIGIT_BITS)
        c = shifted[0].value & np.uint64(15)
        less.append(_parity(_chosen(table("less"), c) & monomials[digit]))
        equal.append(_parity(_chosen(table("equal"), c) & monomials[digit]))
    groups = -(-elements.shape[0] // GROUP)
    for plane, bits in enumerate(less + equal[1:]):
        out[plane] = masks[plane] ^ _packed(bits)[:groups]


def _chosen(entries: tuple[int, ...], c: Words) -> Words:
    total = np.zeros_like(c)
    for index, entry in enumerate(entries):
        total |= np.where(c == index, np.uint64(entry), np.uint64(0))
    return total


def _parity(value: Words) -> Words:
    for shift in (8, 4, 2, 1):
        value = value ^ (value >> np.uint64(shift))
    return value & np.uint64(1)
