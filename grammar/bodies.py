"""From a `model` block to a graph as written: layers become nodes, names become edges, no shapes yet.

Called by `resolve`. A layer's node is named by the user (`skip = …`) or by its op and number (`conv2`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import MISSING, Missing, Reader, nearest
from ppc.grammar.attributes import attributes_of
from ppc.grammar.layers import LAYERS, SYNONYMS, Layer
from ppc.ir.graph import Builder, Graph, Node, Output
from ppc.ir.types import Element, Type
from ppc.source import Span

RESERVED = frozenset({*LAYERS, "weights", "labels", "result", "logits", "loss", "signal", "joint", "public", "real"})
LARGEST_SIZE = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Body:
    """A model's graph as written, and the type that its head promises for the result."""

    graph: Graph
    promise: Type
    span: Span


@dataclass
class _Values:
    """The names of a body: their nodes, where they were defined, and whether anybody read them."""

    spans: dict[str, Span] = field(default_factory=dict[str, Span])
    read: set[str] = field(default_factory=set[str])


class BodyResolver:
    """Resolves one model. Mistakes go to the reader; a statement with a mistake leaves its value unknown."""

    def __init__(
        self,
        model: syntax.Model,
        reader: Reader,
        *,
        source: str,
        parties: tuple[str, ...],
        gaps: tuple[int, ...] = (),
    ) -> None:
        self.model, self.reader, self.source, self.parties = model, reader, source, parties
        self.gaps = gaps  # lines that could not be read: what they compute and name is not known, and not missed
        self.builder = Builder("source")
        self.values = _Values()
        self.counts: dict[str, int] = {}
        self.current: str | Missing | None = None  # what the line before computed

    def resolve(self) -> Body | None:
        """The graph, or None where mistakes were found."""
        before = len(self.reader.mistakes)
        for input_ in self.model.inputs:
            self._input(input_)
        self._check_start()
        line = self.model.span.line
        for statement in self.model.body:
            if any(line <= gap < statement.span.line for gap in self.gaps):
                self.current = MISSING
            line = statement.span.end_line
            self._statement(statement)
        promise = self._type(self.model.output)
        mistaken = len(self.reader.mistakes) > before or bool(self.gaps)
        if mistaken or promise is None or not isinstance(self.current, str):
            return None
        self._check_all_read(self.current)
        if len(self.reader.mistakes) > before:
            return None
        return Body(graph=self._graph(self.current), promise=promise, span=self.model.span)

    def sketch(self) -> Graph:
        """The lines that were understood, in a model with mistakes in others."""
        nodes = tuple(self.builder.nodes)
        return Graph(name=self.model.name.text, stage="named", source=self.source, parties=self.parties, nodes=nodes)

    def _graph(self, result: str) -> Graph:
        return Graph(
            name=self.model.name.text,
            stage="named",
            source=self.source,
            parties=self.parties,
            nodes=tuple(self.builder.nodes),
            outputs=(Output(name="result", value=result, span=self.model.output.span),),
        )

    # ---- the head ----

    def _input(self, input_: syntax.Input) -> None:
        type_ = self._type(input_.type)
        bounds = self.reader.interval(input_.bounds) if input_.bounds else None
        if len(self.model.inputs) == 1:
            self.current = MISSING
        if not self._free(input_.name) or type_ is None or isinstance(bounds, Missing):
            return
        node = Node(
            name=input_.name.text,
            op="input",
            attrs={"role": "data"},
            type=Type(shape=type_.shape, element=type_.element, bounds=bounds),
            span=input_.span,
        )
        self.builder.keep(node)
        if len(self.model.inputs) == 1:
            self.current = node.name

    def _type(self, written: syntax.TypeName) -> Type | None:
        elements: dict[str, Element] = {"real": "real", "index": "index"}
        if written.element.text not in elements:
            self.reader.blame(
                "PPC114",
                f"There is no element type `{written.element.text}`.",
                written.element.span,
                hint=nearest(written.element.text, list(elements)),
            )
            return None
        sizes = [self.reader.count("a size", size, 1, LARGEST_SIZE) for size in written.sizes]
        if MISSING in sizes:
            return None
        shape = tuple(size for size in sizes if isinstance(size, int))
        return Type(shape=shape, element=elements[written.element.text])

    def _check_start(self) -> None:
        if not self.model.inputs:
            self.reader.blame(
                "PPC126",
                f"The model `{self.model.name.text}` has no input.",
                self.model.name.span,
                hint=f"Write `model {self.model.name.text}(image: real[1, 28, 28] in 0..1) -> …`.",
            )
        if not self.model.body and not self.gaps:
            self.reader.blame(
                "PPC124",
                f"The model `{self.model.name.text}` has no layers.",
                self.model.name.span,
                hint="Write one layer a line, for example `dense(10)`.",
            )

    # ---- statements ----

    def _statement(self, statement: syntax.Statement) -> None:
        value: str | Missing | None = self.current
        for place, step in enumerate(statement.steps):
            if step.arguments is None and step.name.text in self.values.spans and step.name.text not in LAYERS:
                value = self._reference(step, place)
            elif self.gaps and place == 0 and len(statement.steps) > 1 and step.name.text not in LAYERS:
                value = MISSING  # a value that a line of a gap may have named
            else:
                named = statement.target if place == len(statement.steps) - 1 else None
                value = self._layer(step, value, named)
        if statement.target is not None and self._free(statement.target) and isinstance(value, str):
            self._check_is_new(statement, value)
        self.current = value

    def _check_is_new(self, statement: syntax.Statement, value: str) -> None:
        target = statement.target
        if target is not None and value != target.text:
            self.reader.blame(
                "PPC116",
                f"`{target.text} = {value}` would give a second name to one value.",
                statement.span,
                hint=f"Use `{value}` itself, or put a layer behind it.",
            )

    def _reference(self, step: syntax.Step, place: int) -> str | Missing:
        if place > 0:
            return self.reader.blame(
                "PPC125",
                f"`{step.name.text}` is a value; only the first step of a line may be one.",
                step.span,
                hint=f"To join it with what came before, write `add({step.name.text})` or `concat({step.name.text})`.",
            )
        return self._use(step.name)

    def _use(self, name: syntax.Name) -> str | Missing:
        """The node of a named value, noting that it was read."""
        if self.gaps and name.text not in self.values.spans:
            return MISSING
        if name.text in self.values.spans:
            self.values.read.add(name.text)
            return name.text if name.text in self.builder.names else MISSING
        return self.reader.blame(
            "PPC118",
            f"There is no value `{name.text}` before this line.",
            name.span,
            hint=nearest(name.text, list(self.values.spans)) or f"Name one first: `{name.text} = relu`.",
        )

    def _free(self, name: syntax.Name) -> bool:
        """Take the name for a new value, unless it has another meaning."""
        if name.text in RESERVED or name.text in self.parties:
            meaning = "a party" if name.text in self.parties else "a word of the language"
            meaning = "a layer" if name.text in LAYERS else meaning
            self.reader.blame(
                "PPC117",
                f"`{name.text}` is {meaning} and cannot name a value.",
                name.span,
                hint=f"Choose another name, for example `my_{name.text}`.",
            )
            self.values.spans.setdefault(name.text, name.span)  # known, so not missed
            return False
        if name.text in self.values.spans:
            earlier = Note(text="it was defined here", span=self.values.spans[name.text])
            self.reader.blame("PPC116", f"`{name.text}` is defined twice.", name.span, notes=(earlier,))
            return False
        self.values.spans[name.text] = name.span
        return True

    # ---- layers ----

    def _layer(self, step: syntax.Step, value: str | Missing | None, named: syntax.Name | None) -> str | Missing:
        layer = LAYERS.get(step.name.text)
        if layer is None:
            return self._unknown_layer(step)
        self.counts[layer.prefix] = self.counts.get(layer.prefix, 0) + 1
        if called := self._called(layer, step):
            self.values.read.add(called)
            return MISSING
        values = self.reader.read(layer.name, layer.parameters, step.arguments or (), step.span)
        others = self._others(values)
        if value is None and self.model.inputs:
            value = self.reader.blame(
                "PPC126",
                f"`{layer.name}` does not say which input it works on.",
                step.span,
                hint=f"Start the line with one: `{self.model.inputs[0].name.text} -> {layer.name}…`.",
            )
        self.values.read.update({value} if isinstance(value, str) else ())
        op, attrs = attributes_of(layer, values, step.span, self.reader) if values is not None else (None, {})
        if op is None or values is None or not isinstance(value, str) or others is None:
            return MISSING
        name = named.text if named else self.builder.fresh(f"{layer.prefix}{self.counts[layer.prefix]}")
        roles = [role for role in layer.weights if role != "bias" or values["bias"]]
        for role in roles:
            self.builder.add("parameter", name=f"{name}.{role}", attrs={"role": role}, span=step.span)
        inputs = (value, *others, *(f"{name}.{role}" for role in roles))
        return self.builder.add(op, inputs, name=name, attrs=attrs, span=step.span).name

    def _called(self, layer: Layer, step: syntax.Step) -> str | None:
        """The value that a layer is given like a function, as in `relu(image)`; its place is before the layer."""
        first = step.arguments[0] if step.arguments else None
        takes_values = any(parameter.kind in ("value", "values") for parameter in layer.parameters)
        if first is None or first.key or takes_values or not isinstance(first.value, syntax.Word):
            return None
        name = first.value.text
        if name not in self.values.spans:
            return None
        call = layer.name + ("(…)" if step.arguments and len(step.arguments) > 1 else "")
        self.reader.blame(
            "PPC110",
            f"`{layer.name}` works on what comes before it; `{name}` is none of its arguments.",
            first.span,
            hint=f"Write `{name} -> {call}`; on a line of its own, `{call}` takes the line before.",
        )
        return name

    def _unknown_layer(self, step: syntax.Step) -> Missing:
        known, word = [*LAYERS, *self.values.spans], step.name.text
        other = SYNONYMS.get(word.lower())
        return self.reader.blame(
            "PPC120",
            f"There is no layer or value `{word}`.",
            step.name.span,
            hint=f"It is called `{other}` here." if other else nearest(word, known),
        )

    def _others(self, values: dict[str, object] | None) -> tuple[str, ...] | None:
        """The nodes of further operands, as in `add(skip)`; None where one is not known."""
        given = values or {}
        names = cast(tuple[syntax.Name, ...], given.get("value", given.get("values", ())))
        found = [self._use(name) for name in names]
        return None if MISSING in found else tuple(name for name in found if isinstance(name, str))

    # ---- the end ----

    def _check_all_read(self, result: str) -> None:
        """A value that nobody reads is a line in the wrong place, or a name misspelt."""
        used = {name for node in self.builder.nodes for name in node.inputs} | {result}
        for node in self.builder.nodes:
            if node.name not in used:
                what = f"The input `{node.name}`" if node.op == "input" else f"The value of this line, `{node.name}`,"
                self.reader.blame(
                    "PPC127",
                    f"{what} is never used.",
                    node.span,
                    hint="Join it with `add` or `concat`, or delete it.",
                )
