"""place: where each value is computed, who may see it, and which values are opened to whom.

Assumes a graph at stage `ready`. Guarantees stage `placed`: every node has a place (a party, or `joint`) and readers,
and every opening that a line of the source names is a `reveal` node with that line's span. Place only follows the
program; whether that shows somebody too much is the business of `check_flow`, which trusts nothing that is done here.

What one party can compute alone from what it holds is not computed jointly.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from ppc.errors import fail
from ppc.ir.graph import JOINT, Graph, Node, Output
from ppc.ir.policy import Grant, Policy, Training
from ppc.ir.types import NOBODY, Readers, common_readers, only
from ppc.passes.lowering.counting import RIGHT
from ppc.passes.openings import VEILED
from ppc.passes.ownership import LOSSES, source_readers, trainer
from ppc.source import Span


@dataclass(frozen=True)
class Place:
    """Follow one private block, and the train block where there is one."""

    name: ClassVar[str] = "place"
    policy: Policy
    training: Training | None = None

    def run(self, graph: Graph) -> Graph:
        self.refuse_joint_statistics(graph)
        placing = _Placing(graph, self.policy, self.training)
        for node in graph.nodes:
            placing.visit(node)
        outputs = tuple(placed for output in graph.outputs for placed in placing.outputs(output))
        return replace(graph, stage="placed", nodes=tuple(placing.nodes), outputs=outputs)

    def refuse_joint_statistics(self, graph: Graph) -> None:
        statistics = graph.with_op("batch_variance")
        if statistics and self.training and self.training.by == "joint":
            raise fail(
                "PPC219",
                "`batch_norm` cannot be trained jointly: its statistics need a division of secrets in every step.",
                span=statistics[0].span,
                hint="Leave it out, or train in the clear (`train … by clear`) and predict jointly.",
            )


@dataclass
class _Placing:
    graph: Graph
    policy: Policy
    training: Training | None
    nodes: list[Node] = field(default_factory=list[Node])
    placed: dict[str, Node] = field(default_factory=dict[str, Node])
    revealed: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def __post_init__(self) -> None:
        self.grants = {grant.what: grant for grant in self.policy.grants}
        self.grants.update({grant.what: grant for grant in (self.training.grants if self.training else ())})
        self.clear_trainer = trainer(self.policy) if self.training and self.training.by == "clear" else None

    def visit(self, node: Node) -> None:
        if node.op in ("input", "parameter"):
            readers = source_readers(node, self.policy, self.training)
            self.keep(node, self.home(readers), readers)
            return
        place = node.place or self.chosen_place(node)
        inputs = tuple(self.brought(name, node, place) for name in node.inputs)
        readers = common_readers(self.readers(name) for name in inputs)
        self.keep(replace(node, inputs=inputs), place, readers)

    def keep(self, node: Node, place: str, readers: Readers) -> None:
        kept = replace(node, place=place, type=node.typed.seen_by(readers))
        self.nodes.append(kept)
        self.placed[node.name] = kept

    def home(self, readers: Readers) -> str:
        """Where an input or a parameter lies before anything happens."""
        if readers.everyone:
            return self.policy.client
        return min(readers.parties) if readers.parties else JOINT

    def readers(self, name: str) -> Readers:
        readers = self.placed[name].typed.readers
        return NOBODY if readers is None else readers

    # ---- where ----

    def chosen_place(self, node: Node) -> str:
        if self.clear_trainer is not None:
            return self.clear_trainer
        if self.at_label_owner(node) is not None:
            return str(self.at_label_owner(node))
        if self.policy.server_clear is not None:
            return self.policy.server
        readers = common_readers(self.readers(name) for name in node.inputs)
        if readers.everyone or readers.parties:
            return self.home(readers)  # somebody holds all of it already
        if self.policy.joint is None:
            raise self.nowhere(node)
        return JOINT

    def at_label_owner(self, node: Node) -> str | None:
        """The loss runs at the party to whom the logits are opened."""
        if node.op in LOSSES and "logits" in self.grants and self.grants["logits"].to:
            return self.grants["logits"].to[0]
        return None

    def nowhere(self, node: Node) -> Exception:
        owners = " and ".join(sorted({owner.party for owner in (*self.policy.owners.values(), self.policy.weights)}))
        return fail(
            "PPC402",
            f"Nobody can compute `{node.name}`: it needs what {owners} hold, and no line says where that may meet.",
            span=node.span,
            hint="The split says where the first layers run; add `joint` or `server clear` for the rest."
            if self.policy.cut
            else "Add `joint` to the private block (two-party computation), or `split at k` with `server clear`.",
        )

    # ---- openings that the source names ----

    def brought(self, name: str, node: Node, place: str) -> str:
        """The operand as `place` may use it: itself, or its opening where a line of the source allows one."""
        if place == JOINT or self.readers(name).allows(place):
            return name
        grant = self.grant_for(self.placed[name], node, place)
        return self.reveal(name, place, grant) if grant else name

    def grant_for(self, operand: Node, node: Node, place: str) -> Grant | None:
        if operand.op == "parameter" and self.policy.cut and place == self.policy.client:
            return Grant(what="split", to=(place,), span=self.policy.cut.span)
        if node.op == "uncomplement":
            return self.grants.get("result")
        if node.op in LOSSES and operand.name == node.inputs[0]:  # the logits, never the labels beside them
            return self.grants.get("logits")
        crosses = operand.op != "input" and operand.place == self.policy.client
        if self.policy.server_clear and self.policy.cut and crosses and place == self.policy.server:
            return Grant(what="server clear", to=(place,), span=self.policy.server_clear)
        return None

    def reveal(self, name: str, party: str, grant: Grant) -> str:
        if (name, party) not in self.revealed:
            self.revealed[name, party] = self.add_reveal(name, party, grant.what, grant.span)
        return self.revealed[name, party]

    def add_reveal(self, name: str, party: str, grant: str, span: Span) -> str:
        value = self.placed[name]
        node = Node(
            name=f"{name}.to_{party}",
            op="reveal",
            inputs=(name,),
            attrs={"to": party, "grant": grant},
            type=value.typed.seen_by(self.readers(name) | only(party)),
            place=party,
            span=span,
            origin=Place.name,
        )
        self.nodes.append(node)
        self.placed[node.name] = node
        return node.name

    # ---- what leaves ----

    def outputs(self, output: Output) -> tuple[Output, ...]:
        if output.name == "result" and self.training is None:
            return self.results(output)
        return (replace(output, to=self.receivers(output)),)

    def receivers(self, output: Output) -> tuple[str, ...]:
        if output.name == RIGHT and self.training is not None and self.training.evaluation is not None:
            return self.training.evaluation.to
        return self.grants["model"].to if "model" in self.grants and self.is_model(output) else ()

    def is_model(self, output: Output) -> bool:
        return output.name in self.graph.by_name and self.graph[output.name].op == "parameter"

    def results(self, output: Output) -> tuple[Output, ...]:
        """To all who receive it; where a signal of the client's is in the answer, only the client takes it out."""
        grant, node = self.grants["result"], self.graph[output.value]
        if node.op != "uncomplement" or grant.to == (node.place,) or node.place not in grant.to:
            return (self.result(output, grant, grant.to),)
        others = tuple(party for party in grant.to if party != node.place)
        veiled = replace(output, name=VEILED, value=node.inputs[0])
        return self.result(output, grant, (str(node.place),)), self.result(veiled, grant, others)

    def result(self, output: Output, grant: Grant, receivers: tuple[str, ...]) -> Output:
        value = output.value
        for party in receivers:
            if not self.readers(value).allows(party):
                value = self.reveal(value, party, grant)
        return replace(output, value=value, to=receivers, span=grant.span)
