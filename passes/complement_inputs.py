"""complement-inputs: a secret signal of the client joins the input of a layer, and the answer is taken back by it.

The model learns to flip (two classes) or to shift (n classes) its answer by the signal (Sun, Wu and Hwang: paper 001);
what this hides is heuristic, and nothing where the server can try signals itself.

Assumes a typed graph split at layer k. Guarantees an input `signal`, its planes concatenated to what layer k reads, or
an earlier one where the program says so (its weights grow by as many channels), and an `uncomplement` at the client as
the last step of the result. Where the signal is shown as a picture, an input `signal.picture`, resized, is what joins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ppc.errors import fail
from ppc.ir.graph import Builder, Graph, Node
from ppc.ir.layers import weighted
from ppc.ir.policy import Complement
from ppc.ir.shapes import parameter_shapes
from ppc.ir.typed import retyped_graph, typed_node
from ppc.ir.types import Interval, Type


@dataclass(frozen=True)
class ComplementInputs:
    """Join the signal at the client's last layer, or an earlier one; no complement, no change.

    Without a split every layer is computed jointly, and the program names the one that the signal joins.
    """

    name: ClassVar[str] = "complement-inputs"
    complement: Complement | None
    client: str

    def run(self, graph: Graph) -> Graph:
        if self.complement is None:
            return graph
        classes, how = self.answer(graph, self.complement)
        layer = self.layer(graph, self.complement)
        if layer.op == "conv2d" and layer.integer("groups") > 1:
            raise fail(
                "PPC214",
                f"Layer {layer.name} works in groups of channels; the signal would reach only one of them.",
                span=layer.span,
                hint="Split at a layer without groups.",
            )
        joined = self.join(graph, layer, classes, self.complement)
        return self.take_back(retyped_graph(joined), how, self.complement)

    def layer(self, graph: Graph, complement: Complement) -> Node:
        """The layer whose input the signal joins; with a split the client computes it."""
        layers = weighted(graph)
        heads = [node for node in layers if node.place == self.client] or layers
        number = complement.layer or len(heads)
        if number > len(heads):
            raise fail(
                "PPC224",
                f"The signal would join layer {number}, and the last layer that it can join is {len(heads)}.",
                span=complement.span,
                hint=f"Write `at {len(heads)}` or less, or leave `at` out.",
            )
        layer = heads[number - 1]
        if complement.picture and len(graph[layer.inputs[0]].shape) != 4:
            raise fail(
                "PPC225",
                f"Layer {layer.name} reads a row of numbers: a picture of the signal cannot be resized to that.",
                span=complement.span,
                hint="Let it join a `conv2d`, or write `complement` without `picture`.",
            )
        return layer

    def answer(self, graph: Graph, complement: Complement) -> tuple[int, str]:
        """How many classes the answer has, and how the signal is taken back."""
        result = graph[graph.output("result").value]
        if len(result.shape) == 2 and result.shape[1] == 2:
            return 2, "roll"
        if len(result.shape) == 2 and result.shape[1] == 1 and not complement.offset:
            return 2, "flip" if result.op == "sigmoid" else "negate"
        if complement.offset and len(result.shape) == 2 and result.shape[1] > 2:
            return result.shape[1], "roll"
        wide = "a row of classes" if complement.offset else "two classes, or one probability"
        raise fail(
            "PPC212",
            f"`complement{' offset' if complement.offset else ''}` needs an answer of {wide}; "
            f"this model gives real[{', '.join(map(str, result.shape[1:]))}].",
            span=complement.span,
            hint="For n classes write `complement offset`; the model must end in one number for each class.",
        )

    def join(self, graph: Graph, layer: Node, classes: int, complement: Complement) -> Graph:
        """The graph with the signal's planes at layer k's input."""
        old = graph[layer.inputs[0]]
        builder = Builder(self.name, names=set(graph.by_name))
        for node in graph.nodes:
            if node.name == layer.inputs[1]:
                continue  # layer k's weight comes again, larger, in front of the layer
            if node.name == layer.name:
                node = self.joined_layer(builder, graph, layer, old, classes, complement)
            builder.keep(node)
        return replace(graph, nodes=tuple(builder.nodes))

    def joined_layer(
        self, builder: Builder, graph: Graph, layer: Node, old: Node, classes: int, complement: Complement
    ) -> Node:
        span = complement.span
        planes = self.planes(builder, old, classes, complement)
        joined = typed_node(builder, "concat", [old, planes], name=f"{layer.name}.joined", span=span, place=layer.place)
        weight = graph[layer.inputs[1]]
        shape = parameter_shapes(layer, joined.shape)["weight"]
        builder.keep(replace(weight, type=replace(weight.typed, shape=shape)))
        return replace(layer, inputs=(joined.name, *layer.inputs[1:]))

    def planes(self, builder: Builder, old: Node, classes: int, complement: Complement) -> Node:
        """What shows the signal beside the feature map, as large as it."""
        span, batch = complement.span, old.shape[0]
        index = Type(shape=(batch,), element="index", bounds=Interval(0.0, float(classes - 1)))
        signal = builder.add("input", name="signal", attrs={"role": "signal"}, span=span, type_=index)
        if complement.picture is None:
            attrs = {"classes": classes, "size": old.shape[2:]}
            return typed_node(
                builder, "signal_planes", [signal], name="signal_planes", attrs=attrs, span=span, place=self.client
            )
        pixels = Type(shape=(batch, 1, *complement.picture), bounds=Interval(0.0, 1.0))
        picture = builder.add("input", name="signal.picture", attrs={"role": "picture"}, span=span, type_=pixels)
        size = {"size": old.shape[2:]}
        return typed_node(builder, "resize", [picture], name="signal_planes", attrs=size, span=span, place=self.client)

    def take_back(self, graph: Graph, how: str, complement: Complement) -> Graph:
        """The graph whose result is the answer without the signal."""
        output = graph.output("result")
        builder = Builder.on(graph, origin=self.name)
        signal = next(node for node in graph.inputs if node.word("role") == "signal")
        answer = typed_node(
            builder,
            "uncomplement",
            [graph[output.value], signal],
            name="answer",
            attrs={"how": how},
            span=complement.span,
            place=self.client,
        )
        outputs = tuple(replace(o, value=answer.name) if o is output else o for o in graph.outputs)
        return replace(graph, nodes=tuple(builder.nodes), outputs=outputs)
