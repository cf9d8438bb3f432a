"""Fused expressions against Python's integers, on every field and variant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppc.errors import PpcError
from ppc.field import FIELDS, MERSENNE61, MERSENNE127, Field
from ppc.runtime.kernels import Bit, Expression, Workbench, constant, horner, operand, packed, program, select
from tests.elements import (
    ALL_FIELDS,
    COMPILED,
    EVERYWHERE,
    LARGE_FIELDS,
    elements,
    integers,
    packed_bits,
    same,
    unpacked_bits,
)

every_field = pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
Row = tuple[Expression | Bit, Callable[[int, int, int, int], int]]


def table(field: Field, numbers: list[int]) -> list[Row]:
    """Expressions of three operands and a bit, each with its meaning in integers."""
    p = field.modulus
    x, y, z, bit = operand(0), operand(1), operand(2), packed(0)
    factor, limit, count, place = (
        numbers[0] % p,
        numbers[1] % (p + 1),
        numbers[2] % (field.bits + 1),
        numbers[3] % field.bits,
    )
    return [
        (x + y - z, lambda a, b, c, t: a + b - c),
        (-x, lambda a, b, c, t: -a),
        (3 - x, lambda a, b, c, t: 3 - a),
        (x * y, lambda a, b, c, t: a * b),
        (x * x * y * z, lambda a, b, c, t: a * a * b * c),
        ((x - y) * (z + x + x + x), lambda a, b, c, t: (a - b) * (c + 3 * a)),
        (x * factor + y, lambda a, b, c, t: a * factor + b),
        (2**count * x, lambda a, b, c, t: a * 2**count),
        (x * -(2**place), lambda a, b, c, t: -a * 2**place),
        (horner(x, [3, y, factor, z]), lambda a, b, c, t: 3 + b * a + factor * a * a + c * a**3),
        (x >> count, lambda a, b, c, t: a >> count),
        ((x - y) >> count, lambda a, b, c, t: (a - b) % p >> count),
        (x.low(count), lambda a, b, c, t: a % 2**count),
        (select(x.below(limit), y, z - y), lambda a, b, c, t: b if a < limit else c - b),
        (select(bit ^ x.bit(place), y + z, 0), lambda a, b, c, t: b + c if t ^ a >> place & 1 else 0),
        (select(~bit, constant(1), x * y), lambda a, b, c, t: a * b if t else 1),
        ((x + y).bit(place), lambda a, b, c, t: (a + b) % p >> place & 1),
        ((~bit & x.below(limit)) | y.bit(0), lambda a, b, c, t: (1 - t) & (a < limit) | b & 1),
        ((x - x).below(1), lambda a, b, c, t: 1),
    ]


def truncation(p: int, bits: int, fraction: int) -> tuple[Expression, Callable[[int, int, int], int]]:
    """Form C of truncation after its opening: the opened value, and this party's shares of R and ρ."""
    e, share, wrap = operand(0), operand(1), operand(2)
    half, step = 1 << (bits - 1), 1 << (bits - fraction)
    expression = (e >> fraction) - share + select(e.below(half), wrap * step, 0) - 5
    return expression, lambda a, b, c: ((a >> fraction) - b + (c * step if a < half else 0) - 5) % p


