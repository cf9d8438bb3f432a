"""What differentiate adds to a graph, what it leaves out, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)

from ppc.errors import Diagnostic, PpcError
from ppc.ir.graph import Graph
from ppc.ir.policy import Owner, Training
from ppc.ir.text import show
from ppc.ir.types import Interval
from ppc.ir.verify import verify
from ppc.passes.differentiate import Differentiate
from ppc.reference import evaluate
from ppc.source import Span
from tests.golden import Golden
from tests.nets import Net
from tests.random_values import random_values

LINE = Span(9, 1, 12, 2)
TRAINING = Training(
    model="net", labels=Owner(party="client"), loss="softmax_cross_entropy", rate=0.1, batch=2, span=LINE
)
MSE = replace(TRAINING, loss="mse")
WEIGHTS = Interval(-4.0, 4.0)


def step(net: Net, training: Training = TRAINING, *, batch: int = 2, frozen: frozenset[str] = frozenset()) -> Graph:
    graph = net.typed(batch=batch, weights=WEIGHTS)
    return verify(Differentiate(training=training, frozen=frozen).run(graph))


def small() -> Net:
    return Net((1, 5, 5)).conv(2).layer("relu").dense(3)


def refusal(
    net: Net, training: Training = TRAINING, *, frozen: frozenset[str] = frozenset(), batch: int = 2
) -> Diagnostic:
    """The one mistake that is found."""
    with pytest.raises(PpcError) as caught:
        step(net, training, frozen=frozen, batch=batch)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.hint
    return diagnostic


def test_step_of_a_small_net(golden: Golden) -> None:
    """The whole graph, with momentum and weight decay."""
    golden.check(show(step(small(), replace(TRAINING, momentum=0.9, weight_decay=0.01))))


def test_step_with_dropout_and_batch_norm(golden: Golden) -> None:
    """Masks come in as inputs; running statistics go out."""
    golden.check(show(step(Net((4,)).dense(3).norm().dropout().dense(2))))


def test_new_inputs_and_outputs_have_their_names() -> None:
    """What a trainer must give, and what it gets back."""
    graph = step(small().dropout(), replace(TRAINING, momentum=0.5))
    parameters = ["conv1.weight", "conv1.bias", "dense1.weight", "dense1.bias"]
    momenta = [f"{name}.momentum" for name in parameters]

    roles = {node.name: node.word("role") for node in graph.inputs}
    assert roles == {"image": "data", "labels": "label", "dropout1.mask": "mask", **dict.fromkeys(momenta, "momentum")}
    assert {output.name for output in graph.outputs} == {"result", "loss", *parameters, *momenta}


def test_plain_sgd_has_no_momentum_and_no_decay() -> None:
    """A rate alone costs one product a parameter."""
    graph = step(small())

    assert [node.attrs["factor"] for node in graph.with_op("scale")] == [0.1] * 4
    assert len(graph.with_op("subtract")) == 4


def test_labels_have_the_shape_of_the_result_and_their_bounds() -> None:
    """They are bounded like any other input."""
    labels = step(small(), replace(MSE, label_bounds=Interval(-2.0, 2.0)))["labels"].typed

    assert (labels.shape, labels.bounds) == ((2, 3), Interval(-2.0, 2.0))


def test_first_layer_passes_nothing_on() -> None:
    """The gradient of the data is nobody's concern: no product is spent on it."""
    assert step(small()).with_op("conv2d_grad_input") == ()


def test_frozen_layers_cost_nothing() -> None:
    """Neither they nor what lies before the first layer that learns."""
    graph = step(small(), frozen=frozenset({"conv1.weight", "conv1.bias"}))

    backward = {node.name for node in graph.nodes if node.name.endswith((".gradient", ".backward"))}
    assert backward == {"loss.gradient", "dense1.weight.gradient", "dense1.bias.gradient"}
    assert {output.name for output in graph.outputs} == {"result", "loss", "dense1.weight", "dense1.bias"}


def test_frozen_layer_in_between_passes_on() -> None:
    """It is not changed, and those before it are."""
    graph = step(small(), frozen=frozenset({"dense1.weight", "dense1.bias"}))

    assert {output.name for output in graph.outputs} == {"result", "loss", "conv1.weight", "conv1.bias"}


def test_value_read_twice_receives_a_sum() -> None:
    """A skip: the gradients of both ways are added, once."""
    graph = step(Net((4,)).dense(3).layer("tanh").layer("add", "dense1"))

    assert len(graph.with_op("add")) == 2


def test_new_nodes_know_where_they_come_from() -> None:
    """Every node made here names the pass, and the line of what it was made for."""
    net = Net((4,)).dense(3)
    named = [replace(node, span=Span(5, 3, 5, 9)) for node in net.builder.nodes]
    net.builder.nodes[:] = named
    graph = step(net, MSE)

    made = {node.name: node.span for node in graph.nodes if node.origin == "differentiate"}
    assert made["dense1.weight.gradient"] == made["dense1.weight.updated"] == Span(5, 3, 5, 9)
    assert made["labels"] == MSE.labels.span
    assert made["loss"] == made["loss.gradient"] == LINE


