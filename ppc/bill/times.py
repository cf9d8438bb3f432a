"""How long a pass through a section takes: what every role computes, and the messages that wait for each other.

Between two rounds the parties compute side by side, so of each such stretch the longer one counts. The dealer works
beside them. On machines of their own a pass takes as long as the slower of both; where all roles are on one machine,
the cores have to do all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppc.bill.arrays import Holdings
from ppc.bill.dealer_work import dealer_work
from ppc.bill.machine import Machine
from ppc.bill.network import Profile
from ppc.bill.party_work import party_work
from ppc.bill.work import NOTHING, Work, total
from ppc.plan.material import corrections
from ppc.plan.messages import HEADER, frames
from ppc.plan.ops import OPENINGS
from ppc.plan.steps import Plan, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Efforts:
    """A section's work: of the parties by stretch between two rounds, and of the dealer; and what is sent."""

    stretches: tuple[tuple[Work, Work], ...]
    dealer: Work
    sent: tuple[int, int]
    largest: tuple[int, ...]  # of each round the longer of both frames
    dealt: int
    words: int  # of an element

    @property
    def parties(self) -> tuple[Work, Work]:
        return total([one[0] for one in self.stretches]), total([one[1] for one in self.stretches])


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds. `computing` is that of the party that is waited for; `total` is what a pass takes."""

    computing: float
    network: float
    dealer: float
    total: float


def efforts(plan: Plan, section: Section) -> Efforts:
    stretches = [[NOTHING, NOTHING] for _ in range(section.rounds + 1)]
    for party in range(2):
        holdings = Holdings(plan, party)
        for step in section.steps:
            before, after = party_work(holdings, step)
            if step.op in OPENINGS:
                stretches[step.round - 1][party] += before
            stretches[step.round][party] += after
    sizes = frames(plan, section)
    largest = [max(sizes.get((number, name), 0) for name in plan.parties) for number in range(1, section.rounds + 1)]
    sent = [sum(size + HEADER for (_, sender), size in sizes.items() if sender == name) for name in plan.parties]
    return Efforts(
        stretches=tuple((one, other) for one, other in stretches),
        dealer=total([dealer_work(plan, step) for step in section.steps]),
        sent=(sent[0], sent[1]),
        largest=tuple(largest),
        dealt=sum(one.bytes(plan.modulus_field.words) for one in corrections(plan, section)),
        words=plan.modulus_field.words,
    )


def times(found: Efforts, machine: Machine, net: Profile) -> Times:
    parties = [[machine.seconds(work, found.words) for work in pair] for pair in found.stretches]
    parties[0][1] += found.dealt * machine.sent  # party 1 receives its corrections before it begins
    carried = sum(found.sent) * machine.sent  # each byte is sent by one party and received by the other
    computing = sum(max(pair) for pair in parties)
    network = _network(found, machine, net)
    dealer = machine.seconds(found.dealer, found.words) + found.dealt * machine.sent
    alone = max(computing + network, dealer, 0.0 if net.here else net.seconds(found.dealt, 0))
    if not net.here:
        return Times(computing=computing, network=network, dealer=dealer, total=alone)
    everything = sum(sum(pair) for pair in parties) + 2 * carried + dealer
    return Times(computing=computing, network=network, dealer=dealer, total=max(alone, everything / machine.cores))


def _network(found: Efforts, machine: Machine, net: Profile) -> float:
    """Round by round the longer frame; inside of one machine both are worked through by both parties."""
    if net.here:
        return sum(found.sent) * machine.sent + len(found.largest) * machine.message
    slower = max(8 / net.bandwidth, 2 * machine.sent)
    return sum(size * slower for size in found.largest) + len(found.largest) * net.rtt / 2
