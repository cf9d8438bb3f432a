"""One role of a timed run as a process of its own: `python -m bench.peer_roles ROLE FOLDER`.

Started by `bench.peer_runs`, which gives a folder with the plan, what each party brings, and certificates. Client,
server and dealer meet over TLS on loopback and stay together: pass after pass through the plan, as in one session.

    online  the corrections are at the server before the clock starts; it runs from masked inputs to the masked result
    alone   the dealer begins when the clock starts, and nothing of its work was done before
    stream  the dealer works ahead, as far as it may, and passes follow each other; the clock runs over many of them

The dealer makes the next parcel when the server says so, by a byte through a pipe. Clocks of processes on one machine
are one clock. What a role measured is one line of JSON at the end.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter_ns
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from bench.peer_plans import MASKED
from ppc.errors import PpcError
from ppc.plan.messages import HEADER
from ppc.plan.steps import Plan, Step
from ppc.plan.text import parse
from ppc.runtime import heap
from ppc.runtime.channel import Header
from ppc.runtime.dealer import Dealer
from ppc.runtime.keyring import open_folder
from ppc.runtime.keys import Seed
from ppc.runtime.parcel import Layout
from ppc.runtime.party import Party
from ppc.runtime.roles.counted import CountedChannel
from ppc.runtime.wire.hello import Hello
from ppc.runtime.wire.link import Link, dial
from ppc.runtime.wire.listener import Listener
from ppc.runtime.wire.supply import DealtSupply, ParcelSender
from ppc.runtime.wire.tls_channel import TlsChannel

HERE = "127.0.0.1"
ROLES = ("client", "server", "dealer")
AHEAD = 8  # parcels that are made behind the last timed pass of a stream, so that the dealer works to its end
WARM = 2  # passes of each kind before the clock counts
Passes = list[tuple[str, int]]
Spans = dict[str, list[tuple[int, int]]]


def warm(kind: str) -> int:
    return 0 if kind == "check" else WARM


class Settings:
    """What the starter wrote for all roles."""

    def __init__(self, folder: Path) -> None:
        found: dict[str, Any] = json.loads((folder / "settings.json").read_text())
        self.folder = folder
        self.plan: Plan = parse((folder / "plan.txt").read_text())
        self.counts: dict[str, int] = found["counts"]
        self.start: str = found["start"]
        self.threads: int = found["threads"]

    @property
    def kinds(self) -> list[str]:
        """What each pass through the repeated section is for, in their order."""
        return [kind for kind, count in self.counts.items() if count for _ in range(warm(kind) + count)]

    @property
    def passes(self) -> Passes:
        spare = AHEAD if self.counts["stream"] else 0
        each = [("each", turn) for turn in range(len(self.kinds) + spare)]
        last = [("finish", 0)] if self.has("finish") else []
        return [("setup", 0), *each, *last] if self.has("setup") else each

    def has(self, home: str) -> bool:
        return any(section.name == home for section in self.plan.sections)

    def hello(self, role: str) -> Hello:
        return Hello(role=role, party=role, plan="bench")


# ---- a party ----


class TimedParty:
    """A party whose passes are timed between two values: an input that was masked last, and the result's mask."""

    def __init__(self, settings: Settings, role: str, link: Link, seed: Seed, supply: DealtSupply | None) -> None:
        self.settings, self.role, self.plan = settings, role, settings.plan
        self.link, self.dealt, self.wake = link, supply, -1
        self.raw = TlsChannel(link, idle=300.0)
        self.channel = CountedChannel(self.raw)
        self.ready: dict[tuple[str, int], NDArray[np.uint8]] = {}
        self.began = self.ended = self.sent = self.rounds = 0
        self.party = Party(
            self.plan,
            role,
            self.channel,
            seed,
            bytes(16),
            supply=self.parcel if supply is not None else None,
            threads=settings.threads,
            watch=self.seen,
        )
        self.given = dict(np.load(settings.folder / f"{role}.npz"))
        self.results: dict[str, Any] = {}
        self.together = True

    def seen(self, _desk: object, step: Step, _value: object) -> None:
        if step.name == self.settings.start:
            self.begin()
        elif step.name == MASKED:
            self.end()

    def begin(self) -> None:
        if self.together:
            self.meet()
        self.sent, self.rounds = -self.channel.sent, -self.channel.rounds
        self.began = perf_counter_ns()

    def end(self) -> None:
        self.ended = perf_counter_ns()
        self.sent += self.channel.sent
        self.rounds += self.channel.rounds

    def meet(self) -> None:
        """Both are here."""
        header = Header("each", 0, 0, 0)
        self.raw.send(header.frame()[0])
        header.payload(self.raw.receive(HEADER, header))

    def parcel(self, section: str, turn: int) -> NDArray[np.uint8]:
        if (section, turn) not in self.ready:
            self.fetch(section, turn)
        return self.ready.pop((section, turn))

    def fetch(self, section: str, turn: int) -> None:
        assert self.dealt is not None
        self.ready[section, turn] = self.dealt(section, turn)

    def ask(self, count: int = 1) -> None:
        """Let the dealer make the next parcels."""
        if self.wake >= 0:
            os.write(self.wake, bytes(count))

    # ---- passes ----

    def run(self) -> Spans:
        spans: Spans = {}
        if self.settings.has("setup"):
            self.ask()
            self.party.run("setup", 0, self.given)
        turn = 0
        for kind, count in self.settings.counts.items():
            if count:
                spans[kind] = getattr(self, kind)(range(turn, turn + warm(kind) + count))[warm(kind) :]
                turn += warm(kind) + count
        if self.settings.counts["check"] and self.settings.has("finish"):
            self.ask()
            self.results = self.party.run("finish", 0, {})
        return spans

    def turn(self, number: int) -> tuple[int, int]:
        """One pass; its span is that of the whole where the plan names no start."""
        self.began = self.ended = 0
        if not self.settings.start:
            self.begin()
        self.results |= self.party.run("each", number, self.given)
        if not self.ended:
            self.end()
        return self.began, self.ended

    def check(self, turns: range) -> list[tuple[int, int]]:
        return [self.prepared(number) for number in turns]

    def online(self, turns: range) -> list[tuple[int, int]]:
        return [self.prepared(number) for number in turns]

    def prepared(self, number: int) -> tuple[int, int]:
        self.ask()
        if self.dealt is not None:
            self.fetch("each", number)
        self.meet()
        return self.turn(number)

    def alone(self, turns: range) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for number in turns:
            self.meet()
            start = perf_counter_ns()
            self.ask()
            found.append((start, self.turn(number)[1]))
        return found

    def stream(self, turns: range) -> list[tuple[int, int]]:
        """Of each pass the time since the one before it."""
        self.together = False
        self.ask(len(turns) + AHEAD)
        ends = [self.turn(number)[1] for number in turns]
        return list(zip([ends[0], *ends], ends, strict=False))


