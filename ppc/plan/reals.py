"""How real numbers cross that nobody computes with on shares, as a `reveal` says in `numbers`: see `ppc.ir.sent`."""

from __future__ import annotations

from ppc.ir.sent import SIZES, message_bytes
from ppc.plan.steps import Step

FLOAT64, FLOAT32, BYTE = "float64", "float32", "byte"
NUMBERS = tuple(SIZES)
STEPS = 255  # between them


def numbers(step: Step) -> str:
    return step.word("numbers") or FLOAT64


def examples(step: Step) -> int:
    """Each has ends of its own; a value without examples is one."""
    return step.wire.shape[0] if step.wire.shape else 1


def payload(step: Step) -> int:
    """Bytes, in whole words of eight."""
    return message_bytes(step.wire.size, numbers(step), examples(step))


def error(step: Step, reach: float) -> float:
    """How far a number may come out from what went in, which is within ±reach."""
    kind = numbers(step)
    if kind == FLOAT64:
        return 0.0
    rounded = reach * 2.0**-24
    return reach / STEPS + 2 * rounded if kind == BYTE else rounded
