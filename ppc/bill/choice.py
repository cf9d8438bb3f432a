"""Which of several plans of one program takes the least time on a network, and why: for the plan's notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ppc.bill.network import Profile
from ppc.bill.tables import seconds as shown_seconds
from ppc.plan.kept import trains
from ppc.plan.material import ONE_LEVEL
from ppc.plan.messages import bytes_sent
from ppc.plan.steps import Plan


def transfer(plan: Plan, net: Profile) -> tuple[float, int, int]:
    """Seconds on the network for one batch or iteration; the busier party's bytes, and the rounds."""
    each = plan.section("each")
    size = max(bytes_sent(plan, each, party) for party in plan.parties)
    return net.seconds(size, each.rounds), size, each.rounds


def quickest(plans: Sequence[Plan], net: Profile) -> tuple[Plan, str]:
    """The plan that takes least, the first one of equals; and a note that compares them."""
    found = [(plan, *transfer(plan, net)) for plan in plans]
    best, *_ = min(found, key=lambda row: row[1])
    told = [
        f"{plan.field} takes {shown_seconds(time)} ({size:,} bytes, {rounds} rounds)"
        for plan, time, size, rounds in found
    ]
    what = "an iteration" if trains(best) else "a batch"
    return best, f"{best.field} was chosen: {what} in {' and in '.join(told)} on {net}"


def comparison_notes(plan: Plan) -> Iterator[str]:
    """How many digits comparisons have, and so in how many levels these are combined."""
    counts = Counter(step.integer("digits") for step in plan.steps() if step.op == "digits")
    for digits, count in sorted(counts.items()):
        levels = "one level" if digits <= ONE_LEVEL else f"two levels, one round more than up to {ONE_LEVEL} digits"
        yield f"comparisons of {digits} digits, in {levels}: {count}"
