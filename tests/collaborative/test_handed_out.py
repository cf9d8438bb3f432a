"""What a worker hands to each receiver, on either engine: parts that add up to what it has, each of them uniform.

The same value is split many times. A value that went out as it is, with zeros for the others, would be the same each
time, and lies at one end of the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from ppc.collaborative import letters
from ppc.collaborative.guest import Attendance
from ppc.collaborative.member import Call
from ppc.field import Words
from ppc.flower import parts
from ppc.flower.sealing import OVERHEAD, Seal
from ppc.flower.subject import found
from ppc.flower.worker import Apart
from ppc.ir.collaborative import GRID
from ppc.sharing import MODULUS, signed, total
from tests.collaborative.test_processes import FACTS, group
from tests.collaborative.test_winners import WINNER
from tests.flower.crews import CREW, told

TIMES = 400
LOSS, VOTES = np.array([2_400_000]), np.eye(3, dtype=np.int64)[[0, 2]] << GRID
CASES = pytest.mark.parametrize("values", [LOSS, VOTES], ids=["a loss", "votes"])


def hidden(parts: Sequence[Sequence[Words]], values: np.ndarray[Any, Any]) -> None:
    """`parts` are what the receivers got, call after call. Bounds: that of n draws from the field two are the same is
    less likely than n² / 2^62 (1e-12), that a half of it has seven deviations more or less than its part 3e-12."""
    assert len(parts) == TIMES
    for call in parts:
        assert np.array_equal(signed(total([one.ravel() for one in call])), values.ravel())
    for receiver in zip(*parts, strict=True):
        elements = np.concatenate([one.ravel() for one in receiver])
        assert len(set(elements.tolist())) == len(elements)
        for place in range(values.size):
            upper = sum(int(one.ravel()[place]) > MODULUS // 2 for one in receiver)
            assert abs(upper - TIMES / 2) < 7 * TIMES**0.5 / 2


def attendance(**lines: Any) -> Attendance:
    own = {"worker": group(FACTS)[0], "reach": Mock(), "begin": Mock(), "keep": Mock(), "report": dict}
    return Attendance(**{"line": Mock(), "mesh": Mock(), **own, **lines})


@CASES
def test_a_worker_hands_uniform_parts_to_the_others(values: np.ndarray[Any, Any]) -> None:
    mesh = Mock()
    mesh.together.return_value = np.zeros(values.shape, np.uint64)
    one = attendance(mesh=mesh)
    for attempt in range(TIMES):
        one._shared(Call(attempt, [1, 2, 3], values))  # pyright: ignore[reportPrivateUsage]

    hidden([call.args[2] for call in mesh.together.call_args_list], values)


def test_a_worker_hands_uniform_parts_of_its_votes_to_the_server_and_the_second_aggregator() -> None:
    line, second, call = Mock(), Mock(), letters.called(1, [1, 2, 3], len(VOTES))
    one = attendance(line=line, second=second, pate=WINNER, public=torch.zeros(2, 6))
    for _ in range(TIMES):
        one._split(call, VOTES)  # pyright: ignore[reportPrivateUsage]

    ours = [letters.elements_of(sent.args[1], VOTES.size) for sent in line.send.call_args_list]
    theirs = [letters.vote_share_of(sent.args[1], 3)[1] for sent in second.send.call_args_list]
    hidden(list(zip(ours, theirs, strict=True)), VOTES)


@CASES
def test_a_worker_on_flower_seals_uniform_parts(values: np.ndarray[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What it seals for two others, and what it keeps."""
    sealed: list[Words] = []

    def noted(_: Seal, one: int, record: bytes, purpose: bytes, text: bytes) -> bytes:
        sealed.append(np.frombuffer(text, np.uint64))
        return bytes(OVERHEAD) + text

    crew = found(CREW)
    one = Apart.of(crew, told({"partition-id": 0, "num-partitions": 3}), {}, {})  # pyright: ignore[reportArgumentType]
    monkeypatch.setattr(Seal, "sealed", noted)
    monkeypatch.setattr(one.member, "called", lambda *_: Call(1, [1, 2, 3], values))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    one.there, one.records = True, one.seal.record * 3
    kept: list[Words] = []
    for attempt in range(1, TIMES + 1):
        one.waits = False
        said = one._split(letters.ROUND, letters.called(attempt, [1, 2, 3]))  # pyright: ignore[reportPrivateUsage]
        assert said[0] == parts.SEALED
        assert one.kept is not None
        kept.append(one.kept)

    hidden(list(zip(kept, sealed[::2], sealed[1::2], strict=True)), values)
