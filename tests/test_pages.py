"""Pages of docs that are made of what the code says."""

from __future__ import annotations

from ppc.codes import CODES
from ppc.codes.page import BEGIN, PAGE, written
from tests.golden import Golden
from tests.sources import CHECKOUT


def test_the_page_of_codes(golden: Golden) -> None:
    path = CHECKOUT / PAGE
    head, _, _ = path.read_text("utf-8").partition(BEGIN)
    golden.compare(path, f"{head}{BEGIN}\n{written()}")


def test_what_the_head_of_the_page_names_exists() -> None:
    head, _, rest = (CHECKOUT / PAGE).read_text("utf-8").partition(BEGIN)
    named = {word.strip("`|,.:;()") for word in head.split() if "PPC" in word}

    assert {name for name in named if name[-1].isdigit()} <= CODES.keys()
    assert all(f'id="{code.lower()}"' in rest for code in CODES)
