"""The placing of a row: order and distances hold, and nothing lies nearer to its wish than it could."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ppc.drawing.lettering import escaped, shortened, width
from ppc.drawing.spread import spread

wishes = st.lists(st.tuples(st.integers(-500, 500), st.integers(1, 9), st.integers(0, 90)), min_size=1, max_size=12)


@given(wishes)
def test_distances_hold(row: list[tuple[int, int, int]]) -> None:
    wanted, weights, gaps = (list(map(float, column)) for column in zip(*row, strict=True))
    found = spread(wanted, weights, gaps)

    assert all(after - before >= gap - 1e-6 for (before, after), gap in zip(pairwise(found), gaps[1:], strict=True))


@given(wishes, st.integers(0, 11), st.sampled_from([-1.0, 1.0]))
def test_no_single_move_is_an_improvement(row: list[tuple[int, int, int]], place: int, step: float) -> None:
    """The sum of weighted squares is least: moving one of them costs, or is not allowed."""
    wanted, weights, gaps = (list(map(float, column)) for column in zip(*row, strict=True))
    found = spread(wanted, weights, gaps)
    moved = list(found)
    moved[place % len(row)] += step

    def cost(places: list[float]) -> float:
        return sum(weight * (x - want) ** 2 for x, want, weight in zip(places, wanted, weights, strict=True))

    allowed = all(after - before >= gap for (before, after), gap in zip(pairwise(moved), gaps[1:], strict=True))
    assert not allowed or cost(moved) >= cost(found) - 1e-6


def test_room_for_all_is_what_was_wished() -> None:
    assert spread([0.0, 100.0, 250.0], [1.0, 1.0, 1.0], [0.0, 50.0, 50.0]) == [0.0, 100.0, 250.0]


def test_widths_are_upper_estimates() -> None:
    """Advances of DejaVu Sans at size 100, measured."""
    assert width("conv2d 32 channels", 100) >= 980
    assert width("MWMW", 100) >= 370
    assert width("real[32, 28, 28]", 100) >= 830


def test_text_is_made_safe_and_short() -> None:
    assert escaped("a<b>&\"c'\0") == "a&lt;b&gt;&amp;&quot;c&#x27;\ufffd"
    assert shortened("short") == "short"
    assert shortened("a" * 60 + "end").endswith("end")
    assert len(shortened("a" * 60)) == 48
