"""check-flow: nobody sees more than the program's lines allow.

Works out again, from the graph and the blocks alone, who may see every value: a result may be seen by those who may
see all that it is made of, and an opening adds one reader, if a line of the source names it. A place that reads
a value it may not see is a leak; the error shows the way that the secret takes. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from ppc.errors import Diagnostic, InternalError, Note, PpcError
from ppc.ir.graph import JOINT, Graph, Node, Output
from ppc.ir.policy import PUBLIC, Policy, Training
from ppc.ir.types import Readers, common_readers, only
from ppc.passes.openings import Openings
from ppc.passes.ownership import LOSSES, source_readers, weight_readers


@dataclass(frozen=True)
class CheckFlow:
    """Check a placed graph against one private block, and the train block where there is one."""

    name: ClassVar[str] = "check-flow"
    policy: Policy
    training: Training | None = None

    def run(self, graph: Graph) -> Graph:
        flow = _Flow(graph, self.policy, self.training)
        for node in graph.nodes:
            flow.visit(node)
        for output in graph.outputs:
            flow.leave(output)
        if flow.leaks:
            raise PpcError(*flow.leaks)
        return graph


@dataclass
class _Flow:
    graph: Graph
    policy: Policy
    training: Training | None
    readers: dict[str, Readers] = field(default_factory=dict[str, Readers])
    leaks: list[Diagnostic] = field(default_factory=list[Diagnostic])
    told: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def __post_init__(self) -> None:
        self.openings = Openings(self.graph, self.policy, self.training)
        made = {output.name for output in self.graph.outputs if output.value != output.name}
        self.updated = made.intersection(node.name for node in self.graph.parameters)

    def visit(self, node: Node) -> None:
        before = len(self.leaks)
        readers = self.readers[node.name] = self.computed(node)
        if len(self.leaks) == before and not self.leaks and readers != node.typed.readers:
            raise InternalError(f"{node.name} says for {node.typed.readers}; it is for {readers}", place=CheckFlow.name)

    def computed(self, node: Node) -> Readers:
        """Who may see the node's value; a leak on the way is noted once and then taken as given."""
        if node.op in ("input", "parameter"):
            return self.given(node)
        if node.op == "reveal":
            return self.opened(node)
        for name in node.inputs:
            if node.place not in (None, JOINT) and not self.readers[name].allows(str(node.place)):
                self.note_leak(name, str(node.place), node)
                self.readers[name] |= only(str(node.place))
        return common_readers(self.readers[name] for name in node.inputs)

    def opened(self, node: Node) -> Readers:
        party, operand = node.word("to"), node.inputs[0]
        if not self.openings.allowed(node):
            self.note_leak(operand, party, node)
        return self.readers[operand] | only(party)

    def given(self, node: Node) -> Readers:
        """An input or a parameter lies at somebody who may see it, or in shares."""
        readers = source_readers(node, self.policy, self.training)
        if node.name in self.updated:  # after one step it tells of the data, whatever it was before
            readers = weight_readers(self.policy, self.training)
        self.readers[node.name] = readers
        if node.place not in (None, JOINT) and not readers.allows(str(node.place)):
            self.note_leak(node.name, str(node.place), node)
        return readers

    def leave(self, output: Output) -> None:
        for party in output.to:
            if not self.readers[output.value].allows(party) and not self.openings.released(output):
                self.note_leak(output.value, party, None, output)

    # ---- the message ----

    def note_leak(self, name: str, party: str, reader: Node | None, output: Output | None = None) -> None:
        """One message for each secret and party; the weights are one secret, however many layers show them."""
        path = self.path(name, party)
        secret = "the weights" if path[0].op == "parameter" else path[0].name
        if (secret, party) not in self.told:
            self.leaks.append(self.leak(path, party, reader, output))
        self.told.add((secret, party))

    def leak(self, path: list[Node], party: str, reader: Node | None, output: Output | None) -> Diagnostic:
        secret = path[0]
        steps = " → ".join(node.name for node in (*path, *([reader] if reader and reader.op != "reveal" else [])))
        span = reader.span if reader else output.span if output else secret.span
        return Diagnostic(
            code="PPC401",
            message=f"{party} would see {self.described(secret)}."
            if len(path) == 1
            else f"{party} would see `{path[-1].name}`, which tells of {self.described(secret)}.",
            span=span,
            label=f"here, at {party}",
            notes=(*self.places(path, party, reader), Note(text=f"The way it takes: {steps} → {party}.")),
            hint=self.advice(party, reader),
        )

    def path(self, name: str, party: str) -> list[Node]:
        """From a source that `party` may not see to the value that would show it."""
        path = [self.graph[name]]
        while path[0].inputs:
            hidden = [n for n in path[0].inputs if not self.readers[n].allows(party)]
            plainest = sorted(hidden or path[0].inputs[:1], key=lambda n: n not in self.openings.raw)
            path.insert(0, self.graph[plainest[0]])
        return path

    def described(self, secret: Node) -> str:
        if secret.op == "parameter":
            owner = self.policy.weights.party
            shared = self.training is not None and self.training.by == "joint"
            return f"the weights `{secret.name}`" + ("" if shared or owner == PUBLIC else f" of {owner}")
        holders = source_readers(secret, self.policy, self.training)
        return f"`{secret.name}` of {holders}"

    def places(self, path: list[Node], party: str, reader: Node | None) -> Iterator[Note]:
        yield Note(text=f"the secret starts here: {self.described(path[0])}", span=path[0].span)
        if self.policy.server_clear and party == self.policy.server:
            yield Note(text="this line lets the layers run there", span=self.policy.server_clear)
        if self.policy.cut and party == self.policy.client and not self.takes_back(reader):
            yield Note(text="this line lets the layers run there", span=self.policy.cut.span)

    def takes_back(self, reader: Node | None) -> bool:
        """Is it read, or opened, to take the complement off the answer?"""
        readers = (reader, *self.graph.uses[reader.name]) if reader else ()
        return any(node.op == "uncomplement" for node in readers)

    def advice(self, party: str, reader: Node | None) -> str:
        if self.training is not None and self.training.by == "clear":
            return "Training in the clear needs data, labels and weights at one party; write `train … by joint`."
        if reader is not None and reader.op in LOSSES:
            return "Open the logits to the party that holds the labels, or to nobody."
        if self.takes_back(reader):
            return f"The signal is taken off the answer at {party}, so with `complement` write `result to {party}`."
        if self.policy.cut and reader is not None and party == self.policy.client:
            return f"The layers up to the split may use only what {party} holds: join the rest behind it."
        if self.policy.server_clear and self.policy.cut is None:
            return "`server clear` needs a `split at k` before it; or use `joint` in its place."
        if self.policy.server_clear:
            return "Let only values that the client's layers compute cross the split, or use `joint` for the rest."
        return f"If {party} may know it, a line must say so, for example `result to {party}`."
