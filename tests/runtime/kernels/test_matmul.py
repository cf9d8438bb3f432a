"""The matrix product against Python's integers: fields, variants, shapes, layouts, extreme values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppc.field import MERSENNE13, MERSENNE61, MERSENNE127, Field
from ppc.runtime.kernels import Workbench
from ppc.runtime.kernels.bilinear import Product
from ppc.runtime.kernels.library import default_library
from ppc.runtime.kernels.matmul import axes, matrix_maps
from ppc.runtime.kernels.product import depth_limit
from ppc.runtime.kernels.variants import VARIANTS
from tests.elements import ALL_FIELDS, COMPILED, EVERYWHERE, LARGE_FIELDS, elements, filled, integers, same, spread

sizes = st.one_of(st.sampled_from([0, 1, 2, 7, 8, 9, 16, 17]), st.integers(0, 40))
every_field = pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)


@pytest.mark.parametrize("variant", EVERYWHERE)
@every_field
@settings(max_examples=25, deadline=None)
@given(rows=sizes, depth=sizes, columns=sizes, seed=st.integers(0, 2**32), layout=st.integers(0, 63))
def test_any_shape_and_layout(
    field: Field, variant: str, rows: int, depth: int, columns: int, seed: int, layout: int
) -> None:
    left, right, out = (
        spread(field, elements(field, shape, seed + number), ((0, 1), (1, 0))[layout >> number & 1], 1 + layout % 5)
        for number, shape in enumerate([(rows, depth), (depth, columns), (rows, columns)])
    )
    add, negate, threads = bool(layout & 8), bool(layout & 16), 1 + (layout >> 5)
    expected = integers(left, field) @ integers(right, field)
    expected = -expected if negate else expected
    expected = expected + integers(out, field) if add else expected
    Workbench(field, variant=variant, threads=threads).matmul(left, right, out, add=add, negate=negate)
    assert same(np.ascontiguousarray(out), np.asarray(expected).reshape(rows, columns), field)


@pytest.mark.parametrize("variant", COMPILED)
@pytest.mark.parametrize("field", LARGE_FIELDS, ids=lambda field: field.name)
def test_ten_million_random_products(field: Field, variant: str) -> None:
    """More than 10^7 products for each field and variant, each sum bit-equal to Python's integers."""
    shapes = (217, 216), (216, 218)
    left, right = (elements(field, shape, seed, extreme=0.02) for seed, shape in enumerate(shapes))
    out = field.empty(217, 218)
    Workbench(field, variant=variant).matmul(left, right, out)
    assert same(out, integers(left, field) @ integers(right, field), field)


@pytest.mark.parametrize("variant", EVERYWHERE)
@every_field
def test_the_largest_values_at_the_largest_depth(field: Field, variant: str) -> None:
    """p-1 everywhere (and the limbs' all-ones neighbours) for one depth more than a tile sums before it reduces."""
    limit = 512 if variant == "slow" else depth_limit(field, {v.name: v for v in VARIANTS}[variant])
    for depth in (limit - 1, limit, limit + 1, 3 * limit + 1):
        for value in (field.modulus - 1, field.modulus >> 1, (1 << 43) - 1, (1 << 52) - 1, field.modulus - (1 << 26)):
            left, right = filled(field, (9, depth), value), filled(field, (depth, 9), field.modulus - 1)
            out = field.empty(9, 9)
            Workbench(field, variant=variant).matmul(left, right, out)
            assert same(out, np.full((9, 9), -value * depth, dtype=object), field), (depth, value)


@pytest.mark.parametrize("variant", COMPILED)
@every_field
def test_accumulators_at_their_limit(field: Field, variant: str) -> None:
    """A block as deep as the accumulators allow, in the kernel itself: no smaller block of the cache's size helps."""
    library = default_library(variant)
    depth = depth_limit(field, library.variant)
    left, right = filled(field, (3, depth), field.modulus - 1), filled(field, (depth, 3), field.modulus - 1)
    out = field.empty(3, 3)
    product = Product(library, field, matrix_maps(axes(left, field), axes(right, field), axes(out, field)))
    product.blocks = lambda: (depth, 1, 1)
    product.run(left.ctypes.data, right.ctypes.data, out.ctypes.data, keep=False, negate=False, threads=1)
    assert same(out, np.full((3, 3), depth, dtype=object), field)


@pytest.mark.parametrize("variant", EVERYWHERE)
@pytest.mark.parametrize("field", [MERSENNE13, MERSENNE61, MERSENNE127], ids=lambda field: field.name)
@pytest.mark.parametrize(
    "shapes", [((3,), (3,)), ((3,), ()), ((), (2, 3)), ((2, 1), (1, 3)), ((0,), (0,)), ((1,), (4,))]
)
def test_batches_broadcast(field: Field, variant: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    left, right = elements(field, (*shapes[0], 5, 11), 1), elements(field, (*shapes[1], 11, 9), 2)
    expected = integers(left, field) @ integers(right, field)
    for threads in (1, 2, 3):
        out = field.empty(*np.broadcast_shapes(*shapes), 5, 9)
        Workbench(field, variant=variant, threads=threads).matmul(left, right, out)
        assert same(out, expected, field)


@pytest.mark.parametrize("variant", COMPILED)
def test_large_strides_and_reversed_axes(variant: str) -> None:
    field = MERSENNE61
    room = elements(field, (40, 3000), 3)
    left, right = room[::-3, ::700][:, :5], room[4:9, 2990::-350]
    out = field.zeros(right.shape[1], left.shape[0]).T
    Workbench(field, variant=variant).matmul(left, right, out)
    assert same(np.ascontiguousarray(out), integers(left, field) @ integers(right, field), field)


@pytest.mark.parametrize("variant", COMPILED)
@pytest.mark.parametrize("field", LARGE_FIELDS, ids=lambda field: field.name)
def test_many_blocks(field: Field, variant: str) -> None:
    """Shapes beyond one block in every direction, checked against the product with random vectors."""
    left, right = elements(field, (300, 700), 1), elements(field, (700, 1100), 2)
    out = field.empty(300, 1100)
    Workbench(field, variant=variant, threads=2).matmul(left, right, out)
    probe = integers(elements(field, (1100,), 3, extreme=0), field)
    inner = (integers(right, field) @ probe) % field.modulus
    expected = (integers(left, field) @ inner) % field.modulus
    assert np.array_equal((integers(out, field) @ probe) % field.modulus, expected)
    assert all(int(value) < field.modulus for value in integers(out, field).ravel())


@pytest.mark.long
@pytest.mark.parametrize("variant", COMPILED)
@every_field
@settings(max_examples=400, deadline=None)
@given(rows=st.integers(0, 90), depth=st.integers(0, 300), columns=st.integers(0, 90), seed=st.integers(0, 2**32))
def test_many_more_shapes(field: Field, variant: str, rows: int, depth: int, columns: int, seed: int) -> None:
    left, right = elements(field, (rows, depth), seed), elements(field, (depth, columns), seed + 1)
    out = field.empty(rows, columns)
    Workbench(field, variant=variant).matmul(left, right, out)
    assert same(out, np.asarray(integers(left, field) @ integers(right, field)).reshape(rows, columns), field)
