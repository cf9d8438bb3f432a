"""The bill as a person reads it, and for a machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from math import isfinite

from ppc.bill.machine import Machine
from ppc.bill.network import Profile
from ppc.bill.randomness import Randomness
from ppc.bill.rows import Bill, Row, Total
from ppc.bill.tables import count, real, seconds, size, spans, table
from ppc.plan.kept import trains
from ppc.plan.needs import needs_dealer
from ppc.plan.steps import Plan

WHEN = {"setup": "once, before", "each": "each batch", "finish": "once, after"}


def text(bill: Bill, machine: Machine, net: Profile, others: Mapping[int, Bill]) -> str:
    """Everything, with what the other levels would cost; `others` are the bills by level."""
    parts = [
        list(_head(bill)),
        *(_section(bill, total) for total in bill.totals),
        _totals(bill, machine, net),
        _levels(others, bill.plan.level, machine, net),
        _randomness(bill),
        _reasons(bill),
        _words(bill),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def when(plan: Plan, section: str) -> str:
    """A plan with carried values trains: what it repeats is an iteration."""
    if section == "each" and trains(plan):
        return "each iteration"
    return WHEN[section]


def _head(bill: Bill) -> Iterator[str]:
    plan = bill.plan
    client, server = plan.parties
    what = "one iteration of training" if trains(plan) else "inference"
    yield f"{plan.name}, {what}, batch {plan.batch}, -O{plan.level}, {plan.field}"
    dealer = "a dealer deals what is correlated and sees no data"
    clear = "what crosses does so in the clear, and no dealer is needed"
    yield f"{client} is the client, {server} the server; {dealer if needs_dealer(plan) else clear}"
    yield from (f"note: {note}" for note in plan.notes)


# ---- by layer ----


def _section(bill: Bill, total: Total) -> list[str]:
    client, server = bill.plan.parties
    heads = ("line", "layer", "phase", f"{client}→{server}", f"{server}→{client}", f"dealer→{client}")
    heads = (*heads, f"dealer→{server}", "opened", "rounds")
    heads = (*heads, f"{client} multiplies", f"{server} multiplies", "digits", "bits", "deviation")
    rows = [_cells(row) for row in bill.rows if row.section == total.section]
    last = ("", "all", "", *map(count, (*total.sent, *total.dealt, total.openings)), str(total.rounds))
    rows.append((*last, *map(count, total.products), "", "", ""))
    return [f"{when(bill.plan, total.section)}, in bytes", *table(heads, rows, words=3, indent=2)]


def _cells(row: Row) -> tuple[str, ...]:
    numbers = map(count, (*row.sent, *row.dealt, row.openings))
    scale = "" if row.scale is None else str(row.scale)
    return (
        str(row.line or ""),
        row.layer,
        row.phase,
        *numbers,
        spans(row.rounds),
        *map(count, row.products),
        scale,
        str(row.bits or ""),
        real(row.error) if row.phase else "",
    )


# ---- totals, time, levels ----


def _totals(bill: Bill, machine: Machine, net: Profile) -> list[str]:
    client, server = bill.plan.parties
    heads = ("", f"{client}→{server}", f"{server}→{client}", f"dealer→{client}", f"dealer→{server}", "rounds")
    heads = (*heads, f"memory of {client}", f"of {server}", "of the dealer")
    heads = (*heads, "computing", "network", "dealing", "time")
    rows: list[tuple[str, ...]] = []
    for total in bill.totals:
        found = bill.times(total, machine, net)
        sizes = tuple(map(size, (*total.sent, *total.dealt)))
        peaks = tuple(map(size, total.peak.roles))
        times = tuple(map(seconds, (found.computing, found.network, found.dealer, found.total)))
        rows.append((when(bill.plan, total.section), *sizes, str(total.rounds), *peaks, *times))
    ahead = "; a live dealer works beside the parties, over such a network too" if needs_dealer(bill.plan) else ""
    title = f"totals on {net}; {machine}{ahead}"
    return [title, *table(heads, rows, words=1, indent=2)]


def _levels(bills: Mapping[int, Bill], chosen: int, machine: Machine, net: Profile) -> list[str]:
    if not bills:
        return []
    plan = next(iter(bills.values())).plan
    client, server = plan.parties
    heads = (
        "",
        f"{client}→{server}",
        f"{server}→{client}",
        f"dealer→{server}",
        "rounds",
        "opened for products",
        "time",
    )
    rows: list[tuple[str, ...]] = []
    for level, bill in sorted(bills.items()):
        total = bill.total("each")
        if total is not None:
            sizes = map(size, (*total.sent, total.dealt[1]))
            name = f"-O{level}" + (" (this one)" if level == chosen else "")
            time = seconds(bill.times(total, machine, net).total)
            rows.append((name, *sizes, str(total.rounds), count(total.openings), time))
    return [f"what the levels cost, {when(plan, 'each')}", *table(heads, rows, words=1, indent=2)]


# ---- randomness ----


def grouped(bill: Bill) -> dict[tuple[str, str, str], list[Randomness]]:
    """What is alike, by section, kind and shape."""
    found: dict[tuple[str, str, str], list[Randomness]] = {}
    for section, one in bill.randomness:
        found.setdefault((section, one.kind, one.shape), []).append(one)
    return found


def _randomness(bill: Bill) -> list[str]:
    rows = [
        (when(bill.plan, section), kind, shape, str(len(found)), count(sum(one.corrections for one in found)))
        for (section, kind, shape), found in grouped(bill).items()
    ]
    if not rows:
        return []
    heads = ("", "kind", "shape", "how many", "bytes to the server")
    return ["correlated randomness", *table(heads, rows, words=3, indent=2)]


def _reasons(bill: Bill) -> list[str]:
    lines = {step.name: step.span.line for step in bill.plan.steps()}
    why = [(one, one.why) for _, one in bill.randomness if one.why]
    if not why:
        return []
    return ["why these products", *(f"  {one.step} (line {lines[one.step]}): {reason}" for one, reason in why)]


def _words(bill: Bill) -> list[str]:
    return [
        "Bytes are payload and frame headers, before TLS; MB = 10^6 bytes. opened: values that one party opens as "
        "operands of products. multiplies: local multiply-adds.",
        "digits: fraction bits of the layer's result. bits: of the largest integer on shares, its sign apart; "
        f"{bill.plan.field} has room for {bill.plan.modulus_field.bits - 1}.",
        "deviation: how far the result may be from float arithmetic at most, for any data and weights within bounds, "
        "where bits of the way back choose alike.",
    ]


# ---- for a machine ----


def as_dictionary(bill: Bill, machine: Machine, net: Profile, others: Mapping[int, Bill]) -> dict[str, object]:
    """The same as JSON has it: a bound that is not known is null."""
    plan = bill.plan
    return {
        "model": plan.name,
        "level": plan.level,
        "batch": plan.batch,
        "field": plan.field,
        "parties": list(plan.parties),
        "notes": list(plan.notes),
        "rows": [_row(row) for row in bill.rows],
        "totals": [_total(bill, total, machine, net) for total in bill.totals],
        "randomness": [
            {"section": section, "kind": kind, "shape": shape, "count": len(found), "bytes": _bytes(found)}
            for (section, kind, shape), found in grouped(bill).items()
        ],
        "reasons": {one.step: one.why for _, one in bill.randomness if one.why},
        "net": {"name": net.name, "rtt": net.rtt, "bandwidth": None if net.here else net.bandwidth},
        "machine": machine.measured or None,
        "levels": {
            str(level): _total(other, total, machine, net) for level, other in others.items() for total in _each(other)
        },
    }


def _each(bill: Bill) -> Iterator[Total]:
    total = bill.total("each")
    if total is not None:
        yield total


def _bytes(found: Sequence[Randomness]) -> int:
    return sum(one.corrections for one in found)


def _row(row: Row) -> dict[str, object]:
    finite = row.error is not None and isfinite(row.error)
    return {**asdict(row), "error": row.error if finite else None}


def _total(bill: Bill, total: Total, machine: Machine, net: Profile) -> dict[str, object]:
    """What is done, in counts, and how long it takes."""
    found = asdict(total)
    done = zip((*bill.plan.parties, "dealer"), (*total.efforts.parties, total.efforts.dealer), strict=True)
    del found["efforts"]
    work = {role: asdict(one) for role, one in done}
    return {**found, "work": work, "seconds": asdict(bill.times(total, machine, net))}
