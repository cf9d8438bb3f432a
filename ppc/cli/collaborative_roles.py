"""The processes of a collaborative training: the server that opens sums, and one worker."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ppc.cli.cert_verbs import default_folder
from ppc.cli.crowd_options import PORT
from ppc.cli.telling import Telling
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from torch import Tensor

    from ppc.collaborative.host import Host, Newcomer
    from ppc.collaborative.worker import Worker
    from ppc.ir.collaborative import Collaborative, Pate
    from ppc.learning import Network
    from ppc.learning.network import Tensors
    from ppc.runtime.keyring import Keyring
    from ppc.runtime.wire.hello import Hello
    from ppc.runtime.wire.letters import Letters
    from ppc.runtime.wire.link import Link
    from ppc.runtime.wire.listener import Listener

LOOK = 0.2  # seconds between two looks at who has come
NAME = "participant_"  # of a worker's certificate, before its number


@dataclass(frozen=True)
class Task:
    """What the program says: the training, the labelling if there is one, and the text itself for the greeting."""

    facts: Collaborative
    pate: Pate | None
    arguments: Namespace

    def network(self, model: str) -> Network:
        from ppc import compiler
        from ppc.learning import Network

        return Network(compiler.compile_program(self.arguments.program, model=model).after("infer-shapes"))

    def first(self, network: Network, seed: int) -> Tensors:
        from ppc.learning.network import as_tensors
        from ppc.weights import load

        if self.arguments.weights is not None:
            return as_tensors(load(self.arguments.weights, network.graph).weights)
        return network.initial(seed)

    def public(self, network: Network) -> Tensor | None:
        """The examples to label, if they are to be labelled."""
        from ppc.selective.members import unlabelled

        if self.arguments.public is None or self.pate is None:
            return None
        return unlabelled(self.arguments.public, network)

    def hello(self, keyring: Keyring, public: Tensor | None, **told: bytes) -> Hello:
        """All have the same program and label the same examples. Who learns tells how many examples it has, and its
        port."""
        from ppc.runtime.wire.hello import Hello

        graphs = [self.network(name).graph for name in sorted({self.facts.model, *dict(self.facts.models).values()})]
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
    if pate is not None and pate.opened == "winner":
        raise fail(
            "PPC115",
            "`ppc train` does not open the winner alone yet.",
            span=pate.span,
            hint="Leave `open winner` out; then the noisy counts are opened, which the certified epsilon covers.",
        )
    return Task(facts, pate, arguments)


def keyring_of(arguments: Namespace) -> Keyring:
    from ppc.runtime.keyring import open_folder

    return open_folder(arguments.certificates or default_folder())


# ---- the server ----


def server(arguments: Namespace, telling: Telling) -> int:
    """Until the last epoch is over and the examples are labelled, or too few workers are left."""
    from ppc.collaborative.host import Host
    from ppc.runtime.wire.listener import Listener

    task = understood(arguments)
    keyring, over = keyring_of(arguments), _over(arguments)
    network = task.network(task.pate.student if task.pate else task.facts.model)
    public = task.public(network)
    _forecast(task, public, telling)
    address = arguments.listen or (("127.0.0.1", 0) if arguments.embedded else ("", PORT))
    listener = Listener(address, keyring, task.hello(keyring, public), expects=("participant",))
    host = Host(task.facts, lambda: _arrived(listener, task.facts), telling.note, over=over)
    try:
        telling.event("listening", port=listener.port)
        telling.say(f"listens at port {listener.port} for {task.facts.workers} workers")
        _gather(host, arguments.patience)
        found = _train(arguments, telling, host)
        if public is not None:
            from ppc.cli.labelling import labels

            found |= labels(arguments, task, host, network, public)
    finally:
        host.close()
        listener.close()
    telling.event("done", **found)
    telling.say(f"{found['rounds']:,} rounds, {found['bytes']:,} bytes")
    return 0


def _forecast(task: Task, public: Tensor | None, telling: Telling) -> None:
    """Before anybody trains: what the labels will be worth."""
    if task.pate is not None and public is not None:
        from ppc.collaborative.labelling import affordable
        from ppc.collaborative.privacy import forecast

        asked = affordable(task.pate, min(task.pate.queries, len(public)))
        for line in forecast(task.facts, task.pate, asked):
            telling.note(line)


def _over(arguments: Namespace) -> int:
    """The epochs that are behind the training."""
    from ppc.collaborative.state import resumed_server

    if not arguments.resume:
        return 0
    if arguments.checkpoint is None:
        raise fail("PPC684", "From where the training goes on is not said.", hint="Name it: `--checkpoint FOLDER`.")
    return resumed_server(arguments.checkpoint)


def _train(arguments: Namespace, telling: Telling, host: Host) -> dict[str, Any]:
    from ppc.collaborative.state import keep_server

    rounds = predicted = 0
    opened: list[float | None] = []
    for sums in host.epochs():
        rounds, predicted = rounds + len(sums), predicted + sum(one.predicted for one in sums)
        losses = [one.opened / one.there for one in sums if one.opened is not None]
        opened.append(sum(losses) / len(losses) if losses else None)
        if arguments.checkpoint is not None:
            keep_server(arguments.checkpoint, host.over)
        right = [told["accuracy"] for told in host.reports.values() if "accuracy" in told]
        telling.event(
            "round",
            epoch=host.over,
            loss=opened[-1],
            accuracy=sum(right) / len(right) if right else None,
            bytes=host.measured,
            there=len(host.there),
        )
    reports = {str(number): told for number, told in sorted(host.reports.items())}
    carried = {"bytes": host.measured, "predicted": predicted}
    return {"rounds": rounds, **carried, "losses": opened, "reports": reports, "there": len(host.there)}


def _arrived(listener: Listener, facts: Collaborative) -> Iterator[Newcomer]:
    """Those who came since; who is refused is not among them."""
    from ppc.collaborative.host import Newcomer
    from ppc.runtime.wire.letters import Letters

    while (link := listener.poll(0.001)) is not None:
        if isinstance(link, PpcError):
            continue
        number, port = _number(link, facts), int.from_bytes(link.theirs.told.get("port", b"")[:2], "little")
        if number is None or not port:
            link.close()
            continue
        host = str(link.incoming.getpeername()[0])
        examples = int.from_bytes(link.theirs.told.get("examples", b"\1")[:8], "little")
        line = Letters(link, computing=facts.wait)
        yield Newcomer(number=number, line=line, place=(host, port), examples=max(1, min(examples, MOST_EXAMPLES)))


MOST_EXAMPLES = 10_000_000


def _number(link: Link, facts: Collaborative) -> int | None:
    """`participant_3` is worker 3."""
    name, _, number = link.peer.party.rpartition("_")
    if f"{name}_" == NAME and number.isdecimal() and 1 <= int(number) <= facts.workers:
        return int(number)
    return None


def _gather(host: Host, patience: float) -> None:
    """Everybody, or after some time those who are needed."""
    from time import monotonic, sleep

    limit = monotonic() + patience
    while len(host.there) < host.facts.workers:
        host.welcome()
        if monotonic() > limit:
            host.enough()
            return
        sleep(LOOK)


# ---- a worker ----


def worker(arguments: Namespace, telling: Telling) -> int:
    """Everything that the server calls for."""
    from ppc.collaborative.guest import Attendance
    from ppc.collaborative.mesh import Mesh
    from ppc.collaborative.state import keep_worker
    from ppc.runtime.wire.letters import Letters
    from ppc.runtime.wire.link import dial
    from ppc.runtime.wire.listener import Listener

    if arguments.peer is None:
        raise fail("PPC651", "Where the server listens is not said.", hint="Name it: `--peer HOST:PORT`.")
    task, number, keyring = understood(arguments), int(arguments.be), keyring_of(arguments)
    if number > task.facts.workers:
        raise fail("PPC508", f"The program has {task.facts.workers} workers.", hint="Use a number of these: `--be N`.")
    network = task.network(task.facts.model_of(number))
    own, public = _own(arguments, task, network, number), task.public(network)
    among = task.hello(keyring, public)
    listener = Listener(
        arguments.listen or (("127.0.0.1", 0) if arguments.embedded else ("", 0)),
        keyring,
        among,
        expects=("participant",),
    )
    told = {"port": listener.port.to_bytes(2, "little"), "examples": len(own.labels).to_bytes(8, "little")}
    mesh = Mesh(number, lambda wait: _neighbour(listener, task.facts, wait), task.facts.wait)
    line: Letters | None = None

    def reach(other: int, place: tuple[str, int]) -> Letters:
        link = dial(place, keyring, among, expects=("participant",))
        if _number(link, task.facts) != other:
            link.close()
            raise fail("PPC665", f"At {place[0]}:{place[1]} is not worker {other}.", hint="Ask who runs the server.")
        return Letters(link, computing=task.facts.wait)

    def keep(over: int) -> None:
        if arguments.checkpoint is not None:
            keep_worker(arguments.checkpoint, own, over)

    try:
        hello = task.hello(keyring, public, **told)
        line = Letters(dial(arguments.peer, keyring, hello, expects=("server",), patience=arguments.patience))
        test = _test(arguments, network)
        attendance = Attendance(
            worker=own,
            line=line,
            mesh=mesh,
            reach=reach,
            begin=lambda over: _began(arguments, telling, own, over),
            keep=keep,
            report=lambda: {"accuracy": own.accuracy(*test)} if test else {},
            pate=task.pate,
            public=public,
        )
        rounds = attendance.attend()
    finally:
        listener.close()
        mesh.close()
        if line is not None:
            line.close()
    _save(arguments, own)
    telling.event("done", rounds=rounds, shares=mesh.sent)
    telling.say(f"{rounds} rounds, {mesh.sent:,} bytes of shares sent")
    return 0


def _neighbour(listener: Listener, facts: Collaborative, wait: float) -> tuple[int, Letters] | None:
    """The next worker that has dialled this one."""
    from ppc.runtime.wire.letters import Letters

    link = listener.poll(max(wait, 0.001))
    if link is None or isinstance(link, PpcError):
        return None
    number = _number(link, facts)
    return None if number is None else (number, Letters(link, computing=facts.wait))


def _began(arguments: Namespace, telling: Telling, own: Worker, over: int) -> None:
    """Where the others are when this worker comes."""
    from ppc.collaborative.state import resumed_worker

    if over and (arguments.checkpoint is None or not resumed_worker(arguments.checkpoint, own, over)):
        telling.note(f"{over} epochs are over, and no checkpoint of them is here: it begins with the first weights")


def _own(arguments: Namespace, task: Task, network: Network, number: int) -> Worker:
    from ppc.collaborative.worker import Worker
    from ppc.selective.members import labelled

    images, labels = labelled(arguments.data, network)
    if arguments.share is not None:
        part, of = arguments.share
        each = arguments.each or len(labels) // of
        if each * of > len(labels) or not each:
            raise fail("PPC508", f"{len(labels):,} examples are too few for {of} workers.", hint="Use `--each`.")
        images, labels = images[(part - 1) * each : part * each], labels[(part - 1) * each : part * each]
    seed = arguments.seed or 0
    return Worker(number - 1, task.facts, network, images, labels, task.first(network, seed + number), seed)


def _test(arguments: Namespace, network: Network) -> tuple[Tensor, Tensor] | None:
    from ppc.selective.members import labelled

    return None if arguments.test is None else labelled(arguments.test, network)


def _save(arguments: Namespace, own: Worker) -> None:
    """A worker's model is its own."""
    from ppc.learning.network import as_weights
    from ppc.weights import save

    if arguments.output is not None:
        save(arguments.output, as_weights(own.weights))
