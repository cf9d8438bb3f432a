"""What is made ahead, in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ppc.runtime.prep.ahead import Ahead


def test_items_ahead() -> None:
    """In order, never more than the depth, and errors where they belong."""
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number
        raise ValueError("the end")

    ahead = Ahead(numbers(), 1)
    found = [next(ahead)]
    time.sleep(0.2)
    assert len(made) <= 3
    found += [next(ahead) for _ in range(4)]
    assert found == list(range(5))
    with pytest.raises(ValueError, match="the end"):
        next(ahead)
    ahead.close()
    with pytest.raises(StopIteration):
        next(ahead)


def test_an_early_end() -> None:
    early: Ahead[int] = Ahead(iter(range(100)))
    next(early)
    early.close()
