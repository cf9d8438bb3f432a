"""Comparison digits: the shares of both parties reconstruct 1{c < a} and 1{c = a}, and the whole comparison."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ppc.errors import PpcError
from ppc.field import MERSENNE13, MERSENNE61, Field, from_integers
from ppc.runtime.kernels import Workbench
from ppc.runtime.kernels.comparison import planes, table
from tests.elements import ALL_FIELDS, EVERYWHERE, elements, integers, unpacked_bits

Digits = NDArray[np.int64]


def monomials(digits: Digits) -> NDArray[np.uint16]:
    """For each digit the products of its bits: bit S is 1 if the digit has all bits of S."""
    words = np.zeros(digits.shape, np.uint16)
    for subset in range(16):
        words |= np.where(digits & subset == subset, np.uint16(1 << subset), np.uint16(0))
    return words


def test_the_tables_are_their_polynomials() -> None:
    for relation, test in (("less", int.__lt__), ("equal", int.__eq__)):
        for c in range(16):
            for a in range(16):
                selected = table(relation)[c] & int(monomials(np.array([a]))[0])
                assert selected.bit_count() % 2 == test(c, a)


@pytest.mark.parametrize("variant", EVERYWHERE)
@pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
@settings(max_examples=8, deadline=None)
@given(
    count=st.sampled_from([0, 1, 63, 64, 65, 200, 300]),
    shift=st.integers(0, 70),
    wanted=st.integers(1, 15),
    seed=st.integers(0, 2**32),
)
def test_both_parties_together(field: Field, variant: str, count: int, shift: int, wanted: int, seed: int) -> None:
    shift = min(shift, field.bits - 5)
    digits = min(wanted, (field.bits - 1 - shift) // 4 + 1)
    generator = np.random.default_rng(seed)
    opened = elements(field, (count,), seed)
    secret = generator.integers(0, 16, (digits, count))
    mine = generator.integers(0, 2**16, (digits, count), dtype=np.uint16)
    theirs = monomials(secret) ^ mine
    masks = generator.integers(0, 2**64, (2, planes(digits), -(-count // 64)), dtype=np.uint64)
    outs = np.empty_like(masks)
    bench = Workbench(field, variant=variant, threads=1 + seed % 2)
    for party, share in enumerate((mine, theirs)):
        bench.comparison_digits(opened, share, masks[party], outs[party], shift=shift, digits=digits)
    together = outs[0] ^ outs[1] ^ masks[0] ^ masks[1]
    public = np.array([[int(e) >> (shift + 4 * j) & 15 for e in integers(opened, field)] for j in range(digits)])
    for j in range(digits):
        assert np.array_equal(unpacked_bits(together[j], count), (public[j] < secret[j]))
        if j:
            assert np.array_equal(unpacked_bits(together[digits + j - 1], count), (public[j] == secret[j]))


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_all_pairs_of_three_digits(variant: str) -> None:
    """Every public against every secret 8-bit number: ⊕_j lt_j ∏_{i>j} eq_i is the comparison."""
    field = MERSENNE13
    public, secret = (part.ravel() for part in np.meshgrid(np.arange(256), np.arange(256), indexing="ij"))
    digits = np.stack([secret >> 4 * j & 15 for j in range(2)])
    out = np.empty((3, 1024), np.uint64)
    shares = monomials(digits)
    opened = from_integers(public.astype(object), field)
    Workbench(field, variant=variant).comparison_digits(opened, shares, np.zeros_like(out), out, shift=0, digits=2)
    low, high, equal = (unpacked_bits(plane, 65536) for plane in out)
    assert np.array_equal(high ^ (equal & low), public < secret)


@pytest.mark.parametrize(("shift", "digits"), [(0, 17), (60, 2), (-1, 1), (0, 0)])
def test_digits_beyond_the_field(shift: int, digits: int) -> None:
    zeros = np.zeros((max(1, planes(digits)), 1), np.uint64)
    with pytest.raises(PpcError, match="PPC525"):
        Workbench(MERSENNE61).comparison_digits(
            MERSENNE61.zeros(4), np.zeros((digits, 4), np.uint16), zeros, zeros.copy(), shift=shift, digits=digits
        )


def test_masks_may_be_overwritten() -> None:
    opened, shares = elements(MERSENNE61, (130,), 1), np.full((2, 130), 0xBEEF, np.uint16)
    masks = np.random.default_rng(1).integers(0, 2**64, (3, 3), dtype=np.uint64)
    apart, bench = np.empty_like(masks), Workbench(MERSENNE61)
    bench.comparison_digits(opened, shares, masks, apart, shift=16, digits=2)
    bench.comparison_digits(opened, shares, masks, masks, shift=16, digits=2)
    assert np.array_equal(apart, masks)


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_masks_are_not_overwritten_in_part(variant: str) -> None:
    opened, shares = elements(MERSENNE61, (128,), 1), np.zeros((1, 128), np.uint16)
    room = np.arange(1, 4, dtype=np.uint64)
    with pytest.raises(PpcError, match="PPC522"):
        Workbench(MERSENNE61, variant=variant).comparison_digits(
            opened, shares, room[:2].reshape(1, 2), room[1:].reshape(1, 2), shift=0, digits=1
        )
    assert list(room) == [1, 2, 3]
