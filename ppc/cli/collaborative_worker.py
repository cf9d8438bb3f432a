"""One worker of a collaborative training, as a process: it learns from its own examples and shares its losses."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from secrets import randbits
from typing import TYPE_CHECKING

from ppc.cli.collaborative_second import line_to_second
from ppc.cli.collaborative_task import Task, keyring_of, number_of, understood
from ppc.cli.telling import Telling
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from ppc.collaborative.guest import Attendance
    from ppc.collaborative.mesh import Mesh
    from ppc.collaborative.worker import Worker
    from ppc.ir.collaborative import Collaborative
    from ppc.learning import Network
    from ppc.runtime.keyring import Keyring
    from ppc.runtime.wire.hello import Hello
    from ppc.runtime.wire.letters import Letters
    from ppc.runtime.wire.listener import Listener
    from ppc.selective.members import Images


def worker(arguments: Namespace, telling: Telling) -> int:
    """Everything that the server calls for."""
    from ppc.collaborative.mesh import Mesh
    from ppc.runtime.wire.listener import Listener

    task, number, keyring = _asked(arguments)
    network = task.network(task.facts.model_of(number))
    own, public = _own(arguments, task, network, number), task.public(network)
    among = task.hello(keyring, public)
    address = arguments.listen or (("127.0.0.1", 0) if arguments.embedded else ("", 0))
    listener = Listener(address, keyring, among, expects=("participant",))
    mesh = Mesh(number, lambda wait: _neighbour(listener, task.facts, wait), task.facts.wait)
    told = {"port": listener.port.to_bytes(2, "little"), "examples": len(own.labels).to_bytes(8, "little")}
    try:
        reach = Reach(task.facts, keyring, among)
        line = _line(arguments, keyring, task.hello(keyring, public, **told))
        try:
            attendance = _attendance(arguments, telling, task, own, line, mesh, reach, public)
            attendance.second = line_to_second(arguments, task, keyring)
            rounds = attendance.attend()
        finally:
            line.close()
    finally:
        listener.close()
        mesh.close()
    _save(arguments, own)
    telling.event("done", rounds=rounds, shares=mesh.sent)
    telling.say(f"{rounds} rounds, {mesh.sent:,} bytes of shares sent")
    return 0


def _asked(arguments: Namespace) -> tuple[Task, int, Keyring]:
    if arguments.peer is None:
        raise fail("PPC657", "Where the server listens is not said.", hint="Name it: `--peer HOST:PORT`.")
    task, number = understood(arguments), int(arguments.be)
    if number > task.facts.workers:
        raise fail("PPC508", f"The program has {task.facts.workers} workers.", hint="Use a number of these: `--be N`.")
    return task, number, keyring_of(arguments)


def _line(arguments: Namespace, keyring: Keyring, hello: Hello) -> Letters:
    """To the server."""
    from ppc.runtime.wire.letters import Letters
    from ppc.runtime.wire.link import dial

    return Letters(dial(arguments.peer, keyring, hello, expects=("server",), patience=arguments.patience))


@dataclass(frozen=True)
class Reach:
    """Dials other workers, and makes sure who answers."""

    facts: Collaborative
    keyring: Keyring
    hello: Hello

    def __call__(self, other: int, place: tuple[str, int]) -> Letters:
        from ppc.runtime.wire.letters import Letters
        from ppc.runtime.wire.link import dial

        link = dial(place, self.keyring, self.hello, expects=("participant",))
        if number_of(link, self.facts) != other:
            link.close()
            raise fail("PPC665", f"At {place[0]}:{place[1]} is not worker {other}.", hint="Ask who runs the server.")
        return Letters(link, computing=self.facts.wait)


def _attendance(
    arguments: Namespace,
    telling: Telling,
    task: Task,
    own: Worker,
    line: Letters,
    mesh: Mesh,
    reach: Reach,
    public: Images | None,
) -> Attendance:
    from ppc.collaborative.answered import Answered
    from ppc.collaborative.guest import Attendance
    from ppc.collaborative.state import Spent, keep_worker

    def keep(over: int) -> None:
        if arguments.checkpoint is not None:
            keep_worker(arguments.checkpoint, own, over)

    test = task.test(own.network)
    return Attendance(
        worker=own,
        line=line,
        mesh=mesh,
        reach=reach,
        begin=lambda over: _began(arguments, telling, own, over),
        keep=keep,
        report=lambda: {"accuracy": own.accuracy(*test)} if test else {},
        pate=task.pate,
        public=public,
        spent=Spent.of(arguments.checkpoint, f"worker_{own.number + 1}"),
        answered=Answered.of(arguments.checkpoint, f"worker_{own.number + 1}"),
    )


def _neighbour(listener: Listener, facts: Collaborative, wait: float) -> tuple[int, Letters] | None:
    """The next worker that has dialled this one."""
    from ppc.runtime.wire.letters import Letters

    link = listener.poll(max(wait, 0.001))
    if link is None or isinstance(link, PpcError):
        return None
    number = number_of(link, facts)
    return None if number is None else (number, Letters(link, computing=facts.wait))


def _began(arguments: Namespace, telling: Telling, own: Worker, over: int) -> None:
    """Where the others are when this worker comes."""
    from ppc.collaborative.state import resumed_worker

    if over and (arguments.checkpoint is None or not resumed_worker(arguments.checkpoint, own, over)):
        telling.note(f"{over} epochs are over, and no checkpoint of them is here: it begins with the first weights")


def _own(arguments: Namespace, task: Task, network: Network, number: int) -> Worker:
    from ppc.collaborative.state import SEED_BITS
    from ppc.collaborative.worker import Worker
    from ppc.selective.members import labelled

    images, labels = labelled(arguments.data, network)
    if arguments.share is not None:
        part, of = arguments.share
        each = arguments.each or len(labels) // of
        if each * of > len(labels) or not each:
            raise fail("PPC508", f"{len(labels):,} examples are too few for {of} workers.", hint="Use `--each`.")
        images, labels = images[(part - 1) * each : part * each], labels[(part - 1) * each : part * each]
    seed = randbits(SEED_BITS) if arguments.seed is None else arguments.seed
    return Worker(number - 1, task.facts, network, images, labels, task.first(network, seed + number), seed)


def _save(arguments: Namespace, own: Worker) -> None:
    """A worker's model is its own."""
    from ppc.learning.network import as_weights
    from ppc.weights import save

    if arguments.output is not None:
        own.check_numbers()
        save(arguments.output, as_weights(own.weights), private=True)
