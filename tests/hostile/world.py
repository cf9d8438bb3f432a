"""What both implementations share in a test: a program's bundles, certificates, what each party brings, the answer.

And the first implementation's parties, as the front door starts them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from threading import Thread
from typing import Any

import numpy as np

from ppc import bundle, bundling
from ppc.bundle import Bundle
from ppc.errors import PpcError
from ppc.field import Field
from ppc.passes.checks.verdict import accepted
from ppc.runtime.certificates import make
from ppc.runtime.keyring import Keyring, new, open_folder, pin, throw_away
from ppc.runtime.prep.ledger import Ledger
from ppc.runtime.prep.shelf import Shelf
from ppc.runtime.prep.signing import DealerKey
from ppc.runtime.prep.writing import deal_to_files
from ppc.runtime.roles import meeting, request
from ppc.runtime.roles.brought import Array, Brought, given
from ppc.runtime.roles.course import GIVEN, Course, Wishes
from ppc.runtime.roles.deal import DealerService
from ppc.runtime.roles.meeting import Terms
from ppc.runtime.roles.party import PartyRun
from ppc.runtime.roles.public import public_weights, together
from ppc.runtime.roles.request import Stretch
from ppc.runtime.roles.shelved import ShelvedDealt
from ppc.runtime.roles.trace import Trace
from ppc.runtime.session import Given
from ppc.runtime.wire.link import Address, Link
from ppc.runtime.wire.listener import Listener
from ppc.runtime.wire.tls_channel import TlsChannel
from tests.hostile.workloads import Workload

HERE = "127.0.0.1"
ROLES = {"client": "hospital", "server": "lab", "dealer": "dealer"}
CALM = Terms(patience=20.0, idle=20.0, handshake=20.0, insecure_local=True)
QUICK = Terms(patience=1.0, idle=1.0, handshake=1.0, insecure_local=True)
DEALER_KEY = DealerKey()


@dataclass(eq=False)
class World:
    """A workload with everything that is needed to run it. `dealer` is where an honest one listens."""

    work: Workload
    folder: Path
    bundles: dict[str, Bundle]
    folders: dict[str, Path]  # of certificates
    brought: dict[str, Brought]
    dealer: Address = (HERE, 0)
    files: bool = False
    seeds: tuple[bytes, bytes] | None = None
    hosts: dict[str, Path] = field(default_factory=dict[str, Path])  # a party's disk: prep and ledger

    @property
    def examples(self) -> int:
        return self.work.examples

    @property
    def field(self) -> Field:
        return self.bundles["dealer"].plan(self.work.batch).modulus_field

    def ring(self, role: str) -> Keyring:
        return open_folder(self.folders[role])

    def given(self, stretch: Stretch) -> Given:
        """What the dealer is given."""
        return given(stretch, "", self.brought["dealer"])

    @property
    def request(self) -> request.Request:
        return request.Request(examples=self.examples)

    # ---- of a training ----

    def wanted(self, role: str) -> Wishes | None:
        found = self.bundles[role]
        return Wishes(bundle=found, brought=self.brought[role], order=GIVEN) if found.training else None

    def course(self, role: str, session: bytes) -> Course | None:
        """Nothing is there to go on from."""
        wanted, nothing = self.wanted(role), request.hello_of(self.bundles[role], None)
        return wanted.course(session, nothing, self.examples) if wanted else None

    def wishes(self, role: str, session: bytes) -> dict[str, str]:
        """What a side tells of them, to the dealer and to the other party."""
        if session:
            return {"start": b"0".hex()}
        return {"checkpoints": ""} if self.bundles[role].training and role != "dealer" else {}

    def agreed(self, role: str, session: bytes) -> dict[str, str]:
        """What the roles agree on beside the plan."""
        training = self.bundles[role].training and role != "dealer" and not session
        found = public_weights(self.bundles[role], self.brought[role])
        return found | ({"checkpoints": "none", "resumed": "False", "released": "False"} if training else {})

    def terms(self, terms: Terms) -> Terms:
        return replace(terms, dealer="files" if self.files else "live")

    # ---- the dealer's files ----

    def with_files(self) -> World:
        """The same with disks of its own for both parties, and one pair of files for every stretch."""
        home = self.folder / "disks" / token_hex(8)
        return replace(self, files=True, hosts={role: home / role for role in ("client", "server")}).dealt()

    def dealt(self) -> World:
        for stretch in request.stretches(self.bundles["dealer"], self.request):
            out = self.folder / "dealt" / token_hex(8)
            deal_to_files(
                stretch.plan,
                out,
                1,
                key=DEALER_KEY,
                iterations=stretch.iterations,
                public=self.given(stretch),
                public_hash=together(public_weights(self.bundles["dealer"], self.brought["dealer"])),
            )
            for role, host in self.hosts.items():
                shutil.copytree(out / role, host / "prep", dirs_exist_ok=True)
        return self

    def shelf(self, role: str) -> Shelf:
        """Of the one stretch that these tests run on files."""
        (stretch,) = request.stretches(self.bundles[role], self.request)
        host, party = self.hosts[role], self.bundles[role].party
        ledger = Ledger(host / "ledger")
        return Shelf(
            host / "prep",
            ledger,
            stretch.plan,
            party,
            dealers={DEALER_KEY.name},
            iterations=stretch.iterations,
            public=together(public_weights(self.bundles[role], self.brought[role])),
        )

    def used(self, role: str) -> frozenset[str]:
        return Ledger(self.hosts[role] / "ledger").used()


def build(work: Workload, folder: Path) -> World:
    home = bundle.write(bundling.program(work.made()), folder / "build")
    bundles = {role: bundle.read(home / role, accepted) for role in ROLES}
    folders = _certificates(folder / "certificates")
    return World(work=work, folder=folder, bundles=bundles, folders=folders, brought=work.brought(bundles))


def _certificates(folder: Path) -> dict[str, Path]:
    """Of the three roles, pinned by each other; and others that nobody should accept in their place."""
    found = throw_away(folder, ROLES)
    new(folder / "stranger", "hospital", "client")
    new(folder / "impostor", "lab", "server")
    for name, days in (("expired", -10), ("early", 10)):
        home = folder / name
        new(home, "hospital", "client")
        certificate, key = make("hospital", "client", begins=datetime.now(UTC) + timedelta(days=days), days=5)
        (home / "certificate.pem").write_bytes(certificate)
        (home / "key.pem").write_bytes(key)
        pin(found["server"], home / "certificate.pem")
    return found | {name: folder / name for name in ("stranger", "impostor", "expired", "early")}


# ---- the first implementation's parties ----


@dataclass(eq=False)
class Honest:
    """A party of the first implementation, in a thread of its own; and everything that it ever says."""

    world: World
    role: str
    terms: Terms
    met: Callable[[], Link]
    greets_only: bool = False  # leaves again as soon as it has met somebody
    results: dict[str, Array] | None = None
    failed: BaseException | None = None
    shown: list[str] = field(default_factory=list[str])
    refused: list[PpcError] = field(default_factory=list[PpcError])  # known parties with whom something differed

    def __post_init__(self) -> None:
        self.thread = Thread(target=self._run, name=f"honest {self.role}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            link = self.met()
            if self.greets_only:
                link.close()
            else:
                self.results = self._session(link)
        except BaseException as error:
            self.failed = error

    def _session(self, link: Link) -> dict[str, Array]:
        """As ppc.cli.party_verb: from two connected parties to the result."""
        world, found = self.world, self.world.bundles[self.role]
        brought = world.brought[self.role]
        channel = TlsChannel(link, idle=self.terms.idle)
        dealt = None
        try:
            examples = request.agreed_examples(found, brought.examples, link.theirs)
            wishes = world.wanted(self.role)
            course = wishes.course(link.session, link.theirs, examples) if wishes else None
            asked = course.request if course else request.Request(examples=examples)
            dealt = self._dealt(channel, asked)
            run = PartyRun(
                bundle=found,
                channel=channel,
                dealt=dealt,
                session=link.session,
                brought=brought,
                examples=examples,
                run=request.stretches(found, asked),
                course=course,
                trace=Trace(),
            )
            self.shown += [repr(one) for one in (link.peer, link.theirs, channel, dealt, run, brought)]
            results = run.carry_out()
            self.shown += [repr(run), repr(run.trace.spans if run.trace else "")]
            channel.finish()
            return results
        finally:
            if dealt is not None:
                dealt.close()
            channel.close()
            link.close()

    def _dealt(self, channel: TlsChannel, asked: request.Request) -> Any:
        world, role = self.world, self.role
        if world.files:
            return ShelvedDealt(channel, lambda _stretch: world.shelf(role), first=role == "client")
        session = channel.link.session
        bundle, ring, brought = world.bundles[role], world.ring(role), world.brought[role]
        return meeting.meet_dealer(bundle, ring, world.dealer, session, asked, self.terms, brought)


def client(world: World, server: Address, terms: Terms) -> Honest:
    terms, ring = world.terms(terms), world.ring("client")
    standing = _standing(world, "client", terms)
    return Honest(world, "client", terms, lambda: meeting.meet_server(standing, ring, server, terms))


def _standing(world: World, role: str, terms: Terms) -> meeting.Standing:
    return meeting.standing(world.bundles[role], world.brought[role], terms, world.wanted(role))


def greeted(world: World, server: Address) -> None:
    """An honest client is let in, and leaves again."""
    meeting.meet_server(_standing(world, "client", CALM), world.ring("client"), server, CALM).close()


def server(world: World, terms: Terms, *, greets_only: bool = False) -> tuple[Honest, Listener]:
    terms, ring = world.terms(terms), world.ring("server")
    listener = meeting.listen(_standing(world, "server", terms), ring, (HERE, 0), terms)

    refused: list[PpcError] = []

    def met() -> Link:
        try:
            return meeting.from_elsewhere(listener.first(terms.patience, refused.append), terms)
        finally:
            listener.close()

    return Honest(world, "server", terms, met, greets_only, refused=refused), listener


class Dealing:
    """An honest dealer for all who come."""

    def __init__(self, world: World, terms: Terms = CALM) -> None:
        self.said: list[str] = []
        found = world.bundles["dealer"]
        self.service = DealerService(bundle=found, brought=world.brought["dealer"], say=self.said.append, most=1000)
        expects = ("client", "server")
        ring = world.ring("dealer")
        listener = Listener((HERE, 0), ring, self.service.answer, expects=expects, handshake=terms.handshake)
        self.address = (HERE, listener.port)
        self.thread = Thread(target=self.service.serve, args=(listener,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.service.stop.set()
        self.thread.join()


def same(found: dict[str, Array] | None, wanted: dict[str, Array], within: float = 2e-3) -> bool:
    """Whether results are right."""
    if found is None or found.keys() != wanted.keys():
        return False
    with suppress(ValueError):
        return all(np.abs(np.asarray(found[name]) - wanted[name]).max() < within for name in wanted)
    return False
