"""Pictures of numbers, which show a client's secret signal: a set of images taken apart by its classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ppc.data.examples import Array
from ppc.data.sources import examples
from ppc.errors import fail


def pictures(what: str | Path, size: tuple[int, int], numbers: int) -> tuple[Array, ...]:
    """[count, height, width] of each number from 0, between 0 and 1."""
    found = examples(what)
    if found.labels is None or found.shape[-2:] != size:
        height, width = size
        why = "has no labels" if found.labels is None else f"has images of {'×'.join(map(str, found.shape[-2:]))}"
        raise fail(
            "PPC508",
            f"`{what}` {why}; a signal shows as pictures of {height}×{width} with the number that each shows.",
            hint="Name images of digits, as `digits28:1000`, or let the program say another size.",
        )
    grey = found.scaled().mean(axis=1)
    by_number = tuple(grey[found.labels == number] for number in range(numbers))
    if missing := [str(number) for number, rows in enumerate(by_number) if not len(rows)]:
        raise fail(
            "PPC508",
            f"`{what}` has no picture of {', '.join(missing)}, and a signal may be any number below {numbers}.",
            hint="Name a set that has pictures of all of them.",
        )
    return tuple(np.ascontiguousarray(rows) for rows in by_number)