@pytest.mark.parametrize("variant", EVERYWHERE)
@every_field
@settings(max_examples=12, deadline=None)
@given(
    count=st.sampled_from([0, 1, 7, 8, 9, 63, 64, 65, 200]),
    numbers=st.sampled_from([[3, 0, 0, 0], [2**130 - 9, 1, 1, 1], [5**60, 2**126, 43, 12], [7, 2**200, 61, 60]]),
    seed=st.integers(0, 2**32),
)
def test_every_expression(field: Field, variant: str, count: int, numbers: list[int], seed: int) -> None:
    rows = table(field, numbers)
    operands = [elements(field, (count,), seed + number, extreme=0.7) for number in range(3)]
    bits = np.random.default_rng(seed).random(count) < 0.5
    outs = [field.empty(count) for expression, _ in rows if isinstance(expression, Expression)]
    bit_outs = [np.full(-(-count // 64), 2**63 + 1, np.uint64) for expression, _ in rows if isinstance(expression, Bit)]
    bench = Workbench(field, variant=variant, threads=1 + seed % 2)
    bench.evaluate([e for e, _ in rows], operands, outs, packed=[packed_bits(bits)], bit_outs=bit_outs)
    results, bit_results = iter(outs), iter(bit_outs)
    columns = [integers(array, field) for array in operands]
    for expression, meaning in rows:
        expected = [int(meaning(int(a), int(b), int(c), int(t))) for a, b, c, t in zip(*columns, bits, strict=True)]
        if isinstance(expression, Bit):
            found = next(bit_results)
            assert np.array_equal(unpacked_bits(found, count), np.array(expected, bool)), expression
            assert np.array_equal(found, packed_bits(np.array(expected, bool)))
        else:
            assert same(next(results), np.array(expected, dtype=object), field), expression


@pytest.mark.parametrize("variant", EVERYWHERE)
@every_field
def test_all_pairs_of_extreme_values(field: Field, variant: str) -> None:
    """0, 1, p-1 and every power of two, its neighbour below and its negative, with each other."""
    powers = [2**bit for bit in range(field.bits)]
    special = sorted({0, *powers, *(power - 1 for power in powers), *(field.modulus - power for power in powers)})
    column = np.array(special, dtype=object)
    left, right = (np.broadcast_to(part, (len(special), len(special))) for part in (column[:, None], column))
    x, y = elements(field, (1,), 0)[:0], elements(field, (1,), 0)[:0]
    from_column = elements(field, (len(special),), 0)
    from_column[...] = np.stack([_words(value, field) for value in special]).reshape(from_column.shape)
    x, y = (from_column[:, None], from_column)
    outs = [field.empty(len(special), len(special)) for _ in range(3)]
    Workbench(field, variant=variant).evaluate(
        [operand(0) + operand(1), operand(0) - operand(1), operand(0) * operand(1)], [x, y], outs
    )
    for out, expected in zip(outs, (left + right, left - right, left * right), strict=True):
        assert same(out, expected, field)


def _words(value: int, field: Field) -> Any:
    return np.array([value >> 64 * word & (2**64 - 1) for word in range(field.words)], np.uint64)


@pytest.mark.parametrize("variant", COMPILED)
@pytest.mark.parametrize("field", LARGE_FIELDS, ids=lambda field: field.name)
def test_a_million_products(field: Field, variant: str) -> None:
    x, y = (elements(field, (250_000,), seed, extreme=0.1) for seed in (1, 2))
    outs = [field.empty(250_000) for _ in range(2)]
    Workbench(field, variant=variant, threads=2).evaluate(
        [operand(0) * operand(1), horner(operand(0), [1, 2, operand(1)])], [x, y], outs
    )
    a, b = integers(x, field), integers(y, field)
    assert same(outs[0], a * b, field)
    assert same(outs[1], 1 + 2 * a + b * a * a, field)


@pytest.mark.parametrize("variant", EVERYWHERE)
@pytest.mark.parametrize(("name", "fraction"), [("mersenne61", 16), ("mersenne127", 20), ("mersenne13", 3)])
def test_truncation_in_one_pass(variant: str, name: str, fraction: int) -> None:
    field = FIELDS[name]
    expression, meaning = truncation(field.modulus, field.bits, fraction)
    arrays = [elements(field, (1000,), seed) for seed in range(3)]
    out = field.empty(1000)
    Workbench(field, variant=variant).evaluate([expression], arrays, [out])
    expected = [meaning(*(int(v) for v in row)) for row in zip(*(integers(a, field) for a in arrays), strict=True)]
    assert same(out, np.array(expected, dtype=object), field)


@pytest.mark.parametrize("variant", EVERYWHERE)
@pytest.mark.parametrize("field", LARGE_FIELDS, ids=lambda field: field.name)
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_operands_broadcast_and_lie_anyhow(field: Field, variant: str, threads: int) -> None:
    shape = (2, 3, 4, 5, 6)
    x, y = elements(field, shape, 1), elements(field, (3, 1, 5, 1), 2)
    z, w = np.swapaxes(elements(field, (2, 3, 4, 6, 5), 3), 3, 4), elements(field, (), 4)
    expected = integers(x, field) * integers(y, field) + integers(z, field) * integers(w, field)
    bench = Workbench(field, variant=variant, threads=threads)
    steps = program([operand(0) * operand(1) + operand(2) * operand(3)])
    for out in (
        field.empty(*shape),
        np.swapaxes(field.empty(2, 3, 4, 6, 5), 3, 4),
        field.empty(4, 3, 6, 5, 12)[::2, :, :4, :, ::2],
    ):
        bench.evaluate(steps, [x, y, z, w], [out])
        assert same(np.ascontiguousarray(out), expected, field)


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_in_place(variant: str) -> None:
    field = MERSENNE61
    x, y = elements(field, (100,), 1), elements(field, (100,), 2)
    expected = integers(x, field) * integers(y, field), integers(x, field) - integers(y, field)
    Workbench(field, variant=variant, threads=2).evaluate(
        [operand(0) * operand(1), operand(0) - operand(1)], [x, y], [x, y]
    )
    assert same(x, expected[0], field)
    assert same(y, expected[1], field)


def test_a_bias_for_each_channel() -> None:
    field = MERSENNE127
    image, bias = elements(field, (4, 3, 5, 7), 1), elements(field, (3, 1, 1), 2)
    Workbench(field).evaluate([operand(0) + operand(1)], [image, bias], [out := field.empty(4, 3, 5, 7)])
    assert same(out, integers(image, field) + integers(bias, field), field)


def test_shared_parts_are_computed_once() -> None:
    x, y = operand(0), operand(1)
    steps = program([(x * y) + 1, (x * y) - 1, x * y])
    assert sum(step.operation == "multiply" for step in steps.steps) == 1


def test_deep_expressions_do_not_recurse() -> None:
    deep = operand(0)
    for _ in range(3000):
        deep = deep + operand(0)
    x, out = elements(MERSENNE61, (5,), 1), MERSENNE61.empty(5)
    Workbench(MERSENNE61, variant="slow").evaluate([deep], [x], [out])
    assert same(out, integers(x, MERSENNE61) * 3001, MERSENNE61)


@pytest.mark.parametrize("variant", EVERYWHERE)
@settings(max_examples=25, deadline=None)
@given(count=st.integers(0, 300), seed=st.integers(0, 2**32))
def test_boolean_programs(variant: str, count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b, c = (generator.integers(0, 2**64, count, dtype=np.uint64) for _ in range(3))
    outs = [np.empty(count, np.uint64), a]
    expected = (a & b) ^ ~(c | a), a ^ b
    bench = Workbench(MERSENNE61, variant=variant, threads=1 + seed % 3)
    bench.bitwise([(packed(0) & packed(1)) ^ ~(packed(2) | packed(0)), packed(0) ^ packed(1)], [a, b, c], outs)
    assert all(np.array_equal(found, wanted) for found, wanted in zip(outs, expected, strict=True))


BEYOND: list[Callable[[Expression], Expression | Bit]] = [
    lambda x: x >> 62,
    lambda x: x.bit(61),
    lambda x: x.below(2**61),
    lambda x: x.low(62),
]


@pytest.mark.parametrize("wrong", BEYOND)
def test_bits_beyond_the_field(wrong: Callable[[Expression], Expression | Bit]) -> None:
    expression = wrong(operand(0))
    outs = [] if isinstance(expression, Bit) else [MERSENNE61.empty(4)]
    bit_outs = [np.zeros(1, np.uint64)] if isinstance(expression, Bit) else []
    with pytest.raises(PpcError, match="PPC525"):
        Workbench(MERSENNE61).evaluate([expression], [MERSENNE61.zeros(4)], outs, bit_outs=bit_outs)


def test_numbers_count_from_zero() -> None:
    for wrong in (lambda: operand(-1), lambda: packed(-2), lambda: operand(0) >> -1):
        with pytest.raises(PpcError, match="PPC525"):
            wrong()


ELEMENT: Any = operand(0)
BIT: Any = packed(0)
NOTHING: Any = None
NUMBERS: list[Callable[[], Any]] = [
    lambda: ELEMENT * 1.5,
    lambda: 1.5 - ELEMENT,
    lambda: ELEMENT >> 2.0,
    lambda: ELEMENT.below("a"),
    lambda: constant(NOTHING),
    lambda: select(ELEMENT, 1, 2),
    lambda: BIT & 1,
    lambda: horner(operand(0), []),
]


@pytest.mark.parametrize("wrong", NUMBERS)
def test_what_is_no_whole_number_and_no_bit(wrong: Callable[[], Expression | Bit]) -> None:
    with pytest.raises(PpcError, match="PPC525"):
        wrong()


def test_whole_numbers_of_numpy() -> None:
    field = MERSENNE61
    three: Any = np.int64(3)
    x, out = elements(field, (20,), 1), field.empty(20)
    Workbench(field).evaluate([three * operand(0) + (operand(0) >> three) * np.uint64(5)], [x], [out])
    values = integers(x, field)
    assert same(out, 3 * values + 5 * (values >> 3), field)


@pytest.mark.parametrize("variant", EVERYWHERE)
@pytest.mark.parametrize("count", [1, 63, 64, 70, 1500])
def test_bits_written_over_the_operand_they_come_from(count: int, variant: str) -> None:
    field = MERSENNE61
    x, given = elements(field, (count,), 1), np.random.default_rng(count).random(count) < 0.5
    expected = given ^ (integers(x, field) & 1).astype(bool)
    bits = packed_bits(given)
    Workbench(field, variant=variant, threads=2).evaluate(
        [packed(0) ^ operand(0).bit(0)], [x], packed=[bits], bit_outs=[bits]
    )
    assert np.array_equal(bits, packed_bits(expected))


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_bits_are_not_written_over_elements(variant: str) -> None:
    bench, x = Workbench(MERSENNE61, variant=variant), np.array([3], np.uint64)
    with pytest.raises(PpcError, match="overlaps"):
        bench.evaluate([operand(0).bit(0)], [x], bit_outs=[x])
    with pytest.raises(PpcError, match="overlaps"):
        bench.evaluate([select(packed(0), operand(0), 1)], [x.copy()], [x], packed=[x])
    assert x[0] == 3


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_what_bits_cannot_go_with_is_refused_before_anything_is_written(variant: str) -> None:
    bench, matrix = Workbench(MERSENNE61, variant=variant), elements(MERSENNE61, (4, 6), 1)
    bits, out = np.full(1, 7, np.uint64), MERSENNE61.zeros(6, 4)
    with pytest.raises(PpcError, match="one axis"):
        bench.evaluate([select(packed(0), operand(0), operand(1))], [matrix.T, out], [out], packed=[bits])
    with pytest.raises(PpcError, match="one axis"):
        bench.evaluate([operand(0).bit(0)], [matrix[:, :5].T], bit_outs=[bits])
    with pytest.raises(PpcError, match="PPC525"):
        bench.evaluate([operand(0).bit(61)], [matrix], bit_outs=[bits])
    assert bits[0] == 7
    assert not out.any()
