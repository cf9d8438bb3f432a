"""The form of every step's result, from those of its operands: who holds a value, and how. Called by `frame`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ppc.plan.ops import PLAN_OPS
from ppc.plan.steps import BOTH, Plan, Step
from ppc.plan.wires import Wire

Made = tuple[str, str]  # a form, and the party where it is clear
REALS = ("given", "compute")  # and what they are made of: these alone work on numbers that are no integers


def mistakes(plan: Plan, step: Step, operands: Sequence[Wire]) -> Iterator[str]:
    """An operand in a form that its op does not take, or a result in one that it does not make."""
    row = PLAN_OPS[step.op]
    for place, wire in enumerate(operands):
        if wire.form not in row.takes[min(place, len(row.takes) - 1)]:
            yield f"takes `{step.inputs[place]}`, which is {wire.form}"
            return
    yield from _integers(step, operands)
    made = (step.wire.form, step.wire.at)
    possible = _possible(plan, step, operands)
    if made not in possible:
        wanted = " or ".join(f"{form} at {at}" if at else form for form, at in possible) or "impossible"
        yield f"makes {step.wire.form}{f' at {step.wire.at}' if step.wire.at else ''}, and that is {wanted}"


def _integers(step: Step, operands: Sequence[Wire]) -> Iterator[str]:
    """Encoding makes integers of reals, decoding reals of integers; all that is joint works on integers.

    Reals that their owner shows to the other party, for a layer that runs in the clear there, are sent as they are.
    """
    if step.op == "reveal" and operands[0].real and step.wire.real:
        return
    of_reals = {"compute", "encode"}
    if step.op in of_reals and any(not wire.real for wire in operands):
        yield "works on reals, and an operand is an integer"
    if step.op not in {*of_reals, "given"} and any(wire.real for wire in operands):
        yield "works on integers, and an operand is not encoded"
    makes_reals = step.op in ("compute", "decode") or (step.op == "given" and step.wire.form != "shared")
    if makes_reals and not step.wire.real:
        yield "makes reals, which have no scale"
    if not makes_reals and (step.wire.real or (step.wire.scale is None and step.op == "given")):
        yield "makes integers, which have a scale"
    if step.op == "encode" and step.wire.form == "public" and step.word("rounding") == "stochastic":
        yield "rounds by the coins of one party what both have"


def _possible(plan: Plan, step: Step, operands: Sequence[Wire]) -> tuple[Made, ...]:
    everywhere: tuple[Made, ...] = (("public", ""), *(("clear", party) for party in plan.parties))
    match step.op:
        case "given":
            return (*everywhere, ("shared", ""))
        case "compute" | "encode" | "decode":
            homes = {wire.at for wire in operands if wire.form == "clear"}
            if not operands:
                return everywhere
            return () if len(homes) > 1 else (("clear", homes.pop()),) if homes else (("public", ""),)
        case "reveal":
            to = step.word("to")
            return (("public", ""),) if to == BOTH else (("clear", to),)
        case "truncate":
            source = plan.by_name.get(step.inputs[0])
            short = source is not None and source.op == "mask" and source.flag("short")
            return () if short != step.flag("short") else (("masked" if short else "truncated", ""),)
        case "apply" if all(wire.form != "public" for wire in operands):
            return ()
        case _:
            makes = PLAN_OPS[step.op].makes
            return _as_operands(operands) if makes == "as operands" else ((makes, ""),)


def _as_operands(operands: Sequence[Wire]) -> tuple[Made, ...]:
    secret = [wire for wire in operands if wire.form != "public"]
    if not secret:
        return (("public", ""),)
    if all(wire.form == "masked" for wire in secret):
        return (("masked", ""),)
    if all(wire.form == "clear" for wire in secret) and len({wire.at for wire in secret}) == 1:
        return (("clear", secret[0].at),)
    return (("shared", ""),)
