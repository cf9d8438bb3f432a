"""Whether numbers may be a model's weights: real, finite, and within the bounds that the source declares.

Every check looks at all arrays before it speaks: one diagnostic for each kind of mistake, one note for each array.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

import numpy as np

from ppc.errors import Diagnostic, Note
from ppc.ir.types import Interval
from ppc.weights.expected import Array, Parameter, SomeWeights, nearest


def counted(number: int, noun: str) -> str:
    """`1 array`, `2 arrays`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shown_bounds(bounds: Interval | None) -> str:
    """Bounds as the source writes them."""
    return f"{bounds.low:g}..{bounds.high:g}" if bounds else "not declared"


def limits(parameter: Parameter) -> Interval | None:
    """The declared bounds; a variance is never negative, whatever is declared."""
    if parameter.bounds is None and parameter.role == "variance":
        return Interval(0.0, inf)
    return parameter.bounds


def not_finite(name: str, values: Array) -> str:
    """What is not a number or infinite in an array; nothing if all is well."""
    bad = int(np.count_nonzero(~np.isfinite(values)))
    return f"{name}: {bad:,} of {counted(values.size, 'value')} not finite (nan or infinite)" if bad else ""


def outside(name: str, values: Array, bounds: Interval | None) -> str:
    """How many values leave the bounds, and the worst of them; nothing if all are within."""
    if bounds is None or not values.size:
        return ""
    # Who clips to 0.1 in float32 stores the float32 next to 0.1, which may be above it: that is within.
    low, high = nearest(bounds, values.dtype)
    excess = np.maximum(low - values, values - high)
    count = int(np.count_nonzero(excess > 0))
    if not count:
        return ""
    worst = float(values.flat[int(np.argmax(excess))])
    return f"{name}: {count:,} of {counted(values.size, 'value')} outside {shown_bounds(bounds)}, the worst {worst:g}"


def check_values(parameters: Iterable[Parameter], weights: SomeWeights) -> list[Diagnostic]:
    """Everything wrong with the numbers themselves."""
    infinite: list[str] = []
    beyond: list[str] = []
    for parameter in parameters:
        values = weights[parameter.name]
        if problem := not_finite(parameter.name, values):
            infinite.append(problem)
        elif problem := outside(parameter.name, values, limits(parameter)):
            beyond.append(problem)
    return [*not_finite_diagnostics(infinite), *outside_diagnostics(beyond)]


def not_finite_diagnostics(problems: Sequence[str]) -> list[Diagnostic]:
    """One diagnostic for arrays with numbers that are none."""
    return listed(
        "PPC506",
        f"Weights must be finite real numbers; {counted(len(problems), 'array')} are not."
        if len(problems) != 1
        else "Weights must be finite real numbers; one array is not.",
        problems,
        hint="Training has probably diverged: take an earlier checkpoint, or a smaller rate.",
    )


def outside_diagnostics(problems: Sequence[str], *, hint: str = "") -> list[Diagnostic]:
    """One diagnostic for arrays that leave their bounds."""
    return listed(
        "PPC505",
        f"The weights leave the bounds that the model declares for them in {counted(len(problems), 'array')}.",
        problems,
        hint=hint or "Widen the bounds (`weights from … in -8..8`), or clip the weights while training.",
    )


def listed(code: str, message: str, lines: Sequence[str], *, hint: str) -> list[Diagnostic]:
    """One diagnostic with a note for each line; none, where there is no line."""
    if not lines:
        return []
    return [Diagnostic(code=code, message=message, notes=tuple(Note(text=line) for line in lines), hint=hint)]
