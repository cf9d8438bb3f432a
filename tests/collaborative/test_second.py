"""The second aggregator of votes: what it adds up, and what it takes no part in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from ppc.collaborative import letters
from ppc.collaborative.labelling import MOST_VOTES
from ppc.collaborative.second import Second
from ppc.collaborative.state import Spent
from ppc.errors import PpcError
from ppc.sharing import shares, total
from tests.collaborative.test_winners import TWO, WINNER


def second(**change: Any) -> Second:
    return Second(facts=replace(TWO, wait=0.2), pate=WINNER, classes=3, compare=Mock(), look=Mock(), **change)


def asked(one: Second, *calls: bytes) -> list[Any]:
    """What it answers, one call after the other."""
    line = Mock()
    line.receive.side_effect = [*((letters.ADD, call) for call in calls), (letters.END, b"")]
    one.serve(line)
    return [json.loads(call.args[1]) for call in line.send.call_args_list]


def holding(one: Second, call: bytes, numbers: tuple[int, ...]) -> list[Any]:
    found = [shares(np.full(18, number), 2)[0] for number in numbers]
    one.held = {number: (call, share) for number, share in zip(numbers, found, strict=True)}
    return found


def test_it_compares_the_sum_of_all_who_were_called_once() -> None:
    one, call = second(), letters.called(1, [1, 3], 6)
    held = holding(one, call, (1, 3))

    assert asked(one, call, letters.called(2, [1, 3], 6)) == [[], [1, 3]]
    compare = one.compare
    assert isinstance(compare, Mock)
    compare.assert_called_once()
    assert (compare.call_args.args[0] == total(held).reshape(6, 3)).all()


CALL = letters.called(1, [1, 2, 3], 6)
SHARE = letters.vote_share(CALL, np.zeros(18, np.uint64))


@pytest.mark.parametrize(
    "text",
    [b"", SHARE[:20], SHARE[:-8], SHARE + bytes(8), CALL, b"\xff" * 4 + SHARE[4:], SHARE[:16] + SHARE[20:]],
    ids=["nothing", "half a call", "too short", "too long", "no length", "a wrong length", "one fewer"],
)
def test_who_sends_it_no_share_of_a_vote_has_no_line_any_more(text: bytes) -> None:
    one, line = second(), Mock()
    line.receive.side_effect = [(letters.SHARE, text), PpcError()]
    one.welcome(2, line)
    while 2 in one.lines:
        sleep(0.01)

    assert not one.held
    line.close.assert_called()


@pytest.mark.parametrize("call", [letters.called(1, [2, 3], 6), letters.called(9, [1, 2, 3], 6)])
def test_a_share_of_another_call_is_none_of_this_one(call: bytes) -> None:
    """Who was told of other workers has added another part of the noise."""
    one = second()
    holding(one, CALL, (1, 3))
    one.held[2] = (call, np.zeros(18, np.uint64))

    assert asked(one, CALL) == [[2]]
    compare = one.compare
    assert isinstance(compare, Mock)
    compare.assert_not_called()


@pytest.mark.parametrize(
    "call",
    [
        letters.called(1, [1], 6),
        letters.called(1, [], 6),
        letters.called(1, [1, 4], 6),
        letters.called(1, [0, 1], 6),
        letters.called(0, [1, 2], 6),
        letters.called(1, [1, 2], 0),
        letters.called(1, [1, 2], 7),
    ],
    ids=["one", "nobody", "a stranger", "nobody's number", "an old attempt", "no query", "too many queries"],
)
def test_it_takes_part_in_nothing_that_the_program_does_not_say(call: bytes) -> None:
    one = second()
    holding(one, call, (0, 1, 2, 4))

    with pytest.raises(PpcError, match="PPC687"):
        asked(one, call)
    assert one.voted == 0


def test_it_takes_part_in_as_many_votes_as_are_paid_for(tmp_path: Path) -> None:
    calls = [letters.called(number, [1, 2], 6) for number in range(1, MOST_VOTES + 2)]

    one = second(spent=Spent.of(tmp_path, "aggregator"))
    with pytest.raises(PpcError, match="PPC687"):
        asked(one, *calls)
    assert (one.voted, one.queried) == (3, 18)
    again = second(spent=Spent.of(tmp_path, "aggregator"))
    with pytest.raises(PpcError, match="PPC687"):
        asked(again, letters.called(1, [1, 2], 6))
