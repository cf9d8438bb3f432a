"""Whole runs over the wire: two parties, each with its own end, and the dealer's parcels as a stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppc.compiler import compile_program
from ppc.errors import InternalError
from ppc.plan.messages import HEADER, bytes_sent
from ppc.plan.steps import Plan
from ppc.protocol import lowered
from ppc.runtime.dealer import Dealer
from ppc.runtime.keyring import Keyring
from ppc.runtime.keys import Coins, Seed
from ppc.runtime.parcel import Layout
from ppc.runtime.party import Party, Supply
from ppc.runtime.session import passes, run_in_memory
from ppc.runtime.wire.link import Link
from ppc.runtime.wire.supply import DealtSupply, ParcelSender
from ppc.runtime.wire.tls_channel import TlsChannel
from tests.sources import CHECKOUT
from tests.wire.ends import Background, channels, linked, refused

SHALLOW = CHECKOUT / "examples" / "shallow.pnn"
SESSION = b"a session of 16b"
ROUNDS = 3
SIZES = {"setup": 24, "each": 3_000_001, "finish": 0}
MOST_MADE = 8  # parcels: waiting to be written, on their way, in the buffers of the system, and read ahead
ORDER = [("setup", 0), ("each", 0), ("each", 1), ("finish", 0)]


@cache
def shallow() -> Plan:
    return lowered(compile_program(Path(SHALLOW), batch=2)).plan


def seeds() -> tuple[Seed, Seed, Seed]:
    first, second, third = (Seed(bytes([number]) * 32) for number in (1, 2, 3))
    return first, second, third


def given(party: str) -> Callable[[str, int], Mapping[str, Any]]:
    """Weights and images of the example, the same in every run."""

    def values(section: str, iteration: int) -> dict[str, Any]:
        draws = np.random.default_rng([iteration, len(section)])
        rows = [step for step in shallow().section(section).steps if step.op == "given" and step.wire.at == party]
        return {step.name: draws.uniform(0, 0.25, step.wire.shape) for step in rows}

    return values


def party_run(name: str, channel: TlsChannel, seed: Seed, supply: Supply | None) -> Callable[[], dict[str, Any]]:
    def run() -> dict[str, Any]:
        party = Party(shallow(), name, channel, seed, SESSION, supply=supply, coins=Coins(Seed(name.encode())))
        found: dict[str, Any] = {}
        for section, iteration in passes(shallow(), ROUNDS):
            results = party.run(section, iteration, given(name)(section, iteration))
            found |= {f"{key} {iteration}": np.asarray(value) for key, value in results.items()}
        channel.finish()
        return found

    return run


def expected() -> dict[str, Any]:
    """The same run in memory."""
    names = shallow().parties
    outcome = run_in_memory(
        shallow(),
        {name: given(name) for name in names},
        ROUNDS,
        session=SESSION,
        seeds=seeds(),
        coins={name: Coins(Seed(name.encode())) for name in names},
    )
    return {f"result {number}": np.asarray(outcome.result(names[0], "each", number)["result"]) for number in range(3)}


def both_parties(rings: dict[str, Keyring], supply: Supply) -> dict[str, Any]:
    """Run over the wire; the bytes are those that the plan predicts."""
    first, second, _ = seeds()
    with channels(rings, idle=60.0) as ends:
        other = Background(party_run(shallow().parties[1], ends[1], second, supply))
        found = party_run(shallow().parties[0], ends[0], first, None)()
        other.result(60)
        times = {"setup": 1, "each": ROUNDS}
        for name, end in zip(shallow().parties, ends, strict=True):
            predicted = sum(times[each.name] * bytes_sent(shallow(), each, name) for each in shallow().sections)
            assert end.sent == predicted
        assert ends[0].received == ends[1].sent
        assert ends[1].received == ends[0].sent
    return found


def test_the_shallow_net_with_a_dealer_in_the_process(rings: dict[str, Keyring]) -> None:
    first, second, own = seeds()
    dealer = Dealer(shallow(), (first, second), SESSION, own=own)
    found = both_parties(rings, lambda section, iteration: dealer.deal(section, iteration).copy())
    wanted = expected()
    assert found.keys() == wanted.keys()
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


def test_the_shallow_net_with_a_dealer_on_the_wire(rings: dict[str, Keyring]) -> None:
    first, second, own = seeds()
    dealer = Dealer(shallow(), (first, second), SESSION, own=own)
    sizes = {section.name: Layout(shallow(), section).bytes for section in shallow().sections}
    here, there = linked(rings)
    sender, supply = ParcelSender(here), DealtSupply(there, sizes, passes(shallow(), ROUNDS))

    def deal() -> None:
        for section, iteration in passes(shallow(), ROUNDS):
            sender.send(section, iteration, dealer.deal(section, iteration))
        sender.finish()

    work = Background(deal)
    found = both_parties(rings, supply)
    work.result()
    supply.close()
    assert all(np.array_equal(found[name], wanted) for name, wanted in expected().items())
    assert sender.sent == supply.received == sum(HEADER + sizes[name] for name, _ in passes(shallow(), ROUNDS))


# ---- the stream alone ----


def parcel(section: str, iteration: int) -> Any:
    return (np.arange(SIZES[section]) + iteration).astype(np.uint8)


def streams(rings: dict[str, Keyring], idle: float = 5.0) -> tuple[Link, ParcelSender, DealtSupply]:
    here, there = linked(rings)
    return here, ParcelSender(here, idle=idle), DealtSupply(there, SIZES, ORDER, idle=idle)


def test_parcels_come_as_they_were_sent(rings: dict[str, Keyring]) -> None:
    _, sender, supply = streams(rings)
    work = Background(lambda: [sender.send(*one, parcel(*one)) for one in ORDER] and sender.finish())
    for one in ORDER:
        assert np.array_equal(supply(*one), parcel(*one))
    work.result()
    with pytest.raises(InternalError, match="no parcel follows"):
        supply("each", 2)
    supply.close()


def test_back_pressure(rings: dict[str, Keyring]) -> None:
    """A party that takes nothing is sent what the system and the line hold, and nothing more is made."""
    size, order, made = 8_000_000, [("each", number) for number in range(24)], list[int]()
    here, there = linked(rings)
    sender, supply = ParcelSender(here), DealtSupply(there, {"each": size}, order)

    def deal() -> None:
        for section, number in order:
            made.append(number)
            sender.send(section, number, np.full(size, number, np.uint8))
        sender.finish()

    work = Background(deal)
    for taken, (section, number) in enumerate(order):
        time.sleep(0.3 if taken < 3 else 0)
        assert len(made) <= taken + MOST_MADE
        assert sender.held <= MOST_MADE * size
        assert (supply(section, number) == number).all()
    work.result()
    supply.close()


def test_parcels_are_asked_for_in_their_order(rings: dict[str, Keyring]) -> None:
    _, sender, supply = streams(rings)
    sender.send("setup", 0, parcel("setup", 0))
    with pytest.raises(InternalError, match="the next parcel is that of"):
        supply("each", 0)
    supply.close()
    sender.close()


FAILURES: dict[str, tuple[str, str, Callable[[Link, ParcelSender], Any]]] = {
    "ends": ("PPC652", "after 0 of 16 bytes", lambda _link, sender: sender.close()),
    "silent": ("PPC653", "parcel for setup, iteration 0", lambda _link, _sender: None),
    "another pass": ("PPC651", "", lambda _link, sender: sender.send("each", 0, parcel("setup", 0))),
    "another size": ("PPC651", "", lambda _link, sender: sender.send("setup", 0, parcel("each", 0))),
    "garbage": ("PPC651", "", lambda link, _sender: link.outgoing.sendall(bytes([255] * 100))),
}


@pytest.mark.parametrize(("code", "said", "act"), FAILURES.values(), ids=FAILURES.keys())
def test_a_dealer_that_fails(
    rings: dict[str, Keyring], code: str, said: str, act: Callable[[Link, ParcelSender], Any]
) -> None:
    link, sender, supply = streams(rings, idle=0.4)
    act(link, sender)
    assert said in str(refused(code, lambda: supply("setup", 0)))
    supply.close()
    sender.close()


def test_a_party_that_leaves_its_dealer(rings: dict[str, Keyring]) -> None:
    _, sender, supply = streams(rings)
    supply.close()
    refused("PPC652", lambda: [sender.send("each", 0, parcel("each", 0)) for _ in range(20)])
    sender.close()
