"""Convolution, its gradients, and the fused average pool, against sums of Python's integers written out."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ppc.errors import PpcError
from ppc.field import MERSENNE61, MERSENNE127, Field, Words
from ppc.runtime.kernels import Convolution, Workbench
from ppc.runtime.kernels.convolution import both
from tests.elements import (
    ALL_FIELDS,
    COMPILED,
    EVERYWHERE,
    LARGE_FIELDS,
    Integers,
    elements,
    filled,
    integers,
    same,
    spread,
)

NHWC = (0, 2, 3, 1)


def contributions(job: Convolution, image: Integers, weights: Integers, result: tuple[int, ...]):
    """Every (out channel, out pixel, in channel, in pixel, tap) that meets in one product."""
    _, _, height, width = image.shape
    outs, channels, kernel_height, kernel_width = weights.shape
    (down, across), (above, before) = both(job.stride), both(job.padding)
    for o, y, x in product(range(outs), range(result[2]), range(result[3])):
        group = o // (outs // job.groups)
        for u, v, a, b in product(range(job.pool), range(job.pool), range(kernel_height), range(kernel_width)):
            i = (y * job.pool + u) * down + a - above
            j = (x * job.pool + v) * across + b - before
            if 0 <= i < height and 0 <= j < width:
                for c in range(channels):
                    yield (o, y, x), (group * channels + c, i, j), (o, c, a, b)


def oracle(
    job: Convolution, image: Integers, weights: Integers, gradient: Integers
) -> tuple[Integers, Integers, Integers]:
    """Forward, gradient of the weights, gradient of the image."""
    forward, to_weights, to_image = (np.zeros(array.shape, dtype=object) for array in (gradient, weights, image))
    for (o, y, x), (c, i, j), tap in contributions(job, image, weights, gradient.shape):
        forward[:, o, y, x] += image[:, c, i, j] * weights[tap]
        to_weights[tap] += int(np.sum(image[:, c, i, j] * gradient[:, o, y, x]))
        to_image[:, c, i, j] += weights[tap] * gradient[:, o, y, x]
    return forward, to_weights, to_image


def check(bench: Workbench, job: Convolution, image: Words, weights: Words, gradient: Words) -> None:
    field = bench.field
    forward, to_weights, to_image = oracle(job, *(integers(array, field) for array in (image, weights, gradient)))
    out = np.empty_like(gradient)
    bench.convolve(image, weights, out, job)
    assert same(np.ascontiguousarray(out), forward, field)
    bench.convolve(image, weights, out, job, add=True, negate=True)
    assert not out.any()
    out = np.empty_like(weights)
    bench.convolve_to_weights(image, gradient, out, job)
    assert same(np.ascontiguousarray(out), to_weights, field)
    bench.convolve_to_weights(image, gradient, out, job, add=True)
    assert same(np.ascontiguousarray(out), 2 * to_weights, field)
    out = np.empty_like(image)
    bench.convolve_to_input(gradient, weights, out, job)
    assert same(np.ascontiguousarray(out), to_image, field)


@pytest.mark.parametrize("variant", EVERYWHERE)
@pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
@settings(max_examples=12, deadline=None)
@given(
    job=st.builds(
        Convolution,
        stride=st.integers(1, 3) | st.tuples(st.integers(1, 3), st.integers(1, 3)),
        padding=st.integers(0, 2) | st.tuples(st.integers(0, 2), st.integers(0, 2)),
        groups=st.sampled_from([1, 1, 2]),
        pool=st.integers(1, 3),
    ),
    image=st.tuples(st.integers(0, 3), st.integers(1, 2), st.integers(1, 9), st.integers(1, 11)),
    weights=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3)),
    layout=st.integers(0, 7),
    seed=st.integers(0, 2**32),
)
def test_any_convolution(
    field: Field,
    variant: str,
    job: Convolution,
    image: tuple[int, int, int, int],
    weights: tuple[int, int, int],
    layout: int,
    seed: int,
) -> None:
    count, channels, height, width = image
    shapes = (count, channels * job.groups, height, width), (weights[0] * job.groups, channels, *weights[1:])
    try:
        result = job.out_shape(*shapes)
    except PpcError:
        assume(False)
        raise
    arrays = [elements(field, shape, seed + number) for number, shape in enumerate((*shapes, result))]
    arrays = [spread(field, a, (NHWC, (0, 1, 2, 3))[layout >> n & 1], 1 + (seed + n) % 2) for n, a in enumerate(arrays)]
    check(Workbench(field, variant=variant, threads=1 + seed % 2), job, arrays[0], arrays[1], arrays[2])


@pytest.mark.parametrize("variant", COMPILED)
@pytest.mark.parametrize("field", LARGE_FIELDS, ids=lambda field: field.name)
@pytest.mark.parametrize("pool", [1, 2])
def test_extreme_values_at_full_depth(field: Field, variant: str, pool: int) -> None:
    """A layer as deep as those of the examples, all p-1: every product is 1, so sums count the taps."""
    job = Convolution(padding=1, pool=pool)
    image, weights = filled(field, (2, 32, 6, 6), field.modulus - 1), filled(field, (8, 32, 3, 3), field.modulus - 1)
    out = field.empty(*job.out_shape((2, 32, 6, 6), (8, 32, 3, 3)))
    Workbench(field, variant=variant).convolve(image, weights, out, job)
    inside = np.array([2, 3, 3, 3, 3, 2]).reshape(6 // pool, pool).sum(axis=1)
    assert same(out, np.broadcast_to(32 * np.outer(inside, inside), out.shape[:4]).astype(object), field)


@pytest.mark.parametrize("variant", COMPILED)
def test_fused_pooling_is_convolution_then_pooling(variant: str) -> None:
    for field, threads in product((MERSENNE61, MERSENNE127), (1, 3)):
        bench = Workbench(field, variant=variant, threads=threads)
        image, weights = elements(field, (5, 6, 14, 14), 1), elements(field, (12, 6, 3, 3), 2)
        whole, pooled, fused = field.empty(5, 12, 14, 14), field.empty(5, 12, 7, 7), field.empty(5, 12, 7, 7)
        bench.convolve(image, weights, whole, Convolution(padding=1))
        bench.pool_sums(whole, pooled, 2)
        bench.convolve(image, weights, fused, Convolution(padding=1, pool=2))
        assert np.array_equal(pooled, fused)


@pytest.mark.parametrize("variant", EVERYWHERE)
@pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
@settings(max_examples=15, deadline=None)
@given(
    shape=st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(1, 12), st.integers(1, 20)),
    window=st.integers(1, 4),
    seed=st.integers(0, 2**32),
    extreme=st.booleans(),
)
def test_pooling_and_its_backward(
    field: Field, variant: str, shape: tuple[int, int, int, int], window: int, seed: int, extreme: bool
) -> None:
    assume(window <= min(shape[2:]))
    small_shape = (*shape[:2], shape[2] // window, shape[3] // window)
    image = filled(field, shape, field.modulus - 1) if extreme else elements(field, shape, seed)
    image = spread(field, image, ((0, 1, 2, 3), NHWC)[seed % 2], 1 + seed % 3)
    bench = Workbench(field, variant=variant, threads=1 + seed % 2)
    out = field.empty(*small_shape)
    bench.pool_sums(image, out, window)
    inside = integers(image, field)[:, :, : small_shape[2] * window, : small_shape[3] * window]
    expected = inside.reshape(*small_shape[:3], window, small_shape[3], window).sum(axis=(3, 5))
    assert same(out, expected, field)
    gradient = elements(field, small_shape, seed + 1)
    back = np.empty_like(image)
    bench.pool_spread(gradient, back, window)
    wanted = np.zeros(shape, dtype=object)
    repeated = np.repeat(np.repeat(integers(gradient, field), window, axis=2), window, axis=3)
    wanted[:, :, : repeated.shape[2], : repeated.shape[3]] = repeated
    assert same(np.ascontiguousarray(back), wanted, field)


def test_global_pooling() -> None:
    image, out = elements(MERSENNE61, (2, 3, 7, 7), 4), MERSENNE61.empty(2, 3, 1, 1)
    Workbench(MERSENNE61).pool_sums(image, out, 7)
    assert same(out, integers(image, MERSENNE61).sum(axis=(2, 3), keepdims=True), MERSENNE61)


@pytest.mark.parametrize("count", [1, 2, 5, 17])
@pytest.mark.parametrize("field", LARGE_FIELDS, ids=lambda field: field.name)
def test_threads_share_a_batch(field: Field, count: int) -> None:
    """Batches that part evenly, nearly, or not at all give what one thread does."""
    job, alone = Convolution(padding=1, pool=2), Workbench(field)
    shapes = (count, 2, 8, 8), (3, 2, 3, 3), (count, 3, 4, 4)
    image, weights, gradient = (elements(field, shape, seed) for seed, shape in enumerate(shapes))
    for threads in (2, 3):
        bench = Workbench(field, threads=threads)
        for add, negate in product((False, True), repeat=2):
            signs = {"add": add, "negate": negate}
            one, many = gradient.copy(), gradient.copy()
            alone.convolve(image, weights, one, job, **signs)
            bench.convolve(image, weights, many, job, **signs)
            assert np.array_equal(one, many)
            one, many = weights.copy(), spread(field, weights, NHWC, 2)
            alone.convolve_to_weights(image, gradient, one, job, **signs)
            bench.convolve_to_weights(image, gradient, many, job, **signs)
            assert np.array_equal(one, many)
        one, many = np.empty_like(image), np.empty_like(image)
        alone.convolve_to_input(gradient, weights, one, job)
        bench.convolve_to_input(gradient, weights, many, job)
        assert np.array_equal(one, many)
