"""Votes are remembered: by the server and by every worker, whoever was started again."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from ppc.collaborative import letters
from ppc.collaborative.guest import Attendance
from ppc.collaborative.host import Host
from ppc.collaborative.mesh import Mesh
from ppc.collaborative.state import Spent
from ppc.errors import PpcError
from tests.collaborative.test_processes import FACTS, PATE, group


@pytest.mark.parametrize("over", [0, 1])
def test_votes_count_whatever_the_server_says_of_epochs(tmp_path: Path, over: int) -> None:
    """The server and a worker remember them, whoever was started again: a fourth vote is not paid for."""
    worker, server = (Spent.of(tmp_path, name) for name in ("worker_1", "server"))
    assert worker.read() == (0, 0)
    worker.write(3, 18)
    server.write(3, 18)

    host = Host(FACTS, list, print, over=over, spent=Spent.of(tmp_path, "server"))
    with pytest.raises(PpcError, match="PPC685"):
        host.counts(PATE, 6, 3)
    line = Mock()
    line.receive.side_effect = [
        (letters.BEGIN, over.to_bytes(8, "little")),
        (letters.VOTE, letters.called(1, [1, 2, 3], 6)),
    ]
    again = Attendance(
        worker=group(FACTS)[0],
        line=line,
        mesh=Mesh(1, lambda _: None, 0.05, {}),
        reach=Mock(),
        begin=Mock(),
        keep=Mock(),
        report=dict,
        pate=PATE,
        public=torch.zeros(6, 2),
        spent=Spent.of(tmp_path, "worker_1"),
    )
    with pytest.raises(PpcError, match="PPC687"):
        again.attend()
    line.send.assert_not_called()


def test_a_server_that_begins_again_gives_no_vote_back() -> None:
    """At a worker that keeps nothing on disk either."""
    begin, line = (letters.BEGIN, bytes(8)), Mock()
    votes = [(letters.VOTE, letters.called(number, [1, 2, 3], 6)) for number in range(1, 5)]
    line.receive.side_effect = [begin, *votes[:3], begin, votes[3]]
    mesh = Mock()
    mesh.together.return_value = np.zeros((6, 3), np.uint64)
    one = Attendance(
        worker=group(FACTS)[0],
        line=line,
        mesh=mesh,
        reach=Mock(),
        begin=Mock(),
        keep=Mock(),
        report=dict,
        pate=PATE,
        public=torch.zeros(6, 6),
    )
    with pytest.raises(PpcError, match="PPC687"):
        one.attend()
    assert mesh.together.call_count == 3


def test_what_was_spent_is_not_guessed(tmp_path: Path) -> None:
    found = Spent.of(tmp_path, "server")
    for text in ("", "[1, 2]", '{"voted": -1, "queried": 0}', '{"voted": 1}', '{"voted": 1.5, "queried": 2}'):
        (tmp_path / "server.votes.json").write_text(text, encoding="utf-8")
        with pytest.raises(PpcError, match="PPC684"):
            found.read()
