"""A model that is split, served to many clients in the clear: in threads of this process, over sockets and TLS."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import numpy as np

from ppc import bundle, bundling
from ppc.bundle import Bundle
from ppc.compiled import Compiled
from ppc.passes.checks.verdict import accepted
from ppc.reference import evaluate
from ppc.runtime.keyring import Keyring, open_folder, throw_away
from ppc.runtime.roles import meeting, request
from ppc.runtime.roles.brought import Array, Brought
from ppc.runtime.roles.dealt import NoDealt
from ppc.runtime.roles.meeting import Terms
from ppc.runtime.roles.party import PartyRun
from ppc.runtime.roles.service import Service
from ppc.runtime.wire.link import Address, Link
from ppc.runtime.wire.listener import Listener
from ppc.runtime.wire.tls_channel import TlsChannel
from ppc.weights import initial

SMALL = """
party clinic, lab

model small(scan: real[1, 10, 10] in 0..1) -> real[4] {
    conv2d(3, kernel=3)
    batch_norm
    relu
    conv2d(4, kernel=3)
    relu
    avg_pool(2)
    dense(8)
    relu
    dense(4)
}

private small {
    scan    from clinic
    weights from lab in -2..2
    result  to   clinic
    split at 2
    complement offset
    server clear
}

private small as bytes {
    scan    from clinic
    weights from lab in -2..2
    result  to   clinic
    split at 2
    complement offset
    server clear { send = byte }
}

private small as joined {
    scan    from clinic
    weights from lab in -2..2
    result  to   clinic
    split at 2
    complement offset
    joint
}

private small as whole {
    scan    from clinic
    weights from lab in -2..2
    result  to   clinic
    complement offset at 2
    joint
}
"""
HERE = "127.0.0.1"
TERMS = Terms(patience=30.0, idle=30.0, insecure_local=True, dealer="none")
CLASSES = 4


def scans(count: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).uniform(0.0, 1.0, (count, 1, 10, 10))


def weights_of(compiled: Compiled, seed: int = 1) -> dict[str, Array]:
    from ppc.weights import fold

    names = [step.name for step in compiled.steps]
    typed = compiled.steps[names.index("prepare-inference") - 1].graph
    return dict(fold(typed, initial(typed, seed)))


def answers(as_: str, rows: Array, seed: int = 1) -> Array:
    """What the model answers for each signal: [signal, example, class]."""
    from ppc.compiler import compile_program

    compiled = compile_program(SMALL, as_=as_, batch=len(rows))
    values = {"scan": rows, **weights_of(compiled, seed)}
    each = [evaluate(compiled.graph, {**values, "signal": np.full(len(rows), one)})["result"] for one in range(CLASSES)]
    return np.stack(each)


def nearest(found: Array, expected: Array) -> Array:
    """How far each example's answer is from that of the signal that explains it best."""
    return np.abs(found[np.newaxis] - expected).max(axis=2).min(axis=0)


@dataclass
class House:
    """What a client needs, and what the server said of its sessions."""

    bundles: dict[str, Bundle]
    rings: dict[str, Keyring]
    whole: dict[str, Array]
    said: list[str] = field(default_factory=list[str])
    server: Address = (HERE, 0)

    def session(self, link: Link, role: str, brought: Brought) -> dict[str, Array]:
        """One party's part, from a link to its result."""
        found = self.bundles[role]
        examples = request.agreed_examples(found, brought.examples, link.theirs)
        channel = TlsChannel(link, idle=TERMS.idle)
        try:
            run = PartyRun(
                bundle=found,
                channel=channel,
                dealt=NoDealt(),
                session=link.session,
                brought=brought,
                examples=examples,
                run=request.stretches(found, request.Request(examples=examples)),
            )
            results = run.carry_out()
            channel.finish()
            assert run.measured == run.predicted
            return results
        finally:
            channel.close()

    def met(self, examples: int) -> Link:
        """A connection of the client's."""
        brought = Brought(rows={"scan": np.zeros((examples, 0))})  # only their number is told
        standing = meeting.standing(self.bundles["client"], brought, TERMS)
        return meeting.meet_server(standing, self.rings["client"], self.server, TERMS)

    def client(self, rows: Array) -> Array:
        """What a client gets for its examples."""
        link = self.met(len(rows))
        brought = Brought(rows={"scan": rows}, whole=self.bundles["client"].given_away)
        return self.session(link, "client", brought)["result"]


def built(folder: Path, as_: str = "small", seed: int = 1) -> dict[str, Bundle]:
    """Bundles of both roles."""
    made = bundling.at_batches(SMALL, as_=as_, batches=(1, 3))
    home = bundle.write(bundling.program(made, lambda compiled: weights_of(compiled, seed)), folder)
    assert not (home / "dealer").exists()
    return {role: bundle.read(home / role, accepted) for role in ("client", "server")}


@contextmanager
def house(
    folder: Path, as_: str = "small", change: Callable[[dict[str, Array]], dict[str, Array]] | None = None
) -> Generator[House]:
    """A server that serves; `change` is what it does to its weights without saying so."""
    from ppc.compiler import compile_program

    bundles = built(folder / "build", as_)
    rings = {
        role: open_folder(path)
        for role, path in throw_away(folder / "certificates", {"client": "clinic", "server": "lab"}).items()
    }
    whole = weights_of(compile_program(SMALL, as_=as_))
    found = House(bundles, rings, change(whole) if change else whole)

    def carry_out(link: Link) -> str:
        found.session(link, "server", Brought(whole=found.whole))
        return "done"

    standing = meeting.standing(bundles["server"], Brought(), TERMS)
    service = Service(hello=standing.hello, carry_out=carry_out, say=found.said.append, most=32)
    door = Listener(
        (HERE, 0), rings["server"], service.answer, expects=("client",), check=standing.check, handshake=30.0
    )
    found.server = (HERE, door.port)
    thread = Thread(target=service.serve, args=(door,))
    thread.start()
    try:
        yield found
    finally:
        service.stop.set()
        thread.join()
