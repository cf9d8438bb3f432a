"""Noise by its formulas, what it is worth, and the end of a training when the budget is spent."""

from __future__ import annotations

from dataclasses import replace
from math import exp, inf, sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from ppc.errors import PpcError
from ppc.ir.selective import Budget, Clip, Noise, Selective, Upload
from ppc.runtime.wire.letters import Letters
from ppc.selective import Participant, guest, noise, train
from ppc.selective.accountant import affordable, epsilon, planned
from ppc.selective.participant import clip
from ppc.selective.state import count_uploads, uploads_before
from tests.selective.small import FACTS, group
from tests.selective.test_host import together

RANDOM = Upload(share=0.5, how="random")
GAUSSIAN = replace(FACTS, upload=RANDOM, clip=Clip(bound=2.0, whole=True), noise=Noise(kind="gaussian", amount=1.5))


def sparse(epsilon: float, *, above: float = 0.5, share: float = 0.5) -> Selective:
    return replace(
        FACTS,
        upload=Upload(share=share, how="random", above=above),
        clip=Clip(bound=1.0),
        noise=Noise(kind="sparse_vector", amount=epsilon),
    )


def coins(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def update(size: int = 4000, value: float = 0.0) -> NDArray[np.float32]:
    return np.full(size, value, np.float32)


def test_gaussian_noise_has_the_deviation_that_the_accountant_goes_by() -> None:
    values = noise.gaussian(GAUSSIAN, update(10_000), coins())

    scaled = values.astype(np.float64) / (1.5 * 2.0)
    assert scaled.mean() == pytest.approx(0, abs=0.05)
    assert scaled.std() == pytest.approx(1, abs=0.03)
    assert (np.abs(scaled) < 2).mean() == pytest.approx(0.9545, abs=0.01)


def test_gaussian_noise_is_on_places_that_do_not_tell_of_the_values() -> None:
    _, (one, *_) = group(GAUSSIAN)

    found = [one.selected(values, 0).tolist() for values in (update(40), np.linspace(-1, 1, 40, dtype=np.float32))]

    assert found[0] == found[1]
    assert len(found[0]) == 20


def test_a_part_of_a_clipped_update_moves_by_twice_the_bound_at_most() -> None:
    """The sensitivity that the accountant takes: two updates as far apart as clipping lets them be."""
    one, two = (clip(update(value=sign), Clip(bound=2.0, whole=True)) for sign in (9.0, -9.0))

    assert np.linalg.norm(one - two) == pytest.approx(4.0, rel=1e-5)


def test_the_sparse_vector_technique_stops_after_as_many_as_are_uploaded() -> None:
    found = sparse(1e5)

    places, values = noise.sparse_vector(found, update(100, 0.9), coins())

    assert len(places) == 50
    assert np.abs(values - 0.9).max() < 0.2


def test_without_much_noise_only_those_above_the_threshold_are_sent() -> None:
    mixed = np.where(np.arange(100) < 20, 0.9, 0.1).astype(np.float32)

    places, _ = noise.sparse_vector(sparse(1e6), mixed, coins())

    assert places.tolist() == list(range(20))


@pytest.mark.parametrize(("share", "expected"), [(noise.QUESTIONS, 2 * 50 * 2 / (8 / 9 * 8)), (noise.VALUES, 112.5)])
def test_the_noise_of_the_sparse_vector_technique_follows_its_formula(share: float, expected: float) -> None:
    assert noise.scale(sparse(8.0), 50, share) == pytest.approx(expected)


def test_what_the_sparse_vector_technique_spends_is_the_epsilon_of_the_upload() -> None:
    """Each question of an answer costs 2Δ/scale, each value Δ/scale (Dwork and Roth, theorems 3.23 and 3.6)."""
    facts, sensitivity = sparse(8.0), 2.0

    questions = 50 * 2 * sensitivity / noise.scale(facts, 50, noise.QUESTIONS)
    values = 50 * sensitivity / noise.scale(facts, 50, noise.VALUES)

    assert questions + values == pytest.approx(8.0)


def test_what_is_sent_lies_on_a_grid() -> None:
    noisy = (
        noise.gaussian(GAUSSIAN, update(500, 0.3), coins()),
        noise.sparse_vector(sparse(0.5), update(500), coins())[1],
    )

    for values, bound in zip(noisy, (2.0, 1.0), strict=True):
        steps = values.astype(np.float64) / (bound * noise.GRID)
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-2)


