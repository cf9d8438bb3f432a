"""Charts: marks lie where their numbers are, and the picture is XML that repeats to the byte."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from ppc.drawing.charts import HIGH, LEFT, TOP, WIDE, Chart, Mark, Series, chart

CURVES = (
    Series("one & more", (Mark(0, 0.0), Mark(10, 1.0)), joined=True),
    Series("another", (Mark(5, 0.5, "middle"),)),
)


def drawn(*series: Series, logarithmic: tuple[bool, bool] = (False, False)) -> str:
    return chart(Chart(title="a < b", across="steps", up="accuracy", series=series, logarithmic=logarithmic))


def circles(text: str) -> list[tuple[float, float]]:
    root = ElementTree.fromstring(text)
    return [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in root.iter() if one.tag.endswith("circle")]


def test_the_ends_of_the_axes() -> None:
    first, last = circles(drawn(*CURVES))[:2]

    assert first == (LEFT, TOP + HIGH)
    assert last == (LEFT + WIDE, TOP)


def test_logarithmic_axes() -> None:
    """A hundred is half way from one to ten thousand."""
    marks = tuple(Mark(number, number) for number in (1.0, 100.0, 10_000.0))

    found = circles(drawn(Series("all", marks), logarithmic=(True, True)))

    assert found[1] == (LEFT + WIDE / 2, TOP + HIGH / 2)


@pytest.mark.parametrize("number", [0.0, 1.0, -3.0, 1e9, 1e-6])
def test_a_single_mark(number: float) -> None:
    """Nothing divides by a span that is not there."""
    text = drawn(Series("one", (Mark(number, number),)))

    assert all(0 <= x <= LEFT + WIDE and 0 <= y <= TOP + HIGH for x, y in circles(text)[:1])


def test_words_are_escaped_and_labels_are_there() -> None:
    text = drawn(*CURVES)

    assert "a &lt; b" in text
    assert "one &amp; more" in text
    assert ">middle<" in text
    assert text == drawn(*CURVES)
