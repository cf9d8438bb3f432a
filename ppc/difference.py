"""Where two evaluations of the same values part: the first one beyond what it may differ by.

Knows arrays by name, in the order in which they are computed, and no plan. `ppc diff` gives it the float reference, the
integers of a run as reals, and the compiler's bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ppc.errors import InternalError

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The worst element of one value; `index` is its place, `wanted` what float has there, `found` what is compared."""

    name: str
    error: float
    bound: float
    index: tuple[int, ...]
    wanted: float
    found: float

    @property
    def beyond(self) -> bool:
        """A value that is no number is beyond every bound."""
        return not self.error <= self.bound


def differences(
    wanted: Mapping[str, ArrayLike], found: Mapping[str, ArrayLike], bounds: Mapping[str, float]
) -> list[Difference]:
    """One for each value that both have, in the order of `wanted`; a value without a bound may differ by anything."""
    return [
        _difference(name, np.asarray(values, np.float64), np.asarray(found[name], np.float64), bounds.get(name, inf))
        for name, values in wanted.items()
        if name in found
    ]


def first_beyond(found: list[Difference]) -> Difference | None:
    """The first value that differs by more than it may: what is computed from it may differ for that reason alone."""
    return next((difference for difference in found if difference.beyond), None)


def _difference(name: str, wanted: Reals, found: Reals, bound: float) -> Difference:
    if wanted.shape != found.shape:
        raise InternalError(f"{name} has shape {found.shape}, and {wanted.shape} as float", place="diff")
    if not wanted.size:
        return Difference(name=name, error=0.0, bound=bound, index=(), wanted=0.0, found=0.0)
    errors = _errors(wanted, found)
    place = int(np.argmax(errors))
    return Difference(
        name=name,
        error=float(errors.flat[place]),
        bound=bound,
        index=tuple(int(axis) for axis in np.unravel_index(place, wanted.shape)),
        wanted=float(wanted.flat[place]),
        found=float(found.flat[place]),
    )


def _errors(wanted: Reals, found: Reals) -> Reals:
    """Infinite where one of the two is no finite number and the other is another."""
    with np.errstate(invalid="ignore"):
        errors = np.abs(wanted - found)
    same = (wanted == found) | (np.isnan(wanted) & np.isnan(found))
    return np.where(np.isnan(errors), np.where(same, 0.0, inf), errors)
