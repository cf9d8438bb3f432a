"""A loss goes into sums over one set of workers only: no two sums differ by one worker's loss."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch

from ppc.cli.collaborative_worker import _own  # pyright: ignore[reportPrivateUsage]
from ppc.collaborative import Worker, train
from ppc.collaborative.answered import Answered
from ppc.collaborative.guest import Attendance
from ppc.collaborative.state import keep_worker, resumed_worker
from ppc.errors import PpcError
from tests.collaborative.test_processes import FACTS, Together, group, leaving


def test_a_batch_is_answered_for_among_the_same_workers_only(tmp_path: Path) -> None:
    """By whoever is started again, too: what was answered for lies on disk."""
    for _ in range(2):
        one = Answered.of(tmp_path, "worker_1")
        assert one.among("a", 1, [1, 2, 3])
        assert one.among("a", 2, [1, 2])
        assert not one.among("a", 1, [1, 2])
        assert not one.among("a", 2, [1, 2, 3])
    assert Answered.of(tmp_path, "worker_1").among("another", 1, [1, 2])
    assert (tmp_path / "worker_1.answered.txt").stat().st_mode & 0o077 == 0


def test_a_line_that_was_not_written_to_its_end_is_none(tmp_path: Path) -> None:
    path = tmp_path / "worker_1.answered.txt"
    path.write_text('["a", 1, [1, 2]]\n["a", 2, [1, 2', encoding="utf-8")

    assert Answered.of(tmp_path, "worker_1").among("a", 2, [1, 2, 3])
    again = Answered.of(tmp_path, "worker_1")
    assert not again.among("a", 1, [1, 2, 3])
    assert not again.among("a", 2, [1, 2])


@pytest.mark.parametrize("text", ["[]\n", "{\n", '["a", 1, 2]\n', '["a", 1, ["b"]]\n', "\xff\n", '["a", "b", [1]]\n'])
def test_what_was_answered_is_not_guessed(tmp_path: Path, text: str) -> None:
    (tmp_path / "worker_1.answered.txt").write_text(text, encoding="latin-1")
    with pytest.raises(PpcError, match="PPC684"):
        Answered.of(tmp_path, "worker_1").among("a", 1, [1])


def remembering(folder: Path, behave: Callable[[Attendance], object] = Attendance.attend):
    def attend(one: Attendance) -> None:
        one.answered = Answered.of(folder, f"worker_{one.number}")
        behave(one)

    return attend


def trained(folder: Path, kept: Path, last: Callable[[Attendance], object] = Attendance.attend):
    workers = group(replace(FACTS, least=2))
    behave = {one: (remembering(kept, last if one == 3 else Attendance.attend),) for one in (1, 2, 3)}
    run = Together(folder, workers, behave)
    found = [one.opened for one in run.all()]
    run.close()
    return workers, found, run.said


def same(some: list[Worker], others: list[Worker]) -> bool:
    pairs = zip(some, others, strict=True)
    return all(torch.equal(one.weights[name], other.weights[name]) for one, other in pairs for name in one.weights)


def test_a_training_again_with_the_same_losses_opens_the_same_sums_or_none(tmp_path: Path) -> None:
    """Without worker 3 its losses would be the differences. Nobody is dropped for that, and the models are the same."""
    alone = group(FACTS)
    list(train(FACTS, alone))
    workers, first, _ = trained(tmp_path / "1", tmp_path)
    again, second, said = trained(tmp_path / "2", tmp_path)
    two, third, told = trained(tmp_path / "3", tmp_path, leaving)

    assert second == first
    assert None not in first
    assert not any("dropped" in text for text in said)
    assert set(third) == {None}
    assert [text[:19] for text in told] == ["worker 3 is dropped", "nothing is opened o"]
    assert same(alone, workers)
    assert same(alone, again)
    assert same(alone[:2], two[:2])


def test_one_that_sits_a_round_out_is_not_waited_for_and_takes_part_in_the_next(tmp_path: Path) -> None:
    first = group(FACTS)[0].training
    for batch in (1, 2):
        assert Answered.of(tmp_path, "worker_1").among(first, batch, [1, 2])

    _, found, said = trained(tmp_path / "1", tmp_path)

    assert [one is None for one in found] == [True, True, *[False] * (len(found) - 2)]
    assert not any("dropped" in text for text in said)


def test_a_worker_on_its_own_draws_its_seed_and_goes_on_with_it(tmp_path: Path) -> None:
    """So that a training that is begun anew has other losses."""
    task = Mock(facts=FACTS)
    given = Namespace(data="digits:20", share=None, each=None)
    network = group(FACTS)[0].network
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ppc.selective.members.labelled", lambda *_: (torch.zeros(10, 6), torch.zeros(10).long()))
        task.first.return_value = network.initial(1)
        drawn = {_own(Namespace(**vars(given), seed=None), task, network, 1).seed for _ in range(3)}
        assert _own(Namespace(**vars(given), seed=0), task, network, 1).seed == 0
    assert len(drawn) == 3

    whole, other = group(FACTS)[0], group(FACTS)[0]
    whole.seed = drawn.pop()
    for _ in range(4):
        whole.ahead()
        whole.step(None)
    keep_worker(tmp_path, whole, 1)
    assert resumed_worker(tmp_path, other, 1)
    assert other.seed == whole.seed
    assert other.ahead() == whole.ahead()