def party(settings: Settings, role: str, book: dict[str, int], listener: Listener | None) -> dict[str, Any]:
    ring, hello = open_folder(settings.folder / role), settings.hello(role)
    if listener is not None:
        link = listener.accept(60.0)
    else:
        link = dial((HERE, book["server"]), ring, hello, expects=["server"], patience=20.0)
    dealer = dial((HERE, book["dealer"]), ring, hello, expects=["dealer"], patience=20.0)
    seed, supply = dealt(settings, role, dealer)
    timed = TimedParty(settings, role, link, seed, supply)
    timed.wake = int(os.environ["BENCH_WAKE"]) if role == "server" else -1
    busy = cpu_seconds()
    spans = timed.run()
    found = {"spans": spans, "cpu": cpu_seconds() - busy, "sent": timed.sent, "rounds": timed.rounds}
    timed.meet()
    np.savez(settings.folder / f"{role}.results.npz", **{k: v for k, v in timed.results.items() if shown(v)})
    return found


def shown(value: object) -> bool:
    return isinstance(value, np.ndarray)


def dealt(settings: Settings, role: str, link: Link) -> tuple[Seed, DealtSupply | None]:
    """The seed comes first, then the server's corrections."""
    sizes = {section.name: Layout(settings.plan, section).bytes for section in settings.plan.sections}
    seeds = DealtSupply(link, {"setup": 32}, [("setup", 0xFFFF)], idle=600.0)
    seed = Seed(seeds("setup", 0xFFFF).tobytes())
    return seed, DealtSupply(link, sizes, settings.passes, idle=600.0) if role == "server" else None


# ---- the dealer ----


def deal(settings: Settings, listener: Listener) -> dict[str, Any]:
    links = [listener.accept(60.0), listener.accept(60.0)]
    by_role = {link.peer.role: link for link in links}
    seeds = (Seed(), Seed())
    senders = [ParcelSender(by_role[role]) for role in ROLES[:2]]
    for sender, seed in zip(senders, seeds, strict=True):
        sender.send("setup", 0xFFFF, np.frombuffer(bytearray(seed._secret), np.uint8))
    dealer = Dealer(settings.plan, seeds, bytes(16), threads=settings.threads)
    spans: list[tuple[int, int]] = []
    wake = int(os.environ["BENCH_WAKE"])
    with suppress(PpcError):  # the server goes when it has what it measures, and leaves a few parcels
        for section, turn in settings.passes:
            if not os.read(wake, 1):
                break
            start = perf_counter_ns()
            parcel = dealer.deal(section, turn)
            spans.append((start, perf_counter_ns()))
            senders[1].send(section, turn, parcel)
        senders[1].finish()
    return {"spans": {"deal": spans}}


def cpu_seconds() -> float:
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    heap.keep()
    role, settings = sys.argv[1], Settings(Path(sys.argv[2]))
    listener = None
    if role != "client":
        expects = ("client",) if role == "server" else ("client", "server")
        ring = open_folder(settings.folder / role)
        listener = Listener((HERE, 0), ring, settings.hello(role), expects=expects)
    say({"port": listener.port if listener is not None else 0})
    book = json.loads(sys.stdin.readline())
    if role == "dealer":
        assert listener is not None
        say(deal(settings, listener))
    else:
        say(party(settings, role, book, listener))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
