"""Walk a graph in order and compute every value in float64.

The one entry to clear evaluation. Works at every stage: before `infer-shapes` the batch is that of the inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ppc.errors import PpcError
from ppc.ir.graph import Graph, Node
from ppc.ir.ops import OPS
from ppc.ir.shapes import parameter_shapes
from ppc.reference.given import given_values, misfit, shown
from ppc.reference.table import EVALUATE
from ppc.reference.windows import Array


def evaluate(graph: Graph, values: Mapping[str, object]) -> dict[str, Array]:
    """The graph's outputs, by the name under which they leave. `values` holds inputs and parameters, by name."""
    computed = trace(graph, values)
    return {output.name: computed[output.value] for output in graph.outputs}


def trace(graph: Graph, values: Mapping[str, object]) -> dict[str, Array]:
    """Every value of the graph, by the name of its node."""
    computed = given_values(graph, values)
    for node in graph.nodes:
        if node.name in computed:
            continue
        operands = [computed[name] for name in node.inputs]
        if graph.stage == "named":
            _check_parameters(graph, node, operands)
        computed[node.name] = EVALUATE[node.op](node, operands)
    return computed


def _check_parameters(graph: Graph, node: Node, operands: Sequence[Array]) -> None:
    """Before `infer-shapes` only the layer knows what shape its parameters must have."""
    x = operands[0].reshape(operands[0].shape[0], -1) if node.op == "dense" else operands[0]
    wanted = parameter_shapes(node, x.shape)
    names = OPS[node.op].operands + OPS[node.op].optional
    for operand, name, value in zip(names, node.inputs, operands, strict=False):
        if operand in wanted and value.shape != wanted[operand]:
            message = f"`{name}` must have shape {shown(wanted[operand])}; the value given has {shown(value.shape)}."
            raise PpcError(misfit(graph[name], message))
