"""All checks together: on their own feet, against the unrolled loop, against linear algebra, and on damaged text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from ppc.errors import PpcError
from ppc.ir.types import Interval
from ppc.passes.checks.check_masks import CheckMasks
from ppc.passes.checks.rules import Rule
from ppc.passes.checks.verdict import CHECKS, accepted, all_problems
from ppc.plan.steps import Carry, Plan, Step
from ppc.plan.text import parse
from ppc.plan.wires import Wire
from tests.handmade_plans import LOOP, PRODUCT, broken, edited
from tests.plan_edits import plan_text
from tests.plan_mutants import mutants
from tests.sources import imported, modules

# ops and shapes of the graph: what one party computes alone is one of these, and means what it means in the clear
GRAPH = ("ppc.ir.graph", "ppc.ir.ops", "ppc.ir.shapes")
MAY_KNOW = ("ppc.errors", "ppc.field", "ppc.source", *GRAPH, "ppc.passes.checks")
OF_PLANS = ("maps", "ops", "steps", "wires", "text")


def test_checks_know_no_pass_and_nothing_that_passes_infer_with() -> None:
    """What is worked out twice must be written twice, or one mistake would pass both."""
    known = {
        (module.name, name)
        for module in modules()
        if module.name.startswith("passes/checks/")
        for name in imported(module)
        if name.startswith("ppc")
    }
    allowed = (*MAY_KNOW, *(f"ppc.plan.{name}" for name in OF_PLANS))

    assert len(known) > 30
    assert sorted((module, name) for module, name in known if not name.startswith(allowed)) == []


# ---- the loop, written out ----


SECRETS = ("mask", "share", "tuple", "bits", "noise", "into")


def written_out(plan: Plan, times: int = 3) -> Plan:
    """Setup, some iterations and finish as one section without a loop.

    Every step and secret has its iteration in its name; a secret that two sections name stays one.
    """
    each, finish = plan.section("each"), plan.section("finish")
    steps = list(plan.section("setup").steps)
    steps += [step for carry in each.carries for step in _as_shares(plan, carry)]
    carried = {carry.name: f"{carry.name}.start.shared" for carry in each.carries}
    for iteration in range(times):
        names = carried | {step.name: f"{step.name}.{iteration}" for step in each.steps}
        steps += [_renamed(plan, step, names, f".{iteration}") for step in each.steps]
        carried = {carry.name: names.get(carry.then, carry.then) for carry in each.carries}
    names = carried | {step.name: f"{step.name}.end" for step in finish.steps}
    steps += [_renamed(plan, step, names, ".end") for step in finish.steps]
    straight = tuple(replace(step, round=0) for step in steps)
    setup = replace(plan.section("setup"), steps=straight, results=())
    return replace(plan, stage="masked", sections=(setup,))


def _renamed(plan: Plan, step: Step, names: dict[str, str], part: str) -> Step:
    secrets = {key: step.word(key) for key in SECRETS if step.word(key)}
    here = {key: name if _sections_of(plan, name) > 1 else f"{name}{part}" for key, name in secrets.items()}
    by = {"by": names[step.word("by")]} if step.word("by") in names else {}
    inputs = tuple(names.get(name, name) for name in step.inputs)
    return replace(step, name=names[step.name], inputs=inputs, attrs={**step.attrs, **here, **by})


def _sections_of(plan: Plan, name: str) -> int:
    """In how many sections a secret is named."""
    return sum(any(name in map(step.word, SECRETS) for step in section.steps) for section in plan.sections)


def _as_shares(plan: Plan, carry: Carry) -> Iterator[Step]:
    """The value that iterations start with, plus and minus a zero of the other party: the same, and shared."""
    wire, first = carry.wire, plan.by_name[carry.first]
    peer = plan.peer(first.wire.at or plan.parties[0])
    name = f"{carry.name}.start"
    clear = Wire(form="clear", shape=wire.shape, at=peer, bounds=Interval(0.0, 0.0))
    zero = replace(clear, scale=wire.scale, low=0, high=0, bounds=None)
    shared = replace(first.wire, form="shared", at="")
    yield Step(name=f"{name}.none", op="given", attrs={"what": "zero"}, wire=clear)
    yield Step(name=f"{name}.zero", op="encode", inputs=(f"{name}.none",), attrs={"scale": wire.scale or 0}, wire=zero)
    yield Step(name=f"{name}.more", op="add", inputs=(first.name, f"{name}.zero"), wire=shared)
    yield Step(name=f"{name}.shared", op="subtract", inputs=(f"{name}.more", f"{name}.zero"), wire=shared)


ABOUT_LOOPS = {Rule.CARRIED, Rule.NEW_WEIGHTS, Rule.DEFINED, Rule.ROUNDS}


def test_a_loop_and_the_loop_written_out_are_judged_alike() -> None:
    """For every mutant of masks, secrets and effects of a training step."""
    kinds = ("mask", "twice", "truncated", "shared with", "dropped", "into", "re-mask", "opened", "used", "derived")
    training = parse(plan_text("training"))
    found = [m for m in mutants(training) if any(kind in m.kind for kind in kinds) and not ABOUT_LOOPS & {*m.rules}]
    different = [
        str(mutant)
        for mutant in found
        if bool(CheckMasks().problems(parse(mutant.text)))
        != bool(CheckMasks().problems(written_out(parse(mutant.text))))
    ]

    assert CheckMasks().problems(written_out(training)) == []
    assert len(found) > 120
    assert different == []


# ---- linear algebra: what opened vectors tell ----

PRIME = 8191


def rank(rows: list[list[int]]) -> int:
    """Of a matrix of integers modulo the prime."""
    left, found = [list(row) for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in left[found:] if row[column] % PRIME), None)
        if pivot is None:
            continue
        left.remove(pivot)
        inverse = pow(pivot[column], -1, PRIME)
        pivot = [value * inverse % PRIME for value in pivot]
        left = [
            *left[:found],
            pivot,
            *([(a - row[column] * b) % PRIME for a, b in zip(row, pivot, strict=True)] for row in left[found:]),
        ]
        found += 1
    return found


def opened(plan: Plan, generator: np.random.Generator) -> tuple[list[int], list[tuple[str, int]]]:
    """The values under all masks for random secrets, and which element of which mask hides each."""
    values: dict[str, np.ndarray] = {}
    hidden: list[int] = []
    masks: list[tuple[str, int]] = []
    for step in plan.steps():
        operands = [values[name] for name in step.inputs]
        match step.op:
            case "add":
                value = operands[0] + operands[1]
            case "subtract":
                value = operands[0] - operands[1]
            case "product":
                value = operands[0] * operands[1]
            case "times":
                value = operands[0] * step.integer("factor")
            case "mask" | "reshape" | "rescale":
                value = operands[0]
            case _:  # what was given; a truncation is another number
                value = generator.integers(0, PRIME, step.wire.shape)
        values[step.name] = value.reshape(step.wire.shape) % PRIME
        if step.op == "mask":
            hidden += [int(element) for element in values[step.name].ravel()]
            masks += [(step.word("mask"), place) for place in range(step.wire.size)]
    return hidden, masks


def tells(plan: Plan) -> bool:
    """Whether some combination of opened numbers is free of masks, and not the same for all secrets (section 6)."""
    generator = np.random.default_rng(6)
    first, masks = opened(plan, generator)
    columns = sorted(set(masks))
    matrix = [[int(mask == column) for column in columns] for mask in masks]
    for _ in range(3):
        other, _ = opened(plan, generator)
        wide = [[*row, (a - b) % PRIME] for row, a, b in zip(matrix, first, other, strict=True)]
        if rank(wide) > rank(matrix):
            return True
    return False


@pytest.mark.parametrize("text", [PRODUCT, LOOP], ids=["product", "loop"])
def test_what_tells_something_is_refused(text: str) -> None:
    """The proof of `check_masks` on the matrix itself: full rank as it is, and less for every mask used twice."""
    plan = parse(text)
    straight = written_out(plan)
    names = sorted({step.word("mask") for step in straight.steps() if step.op == "mask"})
    leaks = 0
    for first, second in ((a, b) for a in names for b in names if a != b):
        attrs = {step.name: {**step.attrs, "mask": second} for step in straight.steps() if step.word("mask") == first}
        steps = tuple(replace(step, attrs=attrs.get(step.name, step.attrs)) for step in straight.steps())
        reused = replace(straight, sections=(replace(straight.sections[0], steps=steps),))
        leaks += tells(reused)
        assert not tells(reused) or Rule.ONE_VALUE in broken(reused)

    assert not tells(straight)
    assert leaks == len(names) * (len(names) - 1)


# ---- text from outside ----


def test_a_good_plan_is_given_back() -> None:
    plan = parse(plan_text("training"))

    assert accepted(plan) is plan
    assert all(check.run(plan) is plan for check in CHECKS)


def test_a_plan_with_several_breaches_tells_them_all() -> None:
    wrong = edited(PRODUCT, ("m.z", "m.x"), ('"shift": 8', '"shift": 9'))
    with pytest.raises(PpcError) as caught:
        accepted(parse(wrong))

    assert {diagnostic.code for diagnostic in caught.value.diagnostics} == {"PPC513"}
    assert len(caught.value.diagnostics) >= 2


@pytest.mark.parametrize("name", ["training", "curves"])
def test_damaged_plans_are_judged_and_nothing_falls_over(name: str) -> None:
    """Words and numbers exchanged at random: whatever can still be read gets a verdict."""
    generator = np.random.default_rng(7)
    text = plan_text(name)
    words = re.findall(r"[A-Za-z_][\w.]*|-?\d+", text)
    places = [match.span() for match in re.finditer(r"[A-Za-z_][\w.]*|-?\d+", text)]
    read = 0
    for _ in range(400):
        start, end = places[generator.integers(len(places))]
        damaged = text[:start] + words[generator.integers(len(words))] + text[end:]
        try:
            plan = parse(damaged)
        except PpcError:
            continue
        read += 1
        all_problems(plan)

    assert read > 100
