"""Which openings the lines of the source allow: read from the graph and the blocks alone, by `check_flow`.

An opening adds a reader to a value. It names the words of the line that allows it; whether that line really speaks
of this value, this party and this place is decided here, for each kind of line apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppc.ir.graph import Graph, Node, Output
from ppc.ir.layers import WEIGHTED, layer_numbers
from ppc.ir.policy import Policy, Training
from ppc.passes.lowering.counting import RIGHT
from ppc.passes.ownership import LOSSES

OPENINGS = ("reveal", "uncomplement")
VEILED = "complemented"  # the answer with the client's signal in it: whoever else gets the result gets this


@dataclass
class Openings:
    """The openings of one placed graph."""

    graph: Graph
    policy: Policy
    training: Training | None

    def __post_init__(self) -> None:
        self.layers = layer_numbers(self.graph)
        # inputs, and what comes of them past every convolution and dense layer: an input in another form, or part of it
        self.raw: set[str] = set()
        for node in self.graph.nodes:
            passed_on = node.op not in WEIGHTED and any(name in self.raw for name in node.inputs)
            if node.op == "input" or passed_on:
                self.raw.add(node.name)

    def allowed(self, opening: Node) -> bool:
        """Does a line of the source name this opening?"""
        operand, party = self.graph[opening.inputs[0]], opening.word("to")
        users = self.graph.uses[opening.name]
        if opening.place != party:
            return False
        match opening.word("grant"):
            case "split":
                return self.of_the_head(operand, party, users)
            case "server clear":
                return self.across_the_split(operand, party, users)
            case "result":
                named = any(grant.what == "result" and party in grant.to for grant in self.policy.grants)
                return named and self.training is None and self.is_answer(opening)
            case "logits":
                return self.to_the_loss(opening, operand, party, users)
            case _:
                return False

    def of_the_head(self, operand: Node, party: str, users: tuple[Node, ...]) -> bool:
        """`split at k` gives the client the weights of its own layers."""
        cut = self.policy.cut
        if cut is None or party != self.policy.client or operand.op != "parameter" or not users:
            return False
        within = all(not cut.layer or self.layers[user.name] <= cut.layer for user in users)
        return within and all(user.place == party for user in users)

    def across_the_split(self, operand: Node, party: str, users: tuple[Node, ...]) -> bool:
        """`server clear` gives the server what those layers computed: never an input, nor a part of one."""
        policy = self.policy
        computed = operand.place == policy.client and operand.op != "parameter" and operand.name not in self.raw
        crosses = bool(users) and all(user.place == policy.server or user.op == "reveal" for user in users)
        return bool(policy.server_clear and policy.cut) and party == policy.server and computed and crosses

    def is_answer(self, opening: Node) -> bool:
        """Is it the model's answer, up to further openings and the un-complement? Nothing else reads an answer."""
        ways = [self.way(output.value) for output in self.graph.outputs if output.name in ("result", VEILED)]
        found = any(opening in way[:-1] for way in ways)
        return found and all(user.op in OPENINGS for way in ways for user in self.graph.uses[way[-1].name])

    def way(self, name: str) -> list[Node]:
        """From what leaves the graph back through its openings to what was computed."""
        value = self.graph[name]
        return [value, *self.way(value.inputs[0])] if value.op in OPENINGS else [value]

    def to_the_loss(self, opening: Node, operand: Node, party: str, users: tuple[Node, ...]) -> bool:
        """`logits to …` opens the model's result, to the loss alone."""
        grants = self.training.grants if self.training else ()
        named = any(grant.what == "logits" and party in grant.to for grant in grants)
        logits = operand.name == self.graph.output("result").value
        return named and logits and all(user.op in LOSSES and user.inputs[0] == opening.name for user in users)

    def released(self, output: Output) -> bool:
        """`model to …`: the update of a parameter, opened once, when training ends."""
        evaluation = self.training.evaluation if self.training else None
        if evaluation and output.name == RIGHT:
            return set(output.to) <= set(evaluation.to) and self.counts(self.graph[output.value])
        grants = self.training.grants if self.training else ()
        named = any(grant.what == "model" and set(output.to) <= set(grant.to) for grant in grants)
        parameter = self.graph.by_name.get(output.name)
        if not named or parameter is None or parameter.op != "parameter":
            return False
        return self.updates(self.graph[output.value], parameter)

    def counts(self, value: Node) -> bool:
        """Is it the number of right answers among the model's results?"""
        return value.op == "right_answers" and value.inputs[0] == self.graph.output("result").value

    def updates(self, value: Node, parameter: Node) -> bool:
        """Is it the parameter less its step, or a running statistic's old share plus its new one?"""
        first = self.graph[value.inputs[0]] if value.inputs else value
        if value.op == "subtract":
            return first is parameter
        return value.op == "add" and first.op == "scale" and first.inputs == (parameter.name,)
