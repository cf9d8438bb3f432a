"""Whichever process is killed, and when: the training goes on from the last step that both parties have kept, and ends
as its twin does that is fed with the dealer's numbers of the run in which each step was done last."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.checkpoint.made import NARROW
from tests.end_to_end.trainings import Training, some_rows

TEXT = NARROW.replace("epochs=2", "epochs=3")


def test_every_role_is_killed_once(tmp_path: Path) -> None:
    training = Training(tmp_path, TEXT, some_rows(16))
    assert training.killed(training.start(), "client", 5) == 5
    assert "--resume" in training.said
    for role, step in (("server", 9), ("dealer", 14)):
        assert training.killed(training.start("--resume"), role, step) in (0, 5)
    assert training.ends(training.start("--resume")) == 0, training.said

    assert len(training.sessions) == 4
    training.same_as_twin()
    training.used_once()


@pytest.mark.long
def test_roles_are_killed_at_any_moment(tmp_path: Path) -> None:
    """A hundred times, among them before the first step and within the last one."""
    generator = np.random.default_rng(11)
    for turn in range(25):
        (tmp_path / str(turn)).mkdir()
        training = Training(tmp_path / str(turn), TEXT, some_rows(16), every=int(generator.integers(1, 6)))
        for _ in range(4):
            role = ("client", "server", "dealer")[generator.integers(3)]
            training.killed(training.start("--resume"), role, int(generator.integers(0, 25)))
        assert training.ends(training.start("--resume")) == 0, training.said
        training.same_as_twin()
        training.used_once()
