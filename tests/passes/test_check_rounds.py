"""Each rule of order, rounds, messages and of the frame, with a change that breaks it."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from ppc.passes.checks.check_rounds import CheckRounds, sends, waits
from ppc.passes.checks.rules import Rule
from ppc.plan.steps import Stage
from ppc.plan.text import parse
from tests.handmade_plans import LOOP, PRODUCT, broken, edited
from tests.plan_edits import plan_text

BREACHES = {
    "sent before it is there": ("in -65536..65536 ; round 2 -", "in -65536..65536 ; round 1 -", Rule.ROUNDS),
    "computed before it is there": ("in -256..257 ; round 2 -", "in -256..257 ; round 1 -", Rule.ROUNDS),
    "computed later than it is there": ("in -65536..65536 ; round 1 -", "in -65536..65536 ; round 2 -", Rule.ROUNDS),
    "read before it is made": ("product(x.e, w.e)", "product(z.e, w.e)", Rule.DEFINED),
    "read and not made": ("product(x.e, w.e)", "product(y.e, w.e)", Rule.DEFINED),
    "a name twice": ("    x = encode", "    w = encode", Rule.NAMES),
    "an op that is not known": ("= mask(x)", "= open(x)", Rule.KNOWN),
    "an op that has no masks": ('mask(x) {"mask": "m.x"}', 'compare(x) {"knots": [0]}', Rule.KNOWN),
    "an attribute that is not known": ('{"mask": "m.x"}', '{"mask": "m.x", "seed": 1}', Rule.KNOWN),
    "an attribute of another kind": ('"shift": 8', '"shift": true', Rule.KNOWN),
    "an attribute too large": ('"shift": 8', '"shift": 100000000000', Rule.KNOWN),
    "the same weights in every iteration": ('{"what": "data"}', '{"what": "parameter"}', Rule.KNOWN),
    "an operand too few": ("product(x.e, w.e)", "product(x.e)", Rule.KNOWN),
    "a map that is not known": ('"map": "multiply"', '"map": "divide"', Rule.KNOWN),
    "a form it does not take": ("truncate(z.e)", "truncate(z)", Rule.FORMS),
    "a form it does not make": ("truncated[2] @8", "shared[2] @8", Rule.FORMS),
    "a value at nobody": ("in -256..256 at lab", "in -256..256", Rule.FORMS),
    "a value at a stranger": ("in -256..256 at lab", "in -256..256 at bank", Rule.FORMS),
    "a value that moved": ("in -256..256 at hospital", "in -256..256 at lab", Rule.FORMS),
    "shapes that differ": (
        ": masked[2] @8 in -256..256 ; round 1 - forward 1:1-1:1\n    z",
        ": masked[3] @8 in -256..256 ; round 1 - forward 1:1-1:1\n    z",
        Rule.SHAPES,
    ),
    "a result at the other party": ("= real to lab", "= real to hospital", Rule.RESULTS),
    "a result of nothing": ("= real to lab", "= reals to lab", Rule.DEFINED),
    "a result for a stranger": ("= real to lab", "= real to bank", Rule.RESULTS),
    "a message for nobody": ('"grant": "result", "to": "lab"', '"to": "lab"', Rule.MESSAGES),
    "a message for a line that is none": ('"grant": "result"', '"grant": "debug"', Rule.MESSAGES),
    "a check for one": ('"grant": "result"', '"grant": "check"', Rule.MESSAGES),
    "a message to oneself": ("reveal(t)", "reveal(w)", Rule.MESSAGES),
    "a level too high": ("level 2", "level 3", Rule.HEAD),
    "no example": ("batch 1", "batch 0", Rule.HEAD),
    "a party twice": ("hospital, lab", "lab, lab", Rule.HEAD),
    "sections in another order": ("  each {", "  finish {", Rule.DEFINED),
    "a stage without masks": ("stage scheduled", "stage scaled", Rule.HEAD),
    "rounds too early": ("stage scheduled", "stage masked", Rule.ROUNDS),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_found(name: str) -> None:
    old, new, rule = BREACHES[name]
    text = PRODUCT.replace(old, new, 1) if PRODUCT.count(old) != 1 else edited(PRODUCT, (old, new))
    if name == "sections in another order":
        text = text.replace("  setup {", "  each {").replace("x.e, w.e", "w.e, x.e")

    assert rule in broken(text)


CARRIES = {
    "a start that is not there": ("= first then", "= second then", Rule.DEFINED),
    "a start that is no value of setup": ("= first then", "= w then", Rule.DEFINED),
    "a value of another scale": ("then next", "then t", Rule.CARRIED),
    "a form that is not carried": (
        ": shared[2] @16 in -65536..65536\n",
        ": truncated[2] @16 in -65536..65536\n",
        Rule.CARRIED,
    ),
    "more than it was promised": (
        ": shared[2] @16 in -65536..65536\n",
        ": shared[2] @16 in -65536..60000\n",
        Rule.STATED,
    ),
}


@pytest.mark.parametrize("name", CARRIES)
def test_a_breach_of_a_carried_value_is_found(name: str) -> None:
    old, new, rule = CARRIES[name]

    assert rule in broken(edited(LOOP, (old, new)))


def test_openings_may_be_sent_later() -> None:
    """What reads them waits for them then."""
    later = edited(
        LOOP, ('"m.g"} : masked[2] @8 in -256..256 ; round 1', '"m.g"} : masked[2] @8 in -256..256 ; round 2')
    )

    assert broken(later) == set()


@pytest.mark.parametrize("stage", ["lowered", "scaled"])
def test_a_plan_without_masks_is_not_checked_but_refused(stage: str) -> None:
    plan = replace(parse(PRODUCT), stage=cast(Stage, stage))

    assert {problem.rule for problem in CheckRounds().problems(plan)} == {Rule.HEAD}


def test_without_rounds_the_frame_is_checked() -> None:
    plan = parse(PRODUCT)
    sections = [replace(s, steps=tuple(replace(step, round=0) for step in s.steps)) for s in plan.sections]

    assert broken(replace(plan, stage="masked", sections=tuple(sections))) == set()


@pytest.mark.parametrize("name", ["training", "curves"])
def test_both_parties_have_the_same_messages(name: str) -> None:
    """Each sends what the other waits for; a clear value comes from the party that has it."""
    plan = parse(plan_text(name))
    for step in plan.steps():
        if step.op in ("mask", "digits", "groups", "bit", "reveal"):
            wire = plan.wires[step.inputs[0]]
            senders = {party for party in plan.parties if sends(party, step, wire)}

            assert senders == {plan.peer(party) for party in plan.parties if waits(party, step, wire)}
            assert senders == ({wire.at} if wire.form == "clear" else senders)
