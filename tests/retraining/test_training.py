"""The eight steps: what stays, what learns, that it learns, and that everything repeats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ppc.errors import PpcError
from ppc.ir.text import show
from ppc.reference import evaluate
from ppc.retraining import Checkpoints, Old, Signals, State, Subject, train
from ppc.retraining.training import begin
from tests.retraining.subjects import RECIPE, graph, lesson, old, same

SPLIT = ("split at 2", "server clear", "complement offset")


def test_an_old_model_is_none_of_the_new_one_s_business() -> None:
    """Without one everything learns (steps 6 to 8)."""
    subject = Subject(graph(*SPLIT))

    assert (subject.joined, subject.kept, subject.border) == (2, 0, "image")
    assert subject.tail.learned == subject.whole.learned


def test_layers_in_front_of_the_signal_stay() -> None:
    """Steps 2 to 5: not a bit of them changes, running statistics included; all others do."""
    subject, first = Subject(graph(*SPLIT), old()), begin(Subject(graph(*SPLIT), old()), 5).weights

    done = train(subject, lesson(), RECIPE, signals=Signals.of(subject.graph))

    changed = {name for name in first if not torch.equal(first[name], done.weights[name])}
    assert subject.kept == 1
    assert {name.partition(".")[0] for name in changed} == {"conv2", "dense1", "dense2"}
    for name in ("conv1.weight", "batch_norm1.mean"):
        np.testing.assert_array_equal(done.weights[name].numpy(), old().weights[name])


def test_k_is_1_and_nothing_is_frozen() -> None:
    """The old model has no layer in front of the first one: the paper goes on with step 6."""
    assert Subject(graph("split at 1", "server clear", "complement offset"), old()).kept == 0


def test_layers_behind_start_fresh_or_as_they_were() -> None:
    typed = graph(*SPLIT)
    fresh = Subject(typed, old()).weights(1)
    warm = Subject(typed, Old(old().weights, start=True)).weights(1)

    np.testing.assert_array_equal(warm["dense1.weight"].numpy(), old().weights["dense1.weight"])
    np.testing.assert_array_equal(warm["conv2.weight"][:, :6].numpy(), old().weights["conv2.weight"])
    assert not np.array_equal(fresh["dense1.weight"].numpy(), old().weights["dense1.weight"])
    assert torch.equal(warm["conv2.weight"][:, 6:], fresh["conv2.weight"][:, 6:])


def test_layers_behind_may_start_by_another_law() -> None:
    """Those in front stay what they were."""
    typed = graph(*SPLIT)
    fresh, he = (Subject(typed, old(), law=law).weights(1) for law in ("torch", "he"))

    torch.testing.assert_close(he["dense1.weight"], fresh["dense1.weight"] * 6**0.5)
    assert torch.equal(he["conv1.weight"], fresh["conv1.weight"])


@pytest.mark.parametrize(
    ("classes", "facts"),
    [(3, SPLIT), (3, ("split at 1", "server clear")), (2, ("split at 2", "complement at 1", "server clear"))],
)
def test_it_learns(classes: int, facts: tuple[str, ...]) -> None:
    """To shift its answer, to flip it, or neither."""
    subject = Subject(graph(*facts, classes=classes))
    recipe = replace(RECIPE, epochs=25, patience=10)

    done = train(subject, lesson(classes=classes), recipe, signals=Signals.of(subject.graph))

    assert done.accuracy > 0.9
    assert done.checked == 48


def test_the_weights_are_right_for_every_signal_by_clear_evaluation() -> None:
    """What was learned with torch, evaluated by the reference, its answer taken back by the graph."""
    data = lesson()
    subject = Subject(graph(*SPLIT), old())
    done = train(subject, data, replace(RECIPE, epochs=25, patience=10), signals=Signals.of(subject.graph))
    weights = {name: tensor.numpy() for name, tensor in done.weights.items()}

    for signal in range(3):
        values = {**weights, "image": data.images.numpy(), "signal": np.full(len(data.labels), signal)}
        answers = evaluate(graph(*SPLIT, batch=len(data.labels)), values)["result"]

        assert (answers.argmax(1) == data.labels.numpy()).mean() > 0.85


def test_pictures_show_the_signal() -> None:
    pictures = [np.full((4, 5, 5), one / 2) for one in range(3)]
    typed = graph("split at 2", "server clear", "complement offset picture [5, 5]")
    signals = Signals.of(typed, pictures)
    assert signals is not None

    drawn = signals.drawn(6, torch.Generator().manual_seed(1))
    done = train(Subject(typed, old()), lesson(), replace(RECIPE, epochs=25, patience=10), signals=signals)

    assert drawn["signal.picture"].shape == (6, 1, 5, 5)
    assert torch.equal(drawn["signal.picture"][:, 0, 0, 0] * 2, drawn["signal"].float())
    assert done.accuracy > 0.9


def test_no_pictures_no_training() -> None:
    with pytest.raises(PpcError) as error:
        Signals.of(graph("split at 2", "server clear", "complement offset picture [5, 5]"))

    assert [one.code for one in error.value.diagnostics] == ["PPC508"]


def test_one_seed_one_training() -> None:
    subject = Subject(graph(*SPLIT), old())
    one, again, other = (
        train(subject, lesson(), replace(RECIPE, seed=seed), signals=Signals.of(subject.graph)) for seed in (5, 5, 6)
    )

    assert same(one.weights, again.weights)
    assert not same(one.weights, other.weights)


def test_it_ends_early() -> None:
    """The weights are those of the best epoch, not of the last one."""
    subject = Subject(graph(*SPLIT), old())
    states: list[State] = []

    recipe = replace(RECIPE, epochs=60, patience=3)
    done = train(subject, lesson(), recipe, signals=Signals.of(subject.graph), keep=states.append)

    best = max(range(len(done.rows)), key=lambda place: done.rows[place].accuracy)
    assert done.stopped
    assert len(done.rows) == best + 4
    assert same(done.weights, next(state.weights for state in states if state.epoch == best + 1 and not state.step))


class EndedError(Exception):
    """The process ended."""


@pytest.mark.parametrize("step", [1, 7, 12, 20])
def test_it_goes_on_as_if_nothing_had_happened(tmp_path: Path, step: int) -> None:
    """Ended after any step, in the middle of an epoch or at its end: the same weights to the bit."""
    subject, data = Subject(graph(*SPLIT), old()), lesson()
    signals = Signals.of(subject.graph)
    whole = train(subject, data, RECIPE, signals=signals)
    kept = Checkpoints.at(tmp_path, RECIPE, data, show(subject.graph))

    def keep(state: State) -> None:
        kept.keep(state)
        if state.steps >= step:
            raise EndedError

    with pytest.raises(EndedError):
        train(subject, data, RECIPE, signals=signals, keep=keep, every=1)
    rest = train(subject, data, RECIPE, signals=signals, state=kept.last(begin(subject, 0)))

    assert same(whole.weights, rest.weights)
    assert [row.accuracy for row in whole.rows] == [row.accuracy for row in rest.rows]
    assert len(list(tmp_path.glob("after.*"))) == 1


def codes(kept: Checkpoints, first: State) -> list[str]:
    with pytest.raises(PpcError) as error:
        kept.last(first)
    return [one.code for one in error.value.diagnostics]


def test_what_it_does_not_go_on_from(tmp_path: Path) -> None:
    """Nothing, another training's state, a damaged one."""
    subject, data = Subject(graph(*SPLIT), old()), lesson()
    kept = Checkpoints.at(tmp_path, RECIPE, data, "program")

    first = begin(subject, 5)

    assert codes(kept, first) == ["PPC581"]
    kept.keep(first)
    assert same(kept.last(first).weights, first.weights)
    assert codes(Checkpoints.at(tmp_path, replace(RECIPE, rate=0.2), data, "program"), first) == ["PPC581"]
    assert codes(Checkpoints.at(tmp_path, RECIPE, lesson(239), "program"), first) == ["PPC581"]
    (arrays,) = tmp_path.glob("after.*")
    arrays.write_bytes(arrays.read_bytes()[:-1])
    assert codes(kept, first) == ["PPC581"]
    for text in ("", "{", "[]", '{"version": 1}', "[" * 100_000):
        (tmp_path / "state.json").write_text(text)
        assert codes(kept, first) == ["PPC581"]


