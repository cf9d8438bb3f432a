"""What the channel carries is what the plan says, for every example, and what paper 004 and our own goals count.

Every message of every opening is compared, so layer by layer, phase by phase, in both directions and in each section;
and the dealer's parcels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from _pytest.mark import ParameterSet

from ppc.compiler import compile_program
from ppc.errors import PpcError
from ppc.plan.steps import Plan
from ppc.protocol import lowered
from ppc.runtime.session import Outcome
from tests.passes.test_paper_counts import DEEP, OTHERS, SHALLOW, Net, openings, rows
from tests.plan_runs import carried, counted, some_values
from tests.sources import CHECKOUT

FIELDS = ("mersenne61", "mersenne127")
EXAMPLES = [path for path in sorted((CHECKOUT / "examples").glob("*.pnn")) if "private" in path.read_text("utf-8")]
LARGE = {"alexnet"}
# The powers of their wide values need the larger field.
TOO_WIDE = {("deep_cubic", "mersenne61"), ("transfer", "mersenne61")}
ALONE = {"transfer_public"}  # one party has everything, and the other one nothing
PAPER = {
    ("shallow_cubic", 0): 13_174_048,
    ("deep_cubic", 0): 29_556_128,
    ("shallow_cubic", 1): 4_178_720,
    ("deep_cubic", 1): 5_144_416,
}
# Of one iteration: megabytes by the busier party, rounds, megabytes by the dealer.
GOALS = {"shallow_train": (29.0, 10, 80.0), "deep_train": (35.2, 16, 100.0)}


def in_field(text: str, field: str) -> str:
    """The program in another field; where each party may not shift its own share, the dealer truncates."""
    text = re.sub(r"field = \w+", f"field = {field}", text) if field else text
    return re.sub(r"truncation = local", "truncation = dealer", text) if field == "mersenne61" else text


def ran(text: str, level: int, *, train: bool, batch: int, **options: str) -> tuple[Plan, Outcome]:
    """A run that has sent what was predicted."""
    compiled = compile_program(text, train=train, batch=batch)
    values = some_values(compiled.graph, np.random.default_rng(1))
    plan = lowered(compiled, level=level).plan
    return plan, counted(plan, values, timeout=120.0, **options)


def cases() -> Iterator[ParameterSet]:
    """In the program's own field at every level, in the other one at the last; all the rest takes longer."""
    for path in EXAMPLES:
        text = path.read_text("utf-8")
        jointly = re.search(r"^train \w+( by joint)? \{", text, re.MULTILINE)  # in the clear one party learns: no plan
        for train in (False, True) if jointly else (False,):
            for level, field in product((0, 1, 2), FIELDS if "field = " in text else ("",)):
                quick = level == 2 or (f"field = {field}" in text and not train)
                name = "-".join((path.stem, *(["train"] if train else []), f"O{level}", field))
                marks = () if quick and (level == 2 or path.stem not in LARGE) else (pytest.mark.long,)
                yield pytest.param(path.stem, field, level, train, id=name, marks=marks)


@pytest.mark.parametrize(("name", "field", "level", "train"), list(cases()))
def test_every_example_sends_what_was_predicted(name: str, field: str, level: int, train: bool) -> None:
    text = in_field((CHECKOUT / f"examples/{name}.pnn").read_text("utf-8"), field)
    if (name, field) in TOO_WIDE:
        with pytest.raises(PpcError, match="PPC303"):
            ran(text, level, train=train, batch=1)
        return
    plan, outcome = ran(text, level, train=train, batch=1, variant="slow")

    assert bool(outcome.meter.messages) == (name not in ALONE)
    assert {section for section, _ in outcome.meter.messages} <= {section.name for section in plan.sections}


# ---- the paper's openings, from what was sent ----


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("net", [Net(size=28, channels=n.channels, classes=10, batch=2) for n in (SHALLOW, DEEP)])
def test_the_channel_carries_the_papers_rows(net: Net, level: int) -> None:
    plan, outcome = ran(net.program, level, train=True, batch=net.batch, variant="slow")

    assert carried(plan, outcome) == rows(net, level)


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("net", OTHERS)
def test_other_nets_carry_what_the_rules_give(net: Net, level: int) -> None:
    plan, outcome = ran(net.program, level, train=True, batch=net.batch, variant="slow")

    assert carried(plan, outcome) == rows(net, level) == openings(plan)


@pytest.mark.long
@pytest.mark.parametrize(("example", "level"), list(PAPER))
def test_the_channel_carries_the_papers_totals(example: str, level: int) -> None:
    plan, outcome = ran((CHECKOUT / f"examples/{example}.pnn").read_text("utf-8"), level, train=True, batch=128)

    assert sum(carried(plan, outcome).values()) == PAPER[example, level]


@pytest.mark.long
@pytest.mark.parametrize("example", list(GOALS))
def test_an_iteration_stays_below_our_goals(example: str) -> None:
    plan, outcome = ran((CHECKOUT / f"examples/{example}.pnn").read_text("utf-8"), 2, train=True, batch=128)
    sent, rounds, dealt = GOALS[example]

    assert max(outcome.meter.bytes_sent(party, "each") for party in plan.parties) <= sent * 1e6
    assert len({number for section, number, _ in outcome.meter.frames if section == "each"}) <= rounds
    assert outcome.dealt["each"] <= dealt * 1e6
