"""The program with which two parties find the winners of noisy votes that they hold shares of, and nothing else.

It is compiled as any other, so that the plan's checks, its bytes and rounds, and what it opens to whom are those of
every joint run. The histogram is given on shares: those of the second aggregator and of the server add up to it in the
field. Its range is that of the sum, for which no comparison is proved to leave the field; a share alone is uniform.
Of equal counts the first class wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

from ppc import bundle, bundling
from ppc.bundle import Bundle
from ppc.compiler import compile_program
from ppc.ir.collaborative import GRID, Collaborative, Pate
from ppc.ir.policy import ON_SHARES, Owner, Policy
from ppc.leak.contract import contract
from ppc.passes.checks.verdict import accepted
from ppc.plan.wires import Wire
from ppc.protocol import Lowered, lowered
from ppc.runtime.roles.request import Counts, Stretch, predicted
from ppc.sharing import ELEMENT_BYTES

HISTOGRAM = "histogram"
AT_ONCE = 1024  # queries in one pass through the plan

TEXT = """party aggregator, server

model winner({histogram}: real[{classes}] in -{reach}..{reach}) -> index {{
    argmax
}}

private winner {{
    {histogram} from server
    result to server
    joint {{ field = mersenne61, fraction = {grid} }}
}}
"""


def source(facts: Collaborative, pate: Pate, classes: int) -> str:
    """The program as it would be written, if a line could say that nobody holds the histogram."""
    return TEXT.format(histogram=HISTOGRAM, classes=classes, reach=pate.reach(facts.workers), grid=GRID)


@cache
def made(facts: Collaborative, pate: Pate, classes: int) -> Lowered:
    """Compiled for as many queries as there are, or the most that are compared at once."""
    batch, largest = min(pate.queries, AT_ONCE), pate.reach(facts.workers) << GRID
    wire = Wire(form="shared", shape=(batch, classes), scale=GRID, low=-largest, high=largest)
    kept = {HISTOGRAM: wire}
    return lowered(compile_program(source(facts, pate, classes), batch=batch, kept=kept, change=_on_shares))


def _on_shares(policy: Policy) -> Policy:
    return replace(policy, owners={HISTOGRAM: Owner(party=ON_SHARES)})


def bundle_of(facts: Collaborative, pate: Pate, classes: int, role: str) -> Bundle:
    """What one of the three roles runs: the second aggregator as the client, the server, or the dealer."""
    with TemporaryDirectory(prefix="ppc-winner-") as name:
        home = bundle.write(bundling.program([made(facts, pate, classes)]), Path(name))
        return bundle.read(home / role, accepted, role=role)


# ---- what it costs and tells, before anything runs ----


def bill(facts: Collaborative, pate: Pate, classes: int, queries: int) -> Counts:
    """What the comparison of so many queries carries."""
    plan = made(facts, pate, classes).plan
    times = -(-queries // plan.batch)
    return predicted([Stretch(plan=plan, iterations=times, first=0, number=0, whole=times)])


def sentences(facts: Collaborative, pate: Pate, classes: int) -> Iterator[str]:
    """What `ppc check` says of it."""
    size, cost = ELEMENT_BYTES * pate.queries * classes, bill(facts, pate, classes, pate.queries)
    yield f"each worker shares its votes out to the server and a second aggregator, {size:,} bytes to each"
    yield (
        f"these two compare the sums with a dealer's help in {cost.rounds:,} rounds: the aggregator sends "
        f"{cost.sent[0]:,} bytes, the server {cost.sent[1]:,}, the dealer {sum(cost.dealt):,}"
    )
    for party, count in told(facts, pate, classes):
        yield f"{party} learns " + (f"the class of each of {pate.queries:,} examples" if count else "nothing")
    yield "of equal counts the first class wins"
    yield "it holds if server, aggregator and dealer are three who do not work together"


def told(facts: Collaborative, pate: Pate, classes: int) -> Sequence[tuple[str, int]]:
    """How many numbers each party has in clear of each pass, from the plan itself."""
    compiled = made(facts, pate, classes)
    found = contract(compiled.plan, compiled.compiled.policy)
    return [(party, sum(prod(one.shape) for one in found.seen if one.party == party)) for party in found.parties]
