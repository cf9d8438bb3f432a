"""Runs over tiny primes in which every draw is chosen by the test: all of them, instead of some at random."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

from ppc.field import Field, Words, from_integers
from ppc.runtime.hand import Hand

TINY = {bits: Field(f"mersenne{bits}", bits) for bits in (3, 5, 7)}
Column = NDArray[np.int64]
Draws = Mapping[tuple[str, str], Column]  # by role and secret


@contextmanager
def chosen(field: Field, draws: Draws) -> Generator[None]:
    """All uniform elements are the given ones; zero, where none are."""

    def uniform(self: Hand, secret: str, *shape: int) -> Words:
        values = draws.get((self.keys.role, secret), np.zeros(shape, np.int64))
        return from_integers(values.reshape(shape), field)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hand, "uniform", uniform)
        yield


def all_of(*sizes: int) -> list[Column]:
    """Every combination of numbers below these sizes, a column each."""
    return [axis.ravel() for axis in np.meshgrid(*map(np.arange, sizes), indexing="ij")]


def is_every_one_once(columns: Sequence[Words | Column], modulus: int) -> bool:
    """Whether the rows are all combinations of elements, each exactly once."""
    code = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        code = code * modulus + column.astype(np.int64)
    return code.size == modulus ** len(columns) and bool(np.array_equal(np.sort(code), np.arange(code.size)))
