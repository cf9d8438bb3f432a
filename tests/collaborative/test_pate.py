"""Labels by noisy votes, and what they are worth."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log

import numpy as np
import pytest
import torch

from ppc import compiler
from ppc.collaborative import Worker, certified, from_votes, label
from ppc.collaborative.labelling import affordable, opened_counts
from ppc.collaborative.privacy import forecast
from ppc.ir.collaborative import GRID, Collaborative, Pate
from ppc.learning import Network

FACTS = Pate(data="public", noise="gaussian", amount=4.0, queries=180, delta=1e-3, student="net")


@pytest.mark.parametrize(("amount", "epsilon"), [(1.0, 247.8), (2.0, 78.2), (4.0, 27.3), (8.0, 10.5)])
def test_the_certified_epsilon_of_gaussian_votes(amount: float, epsilon: float) -> None:
    """Worked out once with another program, for 180 queries and delta 1e-3."""
    assert certified(replace(FACTS, amount=amount)) == pytest.approx(epsilon, abs=0.05)


def test_it_is_never_above_the_formula_that_can_be_done_by_hand() -> None:
    """T a / s² + ln(1/delta) / (a - 1), the best of all orders."""
    by_hand = min(180 * a / 16 + log(1e3) / (a - 1) for a in np.arange(1.05, 60, 0.05))

    assert certified(FACTS) <= by_hand


def test_laplace_is_never_above_basic_composition() -> None:
    facts = replace(FACTS, noise="laplace", amount=20.0, queries=50)

    assert certified(facts) <= 50 * 2 / 20


def test_without_noise_there_is_no_privacy() -> None:
    assert certified(replace(FACTS, amount=0.0)) == inf


def test_votes_with_wide_margins_cost_less_and_narrow_ones_never_more_than_certified() -> None:
    wide = [np.array([100, 0, 0, 0])] * 180
    narrow = [np.array([26, 25, 25, 24])] * 180

    assert from_votes(FACTS, wide) < certified(FACTS) / 5
    assert from_votes(FACTS, narrow) == pytest.approx(certified(FACTS), rel=0.05)


@pytest.mark.parametrize("amount", [0.5, 2.0])
@pytest.mark.parametrize("voters", [20, 250])
def test_wide_margins_and_little_noise_are_no_numbers_too_large(amount: float, voters: int) -> None:
    facts = replace(FACTS, amount=amount)
    votes = [np.array([first, voters - first, 0, 0]) for first in range(voters // 2, voters + 1)]

    assert 0 <= from_votes(facts, votes) <= certified(facts, len(votes)) * 1.001


def test_a_budget_buys_as_many_queries_as_stay_within_it() -> None:
    facts = replace(FACTS, budget=10.0)

    asked = affordable(facts, 180)

    assert certified(facts, asked) <= 10.0 < certified(facts, asked + 1)


def test_the_opened_counts_are_the_sum_of_the_votes() -> None:
    votes = [np.array([[1, 0], [0, 1]]) << GRID, np.array([[1, 0], [1, 0]]) << GRID]

    assert (opened_counts(votes) >> GRID).tolist() == [[2, 0], [1, 1]]


def test_many_voters_label_as_most_of_them_vote() -> None:
    source = "model net(x: real[2] in 0..1) -> real[2] {\n    dense(2, bias=false)\n}\n"
    network = Network(compiler.compile_program(source, batch=1).after("infer-shapes"))
    facts = Collaborative(model="net", workers=20, epochs=1)
    weights = {"dense1.weight": torch.eye(2)}
    images = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.5]])
    workers = [Worker(one, facts, network, images, torch.zeros(3), weights) for one in range(20)]

    found = label(replace(FACTS, amount=1.0, queries=3), workers, images)

    assert found.classes.tolist() == [0, 1, 0]
    assert found.epsilon == certified(replace(FACTS, amount=1.0), 3)


@pytest.mark.parametrize(
    ("budget", "asked", "said"),
    [
        (None, 90, "there are 90 examples to label, of 180 queries"),
        (1e6, 90, "there are 90 examples to label, of 180 queries"),
        (10.0, affordable(replace(FACTS, budget=10.0), 180), "the budget pays for"),
    ],
)
def test_why_fewer_are_labelled_is_told(budget: float | None, asked: int, said: str) -> None:
    facts = Collaborative(model="net", workers=20, epochs=1)

    assert any(said in line for line in forecast(facts, replace(FACTS, budget=budget), asked))
