"""Large products by Strassen's recursion are the same products: odd sizes, many levels, pieces, signs and sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppc.field import MERSENNE61, Field
from ppc.runtime.kernels import Workbench, strassen
from tests.elements import COMPILED, LARGE_FIELDS, elements, filled, integers, same


@pytest.fixture
def deep_recursion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recursion down to four rows, and pieces of at most 40, so that small matrices take every path."""
    monkeypatch.setattr(strassen.Setting, "smallest", 4)
    monkeypatch.setattr(strassen, "_PIECE", 40)


@pytest.mark.usefixtures("deep_recursion")
@pytest.mark.parametrize("variant", COMPILED)
@pytest.mark.parametrize("field", LARGE_FIELDS, ids=lambda field: field.name)
def test_every_path(field: Field, variant: str) -> None:
    @settings(max_examples=12, deadline=None)
    @given(
        sizes=st.tuples(st.integers(1, 60), st.integers(1, 90), st.integers(1, 60)),
        seed=st.integers(0, 2**32),
        add=st.booleans(),
        negate=st.booleans(),
        extreme=st.booleans(),
    )
    def check(sizes: tuple[int, int, int], seed: int, add: bool, negate: bool, extreme: bool) -> None:
        rows, depth, columns = sizes
        shapes = (rows, depth), (depth, columns), (rows, columns)
        left, right, out = (
            filled(field, s, field.modulus - 1) if extreme else elements(field, s, seed + n)
            for n, s in enumerate(shapes)
        )
        expected = integers(left, field) @ integers(right, field)
        expected = (-expected if negate else expected) + (integers(out, field) if add else 0)
        Workbench(field, variant=variant, threads=1 + seed % 2).matmul(left, right, out, add=add, negate=negate)
        assert same(out, expected, field)

    check()


@pytest.mark.parametrize("variant", COMPILED)
@pytest.mark.parametrize("field", LARGE_FIELDS, ids=lambda field: field.name)
def test_real_sizes(field: Field, variant: str) -> None:
    """Sizes at which the recursion is used for real: it is, and the result times a random vector is right."""
    rows, depth, columns = 513, 515, 517
    left, right, out = (elements(field, s, 1) for s in ((rows, depth), (depth, columns), (rows, columns)))
    bench = Workbench(field, variant=variant, threads=2)
    assert bench.recursion_starts in (256, 512)
    probe = integers(elements(field, (columns,), 4, extreme=0), field)
    before = integers(out, field) @ probe
    bench.matmul(left, right, out, add=True, negate=True)
    expected = before - integers(left, field) @ ((integers(right, field) @ probe) % field.modulus)
    assert np.array_equal((integers(out, field) @ probe) % field.modulus, expected % field.modulus)
    assert max(int(value) for value in integers(out, field).ravel()) < field.modulus


@pytest.mark.usefixtures("deep_recursion")
def test_strided_factors() -> None:
    field = MERSENNE61
    room = elements(field, (120, 130), 1)
    left, right, out = room[::3, ::2].T, room[1::3, 1::2], field.zeros(200, 65)[::3][:65]
    Workbench(field).matmul(left, right, out)
    assert same(np.ascontiguousarray(out), integers(left, field) @ integers(right, field), field)
