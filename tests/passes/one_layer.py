"""One layer under a loss, for tests of a single gradient rule: every operand is a parameter that learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ppc.ir.graph import Attribute, Builder, Graph, Node, Output
from ppc.ir.typed import typed_node
from ppc.ir.types import Type
from ppc.passes.backward import BackwardWalk
from ppc.source import START

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """An op, the shapes of its operands, and its attributes. `twice` gives it one operand at both places."""

    op: str
    shapes: tuple[Shape, ...]
    attrs: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    of_batch: bool = False  # a batch norm whose statistics are those of its x
    twice: bool = False


def with_gradients(layer: Layer) -> Graph:
    """A graph with the output `loss`, and for every operand its gradient under the operand's name."""
    builder = Builder("test")
    operands = [_parameter(builder, index, shape) for index, shape in enumerate(layer.shapes)]
    used = [operands[0], operands[0]] if layer.twice else list(operands)
    if layer.of_batch:
        used += [typed_node(builder, op, used[:1], name=op, span=START) for op in ("batch_mean", "batch_variance")]
    result = typed_node(builder, layer.op, used, name="result", attrs=layer.attrs, span=START)
    forward, trained = tuple(builder.nodes), frozenset(operand.name for operand in operands)
    labels = builder.add("input", name="labels", attrs={"role": "label"}, type_=Type(shape=result.shape))
    loss = typed_node(builder, "mse", [result, labels], name="loss", span=START)
    slope = typed_node(builder, "mse_grad", [result, labels], name="slope", span=START)
    walk = BackwardWalk(builder, forward, result.name, trained)
    walk.run(slope)
    gradients = (Output(name=operand.name, value=walk.gradients[operand.name].name) for operand in operands)
    outputs = (Output(name="loss", value=loss.name), *gradients)
    return Graph(name="layer", stage="ready", nodes=tuple(builder.nodes), outputs=outputs)


def _parameter(builder: Builder, index: int, shape: Shape) -> Node:
    return builder.add("parameter", name=f"operand{index}", attrs={"role": "weight"}, type_=Type(shape=shape))
