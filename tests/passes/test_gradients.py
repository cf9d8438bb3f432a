"""Every gradient rule alone, against finite differences of the loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ppc.ir.graph import Attribute, Graph
from ppc.ir.verify import verify
from ppc.passes.gradients import GRADIENTS
from ppc.reference import EVALUATE, evaluate
from ppc.reference.windows import Array
from tests.nets import Net
from tests.passes.one_layer import Layer, with_gradients

IMAGE = (3, 2, 5, 4)
WINDOW: dict[str, Attribute] = {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 1)}
POOLED = {**WINDOW, "kernel": (2, 3)}
CONVOLUTION: dict[str, Attribute] = {**WINDOW, "channels": 4, "groups": 1}
NORM: dict[str, Attribute] = {"epsilon": 1e-3, "momentum": 0.1}
CUBIC: dict[str, Attribute] = {"coefficients": (0.5, -1.0, 0.25, 0.3), "replaces": "relu"}

LAYERS: dict[str, Layer] = {
    "conv2d": Layer(op="conv2d", shapes=(IMAGE, (4, 2, 3, 2), (4,)), attrs=CONVOLUTION),
    "conv2d without bias": Layer(op="conv2d", shapes=(IMAGE, (4, 2, 3, 2)), attrs=CONVOLUTION),
    "conv2d in groups": Layer(op="conv2d", shapes=(IMAGE, (4, 1, 3, 2), (4,)), attrs={**CONVOLUTION, "groups": 2}),
    "conv2d with rows left over": Layer(
        op="conv2d", shapes=(IMAGE, (4, 2, 3, 2)), attrs={**CONVOLUTION, "stride": (3, 3), "padding": (0, 0)}
    ),
    "dense": Layer(op="dense", shapes=((3, 5), (4, 5), (4,)), attrs={"features": 4}),
    "avg_pool": Layer(op="avg_pool", shapes=(IMAGE,), attrs=POOLED),
    "max_pool": Layer(op="max_pool", shapes=(IMAGE,), attrs=POOLED),
    "global_avg_pool": Layer(op="global_avg_pool", shapes=(IMAGE,)),
    "relu": Layer(op="relu", shapes=(IMAGE,)),
    "polynomial": Layer(op="polynomial", shapes=((3, 5),), attrs=CUBIC),
    "polynomial that is constant": Layer(
        op="polynomial", shapes=((3, 5),), attrs={"coefficients": (2.0,), "replaces": "relu"}
    ),
    "sigmoid": Layer(op="sigmoid", shapes=((3, 5),)),
    "tanh": Layer(op="tanh", shapes=((3, 5),)),
    "softmax": Layer(op="softmax", shapes=((3, 5),)),
    "batch_norm": Layer(op="batch_norm", shapes=(IMAGE, (2,), (2,)), attrs=NORM, of_batch=True),
    "batch_norm of a row": Layer(op="batch_norm", shapes=((4, 3), (3,), (3,)), attrs=NORM, of_batch=True),
    "flatten": Layer(op="flatten", shapes=(IMAGE,)),
    "reshape": Layer(op="reshape", shapes=(IMAGE,), attrs={"shape": (4, 10)}),
    "add": Layer(op="add", shapes=(IMAGE, IMAGE)),
    "add of one value": Layer(op="add", shapes=(IMAGE,), twice=True),
    "concat": Layer(op="concat", shapes=(IMAGE, (3, 1, 5, 4), (3, 3, 5, 4))),
    "multiply": Layer(op="multiply", shapes=(IMAGE, IMAGE)),
    "multiply of one value": Layer(op="multiply", shapes=(IMAGE,), twice=True),
}


def slope(loss: Callable[[Array], float], at: Array) -> Array:
    """The derivative of a loss by every element, from both sides."""
    result, step = np.zeros_like(at), 1e-6
    for place in np.ndindex(*at.shape):
        moved = [at.copy(), at.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        result[place] = (loss(moved[0]) - loss(moved[1])) / (2 * step)
    return result


def values_for(graph: Graph) -> dict[str, Array]:
    generator = np.random.default_rng(1)
    return {node.name: generator.normal(size=node.shape) for node in graph.with_op("input", "parameter")}


@pytest.mark.parametrize("name", LAYERS)
def test_rule_is_the_slope_of_the_loss(name: str) -> None:
    """For every operand."""
    graph = verify(with_gradients(LAYERS[name]))
    values = values_for(graph)
    found = evaluate(graph, values)

    for node in graph.parameters:

        def loss(moved: Array, name: str = node.name) -> float:
            return float(evaluate(graph, {**values, name: moved})["loss"])

        expected = slope(loss, values[node.name])
        np.testing.assert_allclose(found[node.name], expected, rtol=1e-6, atol=1e-7, err_msg=node.name)


def test_every_rule_is_tried() -> None:
    """A new rule needs a layer here."""
    assert {layer.op for layer in LAYERS.values()} == set(GRADIENTS)


@pytest.mark.parametrize("loss", ["mse", "softmax_cross_entropy"])
def test_slope_of_a_loss(loss: str) -> None:
    """Also for labels that are no probabilities: loss and gradient belong together."""
    node = Net(shape=(4,)).dense(3).typed()["dense1"]
    generator = np.random.default_rng(2)
    x, labels = generator.normal(size=(5, 3)), generator.normal(size=(5, 3))
    found = EVALUATE[f"{loss}_grad"](node, [x, labels])

    expected = slope(lambda moved: float(EVALUATE[loss](node, [moved, labels])), x)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


def test_of_equal_values_the_first_receives_the_gradient() -> None:
    """As in PyTorch: ties are common behind a relu."""
    layer = Layer(op="max_pool", shapes=((1, 1, 2, 2),), attrs={"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)})
    graph = with_gradients(layer)
    found = evaluate(graph, {"operand0": np.ones((1, 1, 2, 2)), "labels": np.zeros((1, 1, 1, 1))})

    np.testing.assert_array_equal(found["operand0"], [[[[2.0, 0.0], [0.0, 0.0]]]])


def test_relu_has_no_slope_at_zero() -> None:
    """As in PyTorch."""
    graph = with_gradients(Layer(op="relu", shapes=((1, 2),)))
    found = evaluate(graph, {"operand0": np.zeros((1, 2)), "labels": np.ones((1, 2))})

    np.testing.assert_array_equal(found["operand0"], [[0.0, 0.0]])
