"""The front end against random texts: half of them made by the grammar, half of them noise.

    pytest tests/fuzz                       5,000 texts
    pytest tests/fuzz -m long -n auto       100,000 texts, the long command

A failure prints the seed and the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.examine import HangError, examine
from tests.fuzz.mutations import mutated, noise
from tests.fuzz.programs import program

ROOT = Path(__file__).parents[2]
EXAMPLES = [path.read_text("utf-8") for path in sorted((ROOT / "examples").glob("*.pnn"))]
AT_ONCE = 500
PARSING = 0.3  # of the texts that the grammar made


def texts(seed: int, count: int) -> Iterator[tuple[bool, str]]:
    """Texts, and whether the grammar made them: every second one."""
    for number in range(count):
        random = Random(f"{seed}:{number}")
        text = random.choice(EXAMPLES) if random.random() < 0.2 else program(random)
        if number % 2:
            yield False, noise(random, text)
        elif random.random() < 0.3:
            yield True, text
        else:
            yield True, mutated(random, text, program(random))


def hold(seed: int, count: int = AT_ONCE) -> None:
    """Examine all texts of a seed, and how many of the grammar's parse."""
    made = parsed = 0
    for number, (by_grammar, text) in enumerate(texts(seed, count)):
        try:
            parses = examine(text)
        except (Exception, HangError) as problem:
            raise AssertionError(f"seed {seed}, text {number}: {problem!r}\n{text!r}") from problem
        made += by_grammar
        parsed += by_grammar and parses
    assert parsed >= PARSING * made


@pytest.mark.parametrize("seed", range(10))
def test_texts(seed: int) -> None:
    """Only PpcError, no hang, and a formatter that changes nothing but the layout."""
    hold(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_many_texts(seed: int) -> None:
    """The same for 100,000 texts."""
    hold(seed)
