"""From where two parties go on, whatever ended them: at every moment of the disk, and never from a mixed pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ppc.errors import PpcError
from ppc.runtime.checkpoint.common import Mark, common, decoded, encoded, marks
from ppc.runtime.prep.disk import Disk
from tests.checkpoint.made import folder, kept

OTHER = b"t" * 16
STEPS = (0, 10, 20, 30, 40)


class EndedError(Exception):
    """The process was killed here."""


class Mortal(Disk):
    """Dies at the n-th step, having done half of it."""

    def __init__(self, left: int) -> None:
        self.left = left
        for name in ("folder", "open", "write", "sync", "rename", "remove", "sync_folder"):
            setattr(self, name, partial(self._step, name, getattr(self, name)))

    def _step(self, name: str, act: Any, *arguments: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            if name == "write":
                act(arguments[0], arguments[1][: len(arguments[1]) // 2])
            raise EndedError
        return act(*arguments)


def of(*rows: tuple[int, bytes]) -> tuple[Mark, ...]:
    return marks([kept(step, session=session) for step, session in rows])


def lives(path: Path) -> Iterator[tuple[int, tuple[Mark, ...]]]:
    """What a party has on its disk when it ends at each moment of a training: how far it came, and its marks."""
    moment = 0
    while True:
        home, come = path / str(moment), -1
        here = folder(home, disk=Mortal(moment))
        try:
            for step in STEPS:
                here.write(kept(step))
                come = step
        except EndedError:
            yield come, marks(folder(home).found())
            moment += 1
        else:
            return


def test_whenever_one_ends_there_is_a_step_from_which_both_go_on(tmp_path: Path) -> None:
    """The other one is at most a checkpoint ahead, or behind: it ends because its peer did."""
    seen = 0
    for come, ours in lives(tmp_path):
        for theirs in (come, come + 10):
            other = [step for step in STEPS if step <= theirs][-2:]
            found = common(ours, of(*((step, b"s" * 16) for step in other)))
            assert (found.step if found else 0) >= max(come, 0)
            seen += 1
    assert seen > 60


@pytest.mark.parametrize(
    ("ours", "theirs", "step"),
    [
        (of((10, b"s" * 16), (20, b"s" * 16)), of((10, b"s" * 16)), 10),
        (of((10, b"s" * 16), (20, b"s" * 16)), of((20, OTHER), (10, b"s" * 16)), 10),
        (of((0, b"s" * 16)), (), None),
        (of((0, b"s" * 16)), of((0, OTHER)), None),
        ((), (), None),
    ],
)
def test_the_newest_that_both_have(ours: Sequence[Mark], theirs: Sequence[Mark], step: int | None) -> None:
    for found in (common(ours, theirs), common(theirs, ours)):
        assert (found.step if found else None) == step
    assert decoded(encoded(ours)) == tuple(ours)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (of((10, b"s" * 16)), of((20, b"s" * 16))),  # two steps of one training
        (of((10, b"s" * 16)), of((10, OTHER))),  # one step of two trainings
        (of((10, b"s" * 16)), ()),  # a folder that was left out
        (of((10, b"s" * 16)), of((0, b"s" * 16))),  # one that was restored
    ],
)
def test_a_mixed_pair_is_refused(ours: Sequence[Mark], theirs: Sequence[Mark]) -> None:
    for pair in ((ours, theirs), (theirs, ours)):
        with pytest.raises(PpcError) as caught:
            common(*pair)
        assert caught.value.diagnostics[0].code == "PPC573"
        assert "step 10" in str(caught.value)


@pytest.mark.parametrize("data", [b"x", bytes(24 * 17)])
def test_what_is_no_list_of_checkpoints(data: bytes) -> None:
    with pytest.raises(PpcError) as caught:
        decoded(data)
    assert caught.value.diagnostics[0].code == "PPC669"