def test_a_checkpoint_is_its_owners_alone(tmp_path: Path) -> None:
    """It has the provider's half too. Files that are there already, readable by others, become so."""
    subject, data, folder = Subject(graph(*SPLIT), old()), lesson(), tmp_path / "kept"
    kept = Checkpoints.at(folder, RECIPE, data, "program")
    kept.keep(begin(subject, 5))
    (folder / "state.json").chmod(0o644)
    kept.keep(begin(subject, 5))

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_training_that_begins_overwrites_none(tmp_path: Path) -> None:
    subject, data = Subject(graph(*SPLIT), old()), lesson()
    kept = Checkpoints.at(tmp_path, RECIPE, data, "program")
    kept.check_new()
    kept.keep(begin(subject, 5))

    with pytest.raises(PpcError) as caught:
        Checkpoints.at(tmp_path, RECIPE, lesson(239), "another program").check_new()
    assert [one.code for one in caught.value.diagnostics] == ["PPC574"]


def test_pictures_of_a_signal_are_known_by_what_they_show() -> None:
    """And not by the name of their file."""
    shown = (torch.zeros(2, 6, 6), torch.ones(2, 6, 6))
    same_again = Signals("k", 2, "picture", tuple(one.clone() for one in shown))
    others = Signals("k", 2, "picture", (shown[1], shown[0]))

    assert Signals("k", 2, "picture", shown).fingerprint == same_again.fingerprint != others.fingerprint


