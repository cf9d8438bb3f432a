"""Masks that the dealer chooses from a product's shares (PROTOCOL.md, section 7). Called by `check_masks`.

A product with `into` M has no shares of the product of masks: the dealer takes λ_M = t0 + t1 - β(λx, λy), with t_i what
party i draws as its share of λ_M. So the parties' shares of the product are wrong by just as much as their shares of
λ_M are, and right only where both are added: in the opening under M. λ_M is uniform because t0 + t1 is, once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ppc.passes.checks.rules import Found, Rule
from ppc.plan.steps import Plan, Step

# The product goes through these as it is, once: of the last two it has to be the first operand.
PLAIN = ("add", "reshape", "rescale", "offset", "subtract", "add_channel")
ORDERED = ("subtract", "add_channel")
TRUNCATIONS = ("truncate", "digits")


def check_chosen(plan: Plan, found: Found) -> None:
    chosen: dict[str, Step] = {}
    readers = _readers(plan)
    for step in plan.steps():
        if step.op != "product" or not step.word("into"):
            continue
        name = step.word("into")
        if name in chosen:
            found.note(Rule.DEALER_CHOOSES, step, f"goes into `{name}`, which makes up for `{chosen[name].name}`")
        chosen.setdefault(name, step)
        if mistake := _mistake(plan, step, name, readers):
            found.note(Rule.DEALER_CHOOSES, step, mistake)


def _readers(plan: Plan) -> Mapping[str, Sequence[Step | None]]:
    """Who reads each value; None stands for a result or a carried value."""
    readers: dict[str, list[Step | None]] = {}
    for section in plan.sections:
        for step in section.steps:
            for name in step.inputs:
                readers.setdefault(name, []).append(step)
        for name in (*(carry.first for carry in section.carries), *(carry.then for carry in section.carries)):
            readers.setdefault(name, []).append(None)
        for result in section.results:
            readers.setdefault(result.value, []).append(None)
    return readers


def _mistake(plan: Plan, product: Step, name: str, readers: Mapping[str, Sequence[Step | None]]) -> str:
    """Follow the product to its mask: one reader at each step, none that scales it, and truncations at the end."""
    home = next(section for section in plan.sections if product in section.steps)
    at = product
    while at.op != "mask":
        following = readers.get(at.name, ())
        (reader,) = following if len(following) == 1 else (None,)
        if reader is None or reader not in home.steps:
            return f"goes into `{name}`, and `{at.name}` is not read by exactly one step on the way"
        second = reader.op in ORDERED and reader.inputs[0] != at.name
        if reader.op not in (*PLAIN, "mask") or second:
            return f"goes into `{name}`, and `{reader.name}` on the way is no plain sum"
        at = reader
    if at.word("mask") != name:
        return f"goes into `{name}`, and is opened under `{at.word('mask')}`"
    if at.flag("short"):
        return f"goes into `{name}`, which is short"
    others = [reader for reader in readers.get(at.name, ()) if reader is None or reader.op not in TRUNCATIONS]
    return f"goes into `{name}`, and `{at.name}` is used for more than truncating" if others else ""
