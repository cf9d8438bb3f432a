"""The page on importing says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import ppc.importing
from ppc.importing.reading import NEWEST, OLDEST
from ppc.importing.rules import RULES

PAGE = (Path(ppc.importing.__file__).parent / "README.md").read_text("utf-8")


def test_the_table_of_operators_is_complete() -> None:
    rows = PAGE.partition("## Operators")[2].splitlines()
    cells = [line.split("|")[1] for line in rows if line.startswith("| ") and not line.startswith("| operator")]
    listed = {name for cell in cells for name in re.findall(r"\w+", cell)}

    assert listed == set(RULES)


def test_the_opsets_are_those_that_are_read() -> None:
    assert f"opsets {OLDEST} to {NEWEST}" in PAGE
