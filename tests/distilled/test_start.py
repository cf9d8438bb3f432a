"""First weights: a stated law, and the same bits in every process."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from math import erf, exp, sqrt

import numpy as np
import pytest

from ppc.distilled import fingerprint, first_weights
from ppc.distilled.gaussian import LARGEST, STEP_BITS, cumulative, gaussian
from ppc.distilled.start import as_weights
from tests.distilled.made import KEY, OTHER, target
from tests.sources import CHECKOUT

UNIT = 1 << STEP_BITS


def exact(k: int) -> float:
    """exp(-(k/1024)²/2), in floating point."""
    return exp(-(float(Fraction(k, UNIT)) ** 2) / 2)


def test_the_cumulative_sums_are_those_of_the_law() -> None:
    masses = np.array([exact(k) * (1 if k == 0 else 2) for k in range(LARGEST + 1)])
    law = masses.cumsum() / masses.sum()

    assert np.abs(cumulative() / 2.0**63 - law[:-1]).max() < 1e-13
    assert (np.diff(cumulative().astype(object)) >= 0).all()


def test_draws_lie_as_a_gaussian_does() -> None:
    """Against the normal law's own function, in cells of half a deviation: chi-square below its 0.999 quantile."""
    draws = gaussian(KEY.words("law", 200_000)) / UNIT
    edges = np.arange(-3.0, 3.5, 0.5)
    found = np.histogram(draws, [-np.inf, *edges, np.inf])[0]
    normal = np.array([0.0, *((1 + erf(edge / sqrt(2))) / 2 for edge in edges), 1.0])
    wanted = np.diff(normal) * len(draws)

    assert ((found - wanted) ** 2 / wanted).sum() < 34.5  # 13 degrees of freedom
    assert abs(draws.mean()) < 0.01


@pytest.mark.parametrize(
    ("word", "draw"),
    [(0, 0), (1, 0), (2**64 - 2, LARGEST), (2**64 - 1, -LARGEST), (2**63, 691), (2**63 + 1, -691)],
)
def test_each_word_has_its_draw(word: int, draw: int) -> None:
    """The middle of the words is the median of |x|: 0.6745 deviations."""
    assert gaussian(np.array([word], np.uint64)).tolist() == [draw]


def test_a_weight_is_its_draw_times_the_deviation() -> None:
    draws = np.array([0, UNIT, -UNIT, LARGEST], np.int64)

    assert as_weights(draws, inputs=16, spread=1.5).tolist() == [0.0, 0.375, -0.375, 3.0]


def test_weights_belong_to_key_and_network() -> None:
    networks = (target(), target("dense(12)\n    relu\n    dense(3)"))
    prints = [fingerprint(first_weights(key, network).values()) for key in (KEY, OTHER) for network in networks]

    assert len(set(prints)) == 4


def test_names_of_layers_do_not_matter() -> None:
    named = target("hidden = dense(12)\n    tanh\n    dense(3)")

    assert named.architecture == target().architecture
    assert [values.tobytes() for values in first_weights(KEY, named).values()] == [
        values.tobytes() for values in first_weights(KEY, target()).values()
    ]


def test_what_a_batch_norm_has_begins_as_everywhere() -> None:
    found = first_weights(KEY, target("conv2d(2, kernel=3)\n    batch_norm\n    relu\n    dense(3)"))

    assert found["batch_norm1.scale"].tolist() == found["batch_norm1.variance"].tolist() == [1, 1]
    assert found["batch_norm1.shift"].tolist() == found["batch_norm1.mean"].tolist() == [0, 0]


PRINT = """
from ppc.distilled import fingerprint, first_weights
from tests.distilled.made import KEY, target
print(fingerprint(first_weights(KEY, target()).values()))
"""


def test_another_process_makes_the_same_bits() -> None:
    """And another machine: the hash is written down here."""
    done = subprocess.run([sys.executable, "-c", PRINT], cwd=CHECKOUT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == fingerprint(first_weights(KEY, target()).values())
    assert done.stdout.startswith("cbcd0e2816e21cf7")
