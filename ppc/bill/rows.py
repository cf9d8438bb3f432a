"""The bill of a plan: a row for each section, layer and phase, and the totals of each section."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ppc.bill.deviation import deviation
from ppc.bill.machine import Machine
from ppc.bill.memory import Peak, peak
from ppc.bill.network import Profile
from ppc.bill.openings import product_openings
from ppc.bill.products import products
from ppc.bill.randomness import Randomness, randomness
from ppc.bill.times import Efforts, Times, efforts, times
from ppc.plan.material import corrections
from ppc.plan.messages import HEADER, bytes_sent, frames, messages
from ppc.plan.needs import needs_dealer
from ppc.plan.ops import OPENINGS
from ppc.plan.steps import Plan, Section, Step

SEED = 32  # bytes; each party is sent one, once
ORDER = ("input", "forward", "output", "backward", "update", "check")
SEEDS = "seeds"
FRAMES = "frame headers"
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a layer costs in one phase of one pass through a section."""

    section: str
    layer: str
    phase: str = ""
    line: int = 0
    sent: Pair = (0, 0)  # client to server, server to client: bytes
    dealt: Pair = (0, 0)  # dealer to client, dealer to server: bytes
    openings: int = 0  # values that one party opens for products
    rounds: tuple[int, ...] = ()  # in which something is sent
    products: Pair = (0, 0)  # local multiply-adds
    scale: int | None = None  # fraction bits of the result
    bits: int = 0  # of the largest integer on shares, its sign apart
    error: float | None = None  # how far the result may be from float


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One pass through a section."""

    section: str
    sent: Pair
    dealt: Pair
    openings: int
    rounds: int
    products: Pair
    efforts: Efforts
    peak: Peak


@dataclass(frozen=True, kw_only=True)
class Bill:
    """Everything that is known of what a plan costs."""

    plan: Plan
    rows: tuple[Row, ...]
    totals: tuple[Total, ...]
    randomness: tuple[tuple[str, Randomness], ...]  # with its section

    def total(self, section: str) -> Total | None:
        return next((total for total in self.totals if total.section == section), None)

    def times(self, total: Total, machine: Machine, net: Profile) -> Times:
        """How long a pass takes, where the roles have such machines and such a network."""
        return times(total.efforts, machine, net)


def bill(plan: Plan) -> Bill:
    """The bill of a scheduled plan."""
    errors, opened = deviation(plan), product_openings(plan)
    rows: list[Row] = []
    totals: list[Total] = []
    used: list[tuple[str, Randomness]] = []
    for section in plan.sections:
        own = [*_rows(plan, section, opened, errors), *_common(plan, section)]
        rows += own
        totals.append(_total(plan, section, own))
        used += [(section.name, one) for one in randomness(plan, section)]
    return Bill(plan=plan, rows=tuple(rows), totals=tuple(totals), randomness=tuple(used))


def _rows(plan: Plan, section: Section, opened: dict[str, int], errors: dict[str, float]) -> Iterable[Row]:
    groups: dict[tuple[str, str], list[Step]] = {}
    for step in section.steps:
        groups.setdefault((step.layer, step.phase), []).append(step)
    sent: dict[str, dict[str, int]] = {}
    for message in messages(plan, section):
        sent.setdefault(message.step, {})[message.sender] = message.bytes
    dealt: dict[str, int] = {}
    for correction in corrections(plan, section):
        dealt[correction.step] = dealt.get(correction.step, 0) + correction.bytes(plan.modulus_field.words)
    for (layer, phase), steps in sorted(groups.items(), key=lambda group: ORDER.index(group[0][1])):
        result = _result(steps)
        done = [products(plan, step) for step in steps]
        yield Row(
            section=section.name,
            layer=layer,
            phase=phase,
            line=steps[0].span.line,
            sent=_pair(sum(sent.get(step.name, {}).get(party, 0) for step in steps) for party in plan.parties),
            dealt=(0, sum(dealt.get(step.name, 0) for step in steps)),
            openings=sum(opened.get(step.name, 0) for step in steps),
            rounds=tuple(sorted({step.round for step in steps if step.op in OPENINGS})),
            products=(sum(one[0] for one in done), sum(one[1] for one in done)),
            scale=result.wire.scale if result else None,
            bits=max((step.wire.bits for step in steps if step.wire.form not in ("clear", "public")), default=0),
            error=errors[result.name] if result else None,
        )


def _result(steps: list[Step]) -> Step | None:
    """The last value of a layer that stands for a number: what the layer hands on."""
    numbers = [step for step in steps if step.op != "given" and step.wire.form not in ("digits", "bit")]
    return numbers[-1] if numbers else None


def _common(plan: Plan, section: Section) -> Iterable[Row]:
    """What belongs to no layer."""
    if section is plan.sections[0] and needs_dealer(plan):
        yield Row(section=section.name, layer=SEEDS, dealt=(SEED, SEED))
    carried = frames(plan, section)
    if carried:
        sent = _pair(HEADER * sum(1 for _, sender in carried if sender == party) for party in plan.parties)
        yield Row(section=section.name, layer=FRAMES, sent=sent)


def _pair(numbers: Iterable[int]) -> Pair:
    first, second = numbers
    return first, second


def _total(plan: Plan, section: Section, rows: list[Row]) -> Total:
    return Total(
        section=section.name,
        sent=_pair(bytes_sent(plan, section, party) for party in plan.parties),
        dealt=(sum(row.dealt[0] for row in rows), sum(row.dealt[1] for row in rows)),
        openings=sum(row.openings for row in rows),
        rounds=section.rounds,
        products=(sum(row.products[0] for row in rows), sum(row.products[1] for row in rows)),
        efforts=efforts(plan, section),
        peak=peak(plan, section),
    )
