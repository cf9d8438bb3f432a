"""The second implementation of a party and of a dealer: how it comes to a session, and what it sends in one.

The wire is its own (tests.hostile.mouth); what a party computes between messages is the plan's. Every message goes
through the mouth under the name of its place, where a behaviour may put something else.
"""

from __future__ import annotations

import socket
import ssl
import struct
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc import __version__
from ppc.field import Words
from ppc.plan.steps import SECTIONS
from ppc.runtime.channel import Header
from ppc.runtime.dealer import Dealer
from ppc.runtime.keys import Seed
from ppc.runtime.parcel import Layout
from ppc.runtime.party import Supply
from ppc.runtime.prep.shelf import Shelf
from ppc.runtime.roles import request
from ppc.runtime.roles.brought import Array
from ppc.runtime.roles.party import PartyRun
from ppc.runtime.roles.request import Stretch
from tests.hostile.mouth import Gone, Mouth, exactly, heard, told
from tests.hostile.world import World

HEAD = struct.Struct("<QQ")
SEED_PLACE, TALK_PLACE = 0xFFFF_FFFF, 0xFFFF_FFFE
Address = tuple[str, int]


@dataclass(frozen=True)
class Lines:
    """Both lines of a session; `out` is the one that this side writes on."""

    session: bytes
    out: ssl.SSLSocket
    into: ssl.SSLSocket
    theirs: dict[str, Any]


def place(section: str, iteration: int, round_: int) -> int:
    return SECTIONS.index(section) << 48 | round_ << 32 | iteration  # pyright: ignore[reportArgumentType]


# ---- to a session ----


def hello(world: World, role: str, session: bytes = b"") -> dict[str, Any]:
    brings = role != "server" or session
    facts = {"examples": str(world.examples if brings else "").encode().hex(), **world.wishes(role, session)}
    return {
        "wire": 1,
        "ppc": __version__,
        "role": role,
        "party": world.bundles[role].party,
        "plan": world.bundles[role].hash,
        "preprocessing": [],
        "agreed": {"dealer": "files" if world.files else "live", **world.agreed(role, session)},
        "told": facts | ({"session": session.hex()} if session else {}),
    }


def fingerprint(folder: Path) -> str:
    return sha256(ssl.PEM_cert_to_DER_cert((folder / "certificate.pem").read_text("ascii"))).hexdigest()


def session_of(nonces: tuple[str, str], folders: tuple[Path, Path], plan: str) -> bytes:
    """Who dials stands first."""
    words = ["ppc/v1|session", *nonces, *(fingerprint(folder) for folder in folders), plan]
    return sha256("|".join(words).encode()).digest()[:16]


def dial(mouth: Mouth, world: World, address: Address, role: str, to: str, session: bytes = b"") -> Lines:
    """From the role to another one, `to`; on the way to the dealer the names of all places begin with that."""
    prefix = "dealer " if to == "dealer" else ""
    first = _line(mouth, address, prefix, "")
    greeting, nonce, said = heard(first), token_hex(32), hello(world, role, session)
    mouth.say(f"{prefix}hello", told({"nonce": nonce, **said}), first)
    theirs = heard(first)
    mouth.say(f"{prefix}verdict", told({"agreed": True}), first)
    heard(first)
    folders = world.folders[role], world.folders[to]
    found = session_of((nonce, greeting["nonce"]), folders, said["plan"])
    second = _line(mouth, address, prefix, " 2")
    heard(second)
    mouth.say(f"{prefix}join", told({"session": found.hex()}), second)
    heard(second)
    return Lines(found, first, second, theirs)


def _line(mouth: Mouth, address: Address, prefix: str, which: str) -> ssl.SSLSocket:
    try:
        plain = socket.create_connection(address, timeout=25)
    except OSError:
        raise Gone from None
    mouth.lines.append(plain)
    mouth.say(f"{prefix}tcp{which}", b"", plain)
    mouth.lines.remove(plain)
    return mouth.secured(f"{prefix}tls{which}", plain, accepting=False)


@dataclass
class Door:
    """Where the second implementation accepts: connections one after the other, each to its place."""

    mouth: Mouth
    world: World
    role: str
    listening: socket.socket
    halves: dict[str, Lines] = field(default_factory=dict[str, Lines])

    def next(self) -> Lines:
        """The next session that has both of its lines."""
        while True:
            try:
                plain, _ = self.listening.accept()
            except OSError:
                raise Gone from None
            self.mouth.lines.append(plain)
            self.mouth.say("accepted", b"", plain)
            self.mouth.lines.remove(plain)
            found = self._greet(self.mouth.secured("tls", plain, accepting=True))
            if found is not None:
                return found

    def _greet(self, line: ssl.SSLSocket) -> Lines | None:
        nonce, which = token_hex(32), " 2" if self.halves else ""
        self.mouth.say(f"greeting{which}", told({"wire": 1, "ppc": __version__, "nonce": nonce}), line)
        found = heard(line)
        if "session" in found:
            half = self.halves.pop(found["session"])
            self.mouth.say("joined", told({"agreed": True}), line)
            return Lines(half.session, line, half.into, half.theirs)
        ours = hello(self.world, self.role)
        self.mouth.say("hello", told(ours), line)
        self.mouth.say("verdict", told({"agreed": True}), line)
        heard(line)
        folders = self.world.folders[found["role"]], self.world.folders[self.role]
        session = session_of((found["nonce"], nonce), folders, ours["plan"])
        self.halves[session.hex()] = Lines(session, line, line, found)
        return None


# ---- in a session ----


