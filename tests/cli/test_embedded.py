"""What is told of a run while it goes on: what both parties see is said once."""

from __future__ import annotations

from pathlib import Path

from ppc.arrays import damaged
from ppc.cli.embedded import Roles
from ppc.cli.telling import Far, Telling


def test_what_both_parties_see_is_said_once() -> None:
    roles = Roles(telling=Telling(quiet=True))
    roles.heard = {"server": Far(step=3, said="accuracy 0.6500"), "client": Far(said="loss 1.2  accuracy 0.6500")}

    assert roles.far == Far(step=3, said="accuracy 0.6500  loss 1.2")


def test_a_file_without_an_ending_is_no_such_file() -> None:
    assert "or no such file: it ends too early" in str(damaged(Path("rows"), ""))
