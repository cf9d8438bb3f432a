"""How real numbers cross that nobody computes with on shares: bytes of each, as a `reveal` says in `numbers`.

float64   eight bytes; where nothing else is said
float32   four
byte      one, between the smallest and the largest number of its example, which go before as float32
"""

from __future__ import annotations

from ppc.plan.steps import Step

FLOAT64, FLOAT32, BYTE = "float64", "float32", "byte"
NUMBERS = (FLOAT64, FLOAT32, BYTE)
ENDS = 8  # bytes of the smallest and the largest number of an example
STEPS = 255  # between them
_SIZES = {FLOAT64: 8, FLOAT32: 4, BYTE: 1}


def numbers(step: Step) -> str:
    return step.word("numbers") or FLOAT64


def examples(step: Step) -> int:
    """Each has ends of its own; a value without examples is one."""
    return step.wire.shape[0] if step.wire.shape else 1


def payload(step: Step) -> int:
    """Bytes, in whole words of eight."""
    kind = numbers(step)
    ends = ENDS * examples(step) if kind == BYTE else 0
    return -(-(ends + _SIZES[kind] * step.wire.size) // 8) * 8


def error(step: Step, reach: float) -> float:
    """How far a number may come out from what went in, which is within ±reach."""
    kind = numbers(step)
    if kind == FLOAT64:
        return 0.0
    rounded = reach * 2.0**-24
    return reach / STEPS + 2 * rounded if kind == BYTE else rounded
