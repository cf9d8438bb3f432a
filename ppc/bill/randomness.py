"""Correlated randomness by kind and shape: what the dealer makes, and what of it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ppc.plan.material import corrections
from ppc.plan.steps import Plan, Section, Step
from ppc.plan.wires import Wire

BILINEAR = {
    "matmul": "matrix product",
    "conv2d": "convolution",
    "conv2d_grad_weight": "convolution, for its weights",
    "conv2d_grad_input": "convolution, for its input",
    "unfolded_conv2d": "matrix product of windows",
    "unfolded_grad_weight": "matrix product of windows, for the weights",
    "multiply": "products",
    "multiply_channel": "products by channel",
    "multiply_rows": "products by row",
    "multiply_all": "products by one number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Randomness:
    """What one step uses up. `shape` names the operands' shapes, as in `128x6272, 10x6272`."""

    step: str
    layer: str
    phase: str
    kind: str
    shape: str
    corrections: int  # bytes sent to party 1
    why: str = ""


def randomness(plan: Plan, section: Section) -> Iterator[Randomness]:
    """Every secret that a pass through a section uses up, in the order of the steps."""
    words = plan.modulus_field.words
    sent: dict[str, int] = {}
    for correction in corrections(plan, section):
        sent[correction.step] = sent.get(correction.step, 0) + correction.bytes(words)
    for step in section.steps:
        wires = [plan.wires[name] for name in step.inputs]
        if kind := kind_of(step, wires):
            yield Randomness(
                step=step.name,
                layer=step.layer,
                phase=step.phase,
                kind=kind,
                shape=_shape(step, wires),
                corrections=sent.get(step.name, 0),
                why=step.word("why"),
            )


def kind_of(step: Step, wires: Sequence[Wire]) -> str:
    """In a few words; empty for a step that uses no secret."""
    match step.op:
        case "mask":
            return "short mask" if step.flag("short") else "mask"
        case "product":
            square = step.inputs[0] == step.inputs[1] and step.word("map") == "multiply"
            kind = "squares" if square else BILINEAR[step.word("map")]
            return f"{kind}, in its result's mask" if step.word("into") else kind
        case "polynomial":
            return f"powers up to {len(step.integers('coefficients')) - 1}"
        case "truncate":
            return "truncation"
        case "digits":
            return f"comparison of {step.integer('digits')} digits"
        case "groups" | "bit":
            return f"one-time bits of {step.op}" if step.op == "groups" else "one-time bits, and the bit as a number"
        case "select":
            return f"bit times a {wires[1].form} value"
        case "reveal" if step.word("noise"):
            return f"noise of {step.integer('drowned', 0)} bits"
        case _:
            return ""


def _shape(step: Step, wires: Sequence[Wire]) -> str:
    shown = wires if step.op == "product" else [step.wire]
    return ", ".join("x".join(map(str, wire.shape)) or "1" for wire in shown)
