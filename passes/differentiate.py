"""differentiate: a model becomes one step of its training.

Assumes stage `typed` with an output `result`. Guarantees stage `ready`: the inputs `labels`, `NAME.momentum` and
`NAME.mask` are there, and beside `result` the outputs `loss`, one per updated parameter and one per momentum, under
their names. The update is PyTorch's SGD. The backward graph is made only where a trained parameter depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from ppc.errors import Diagnostic, Note, PpcError
from ppc.ir.graph import Attribute, Builder, Graph, Node, Output
from ppc.ir.policy import RATE_BITS, Training
from ppc.ir.typed import typed_node
from ppc.ir.types import Interval, Type, example_shape
from ppc.passes.backward import BackwardWalk, reading
from ppc.passes.gradients import NO_GRADIENT
from ppc.passes.training_forward import TrainingForward

TRAINED_ROLES = frozenset({"weight", "bias", "scale", "shift"})


@dataclass(frozen=True, kw_only=True)
class Differentiate:
    """One training step. `frozen` parameters, and those of `frozen_layers`, stay as they are; a `batch_norm` with
    frozen statistics uses them."""

    name: ClassVar[str] = "differentiate"
    training: Training
    frozen: frozenset[str] = frozenset()
    frozen_layers: frozenset[str] = frozenset()

    def run(self, graph: Graph) -> Graph:
        builder = Builder(self.name, names={node.name for node in graph.nodes})
        forward = TrainingForward(graph, builder, self.kept(graph.parameters))
        forward.build()
        result = graph.output("result").value
        trained = self.trained(builder.nodes, result)
        walk = BackwardWalk(builder, tuple(builder.nodes), result, frozenset(trained))
        mistakes = [*forward.mistakes, *_mistakes(walk, self.training)]
        if mistakes:
            raise PpcError(*mistakes)
        outputs = [*graph.outputs, _loss(walk, self.training)]
        rate = _rate(builder, self.training)
        for name in trained:
            outputs += _updated(builder, walk.nodes[name], walk.gradients[name], self.training, rate)
        outputs += [Output(name=name, value=node.name, span=node.span) for name, node in forward.running.items()]
        return replace(graph, stage="ready", nodes=tuple(builder.nodes), outputs=tuple(outputs))

    def kept(self, parameters: Iterable[Node]) -> frozenset[str]:
        """The parameters that no step changes."""
        layers = (node.name for node in parameters if node.name.rpartition(".")[0] in self.frozen_layers)
        return self.frozen.union(layers)

    def trained(self, nodes: list[Node], result: str) -> tuple[str, ...]:
        """The parameters that learn: not frozen, and the result depends on them."""
        learning = reading(nodes, result) - self.kept(node for node in nodes if node.op == "parameter")
        parameters = (node for node in nodes if node.op == "parameter" and node.word("role") in TRAINED_ROLES)
        return tuple(node.name for node in parameters if node.name in learning)


def _loss(walk: BackwardWalk, training: Training) -> Output:
    """The loss and, behind it, the whole backward graph."""
    result, span = walk.nodes[walk.result], training.span
    type_ = Type(shape=result.shape, bounds=training.label_bounds)
    labels = walk.builder.add("input", name="labels", attrs={"role": "label"}, type_=type_, span=training.labels.span)
    loss = typed_node(walk.builder, training.loss, [result, labels], name="loss", span=span)
    walk.run(typed_node(walk.builder, f"{training.loss}_grad", [result, labels], name="loss.gradient", span=span))
    return Output(name="loss", value=loss.name, span=span)


def _rate(builder: Builder, training: Training) -> Node | None:
    """The part of the rate that an iteration's epoch has, where the program says that it changes."""
    if not training.schedule:
        return None
    attrs: dict[str, Attribute] = {"role": "rate", "epochs": training.schedule}
    type_ = Type(shape=(), bounds=Interval(0.0, max(training.schedule) / 2**RATE_BITS))
    return builder.add("input", name="rate", attrs=attrs, type_=type_, span=training.span)


def _updated(
    builder: Builder, parameter: Node, gradient: Node, training: Training, rate: Node | None
) -> Iterator[Output]:
    """SGD as PyTorch defines it: decay joins the gradient before the momentum, and the rate scales the momentum."""

    def make(op: str, *operands: Node, part: str, factor: float | None = None) -> Node:
        attrs = {} if factor is None else {"factor": factor}
        return typed_node(builder, op, operands, name=f"{parameter.name}.{part}", attrs=attrs, span=parameter.span)

    change = gradient
    if training.weight_decay:
        decay = make("scale", parameter, part="decay", factor=training.weight_decay)
        change = make("add", change, decay, part="decayed")
    if training.momentum:
        before = builder.add(
            "input",
            name=f"{parameter.name}.momentum",
            attrs={"role": "momentum"},
            type_=Type(shape=parameter.shape),
            span=parameter.span,
        )
        kept = make("scale", before, part="kept", factor=training.momentum)
        change = make("add", kept, change, part="change")
        yield Output(name=before.name, value=change.name, span=parameter.span)
    step = make("scale", change, part="step", factor=training.rate)
    if rate is not None:
        step = make("scale_by", step, rate, part="rated")
    new = make("subtract", parameter, step, part="updated")
    yield Output(name=parameter.name, value=new.name, span=parameter.span)


def _mistakes(walk: BackwardWalk, training: Training) -> list[Diagnostic]:
    """What keeps the program from being trained. A loss is only judged on a result that has a gradient."""
    if not walk.trained:
        return [_nothing_to_train(walk, training)]
    stuck = [_no_gradient(node, training) for node in reversed(walk.path()) if node.op in NO_GRADIENT]
    if stuck or training.loss != "softmax_cross_entropy":
        return stuck
    return list(_cross_entropy_mistakes(walk, training))


def _nothing_to_train(walk: BackwardWalk, training: Training) -> Diagnostic:
    has_weights = any(node.op == "parameter" for node in walk.forward)
    return Diagnostic(
        code="PPC218",
        message="Every weight of the model is kept as it is." if has_weights else "The model has no weights.",
        span=training.span,
        hint="Leave a layer with weights to be trained." if has_weights else "Add a `dense` or `conv2d` layer.",
    )


def _no_gradient(node: Node, training: Training) -> Diagnostic:
    return Diagnostic(
        code="PPC220",
        message=f"The model cannot be trained through `{node.op}`: {NO_GRADIENT[node.op]}.",
        span=node.span,
        label="no gradient passes here",
        notes=(Note(text="needed by this training", span=training.span),),
        hint=f"Train a model that ends before `{node.op}`.",
    )


def _cross_entropy_mistakes(walk: BackwardWalk, training: Training) -> Iterator[Diagnostic]:
    result = walk.nodes[walk.result]
    wanted = Note(text="trained with softmax_cross_entropy here", span=training.span)
    if len(result.shape) != 2 or result.shape[1] < 2:
        yield Diagnostic(
            code="PPC216",
            message="`softmax_cross_entropy` needs a row of at least two classes; "
            f"the model gives {example_shape(result.typed)}.",
            span=result.span,
            notes=(wanted,),
            hint="End the model with a `dense` layer of one score per class, or use `loss = mse`.",
        )
    while result.op in ("flatten", "reshape"):
        result = walk.nodes[result.inputs[0]]
    if result.op == "softmax":
        yield Diagnostic(
            code="PPC216",
            message="`softmax_cross_entropy` contains the softmax, and the model ends with one of its own.",
            span=result.span,
            notes=(wanted,),
            hint="Remove the `softmax` at the end of the model, or use `loss = mse`.",
        )
