"""The paper's counting of equations, put right; and ranks, which say what it is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ppc.compiler import compile_program
from ppc.cuts import equations
from ppc.cuts.equations import counted
from ppc.cuts.rank import EXACT, Rank, adjoint, rank
from ppc.ir.graph import Graph, Node
from ppc.ir.layers import weighted
from ppc.reference import EVALUATE
from tests.cuts.test_rows import ALEXNET


def applied(layer: Node, values: NDArray[Any], weight: NDArray[Any]) -> NDArray[Any]:
    return EVALUATE[layer.op](layer, [values, weight])


def single(channels: int, size: int, kernels: int, kernel: int, stride: int) -> tuple[Graph, Node, NDArray[Any]]:
    """A convolution alone, with weights."""
    text = f"model one(x: real[{channels}, {size}, {size}] in 0..1) -> real[2] {{\n"
    text += f"conv2d({kernels}, kernel={kernel}, stride={stride}, bias=false)\ndense(2)\n}}"
    graph = compile_program(text).after("infer-shapes")
    layer = weighted(graph)[0]
    return graph, layer, np.random.default_rng(2).normal(size=graph[layer.inputs[1]].shape)


@pytest.mark.parametrize(("kernels", "equations_", "passes"), [(96, 2400, False), (64, 1600, True)])
def test_the_paper_s_own_example(kernels: int, equations_: int, passes: bool) -> None:
    """AlexNet's first layer: 2187 unknowns; with 96 kernels it fails, with 64 it passes."""
    found = counted(11, 4, 3, kernels)

    assert (found.unknowns, found.equations, found.passes) == (2187, equations_, passes)


def test_as_it_is_printed_it_gives_another_number() -> None:
    """Equation (9) without the squares: 27·l, which is nobody's 2187."""
    n, s, channels, c = 11, 4, 3, 5

    assert ((n - s) + c * s) * channels == 81
    assert ((n - s) + c * s) ** 2 * channels == 2187
    assert 2187 / c**2 == 87.48  # equation (10): the most kernels


def test_of_alexnet_as_it_is_compiled() -> None:
    """Called secure; and its first layer gives more equations than there are pixels."""
    graph = compile_program(ALEXNET).after("infer-shapes")
    layer = weighted(graph)[0]
    found = equations.check(graph, layer)

    assert (found.unknowns, found.equations) == (2187, 1600)
    assert found.cells == pytest.approx(64 / 48)
    assert np.prod(layer.shape) == 193_600 > 224 * 224 * 3 == 150_528


def test_what_the_check_calls_secure_may_be_determined() -> None:
    """n=5, s=2, k=6 on one channel: 121 unknowns and 96 equations, and all 1089 pixels of 33×33 are determined."""
    graph, layer, weight = single(1, 33, 6, 5, 2)
    found = equations.check(graph, layer)

    assert (found.unknowns, found.equations, found.passes) == (121, 96, True)
    assert rank(graph, layer, weight, applied) == Rank(found=1089, reads=1089, exact=True)


def test_fewer_equations_than_unknowns() -> None:
    """Two kernels of stride 2: as many numbers are determined as there are results."""
    graph, layer, weight = single(1, 21, 2, 5, 2)

    assert rank(graph, layer, weight, applied).found == 2 * 9 * 9


@pytest.mark.parametrize(("kernels", "size"), [(6, 41), (2, 41), (3, 37)])
def test_the_estimate_is_near_the_truth(kernels: int, size: int) -> None:
    """Of maps that are too large to be written out, and are written out here all the same."""
    graph, layer, weight = single(1, size, kernels, 5, 2)
    found = rank(graph, layer, weight, applied)
    basis = np.eye(size * size).reshape(-1, 1, size, size)
    truth = np.linalg.matrix_rank(applied(layer, basis, weight).reshape(size * size, -1))

    assert size * size > EXACT
    assert not found.exact
    assert abs(found.found - truth) < 0.06 * size * size


@pytest.mark.parametrize(("kernel", "stride", "channels"), [(3, 1, 2), (5, 2, 1), (4, 3, 3)])
def test_the_adjoint_is_the_transpose(kernel: int, stride: int, channels: int) -> None:
    """<Ax, y> = <x, Aᵀy>."""
    _, layer, weight = single(channels, 16, 4, kernel, stride)
    draws = np.random.default_rng(3)
    x = draws.normal(size=(1, channels, 16, 16))
    forward = applied(layer, x, weight)
    y = draws.normal(size=forward.shape)

    assert (forward * y).sum() == pytest.approx((x * adjoint(layer, y, weight, x.shape[1:])).sum())
