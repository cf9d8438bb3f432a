"""From a `model` block to a graph as written: layers become nodes, names become edges, no shapes yet.

Called by `resolve`. A layer's node is named by the user (`skip = …`) or by its op and number (`conv2`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ppc.approximation import DEFAULT_INTERVAL, fit
from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import MISSING, Missing, Reader, nearest
from ppc.grammar.layers import LAYERS, Layer
from ppc.ir.graph import Attribute, Builder, Graph, Node, Output
from ppc.ir.types import Element, Interval, Type
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

    def __init__(self, model: syntax.Model, reader: Reader, *, source: str, parties: tuple[str, ...]) -> None:
        self.model, self.reader, self.source, self.parties = model, reader, source, parties
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
        for statement in self.model.body:
            self._statement(statement)
        promise = self._type(self.model.output)
        if len(self.reader.mistakes) > before or promise is None or not isinstance(self.current, str):
            return None
        self._check_all_read(self.current)
        if len(self.reader.mistakes) > before:
            return None
        return Body(graph=self._graph(self.current), promise=promise, span=self.model.span)

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
        if not self.model.body:
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
            meaning = "a layer" if name.text in LAYERS else "a party" if name.text in self.parties else "a word"
            self.reader.blame(
                "PPC117",
                f"`{name.text}` is {meaning} of this program and cannot name a value.",
                name.span,
                hint=f"Choose another name, for example `my_{name.text}`.",
            )
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
        if values is None or not isinstance(value, str) or others is None:
            return MISSING
        name = named.text if named else self.builder.fresh(f"{layer.prefix}{self.counts[layer.prefix]}")
        return self._emit(layer, name, (value, *others), values, step.span)

    def _unknown_layer(self, step: syntax.Step) -> Missing:
        known = [*LAYERS, *self.values.spans]
        return self.reader.blame(
            "PPC120",
            f"There is no layer or value `{step.name.text}`.",
            step.name.span,
            hint=nearest(step.name.text, known),
        )

    def _others(self, values: dict[str, object] | None) -> tuple[str, ...] | None:
        """The nodes of further operands, as in `add(skip)`; None where one is not known."""
        names = next((v for k, v in (values or {}).items() if k in ("value", "values")), ())
        found = [self._use(name) for name in names if isinstance(name, syntax.Name)]  # pyright: ignore[reportGeneralTypeIssues]
        return None if MISSING in found else tuple(name for name in found if isinstance(name, str))

    def _emit(
        self, layer: Layer, name: str, operands: tuple[str, ...], values: dict[str, object], span: Span
    ) -> str | Missing:
        op, attrs = self._attributes(layer, values, span)
        if op is None:
            return MISSING
        roles = [role for role in layer.weights if role != "bias" or values["bias"]]
        for role in roles:
            self.builder.add("parameter", name=f"{name}.{role}", attrs={"role": role}, span=span)
        inputs = (*operands, *(f"{name}.{role}" for role in roles))
        return self.builder.add(op, inputs, name=name, attrs=attrs, span=span).name

    def _attributes(
        self, layer: Layer, values: dict[str, object], span: Span
    ) -> tuple[str | None, dict[str, Attribute]]:
        given = {k: v for k, v in values.items() if k not in ("value", "values", "bias", "poly", "over")}
        if layer.name == "conv2d" and given["padding"] == "same":
            padding = self._same_padding(given, span)
            if padding is None:
                return None, {}
            given["padding"] = padding
        if layer.name in ("avg_pool", "max_pool") and given["stride"] is None:
            given["stride"] = given["kernel"]
        if layer.name == "reshape":
            given = {"shape": given["sizes"]}
        if "poly" in values and values["poly"] is not None:
            return self._polynomial(layer, values)
        if values.get("over") is not None:
            self.reader.blame(
                "PPC107",
                f"`{layer.name}(over=…)` needs `poly` too: it says where the polynomial fits.",
                span,
                hint=f"Write `{layer.name}(poly=3, over=-3..5)`, or `{layer.name}` for the exact function.",
            )
            return None, {}
        return layer.op, given  # pyright: ignore[reportReturnType]

    def _same_padding(self, values: dict[str, object], span: Span) -> tuple[int, int] | None:
        kernel, stride = values["kernel"], values["stride"]
        assert isinstance(kernel, tuple)
        if stride != (1, 1) or any(side % 2 == 0 for side in kernel):  # pyright: ignore[reportUnknownVariableType]
            self.reader.blame(
                "PPC206",
                "`padding=same` needs stride 1 and an odd kernel: otherwise input and output cannot have one size.",
                span,
                hint="Write the padding as a number, for example `padding=1`.",
            )
            return None
        return kernel[0] // 2, kernel[1] // 2

    def _polynomial(self, layer: Layer, values: dict[str, object]) -> tuple[str, dict[str, Attribute]]:
        degree, over = values["poly"], values["over"]
        assert isinstance(degree, int)
        low, high = (over.low, over.high) if isinstance(over, Interval) else DEFAULT_INTERVAL[layer.name]
        return "polynomial", {"coefficients": fit(layer.name, degree, low, high), "replaces": layer.name}

    # ---- the end ----

    def _check_all_read(self, result: str) -> None:
        """A value that nobody reads is a line in the wrong place, or a name misspelt."""
        used = {name for node in self.builder.nodes for name in node.inputs} | {result}
        for node in self.builder.nodes:
            if node.name not in used:
                what = "The input" if node.op == "input" else "The value of this line,"
                self.reader.blame(
                    "PPC127",
                    f"{what} `{node.name}` is never used.",
                    node.span,
                    hint="Join it with `add` or `concat`, or delete it.",
                )
