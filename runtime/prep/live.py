"""A dealer that is there while the parties run: both get a seed, party 1 its corrections as it needs them.

    party -> dealer   greeting: role, iterations, plan, session
    dealer -> party   seed
    party 0           says that it has it, and is done
    dealer -> party 1 for each pass a header and its corrections; at most WINDOW of them on the way
    party 1 -> dealer the header again, once the corrections are taken

The parties tell the dealer nothing but what the plan says and how far they are. Channels are those of
`ppc.runtime.channel`; who is at their other end, the connection knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from secrets import token_bytes
from typing import Any

import numpy as np

from ppc.errors import InternalError, fail
from ppc.field import Words
from ppc.plan.messages import HEADER
from ppc.plan.steps import Plan
from ppc.runtime.channel import Channel, Header
from ppc.runtime.dealer import Dealer
from ppc.runtime.keys import SEED_BYTES, Seed, artifact_hash
from ppc.runtime.parcel import Layout
from ppc.runtime.party import Supply
from ppc.runtime.prep.ahead import Ahead
from ppc.runtime.prep.sealing import Bytes
from ppc.runtime.session import SESSION_BYTES, passes

WINDOW = 2  # parcels that are on the way or wait at party 1
AHEAD = 1  # parcels that the dealer has made and not sent yet
_MAGIC = 0x0131_6C61_6544_6370  # "pcDeal1" and a byte
Public = Callable[[str, int], Mapping[str, Any]]


def _greeting(plan: Plan, role: int, iterations: int, session: bytes) -> Words:
    if len(session) != SESSION_BYTES:
        raise InternalError("a session has 16 bytes", place="live")
    rest = np.frombuffer(bytes.fromhex(artifact_hash(plan)) + session, "<u8")
    return np.concatenate([np.array([_MAGIC, role, iterations], np.uint64), rest.astype(np.uint64)])


_GREETING_BYTES = 8 * (3 + 4 + 2)
_PARTS = (("format", 0, 1), ("role", 1, 2), ("number of iterations", 2, 3), ("plan", 3, 7), ("session", 7, 9))


def _taken(section: str, iteration: int, length: int) -> Words:
    return np.array(Header(section, iteration, 0, length).words(), np.uint64)


class LiveDealer:
    """Serves one run. `channels` lead to party 0 and party 1, `session` is what they agreed on."""

    def __init__(
        self,
        plan: Plan,
        channels: tuple[Channel, Channel],
        session: bytes,
        *,
        iterations: int = 1,
        public: Public | None = None,
        threads: int = 1,
        progress: Callable[[str, int], None] | None = None,
    ) -> None:
        self.plan, self.channels, self.session, self.iterations = plan, channels, session, iterations
        self.public, self.threads, self.progress = public, threads, progress
        self.layouts = {section.name: Layout(plan, section) for section in plan.sections}

    def __repr__(self) -> str:
        return "LiveDealer(hidden)"

    def run(self) -> None:
        """Until party 1 has taken everything. Both channels are closed then, and nothing secret is kept."""
        secrets: list[bytearray] = []
        try:
            for role, channel in enumerate(self.channels):
                self._greeted(role, channel)
            secrets = [bytearray(token_bytes(SEED_BYTES)) for _ in self.channels]
            for channel, secret in zip(self.channels, secrets, strict=True):
                channel.send(np.frombuffer(bytes(secret), np.uint64))
            self._acknowledged(0, _taken(self.plan.sections[0].name, 0, SEED_BYTES))
            with closing(Ahead(self._parcels(secrets), AHEAD)) as parcels:
                self._stream(parcels)
        finally:
            for secret in secrets:
                secret[:] = bytes(len(secret))
            for channel in self.channels:
                channel.close()

    def _greeted(self, role: int, channel: Channel) -> None:
        wanted = _greeting(self.plan, role, self.iterations, self.session)
        found = channel.receive(_GREETING_BYTES)
        for what, start, end in _PARTS:
            if not np.array_equal(found[start:end], wanted[start:end]):
                raise fail(
                    "PPC553",
                    f"The {what} that {self.plan.parties[role]} wants to be dealt for is not the dealer's.",
                    hint="Compile the program once, and give each role its bundle.",
                )

    def _parcels(self, secrets: list[bytearray]) -> Iterator[tuple[str, int, Bytes]]:
        first, second = (Seed(bytes(secret)) for secret in secrets)
        dealer = Dealer(self.plan, (first, second), self.session, threads=self.threads)
        for section, turn in passes(self.plan, self.iterations):
            yield section, turn, dealer.deal(section, turn, self.public(section, turn) if self.public else None)

    def _stream(self, parcels: Ahead[tuple[str, int, Bytes]]) -> None:
        sent: list[Words] = []
        for section, turn, data in parcels:
            if len(sent) == WINDOW:
                self._acknowledged(1, sent.pop(0))
            header = _taken(section, turn, data.size)
            self.channels[1].send(header)
            if data.size:
                self.channels[1].send(_whole_words(data))
            sent.append(header)
            if self.progress is not None:
                self.progress(section, data.size)
        for header in sent:
            self._acknowledged(1, header)

    def _acknowledged(self, role: int, header: Words) -> None:
        if not np.array_equal(self.channels[role].receive(HEADER), header):
            raise _out_of_order()


def _whole_words(data: Bytes) -> Words:
    """As it travels: filled up to whole words."""
    room = np.zeros(-(-data.size // 8), np.uint64)
    room.view(np.uint8)[: data.size] = data
    return room


class LiveSupply:
    """A party's end: asks for a seed, and brings the corrections. They arrive while the party computes."""

    def __init__(self, plan: Plan, party: str, channel: Channel, session: bytes, *, iterations: int = 1) -> None:
        self.plan, self.role, self.channel, self.salt = plan, plan.parties.index(party), channel, session
        self.iterations = iterations
        channel.send(_greeting(plan, self.role, iterations, session))
        self.seed = Seed(channel.receive(SEED_BYTES).tobytes())
        if self.role == 0:
            channel.send(_taken(plan.sections[0].name, 0, SEED_BYTES))
        self.layouts = {section.name: Layout(plan, section) for section in plan.sections}
        self._ahead = Ahead(self._arriving(), WINDOW - 1) if self.role == 1 else None

    def __repr__(self) -> str:
        return f"LiveSupply({self.plan.parties[self.role]})"

    @property
    def supply(self) -> Supply | None:
        """Party 1's corrections; party 0 needs none."""
        return self._corrections if self.role == 1 else None

    def close(self) -> None:
        """The channel is closed first, so that nobody waits for what will not come."""
        self.channel.close()
        if self._ahead is not None:
            self._ahead.close(wait=False)

    def _arriving(self) -> Iterator[tuple[Words, Bytes]]:
        for section, turn in passes(self.plan, self.iterations):
            size = self.layouts[section].bytes
            header = _taken(section, turn, size)
            if not np.array_equal(self.channel.receive(HEADER), header):
                raise _out_of_order()
            words = self.channel.receive(8 * -(-size // 8)) if size else np.empty(0, np.uint64)
            yield header, words.view(np.uint8)[:size]

    def _corrections(self, section: str, iteration: int) -> Bytes:
        if self._ahead is None:
            raise InternalError("party 0 gets no corrections", place="live")
        header, data = next(self._ahead)
        if not np.array_equal(header, _taken(section, iteration, data.size)):
            raise _out_of_order()
        self.channel.send(header)
        return data


def _out_of_order() -> Exception:
    return fail(
        "PPC651",
        "The dealer and a party are not at the same place of the plan.",
        hint="Compile the program once, and give each role its bundle.",
    )
