"""Large arrays with gaps and in other orders give what the same elements side by side give."""

from __future__ import annotations

import numpy as np
import pytest

from ppc.field import MERSENNE61, Field
from ppc.runtime.kernels import Convolution, Workbench, operand
from tests.elements import ALL_FIELDS, COMPILED, LARGE_FIELDS, elements, spread


@pytest.mark.parametrize("variant", COMPILED)
@pytest.mark.parametrize("field", LARGE_FIELDS, ids=lambda field: field.name)
def test_every_second_of_many(field: Field, variant: str) -> None:
    """More elements than a stack would hold places for."""
    bench, count = Workbench(field, variant=variant), 200_003
    pairs = field.zeros(count, 2)
    pairs[...] = np.tile(elements(field, (1009, 2), 1), (199, *[1] * (pairs.ndim - 1)))[:count]
    x, y = pairs[:, 0], pairs[:, 1]
    out, expected = field.zeros(count, 2), field.zeros(count)
    bench.evaluate([operand(0) - operand(1)], [x, y], [out[:, 1]])
    bench.evaluate([operand(0) - operand(1)], [x.copy(), y.copy()], [expected])
    assert np.array_equal(out[:, 1], expected)
    assert not out[:, 0].any()


@pytest.mark.parametrize("variant", COMPILED)
def test_a_large_transposed_matrix(variant: str) -> None:
    bench, size = Workbench(MERSENNE61, variant=variant), 512
    left, right = elements(MERSENNE61, (64, 64), 1), elements(MERSENNE61, (64, 64), 2)
    left, right = np.tile(left, (8, 8)), np.tile(right, (8, 8))
    out, expected = MERSENNE61.empty(size, size), MERSENNE61.empty(size, size)
    bench.matmul(left.T, right, out.T)
    bench.matmul(left.T.copy(), right, expected)
    assert np.array_equal(out.T, expected)


@pytest.mark.parametrize("variant", COMPILED)
@pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
def test_channels_last(field: Field, variant: str) -> None:
    """Pooling and a convolution's gradient into images whose neighbours are far apart in memory."""
    bench, convolution = Workbench(field, variant=variant), Convolution(padding=1)
    image = elements(field, (3, 5, 22, 26), 1)
    weights, gradient = elements(field, (4, 5, 3, 3), 2), elements(field, (3, 4, 22, 26), 3)
    pooled, back = field.empty(3, 5, 11, 13), field.empty(3, 5, 22, 26)
    bench.pool_sums(image, pooled, 2)
    bench.convolve_to_input(gradient, weights, back, convolution)
    for gaps in (1, 3):
        other = spread(field, field.zeros(3, 5, 11, 13), (0, 2, 3, 1), gaps)
        bench.pool_sums(spread(field, image, (0, 2, 3, 1), gaps), other, 2)
        assert np.array_equal(other, pooled)
        other = spread(field, field.zeros(3, 5, 22, 26), (0, 2, 3, 1), gaps)
        bench.convolve_to_input(spread(field, gradient, (0, 2, 3, 1), gaps), weights, other, convolution)
        assert np.array_equal(other, back)


@pytest.mark.parametrize("variant", COMPILED)
def test_gaps_keep_what_they_hold(variant: str) -> None:
    """Also beside the last elements of a row that fills no vector."""
    bench = Workbench(MERSENNE61, variant=variant)
    for columns in range(1, 18):
        image, room = (
            elements(MERSENNE61, (1, 1, 2, 2 * columns), columns),
            np.full((1, 1, 1, 3 * columns), 7, np.uint64),
        )
        expected = MERSENNE61.empty(1, 1, 1, columns)
        bench.pool_sums(image, room[..., ::3], 2)
        bench.pool_sums(image, expected, 2)
        assert np.array_equal(room[..., ::3], expected)
        assert (room[..., 1::3] == 7).all()
        assert (room[..., 2::3] == 7).all()
