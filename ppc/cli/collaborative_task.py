"""What every process of a collaborative training begins with: the program's blocks, the greeting, and who is who."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from ppc.cli.cert_verbs import default_folder
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from ppc.bundle import Bundle
    from ppc.ir.collaborative import Collaborative, Pate
    from ppc.ir.graph import Graph
    from ppc.learning import Network
    from ppc.learning.network import Tensors
    from ppc.runtime.keyring import Keyring
    from ppc.runtime.wire.hello import Hello
    from ppc.runtime.wire.link import Link
    from ppc.selective.members import Images, Labelled

NAME = "participant_"  # of a worker's certificate, before its number


@dataclass(frozen=True)
class Task:
    """What the program says: the training, the labelling if there is one, and the text itself for the greeting."""

    facts: Collaborative
    pate: Pate | None
    arguments: Namespace

    def graph(self, model: str) -> Graph:
        from ppc import compiler

        return compiler.compile_program(self.arguments.program, model=model).after("infer-shapes")

    def network(self, model: str) -> Network:
        from ppc.learning import Network

        return Network(self.graph(model))

    @property
    def compares(self) -> bool:
        """Whether the server and a second aggregator compare votes on shares."""
        return self.pate is not None and self.pate.opened == "winner"

    @property
    def classes(self) -> int:
        """Of the student, and of every vote."""
        assert self.pate is not None
        graph = self.graph(self.pate.student)
        return graph[graph.output("result").value].shape[-1]

    def bundle(self, role: str) -> Bundle:
        """What a role of the joint comparison runs."""
        from ppc.winner_program import bundle_of

        assert self.pate is not None
        return bundle_of(self.facts, self.pate, self.classes, role)

    def first(self, network: Network, seed: int) -> Tensors:
        from ppc.learning.network import as_tensors
        from ppc.weights import load

        if self.arguments.weights is not None:
            return as_tensors(load(self.arguments.weights, network.graph).weights)
        return network.initial(seed)

    def public(self, network: Network) -> Images | None:
        """The examples to label, if they are to be labelled."""
        from ppc.selective.members import unlabelled

        if self.arguments.public is None or self.pate is None:
            return None
        return unlabelled(self.arguments.public, network)

    def asked(self, public: Images) -> int:
        """For how many labels the budget pays; one that pays for none is refused."""
        from ppc.collaborative.labelling import payable

        assert self.pate is not None
        return payable(self.pate, len(public))

    def test(self, network: Network) -> Labelled | None:
        """The examples that the accuracy is measured on, if there are some."""
        from ppc.selective.members import labelled

        return None if self.arguments.test is None else labelled(self.arguments.test, network)

    def hello(self, keyring: Keyring, public: Images | None, **told: bytes) -> Hello:
        """All have the same program and label the same examples. Who learns tells how many examples it has, and its
        port."""
        from ppc.runtime.wire.hello import Hello

        graphs = [self.graph(name) for name in sorted({self.facts.model, *dict(self.facts.models).values()})]
        nodes = [[(one.name, one.op, one.inputs, sorted(one.attrs.items())) for one in graph.nodes] for graph in graphs]
        said = sha256(repr((self.facts, self.pate, nodes)).encode()).hexdigest()
        what = "nothing" if public is None else sha256(public.contiguous().numpy().tobytes()).hexdigest()
        own = keyring.own
        return Hello(role=own.role, party=own.party, plan=said, agreed={"examples to label": what}, told=told)


def understood(arguments: Namespace) -> Task:
    """What the blocks say, and whether the command line brings what they need."""
    from ppc import compiler
    from ppc.ir.collaborative import Collaborative

    facts = compiler.training_of(arguments.program, model=arguments.model)
    assert isinstance(facts, Collaborative)
    pate = next(iter(compiler.labels_of(arguments.program)), None)
    if arguments.public is not None and pate is None:
        raise fail("PPC508", "The program labels nothing.", hint="Add a block `label public by pate { … }`.")
    task = Task(facts, pate, arguments)
    if pate is not None and (mistake := pate.unsendable(task.classes)):
        raise PpcError(mistake)
    return task


def keyring_of(arguments: Namespace) -> Keyring:
    from ppc.runtime.keyring import open_folder

    return open_folder(arguments.certificates or default_folder())


def number_of(link: Link, facts: Collaborative) -> int | None:
    """`participant_3` is worker 3."""
    name, _, number = link.peer.party.rpartition("_")
    if f"{name}_" == NAME and number.isdecimal() and 1 <= int(number) <= facts.workers:
        return int(number)
    return None
