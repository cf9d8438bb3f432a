"""Encoding and decoding of reals: exact at the edges, rounded once, bounds enforced."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppc.errors import PpcError, render
from ppc.field import (
    FIELDS,
    MERSENNE13,
    MERSENNE31,
    MERSENNE61,
    MERSENNE127,
    Field,
    decode,
    encode,
    from_integers,
    to_integers,
)

ALL = list(FIELDS.values())
every_field = pytest.mark.parametrize("field", ALL, ids=lambda field: field.name)


def nearest_even(value: Fraction) -> int:
    return round(value)


def one(value: float, field: Field, fraction: int) -> int:
    return int(to_integers(encode([value], field, fraction=fraction), field)[0])


@every_field
def test_moduli_are_prime_powers_of_two_less_one(field: Field) -> None:
    """Lucas and Lehmer's test."""
    residue = 4
    for _ in range(field.bits - 2):
        residue = (residue * residue - 2) % field.modulus
    assert residue == 0
    assert field.modulus == 2**field.bits - 1


@every_field
@given(data=st.data())
def test_encoding_rounds_to_the_nearest(field: Field, data: st.DataObject) -> None:
    fraction = data.draw(st.integers(0, field.bits - 5))
    limit = 2.0 ** (field.bits - 2 - fraction)
    value = data.draw(st.floats(-limit, limit, allow_nan=False))
    assert one(value, field, fraction) == nearest_even(Fraction(value) * 2**fraction) % field.modulus


@every_field
@pytest.mark.parametrize("half", [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3.5, 0.0, -0.0])
def test_ties_go_to_the_even_neighbour(field: Field, half: float) -> None:
    assert one(half, field, 0) == round(half) % field.modulus
    assert one(half / 8, field, 3) == round(half) % field.modulus


@every_field
def test_every_power_of_two_and_its_neighbours(field: Field) -> None:
    """All exponents that fit, each with the floats next to it, both signs; the first that does not fit is refused."""
    for exponent in range(-60, field.bits - 1):
        power = 2.0**exponent
        for value in (power, math.nextafter(power, 0), math.nextafter(power, math.inf)):
            for signed in (value, -value):
                if nearest_even(Fraction(value)) <= field.largest:
                    assert one(signed, field, 0) == nearest_even(Fraction(signed)) % field.modulus
                else:
                    with pytest.raises(PpcError, match="PPC521"):
                        encode([signed], field, fraction=0)


@pytest.mark.parametrize("field", [MERSENNE13], ids=lambda field: field.name)
@pytest.mark.parametrize("fraction", range(13))
def test_every_element_of_a_small_field(field: Field, fraction: int) -> None:
    """Exhaustively: every element decodes to its number and encodes back to itself."""
    numbers = np.arange(-field.largest, field.largest + 1)
    elements = from_integers(numbers, field)
    reals = decode(elements, field, fraction=fraction)
    assert np.array_equal(reals, numbers / 2**fraction)
    assert np.array_equal(encode(reals, field, fraction=fraction), elements)


@every_field
@given(data=st.data())
def test_decoding_rounds_once(field: Field, data: st.DataObject) -> None:
    number = data.draw(st.integers(-field.largest, field.largest))
    fraction = data.draw(st.integers(0, field.bits - 1))
    found = decode(from_integers([number], field), field, fraction=fraction)[0]
    assert found == number / 2**fraction  # Python's division of integers rounds correctly


@pytest.mark.parametrize("field", [MERSENNE61, MERSENNE127], ids=lambda field: field.name)
def test_decoding_at_the_ties_of_float64(field: Field) -> None:
    """Numbers just below, at and just above halfway between floats, at every size."""
    numbers: list[int] = []
    for top in range(54, field.bits - 1):
        unit = 1 << (top - 53)
        for mantissa in (2**53, 2**53 + 1, 2**54 - 1):
            middle = (mantissa * unit) + unit // 2
            numbers += [n for n in (middle - 1, middle, middle + 1) if n <= field.largest]
    numbers += [field.largest, field.largest - 1]
    signed = numbers + [-n for n in numbers]
    found = decode(from_integers(signed, field), field, fraction=0)
    assert [float(value) for value in found] == [float(number) for number in signed]


@every_field
def test_integers_go_in_and_out(field: Field) -> None:
    values = [0, 1, -1, field.modulus - 1, field.modulus, field.modulus + 1, -field.modulus, 2**200 + 3]
    array = from_integers(values, field)
    assert array.shape == field.shape(8)
    assert [int(v) for v in to_integers(array, field)] == [v % field.modulus for v in values]
    assert int(to_integers(from_integers(5, field), field).item()) == 5


@pytest.mark.parametrize("bad", [1.0000001, -0.0001, math.nan, math.inf, -math.inf])
def test_bounds_are_enforced(bad: float) -> None:
    values = np.array([[0.0, 1.0], [0.5, bad]])
    with pytest.raises(PpcError) as caught:
        encode(values, MERSENNE61, fraction=16, bounds=(0.0, 1.0))
    text = render(caught.value)
    assert "PPC520" in text
    assert "(1, 1)" in text
    assert "0..1" in text


def test_without_bounds_a_number_must_still_be_a_number() -> None:
    for bad in (math.nan, math.inf):
        with pytest.raises(PpcError, match="PPC520"):
            encode([bad], MERSENNE61, fraction=0)


@pytest.mark.parametrize(("field", "fits", "breaks"), [
    (MERSENNE61, math.nextafter(2.0**44, 0), 2.0**44),
    (MERSENNE31, 2.0**14 - 2**-16, 2.0**14),
    (MERSENNE127, math.nextafter(2.0**110, 0), 2.0**110),
])  # fmt: skip
def test_the_field_s_range(field: Field, fits: float, breaks: float) -> None:
    assert one(fits, field, 16) == nearest_even(Fraction(fits) * 65536)
    assert one(-fits, field, 16) == -nearest_even(Fraction(fits) * 65536) % field.modulus
    with pytest.raises(PpcError, match="PPC521"):
        encode([breaks], field, fraction=16)


@pytest.mark.parametrize("values", [np.float32(0.5), [1, 2], np.zeros((0, 3)), np.arange(6).reshape(2, 3)])
def test_anything_array_like_is_encoded(values: Any) -> None:
    for field in ALL:
        elements = encode(values, field, fraction=2)
        assert elements.shape == field.shape(*np.shape(values))
        assert np.array_equal(decode(elements, field, fraction=2), np.asarray(values, np.float64))


def test_rooms_have_the_right_shape() -> None:
    assert MERSENNE61.empty(2, 3).shape == (2, 3)
    assert MERSENNE127.zeros(2, 3).shape == (2, 3, 2)
    assert (MERSENNE61.words, MERSENNE127.words, MERSENNE61.largest) == (1, 2, 2**60 - 1)


@every_field
def test_a_single_number_is_an_array(field: Field) -> None:
    element = encode(0.5, field, fraction=4)
    assert isinstance(element, np.ndarray)
    assert element.shape == field.shape()
    assert decode(element, field, fraction=4) == 0.5
