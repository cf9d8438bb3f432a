"""The scale of every result, from those of its operands. Called by `check_ranges`."""

from __future__ import annotations

from collections.abc import Sequence

from ppc.plan.steps import Step
from ppc.plan.wires import Wire

FREE = frozenset({"given", "compute", "decode", "digits", "groups"})
BITS = frozenset({"bit", "count", "as_number"})  # whole numbers, whatever they were compared from
EQUAL = frozenset({"add", "subtract", "add_channel", "concat"})


def scale_mistake(step: Step, operands: Sequence[Wire]) -> str:
    """What is wrong with the scale of a step; empty where nothing is."""
    scales = [0 if wire.form == "bit" else wire.scale for wire in operands]
    known = [scale for scale in scales if scale is not None]
    if step.op in FREE or (step.op == "reveal" and step.wire.real):
        return ""
    if step.op != "encode" and step.op not in BITS and len(known) < len(scales):
        return "has an operand without a scale"
    if step.op in EQUAL and len(set(known)) != 1:
        return f"takes operands of the scales {', '.join(map(str, known))}"
    wanted = _wanted(step, known)
    stated = 0 if step.wire.form == "bit" and step.wire.scale is None else step.wire.scale
    return "" if stated == wanted else f"states scale {stated}, and has {wanted}"


def _wanted(step: Step, scales: Sequence[int]) -> int:
    match step.op:
        case "encode":
            return step.integer("scale")
        case "rescale":
            return step.integer("to")
        case op if op in BITS:
            return 0
        case "product" | "apply":
            return sum(scales)
        case "truncate" | "truncate_local":
            return scales[0] - step.integer("shift")
        case "times":
            return scales[0] + step.integer("lift", 0)
        case "select":
            return scales[1] + step.integer("scale", 0)
        case "polynomial":
            return scales[0] * (len(step.integers("coefficients")) - 1) + step.integer("scale", 0)
        case _:
            return scales[0]
