"""score: an inference that counts its right answers, for examples that nobody was trained on.

    result = dense2                     =>     right = right_answers(dense2, labels)

Assumes stage `ready`, made by `prepare_inference`. Guarantees the same, with the input `labels` and, in place of all
other outputs, `right`: how many examples of the batch have their largest score at their label. A plan of it adds up
the batches on shares, and only the sum is opened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ppc.errors import Diagnostic, Note, PpcError
from ppc.ir.graph import Builder, Graph, Node, Output
from ppc.ir.policy import Evaluation, Training
from ppc.ir.typed import typed_node
from ppc.ir.types import Type, example_shape
from ppc.passes.lowering.counting import RIGHT

LABELS = "labels"


@dataclass(frozen=True, kw_only=True)
class Score:
    """`evaluate accuracy to …` of a train block."""

    name: ClassVar[str] = "score"
    training: Training
    evaluation: Evaluation

    def run(self, graph: Graph) -> Graph:
        result = graph[graph.output("result").value]
        if len(result.shape) != 2 or result.shape[1] < 2:
            raise PpcError(self.no_classes(result))
        builder = Builder.on(graph, origin=self.name)
        type_ = Type(shape=result.shape, bounds=self.training.label_bounds)
        owner = self.training.labels.span
        labels = builder.add("input", name=LABELS, attrs={"role": "label"}, type_=type_, span=owner)
        span = self.evaluation.span
        right = typed_node(builder, "right_answers", [result, labels], name=RIGHT, span=span)
        output = Output(name=RIGHT, value=right.name, to=self.evaluation.to, span=span)
        return replace(graph, nodes=tuple(builder.nodes), outputs=(graph.output("result"), output))

    def no_classes(self, result: Node) -> Diagnostic:
        return Diagnostic(
            code="PPC229",
            message=f"Accuracy is of a row of at least two classes; the model gives {example_shape(result.typed)}.",
            span=self.evaluation.span,
            notes=(Note(text="the model's result", span=result.span),),
            hint="Leave the line out, or end the model with a score for each class.",
        )
