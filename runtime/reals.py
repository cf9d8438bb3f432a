"""Real numbers into and out of a frame, as ppc.plan.reals says. Called by the openings, and by the twin.

What comes out of a frame is another machine's word: every number is finite and within the bounds of the plan, or the
run ends (PPC670).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail
from ppc.field import Words
from ppc.ir.sent import ENDS
from ppc.ir.types import Interval
from ppc.plan.reals import BYTE, FLOAT32, STEPS, error, examples, numbers, payload
from ppc.plan.steps import Step

Reals = NDArray[Any]
SLACK = 1e-6  # of the bounds: two machines add in another order


def write(step: Step, values: Reals, out: Words) -> None:
    """Into the words of a frame; what is left of the last one is zero."""
    out[...] = 0
    room, flat = out.view(np.uint8), np.ascontiguousarray(values, np.float64).reshape(-1)
    kind = numbers(step)
    if kind == BYTE:
        ends, steps = _steps(step, flat)
        room[: ends.nbytes] = ends.reshape(-1).view(np.uint8)
        room[ends.nbytes : ends.nbytes + steps.size] = steps.reshape(-1)
        return
    small = flat.astype("<f4") if kind == FLOAT32 else flat.astype("<f8")
    room[: small.nbytes] = small.view(np.uint8)


def _steps(step: Step, flat: Reals) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Each example's ends, outside of all its numbers, and how many steps each number is above the lower one."""
    rows = flat.reshape(examples(step), -1)
    low, high = rows.min(axis=1), rows.max(axis=1)
    ends = np.stack([low, high], axis=1).astype("<f4")
    width = _width(ends)
    return ends, np.rint((rows - ends[:, :1]) / width).clip(0, STEPS).astype(np.uint8)


def _width(ends: NDArray[np.float32]) -> Reals:
    """Of a step, for each example; 1 where all its numbers are one."""
    spread = (ends[:, 1:].astype(np.float64) - ends[:, :1]) / STEPS
    return np.where(spread > 0, spread, 1.0)


def read(step: Step, words: Words, bounds: Interval | None, sender: str) -> Reals:
    """Out of the words of a frame, which came from `sender`."""
    found = _read(step, words.view(np.uint8)).reshape(step.wire.shape)
    reach = bounds.magnitude if bounds else 0.0
    slack = error(step, reach) + SLACK * reach
    if not np.isfinite(found).all() or (bounds and _outside(found, bounds, slack)):
        raise fail(
            "PPC670",
            f"`{step.layer}` came from {sender} with numbers that no honest run of this plan has.",
            hint="Nothing of it was used. Does the other side have the weights of this program, and its own ppc?",
        )
    return found


def _outside(found: Reals, bounds: Interval, slack: float) -> bool:
    return bool(found.size) and bool(found.min() < bounds.low - slack or found.max() > bounds.high + slack)


def _read(step: Step, room: NDArray[np.uint8]) -> Reals:
    kind, size = numbers(step), step.wire.size
    if kind == BYTE:
        count = examples(step)
        ends = room[: ENDS * count].view("<f4").reshape(count, 2)
        steps = room[ENDS * count : ENDS * count + size].reshape(count, -1)
        with np.errstate(invalid="ignore", over="ignore"):  # of ends that are no numbers, which is told next
            return ends[:, :1].astype(np.float64) + steps * _width(ends)
    width = 4 if kind == FLOAT32 else 8
    return room[: width * size].view("<f4" if width == 4 else "<f8").astype(np.float64)


def sent(step: Step, values: Reals) -> Reals:
    """What the other side reads of these values: for the twin."""
    frame = np.zeros(payload(step) // 8, np.uint64)
    write(step, values, frame)
    return _read(step, frame.view(np.uint8)).reshape(step.wire.shape)