def _cut(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor[:1] for name, tensor in tensors.items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda state: replace(state, weights=_cut(state.weights)),
        lambda state: replace(state, momenta=_cut(state.weights)),
        lambda state: replace(state, best=_cut(state.weights)),
        lambda state: replace(state, weights={}),
        lambda state: replace(state, epoch=3),
        lambda state: replace(state, step=-1),
    ],
)
def test_a_whole_checkpoint_that_no_training_left(tmp_path: Path, change: Callable[[State], State]) -> None:
    """Its hash is right, its arrays or its counts are not those of the model."""
    subject, data = Subject(graph(*SPLIT), old()), lesson()
    kept, first = Checkpoints.at(tmp_path, RECIPE, data, "program"), begin(subject, 5)
    kept.keep(change(first))

    assert codes(kept, first) == ["PPC581"]


def test_what_killed_trainings_left_goes(tmp_path: Path) -> None:
    subject, data = Subject(graph(*SPLIT), old()), lesson()
    for name in (".after.3.1.safetensors.a7b.part", ".state.json.x.part", ".of_others.part"):
        (tmp_path / name).touch()

    Checkpoints.at(tmp_path, RECIPE, data, "program").keep(begin(subject, 5))

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".of_others.part",
        "after.0.0.safetensors",
        "state.json",
    ]


@pytest.mark.parametrize("every", [1, 100])
def test_a_training_that_diverges_is_refused(every: int) -> None:
    """Before anything that is no number is kept."""
    subject, seen = Subject(graph(*SPLIT), old()), list[State]()
    with pytest.raises(PpcError, match="PPC584"):
        train(
            subject,
            lesson(),
            replace(RECIPE, rate=1e12),
            signals=Signals.of(subject.graph),
            keep=seen.append,
            every=every,
        )

    assert all(tensor.isfinite().all() for state in seen for tensor in state.weights.values())


def test_too_few_examples() -> None:
    with pytest.raises(PpcError) as error:
        train(Subject(graph(*SPLIT)), lesson(1), RECIPE, signals=Signals.of(graph(*SPLIT)))

    assert [one.code for one in error.value.diagnostics] == ["PPC582"]
