"""What is drawn: one card a value, one for each way out, and the wires between them.

So that the picture shows the path of the data, parameters, momenta and dropout masks are no cards: each is named on
every card that reads it. Arithmetic on parameters alone (an update by SGD) is one card with a line for each value.
Knows nothing of where cards will lie.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ppc.drawing import words
from ppc.drawing.lettering import shortened
from ppc.drawing.networks import groups
from ppc.drawing.palette import Kind, kind_of
from ppc.ir.graph import Graph, Node, Output
from ppc.ir.text import show_node

ARITHMETIC = frozenset({"add", "subtract", "multiply", "scale", "scale_by"})
Form = Literal["op", "input", "output", "opening"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A parameter as the card of its reader names it."""

    key: str
    text: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The text of one box. `hint` is the whole truth, for who points at it."""

    key: str
    form: Form
    kind: Kind
    title: str
    corner: str = ""
    lines: tuple[str, ...] = ()
    chips: tuple[Chip, ...] = ()
    members: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A value that a card reads. `main` is its first operand, which the eye should follow."""

    tail: str
    head: str
    kind: Kind
    main: bool = True


@dataclass(frozen=True, kw_only=True)
class Drawing:
    cards: tuple[Card, ...]
    wires: tuple[Wire, ...]


def drawing(graph: Graph) -> Drawing:
    """Everything there is to draw, in the order of the graph."""
    writer = _Writer(graph)
    return Drawing(cards=tuple(writer.cards()), wires=tuple(writer.wires()))


def output_key(output: Output) -> str:
    """No value has this name: values have no spaces in theirs."""
    return f"output {output.name}"


def opening_line(node: Node) -> str:
    """Which line of the program allows an opening."""
    return f"allowed by line {node.span.line}: {node.word('grant')}"


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.per_example = words.per_example(graph)
        leaving = {output.value for output in graph.outputs}
        self.attached = {
            node.name
            for node in graph.nodes
            if _may_be_attached(node) and graph.uses[node.name] and node.name not in leaving
        }
        arithmetic = [n.name for n in graph.nodes if n.op in ARITHMETIC and n.name not in self.per_example]
        self.group = groups(graph, arithmetic)

    def key(self, name: str) -> str:
        """The card on which a value is drawn."""
        return self.group.get(name, name)

    def kind(self, name: str) -> Kind:
        node = self.graph[name]
        return "opening" if node.op == "reveal" else kind_of(node.place, self.graph.parties)

    def cards(self) -> Iterator[Card]:
        for node in self.graph.nodes:
            if node.name in self.attached or self.key(node.name) != node.name:
                continue
            if node.op == "reveal":
                yield self.opening(node)
            else:
                yield self.several(node) if node.name in self.group else self.value(node)
        for output in self.graph.outputs:
            if output.value not in self.group:
                yield self.output(output)

    def wires(self) -> Iterator[Wire]:
        seen: set[tuple[str, str]] = set()
        for node in self.graph.nodes:
            for place, name in enumerate(node.inputs):
                ends = self.key(name), self.key(node.name)
                if name not in self.attached and ends[0] != ends[1] and ends not in seen:
                    kind = "opening" if node.op == "reveal" else self.kind(name)
                    yield Wire(tail=ends[0], head=ends[1], kind=kind, main=place == 0)
                    seen.add(ends)
        for output in self.graph.outputs:
            if output.value not in self.group:
                yield Wire(tail=output.value, head=output_key(output), kind=self.kind(output.value))

    def value(self, node: Node) -> Card:
        source = node.op in ("input", "parameter")
        type_ = self.type_of(node)
        lines = [type_] if source else [words.op(node), type_]
        where = f"{node.word('role')} of {node.place or 'the user'}" if source else node.place or ""
        return Card(
            key=node.name,
            form="input" if source else "op",
            kind=self.kind(node.name),
            title=shortened(node.name),
            corner=shortened(where),
            lines=tuple(shortened(line, 60) for line in lines if line),
            chips=tuple(self.chips(node)),
            hint=show_node(node),
        )

    def several(self, last: Node) -> Card:
        """The card of a group: what each member does, then the type of the last and what leaves here."""
        members = [node for node in self.graph.nodes if self.group.get(node.name) == last.name]
        names = {node.name for node in members}
        stem = last.name.rpartition(".")[0] + "."
        lines = [f"{node.name.removeprefix(stem)}: {words.op(node)}" for node in members]
        lines += [self.type_of(last)]
        lines += [f"output {leaving(o)}" for o in self.graph.outputs if o.value in names]
        chips = {chip.key: chip for node in members for chip in self.chips(node)}
        return replace(
            self.value(last),
            lines=tuple(shortened(line, 60) for line in lines),
            chips=tuple(chips.values()),
            members=tuple(node.name for node in members),
            hint="\n".join(show_node(node) for node in members),
        )

    def type_of(self, node: Node) -> str:
        return words.type_of(node, has_batch=node.name in self.per_example)

    def chips(self, node: Node) -> Iterator[Chip]:
        for name in dict.fromkeys(node.inputs):
            if name in self.attached:
                source = self.graph[name]
                short = name.removeprefix(f"{node.name}.")
                shape = words.shape(source, has_batch=name in self.per_example)
                yield Chip(key=name, text=f"{shortened(short)} {shape}".strip(), kind=self.kind(name))

    def opening(self, node: Node) -> Card:
        chips = tuple(self.chips(node))
        what = () if chips else (shortened(node.inputs[0]),)
        return Card(
            key=node.name,
            form="opening",
            kind="opening",
            title=shortened(f"opened to {node.word('to')}"),
            lines=(*what, shortened(opening_line(node))),
            chips=chips,
            hint=show_node(node),
        )

    def output(self, output: Output) -> Card:
        return Card(
            key=output_key(output),
            form="output",
            kind=kind_of(self.graph[output.value].place, self.graph.parties),
            title=shortened(output.name),
            corner="output",
            lines=(shortened(receivers(output)),) if output.to else (),
            hint=f"output {leaving(output)}, the value {output.value}",
        )


def receivers(output: Output) -> str:
    return f"to {' and '.join(output.to)}" if output.to else ""


def leaving(output: Output) -> str:
    """`conv1.weight to lab`."""
    return f"{output.name} {receivers(output)}".strip()


def _may_be_attached(node: Node) -> bool:
    return node.op == "parameter" or (node.op == "input" and node.word("role") in ("momentum", "mask"))