def test_bounds_behind_a_dropout_grow() -> None:
    """A value that stays is doubled where half of them are dropped."""
    graph = step(Net((4,)).dropout().dense(3))

    assert graph["dropout1.mask"].typed.bounds == Interval(0.0, 2.0)
    assert graph["dropout1"].typed.bounds == Interval(0.0, 2.0)
    assert graph["dense1"].typed.bounds == Interval(-36.0, 36.0)


def test_bounds_behind_a_batch_norm_are_not_those_of_inference() -> None:
    """The statistics of a batch are values of their own; the running ones no longer bound the result."""
    net = Net((4,)).dense(3).norm().layer("relu")

    inference, training = net.typed(batch=2, weights=WEIGHTS), step(net, MSE)

    assert inference["relu1"].typed.bounds == Interval(0.0, 24 * 4 * 1e-5**-0.5 + 4)  # x - mean is at most 20 + 4
    assert training["relu1"].typed.bounds == Interval(0.0, 40 * 4 * 1e-5**-0.5 + 4)  # both within -20..20


def test_name_that_is_taken_is_not_taken_again() -> None:
    """A layer may be called `loss`."""
    graph = step(Net((4,)).dense(3, name="loss").dense(2, name="labels"))

    assert graph.output("loss").value == "loss_2"
    assert graph["labels_2"].word("role") == "label"


def test_frozen_batch_norm_uses_its_running_statistics() -> None:
    """As a PyTorch module in `eval`, and the gradient flows through it as there."""
    net = Net((4,)).dense(3).norm().layer("tanh").dense(2)
    graph = step(net, batch=5, frozen=frozenset({"batch_norm1.mean", "batch_norm1.variance"}))
    values = random_values(graph, np.random.default_rng(0))
    found = evaluate(graph, values)

    tensors = {name: torch.tensor(value).requires_grad_() for name, value in values.items()}
    x = F.linear(tensors["image"], tensors["dense1.weight"], tensors["dense1.bias"])
    scale, shift, mean, variance = (tensors[f"batch_norm1.{part}"] for part in ("scale", "shift", "mean", "variance"))
    x = F.batch_norm(x, mean.detach(), variance.detach(), scale, shift, training=False, eps=1e-5)
    x = F.linear(torch.tanh(x), tensors["dense2.weight"], tensors["dense2.bias"])
    F.cross_entropy(x, tensors["labels"]).backward()  # pyright: ignore[reportUnknownMemberType] (half annotated)
    assert "batch_norm1.mean" not in found
    for name in ("dense1.weight", "dense1.bias", "batch_norm1.scale", "batch_norm1.shift", "dense2.weight"):
        gradient = tensors[name].grad
        assert gradient is not None
        np.testing.assert_allclose(found[name], values[name] - 0.1 * gradient.numpy(), rtol=1e-9, atol=1e-12)


def test_training_lowers_the_loss() -> None:
    """Twenty steps with the outputs fed back as inputs."""
    graph = step(small(), replace(TRAINING, momentum=0.5))
    values = random_values(graph, np.random.default_rng(4)) | {"labels": np.eye(3)[:2]}
    losses: list[float] = []
    for _ in range(20):
        found = evaluate(graph, values)
        losses.append(float(found["loss"]))
        values |= {name: value for name, value in found.items() if name in values}

    assert losses[-1] < 0.2 * losses[0]


def test_evaluation_of_the_result_is_unchanged() -> None:
    """A model without dropout and batch norm answers in training as it does in use."""
    typed, graph = small().typed(batch=2), step(small())
    values = random_values(graph, np.random.default_rng(5))

    np.testing.assert_array_equal(evaluate(typed, values)["result"], evaluate(graph, values)["result"])


@pytest.mark.parametrize("net", [small().layer("softmax"), small().layer("softmax").layer("flatten")])
def test_softmax_before_its_cross_entropy(net: Net) -> None:
    """Applied twice it would train badly and say nothing."""
    assert refusal(net).code == "PPC216"


@pytest.mark.parametrize("net", [small().dense(1), Net((1, 5, 5)).conv(2)], ids=["one class", "an image"])
def test_cross_entropy_without_classes(net: Net) -> None:
    """It needs a row of two or more."""
    assert refusal(net).code == "PPC216"


def test_softmax_with_mse_is_fine() -> None:
    """Only the cross-entropy contains a softmax."""
    assert step(small().layer("softmax"), MSE).with_op("softmax_grad")


@pytest.mark.parametrize("loss", [TRAINING, MSE])
def test_argmax_has_no_gradient(loss: Training) -> None:
    """The message says why."""
    found = refusal(small().layer("argmax"), loss)

    assert (found.code, [note.span for note in found.notes]) == ("PPC220", [LINE])
    assert "does not change when the scores change a little" in found.message


def test_nothing_to_train() -> None:
    """No weights, or none that may change."""
    frozen = frozenset({"dense1.weight", "dense1.bias"})

    assert refusal(Net((4,)).layer("relu")).code == "PPC218"
    assert refusal(Net((4,)).dense(3), frozen=frozen).code == "PPC218"


def test_batch_norm_of_a_single_value() -> None:
    """PyTorch refuses it too: there is no variance of one value."""
    assert refusal(Net((4,)).dense(3).norm(), batch=1).code == "PPC221"


def test_all_mistakes_at_once() -> None:
    """A batch norm of one value, and the loss."""
    with pytest.raises(PpcError) as caught:
        step(Net((4,)).dense(3).norm().layer("softmax"), batch=1)

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["PPC221", "PPC216"]