class Frames:
    """The second implementation's channel (ppc.runtime.channel.Channel)."""

    def __init__(self, mouth: Mouth, lines: Lines) -> None:
        self.mouth, self.lines, self.sent = mouth, lines, 0

    def send(self, frame: Words) -> None:
        self.mouth.say(f"frame {self.sent}", frame.tobytes(), self.lines.out)
        self.sent += 1

    def receive(self, length: int, expected: Header | None = None) -> Words:
        del expected
        return np.frombuffer(bytearray(exactly(self.lines.into, length)), np.uint64)

    def close(self) -> None:
        pass


class LiveSecrets:
    """From a dealer that is there."""

    def __init__(self, mouth: Mouth, world: World, role: str, session: bytes) -> None:
        self.lines = dial(mouth, world, world.dealer, role, "dealer", session)
        self.first, self.received = role == "client", 32
        self.seed = Seed(self._parcel("setup", SEED_PLACE, 32).tobytes())

    def stretch(self, stretch: Stretch, session: bytes) -> tuple[Seed, bytes, Supply | None]:
        sizes = {section.name: Layout(stretch.plan, section).bytes for section in stretch.plan.sections}

        def supply(section: str, iteration: int) -> NDArray[np.uint8]:
            return self._parcel(section, iteration, sizes[section])

        return self.seed, stretch.session(session), None if self.first else supply

    def _parcel(self, section: str, iteration: int, size: int) -> NDArray[np.uint8]:
        assert HEAD.unpack(exactly(self.lines.into, HEAD.size)) == (place(section, iteration, 0), size)
        room = np.empty(-(-size // 8), np.uint64).view(np.uint8)[:size]
        room[...] = np.frombuffer(exactly(self.lines.into, size), np.uint8)
        return room

    def seeds(self, stretches: int) -> int:
        return min(1, stretches)

    def close(self) -> None:
        pass


class FileSecrets:
    """From the dealer's files, after the talk about which pair to take."""

    def __init__(self, mouth: Mouth, lines: Lines, shelf: Shelf, peer: str, *, first: bool) -> None:
        self.mouth, self.lines, self.shelf, self.peer, self.first = mouth, lines, shelf, peer, first
        self.received = 0

    def stretch(self, stretch: Stretch, session: bytes) -> tuple[Seed, bytes, Supply | None]:
        salt = stretch.session(session)
        if self.first:
            offer = self.shelf.offer(self.peer)
            self._tell("offer", offer.data)
            theirs = self._hear()
            use = self.shelf.claim(theirs, offer, session=salt, peer=self.peer)
            use.agree(theirs)
            self._tell("head", use.head())
            theirs = self._hear()
            self._tell("half", use.half())
            use.unlock(theirs)
        else:
            use = self.shelf.choose(self._hear(), session=salt, peer=self.peer)
            self._tell("head", use.head())
            use.agree(self._hear())
            self._tell("half", use.half())
            use.unlock(self._hear())
        return use.seed, use.salt, use.supply

    def _tell(self, name: str, data: bytes) -> None:
        whole = data + bytes(-len(data) % 8)
        heads = (
            HEAD.pack(place("setup", TALK_PLACE, 0), len(data)),
            HEAD.pack(place("setup", TALK_PLACE, 1), len(whole)),
        )
        self.mouth.say(name, heads[0] + heads[1] + whole, self.lines.out)

    def _hear(self) -> bytes:
        _, length = HEAD.unpack(exactly(self.lines.into, HEAD.size))
        exactly(self.lines.into, HEAD.size)
        return exactly(self.lines.into, -(-length // 8) * 8)[:length]

    def seeds(self, stretches: int) -> int:
        return stretches

    def close(self) -> None:
        pass


def carry_out(mouth: Mouth, world: World, role: str, lines: Lines) -> dict[str, Array]:
    """A party's half of the run, and its end."""
    bundle, peer = world.bundles[role], fingerprint(world.folders["server" if role == "client" else "client"])
    dealt = (
        FileSecrets(mouth, lines, world.shelf(role), peer, first=role == "client")
        if world.files
        else LiveSecrets(mouth, world, role, lines.session)
    )
    run = PartyRun(
        bundle=bundle,
        channel=Frames(mouth, lines),
        dealt=dealt,
        session=lines.session,
        brought=world.brought[role],
        examples=world.examples,
        course=world.course(role, lines.session),
        run=request.stretches(bundle, world.request),
    )
    found = run.carry_out()
    mouth.say("end", b"", lines.out)
    _leave(lines)
    return found


def _leave(lines: Lines) -> None:
    """TLS's goodbye on the line that this side writes on; and nothing more is read."""
    try:
        lines.out.settimeout(0.3)
        lines.out.unwrap()
    except (OSError, ValueError):
        return


def deal(mouth: Mouth, world: World, door: Door) -> None:
    """The dealer of one session: a seed for each party, corrections for the server."""
    sessions = [door.next(), door.next()]
    by_role = {found.theirs["role"]: found for found in sessions}
    session = bytes.fromhex(sessions[0].theirs["told"]["session"])
    seeds = world.seeds or (token_bytes(32), token_bytes(32))
    for role, seed in zip(("client", "server"), seeds, strict=True):
        mouth.say(f"seed {role}", HEAD.pack(place("setup", SEED_PLACE, 0), 32) + seed, by_role[role].out)
    pair, number = (Seed(seeds[0]), Seed(seeds[1])), 0
    for stretch in request.stretches(world.bundles["dealer"], world.request):
        dealer = Dealer(stretch.plan, pair, stretch.session(session))
        for section, turn in stretch.passes:
            parcel = dealer.deal(section, turn, world.given(stretch)(section, turn))
            head = HEAD.pack(place(section, turn, 0), parcel.nbytes)
            mouth.say(f"parcel {number}", head + parcel.tobytes(), by_role["server"].out)
            number += 1
    mouth.say("end", b"", by_role["server"].out)
    for lines in by_role.values():
        _leave(lines)