@pytest.mark.parametrize("uploads", [1, 6, 100])
def test_the_total_of_gaussian_noise_is_no_less_than_the_exact_one(uploads: int) -> None:
    """So many Gaussian mechanisms are one of less noise, whose curve is known exactly (Balle and Wang 2018)."""
    total = epsilon(GAUSSIAN, uploads)
    sensitivity = sqrt(uploads) / (1.5 / 2)

    normal = NormalDist().cdf
    half, far = sensitivity / 2, total / sensitivity

    delta = normal(half - far) - exp(total) * normal(-half - far)

    assert 1e-7 < delta <= 1e-5


@pytest.mark.parametrize(("uploads", "expected"), [(0, 0.0), (1, 0.1), (3, 0.3), (400, 11.597)])
def test_the_total_of_the_sparse_vector_technique(uploads: int, expected: float) -> None:
    assert epsilon(sparse(0.1), uploads) == pytest.approx(expected, abs=1e-3)


def test_without_noise_there_is_no_bound() -> None:
    assert epsilon(FACTS, 1) == inf
    assert list(planned(FACTS, 1)) == []


def test_a_budget_pays_for_the_most_uploads_that_stay_within_it() -> None:
    facts = replace(GAUSSIAN, budget=Budget(epsilon=8.0))

    most = affordable(facts, 1000)

    assert epsilon(facts, most) <= 8.0 < epsilon(facts, most + 1)
    assert affordable(replace(GAUSSIAN, budget=Budget(epsilon=0.1)), 1000) == 0


def test_the_plan_tells_the_total_and_never_that_of_a_coordinate() -> None:
    said = list(planned(replace(sparse(8.0), budget=Budget(epsilon=20.0)), 3))

    assert "3 uploads of a participant cost a total epsilon of 24.00 at delta 1e-05" in said[0]
    assert "pays for 2 of them" in said[1]


def test_the_budget_stops_a_training_in_one_process() -> None:
    facts = replace(sparse(8.0), rounds=5, budget=Budget(epsilon=20.0))
    server, parties = group(facts)

    seen = list(train(facts, server, parties))

    assert [one.participant for one in seen] == [0, 1, 2, 0, 1, 2]


def test_the_budget_stops_a_training_of_processes(tmp_path: Path) -> None:
    facts = replace(sparse(8.0), rounds=5, budget=Budget(epsilon=20.0), wait=10.0)
    server, parties = group(facts)

    _, seen, said = together(tmp_path, facts, server, parties, {})

    assert len(seen) == 6
    assert said == ["the budget is spent after 2 of 5 rounds: the training stops"]


def test_a_participant_sends_no_more_than_its_budget_pays_for_whoever_asks(tmp_path: Path) -> None:
    facts = replace(sparse(8.0), rounds=5, least=1, budget=Budget(epsilon=20.0), wait=10.0)
    server, parties = group(facts)
    parties[0].uploads = 1  # it was part of the training before
    refusals: list[str] = []

    def attend(line: Letters, one: Participant) -> None:
        try:
            guest.attend(one, line, dict)
        except PpcError as error:
            refusals.append(error.diagnostics[0].code)

    _, seen, _ = together(tmp_path, facts, server, parties, {0: (attend,)})

    assert refusals == ["PPC685"]
    assert sum(one.participant == 0 for one in seen) == 1


def test_uploads_are_counted_beyond_the_end_of_a_process(tmp_path: Path) -> None:
    assert uploads_before(tmp_path, 0) == 0

    count_uploads(tmp_path, 0, 7)

    assert uploads_before(tmp_path, 0) == 7
    (tmp_path / "participant_0.uploads").write_bytes(b"\xffmany")
    with pytest.raises(PpcError, match="damaged"):
        uploads_before(tmp_path, 0)


@pytest.mark.parametrize("kind", ["gaussian", "sparse_vector"])
def test_a_training_with_noise_still_learns_where_there_is_little(kind: Literal["gaussian", "sparse_vector"]) -> None:
    amount = 1e-4 if kind == "gaussian" else 1e9
    facts = replace(
        FACTS,
        upload=Upload(share=1.0, how="random", above=0.0),
        clip=Clip(bound=10.0, whole=kind == "gaussian"),
        noise=Noise(kind=kind, amount=amount),
    )
    plain, parties = group(replace(facts, noise=Noise()))
    list(train(replace(facts, noise=Noise()), plain, parties))
    server, parties = group(facts)
    list(train(facts, server, parties))

    np.testing.assert_allclose(server.vector, plain.vector, atol=0.05)
