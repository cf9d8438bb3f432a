"""The graph itself: frozen nodes in topological order, one result each.

    Graph  ::= name, stage, parties, Node*, Output*
    Node   ::= name = op(inputs) {attrs} : type at place ; span origin
    Output ::= name = value to parties

A pass never changes a graph; it makes a new one with `Builder` or `dataclasses.replace`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import cast

from ppc.errors import InternalError
from ppc.ir.ops import Stage
from ppc.ir.types import Type
from ppc.source import START, Span

Attribute = bool | int | float | str | tuple[int, ...] | tuple[float, ...]
JOINT = "joint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One op and the value it computes. `origin` names the pass that made it, or `source`."""

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    attrs: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    type: Type | None = None
    place: str | None = None
    span: Span = START
    origin: str = "source"

    def __post_init__(self) -> None:
        object.__setattr__(self, "attrs", MappingProxyType(dict(self.attrs)))

    @property
    def typed(self) -> Type:
        """The type, for code that runs after `infer_shapes`."""
        if self.type is None:
            raise InternalError(f"{self.name} has no type yet", place=self.origin)
        return self.type

    @property
    def shape(self) -> tuple[int, ...]:
        return self.typed.shape

    def integer(self, key: str, default: int | None = None) -> int:
        return cast(int, self.attrs[key] if default is None else self.attrs.get(key, default))

    def number(self, key: str) -> float:
        return float(cast(float, self.attrs[key]))

    def word(self, key: str) -> str:
        return cast(str, self.attrs[key])

    def pair(self, key: str) -> tuple[int, int]:
        return cast(tuple[int, int], self.attrs[key])

    def numbers(self, key: str) -> tuple[float, ...]:
        return cast(tuple[float, ...], self.attrs[key])

    def integers(self, key: str) -> tuple[int, ...]:
        return cast(tuple[int, ...], self.attrs[key])

    @property
    def window(self) -> dict[str, tuple[int, int]]:
        """Kernel, stride and padding of a pooling op."""
        return {key: self.pair(key) for key in ("kernel", "stride", "padding")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A value that leaves the graph under a name; `to` is who the source says receives it."""

    name: str
    value: str
    to: tuple[str, ...] = ()
    span: Span = START


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A model, or one training step of it."""

    name: str
    stage: Stage
    source: str = ""
    parties: tuple[str, ...] = ()
    nodes: tuple[Node, ...] = ()
    outputs: tuple[Output, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.nodes}

    @cached_property
    def uses(self) -> Mapping[str, tuple[Node, ...]]:
        """For each value, the nodes that read it."""
        found: dict[str, list[Node]] = {node.name: [] for node in self.nodes}
        for node in self.nodes:
            for operand in dict.fromkeys(node.inputs):
                found[operand].append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def __getitem__(self, name: str) -> Node:
        return self.by_name[name]

    def operands(self, node: Node) -> tuple[Node, ...]:
        return tuple(self.by_name[name] for name in node.inputs)

    def with_op(self, *ops: str) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.op in ops)

    def output(self, name: str) -> Output:
        return next(output for output in self.outputs if output.name == name)

    @property
    def parameters(self) -> tuple[Node, ...]:
        return self.with_op("parameter")

    @property
    def inputs(self) -> tuple[Node, ...]:
        return self.with_op("input")

    def redirected(self, renames: Mapping[str, str]) -> Graph:
        """The graph with every use of a value replaced by another; the definitions stay."""
        nodes = tuple(
            replace(node, inputs=tuple(renames.get(name, name) for name in node.inputs)) for node in self.nodes
        )
        outputs = tuple(replace(o, value=renames.get(o.value, o.value)) for o in self.outputs)
        return replace(self, nodes=nodes, outputs=outputs)


@dataclass
class Builder:
    """Collects nodes in order and gives fresh names. The one mutable thing a pass holds."""

    origin: str
    nodes: list[Node] = field(default_factory=list[Node])
    names: set[str] = field(default_factory=set[str])

    @classmethod
    def on(cls, graph: Graph, *, origin: str) -> Builder:
        """A builder that continues a graph."""
        return cls(origin, list(graph.nodes), {node.name for node in graph.nodes})

    def fresh(self, name: str) -> str:
        """`name`, or the first `name_2`, `name_3`, … that is free."""
        candidate, number = name, 1
        while candidate in self.names:
            number += 1
            candidate = f"{name}_{number}"
        return candidate

    def add(
        self,
        op: str,
        inputs: Iterable[str] = (),
        *,
        name: str,
        attrs: Mapping[str, Attribute] | None = None,
        type_: Type | None = None,
        span: Span = START,
        place: str | None = None,
    ) -> Node:
        node = Node(
            name=self.fresh(name),
            op=op,
            inputs=tuple(inputs),
            attrs=dict(attrs or {}),
            type=type_,
            place=place,
            span=span,
            origin=self.origin,
        )
        return self.keep(node)

    def keep(self, node: Node) -> Node:
        """Take over a node as it is."""
        self.nodes.append(node)
        self.names.add(node.name)
        return node
