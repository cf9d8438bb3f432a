"""infer-shapes: give every value its shape and bounds.

Assumes a graph as written (stage `named`). Guarantees stage `typed`: parameters have the shape their layer needs,
`dense` receives a row (a `flatten` is put before it where needed), windows and skips fit.
All mismatches of a graph are reported at once; what depends on a wrong value is left out, not blamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from ppc.errors import Diagnostic, Note, PpcError
from ppc.ir.bounds import bounds_of
from ppc.ir.graph import Builder, Graph, Node
from ppc.ir.ops import OPS
from ppc.ir.shapes import LARGEST_VALUE, SHAPES, ShapeError, parameter_shapes
from ppc.ir.types import Interval, Type, example_shape
from ppc.source import START, Span

TAKES_A_SIGNAL = ("signal_planes", "resize", "uncomplement")


@dataclass(frozen=True)
class InferShapes:
    """Types for `batch` examples; `promise` is the type in the model's head.

    Weights are within `weight_bounds`, and those of a layer that `layer_bounds` names within these.
    """

    name: ClassVar[str] = "infer-shapes"
    batch: int = 1
    weight_bounds: Interval | None = None
    promise: Type | None = None
    promise_span: Span = START
    layer_bounds: Mapping[str, Interval] = field(default_factory=dict[str, Interval])

    def run(self, graph: Graph) -> Graph:
        inference = _Inference(graph, self)
        for node in graph.nodes:
            inference.visit(node)
        inference.check_promise()
        if inference.mistakes:
            raise PpcError(*inference.mistakes)
        return replace(graph, stage="typed", nodes=tuple(inference.builder.nodes))


@dataclass
class _Inference:
    graph: Graph
    options: InferShapes
    builder: Builder = field(init=False)
    types: dict[str, Type] = field(default_factory=dict[str, Type])
    mistakes: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def __post_init__(self) -> None:
        self.builder = Builder(InferShapes.name, names={node.name for node in self.graph.nodes})

    def visit(self, node: Node) -> None:
        if node.op == "parameter":
            return  # typed by the layer that uses it
        if node.op == "input":
            self.visit_input(node)
        elif node.inputs[0] in self.types:
            self.visit_layer(self.flattened(node) if node.op == "dense" else node)

    def visit_input(self, node: Node) -> None:
        type_ = replace(node.typed, shape=(self.options.batch, *node.typed.shape))
        try:
            self.check_size(type_.shape, operands=())
        except ShapeError as mismatch:
            self.blame(node, mismatch)
            return
        self.keep(node, type_)

    def flattened(self, node: Node) -> Node:
        """The dense node, reading a row: PyTorch users expect to write the `flatten`, others expect not to."""
        source = self.types[node.inputs[0]]
        if len(source.shape) == 2:
            return node
        name = self.builder.fresh(f"{node.name}.flatten")
        flat = Node(name=name, op="flatten", inputs=node.inputs[:1], span=node.span, origin=InferShapes.name)
        self.visit_layer(flat)
        return replace(node, inputs=(name, *node.inputs[1:]))

    def visit_layer(self, node: Node) -> None:
        if node.inputs[0] not in self.types:
            return
        try:
            self.check_operands(node)
            self.keep_parameters(node)
            if any(name not in self.types for name in node.inputs):
                return
            operands = [self.types[name] for name in node.inputs]
            shape = SHAPES[node.op](node, [operand.shape for operand in operands])
            self.check_size(shape)
        except ShapeError as mismatch:
            self.blame(node, mismatch)
            return
        bounds = bounds_of(node, [o.bounds for o in operands], [o.shape for o in operands])
        self.keep(node, Type(shape=shape, element="index" if node.op == "argmax" else "real", bounds=bounds))

    def check_operands(self, node: Node) -> None:
        """Layers compute with reals; the number of a class is an answer, and no quantity."""
        if node.op in TAKES_A_SIGNAL:
            return
        for index, name in enumerate(node.inputs):
            if name in self.types and self.types[name].element == "index":
                raise ShapeError(
                    "PPC222",
                    f"`{node.op}` works on real numbers; it receives the number of a class.",
                    hint="Put `argmax` last in a model.",
                    operands=(index,),
                )

    def keep_parameters(self, node: Node) -> None:
        """Type the parameters that wait for this layer's input to be known."""
        names = OPS[node.op].operands + OPS[node.op].optional
        shapes = parameter_shapes(node, self.types[node.inputs[0]].shape)
        for operand, name in zip(names[1:], node.inputs[1:], strict=False):
            waiting = self.graph.by_name.get(name)
            if waiting is not None and waiting.op == "parameter" and name not in self.types:
                self.keep(waiting, Type(shape=shapes[operand], bounds=self.parameter_bounds(waiting)))

    def parameter_bounds(self, parameter: Node) -> Interval | None:
        bounds = self.options.layer_bounds.get(parameter.name.rpartition(".")[0], self.options.weight_bounds)
        if bounds is not None and parameter.word("role") == "variance":
            return Interval(0.0, max(bounds.high, 0.0))  # a variance is never negative
        return bounds

    def keep(self, node: Node, type_: Type) -> None:
        self.types[node.name] = type_
        self.builder.keep(replace(node, type=type_))

    @staticmethod
    def check_size(shape: tuple[int, ...], operands: tuple[int, ...] = (0,)) -> None:
        size = Type(shape=shape).size
        if size > LARGEST_VALUE:
            raise ShapeError(
                "PPC209",
                f"This value would have {size:,} elements; at most {LARGEST_VALUE:,} are supported.",
                hint="Pool before it, use a larger stride, or a smaller batch.",
                operands=operands,
            )

    def blame(self, node: Node, mismatch: ShapeError) -> None:
        notes = tuple(
            Note(text=f"{example_shape(self.types[source.name])} comes from here", span=source.span)
            for source in self.sources(node, mismatch.operands)
        )
        self.mistakes.append(
            Diagnostic(code=mismatch.code, message=mismatch.message, span=node.span, notes=notes, hint=mismatch.hint)
        )

    def sources(self, node: Node, operands: tuple[int, ...]) -> list[Node]:
        known = {kept.name: kept for kept in self.builder.nodes}
        return [known[node.inputs[index]] for index in operands]

    def check_promise(self) -> None:
        """The result must have the shape that the model's head promises."""
        promise = self.options.promise
        if promise is None:
            return
        result = self.graph.output("result").value
        found = self.types.get(result)
        if found is None:
            return
        if (promise.element, promise.shape) != (found.element, found.shape[1:]):
            written = example_shape(replace(promise, shape=(0, *promise.shape)))
            maker = Note(text=f"{example_shape(found)} comes from here", span=self.graph[result].span)
            self.mistakes.append(
                Diagnostic(
                    code="PPC205",
                    message=f"The head promises {written}; the last layer gives {example_shape(found)}.",
                    span=self.options.promise_span,
                    notes=(maker,),
                    hint=f"Write `-> {example_shape(found)}`, or change the last layer.",
                )
            )
