"""Truncation, sign and powers for every value under every mask, over primes so small that all can be tried."""

from __future__ import annotations

import numpy as np
import pytest

from ppc.field import MERSENNE13, MERSENNE31, Field
from ppc.runtime.dealing import monomials_of
from tests.runtime.plans import Transcript, distinct, plan_of, same_as_twin, signed
from tests.runtime.small import TINY, Column, all_of, chosen

pytestmark = pytest.mark.usefixtures("tiny_fields")


def given_under(field: Field, low: int, high: int, text: str) -> tuple[Transcript, Column]:
    """Every x in low..high-1 under every mask of its owner."""
    values, masks = all_of(high - low, field.modulus)
    x, size = values + low, values.size
    with chosen(field, {("lab", "m"): masks}):
        plan = plan_of(
            field,
            each=f"""
                real = given() {{"what": "data"}} : clear[{size}] at lab ; 0
                x = encode(real) : clear[{size}] @0 at lab ; 0
                e = mask(x) {{"mask": "m"}} : masked[{size}] @0 ; 1
            """
            + text.replace("SIZE", str(size)),
        )
        return same_as_twin(plan, {"real": x.astype(float)}), x


@pytest.mark.parametrize(("bits", "shift"), [(5, 1), (5, 2), (7, 1), (7, 2), (7, 3)])
def test_truncation(bits: int, shift: int) -> None:
    """PROTOCOL.md, section 4: the floor or one more, for every x in -B..B-1 and every mask, B = 2^(n-2)."""
    field, bound = TINY[bits], 2 ** (bits - 2)
    text = f't = truncate(e) {{"shift": {shift}, "offset": {bound}, "tuple": "t"}} : truncated[SIZE] @0 ; 1'
    found, x = given_under(field, -bound, bound, text)
    above = signed(found.value("t"), field).astype(int) - (x >> shift)
    assert distinct(above) == {0, 1}
    rounded_up = above.reshape(2 * bound, field.modulus).sum(axis=1) / field.modulus
    # Form C rounds up once more where the sum passes p and the opened value has no rest: of 2^shift such sums one.
    for place, mean in enumerate(rounded_up):
        rest = (place - bound) % 2**shift / 2**shift
        assert abs(float(mean) - rest) <= (2**shift + place / 2**shift + 1) / field.modulus


@pytest.mark.parametrize("offset", [0, -2])
def test_sign(offset: int) -> None:
    """Section 5 at p = 127: the bit is 1{y >= 0} of the truncated value, or 1{y >= 1} by another offset."""
    field, shift, bound = TINY[7], 1, 2**5
    digits = f'"shift": {shift}, "digits": 1, "offsets": [{bound + offset}], "tuple": "u", "bits": "b"'
    text = f"""
        t = truncate(e) {{"shift": {shift}, "offset": {bound + offset}, "tuple": "t"}} : truncated[SIZE] @0 ; 1
        d = digits(e) {{{digits}}} : digits[SIZE] ; 2
        c = bit(d) {{"bits": "b2", "share": "s"}} : bit[SIZE] ; 3
        a = select(c, t) {{"slopes": [1], "knots": [0], "share": "s2"}} : shared[SIZE] @0 ; 3
    """
    found, x = given_under(field, -bound - offset, bound - offset - 2, text)
    t = signed(found.value("t"), field)
    assert np.array_equal(found.value("c"), (t >= (0 if offset == 0 else 1)).astype(int))
    assert np.array_equal(signed(found.value("a"), field), np.maximum(t, 0))
    assert np.all((t == x >> shift) | (t == (x >> shift) + 1))


def test_powers() -> None:
    """Section 3: polynomials of every element under every mask."""
    field = TINY[5]
    text = 'q = polynomial(e) {"coefficients": [3, 1, 4, 1, 5, 9], "share": "s"} : shared[SIZE] @0 ; 1'
    found, x = given_under(field, -15, 16, text)
    expected = sum(c * x.astype(object) ** k for k, c in enumerate([3, 1, 4, 1, 5, 9]))
    assert np.array_equal(found.value("q"), expected % field.modulus)


@pytest.mark.parametrize(("field", "digits", "shift"), [(MERSENNE13, 2, 3), (MERSENNE31, 6, 5)])
def test_every_value_of_the_middle_fields(field: Field, digits: int, shift: int) -> None:
    """At random masks: 2^13 - 1 with all values in range, 2^31 - 1 with those next to powers of two."""
    bits = shift + 4 * digits
    near = [sign * 2**k + step for k in range(bits) for sign in (1, -1) for step in (-1, 0, 1)]
    near += [] if bits > 14 else list(range(-(2**11), 2**11))
    x = np.array(sorted({n for n in near if -(2**bits) <= n < 2**bits - 2**shift}))
    compared = f'"shift": {shift}, "digits": {digits}, "offsets": [{2**bits}], "tuple": "u", "bits": "b"'
    text = f"""
        real = given() {{"what": "data"}} : clear[{x.size}] at lab ; 0
        x = encode(real) : clear[{x.size}] @0 at lab ; 0
        e = mask(x) {{"mask": "m"}} : masked[{x.size}] @0 ; 1
        t = truncate(e) {{"shift": {shift}, "offset": {2**bits}, "tuple": "t"}} : truncated[{x.size}] @0 ; 1
        d = digits(e) {{{compared}}} : digits[{x.size}] ; 2
        c = bit(d) {{"bits": "b2", "share": "s"}} : bit[{x.size}] ; 3
    """
    found = same_as_twin(plan_of(field, each=text), {"real": x.astype(float)}, iterations=3)
    for iteration in range(3):
        t = signed(found.value("t", iteration=iteration), field)
        assert np.all((t == x >> shift) | (t == (x >> shift) + 1))
        assert np.array_equal(found.value("c", iteration=iteration), (t >= 0).astype(int))


def test_products_of_a_digit_s_bits() -> None:
    """All sixteen digits, whatever stands above them."""
    digits = np.arange(64, dtype=np.uint16)
    wanted = [sum(1 << subset for subset in range(16) if digit & subset == subset) for digit in range(16)]
    assert monomials_of(digits).tolist() == wanted * 4
