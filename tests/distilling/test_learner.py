"""The owner's learning: it learns, it leaves alone what is fixed, and it goes on where it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ppc.distilling import Learner, checkpoint
from ppc.distilling.learner import told
from ppc.distilling.task import Task
from ppc.distilling.trials import SEED, coins_of
from ppc.errors import PpcError
from ppc.ir.distilled import Images, Requirement
from ppc.learning.network import Tensors
from ppc.source import Span
from ppc.weights import Array, save
from ppc.weights.stored import stored
from tests.distilled.made import OTHER, target
from tests.distilling.made import corners, task

NOISE, BROUGHT = Images(kind="noise"), Images(kind="brought", file="patches.npz")


def learned(of: Task) -> Learner:
    learner = Learner(of)
    while not learner.done:
        learner.epoch()
    return learner


def test_the_loss_falls() -> None:
    learner = Learner(task())
    losses = [learner.epoch() for _ in range(30)]

    assert losses[-1] < 0.5 * losses[0]
    assert all(rate > 0 for rate in learner.samples().rates)


@pytest.mark.parametrize("images", [NOISE, BROUGHT], ids=["noise", "brought"])
def test_fixed_images_stay_as_they_are(images: Images) -> None:
    pictures = torch.rand(9, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    of = task(images=images, epochs=3, brought=pictures.numpy() if images is BROUGHT else None)
    before = Learner(of).samples()
    after = learned(of).samples()

    assert before.images.tobytes() == after.images.tobytes()
    assert not np.array_equal(before.labels, after.labels)
    assert before.rates != after.rates


def test_brought_images_are_the_richest_and_scaled() -> None:
    pictures = torch.rand(9, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    pictures[4] *= 0.01
    found = Learner(task(images=BROUGHT, samples=8, brought=pictures.numpy())).samples().images

    assert found.mean((1, 2, 3)) == pytest.approx(0, abs=1e-5)
    assert found.std((1, 2, 3), ddof=1) == pytest.approx(1, abs=1e-4)
    corner = pictures[4, 0, 0, 0] - pictures[4].mean()
    assert not np.isclose(found[:, 0, 0, 0], float(corner / pictures[4].std())).any()


def test_a_lock_is_not_tried_on_what_it_was_made_against(monkeypatch: pytest.MonkeyPatch) -> None:
    """The epochs of seed 0 whose coins are seeded as those of the trials."""
    of = task(lock=0.1, jitter=0.0, epochs=400)
    tried = [next(iter(of.other_start(coins).values())) for coins in coins_of(10)]
    learner, seen, real = Learner(of), list[torch.Tensor](), Task.other_start

    def noted(task: Task, coins: torch.Generator, spread: float | None = None) -> Tensors:
        found = real(task, coins, spread)
        seen.append(next(iter(found.values())))
        return found

    monkeypatch.setattr(Task, "other_start", noted)
    learner.epochs = SEED - 1
    for _ in range(10):
        learner.epoch()

    assert seen
    assert not any(torch.equal(one, other) for one in seen for other in tried)


def test_labels_start_at_classes_or_anywhere() -> None:
    at_classes = Learner(task()).samples().labels
    anywhere = Learner(task(labels="mixed")).samples().labels

    assert at_classes.argmax(1).tolist() == [0, 1, 2, 0, 1, 2]
    assert anywhere.argmax(1).tolist() != [0, 1, 2, 0, 1, 2]


def test_going_on_is_the_same_as_not_stopping(tmp_path: Path) -> None:
    of = task(epochs=6, jitter=0.1, smoothing=0.1)
    whole = learned(of).samples()
    first = Learner(of)
    first.epoch()
    first.epoch()
    checkpoint.keep(tmp_path, first)
    second = checkpoint.go_on(tmp_path, of)
    while not second.done:
        second.epoch()

    assert second.samples().images.tobytes() == whole.images.tobytes()
    assert second.samples().labels.tobytes() == whole.labels.tobytes()
    assert second.samples().rates == whole.rates


def test_a_checkpoint_belongs_to_one_learning(tmp_path: Path) -> None:
    checkpoint.keep(tmp_path, Learner(task()))
    others = (
        task(steps=3),
        task(target("dense(3)")),
        Task.of(task().facts, target(), OTHER, corners(60), brought=None, seed=0),
        Task.of(task().facts, target(), OTHER, corners(57), brought=None, seed=0),
    )
    for other in others:
        with pytest.raises(PpcError) as caught:
            checkpoint.go_on(tmp_path, other)
        assert caught.value.diagnostics[0].code == "PPC598"


def test_a_learning_that_begins_overwrites_none(tmp_path: Path) -> None:
    checkpoint.check_new(tmp_path, task())
    checkpoint.keep(tmp_path, Learner(task()))

    checkpoint.check_new(tmp_path, task(steps=3))
    with pytest.raises(PpcError) as caught:
        checkpoint.check_new(tmp_path, task())
    assert caught.value.diagnostics[0].code == "PPC574"


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    of = task()
    checkpoint.keep(tmp_path, Learner(of))
    path = checkpoint.place(tmp_path, of)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with pytest.raises(PpcError) as cut:
        checkpoint.go_on(tmp_path, of)
    checkpoint.keep(tmp_path, Learner(task(samples=5)))
    checkpoint.place(tmp_path, task(samples=5)).replace(path)
    with pytest.raises(PpcError) as exchanged:
        checkpoint.go_on(tmp_path, of)

    assert cut.value.diagnostics[0].code == "PPC502"
    assert exchanged.value.diagnostics[0].code == "PPC598"


def test_learning_that_diverges_is_told() -> None:
    of = task(target("dense(3)", loss="mse"), loss="mse", epochs=2)
    of = replace(of, data=replace(of.data, images=of.data.images * 1e30))
    with pytest.raises(PpcError) as caught:
        learned(of)

    assert caught.value.diagnostics[0].code == "PPC597"


def test_scores_that_tell_nothing_and_everything() -> None:
    classes = torch.arange(30) % 3
    marks = torch.nn.functional.one_hot(classes, 3).float()

    assert told(marks * 7, classes).item() == pytest.approx(1)
    assert told(torch.ones(30, 1) @ torch.rand(1, 3) + torch.rand(10, 3).repeat_interleave(3, 0), classes).item() < 1e-6


def test_one_example_alone_tells_nothing() -> None:
    """The last batch of an epoch may be as small."""
    assert told(torch.rand(1, 3), torch.tensor([2])).item() == 0
    learner = Learner(task(batch=59, epochs=1))
    assert np.isfinite(learner.epoch())


def test_a_checkpoint_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    checkpoint.keep(folder, Learner(task()))
    path = checkpoint.place(folder, task())
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)

    path.chmod(0o644)
    checkpoint.keep(folder, Learner(task()))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_checkpoint_outlives_lines_that_change_no_learning(tmp_path: Path) -> None:
    learner = Learner(task())
    learner.epoch()
    checkpoint.keep(tmp_path, learner)
    required = (Requirement(measure="accuracy", bound=0.5),)

    assert checkpoint.go_on(tmp_path, task(key="moved.key", requirements=required, span=Span(9, 1, 9, 2))).epochs == 1


@pytest.mark.parametrize("epochs", [np.nan, np.inf, -1.0, 0.5, 31.0])
def test_a_checkpoint_of_no_epoch_is_refused(tmp_path: Path, epochs: float) -> None:
    _refused(tmp_path, {"epochs": np.array([epochs])})


def test_a_checkpoint_of_other_numbers_is_refused(tmp_path: Path) -> None:
    _refused(tmp_path, {"sizes": np.zeros(2)})
    _refused(tmp_path, {"sizes": np.full(2, np.nan, np.float32)})


def _refused(folder: Path, changed: Mapping[str, Array]) -> None:
    of = task()
    learner = Learner(of)
    learner.epoch()
    checkpoint.keep(folder, learner)
    path = checkpoint.place(folder, of)
    with stored(path) as arrays:
        whole = {array.name: array.read().copy() for array in arrays}
    assert checkpoint.go_on(folder, of).epochs == 1
    assert changed.keys() <= whole.keys()
    save(path, {**whole, **changed})
    with pytest.raises(PpcError) as caught:
        checkpoint.go_on(folder, of)
    assert caught.value.diagnostics[0].code == "PPC598"
