"""A saved contract comes back as it was; more is refused at its line, less is said, and nonsense is no contract."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ppc.errors import PpcError
from ppc.leak.contract import Contract, Seen, contract
from ppc.leak.lock import as_dictionary, more, read, refuse, written
from ppc.source import Span
from tests.bill.plans import TRAINING, dense

SAVED = contract(TRAINING)


def kept(folder: Path, found: Contract = SAVED) -> Path:
    path = folder / "leak.lock"
    path.write_bytes(written(found))
    return path


def with_seen(**changes: Any) -> Contract:
    """The contract with something else said of the logits."""
    changed = tuple(replace(one, **changes) if one.grant == "logits" else one for one in SAVED.seen)
    return replace(SAVED, seen=changed)


def test_a_saved_contract_comes_back(tmp_path: Path) -> None:
    found = read(kept(tmp_path))

    assert as_dictionary(found) == as_dictionary(SAVED)
    assert more(SAVED, found) == more(found, SAVED) == ()


def test_the_same_contract_is_the_same_bytes() -> None:
    assert written(contract(TRAINING)) == written(SAVED)
    assert written(SAVED).endswith(b"}\n")


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (with_seen(shape=(4, 3)), "with 12 numbers, and with 6 before"),
        (with_seen(digits=35), "to 35 binary digits, and to 16 before"),
        (with_seen(digits=None), "to None binary digits"),
        (with_seen(party="lab"), "lab sees `dense1.to_hospital`, by `logits`"),
        (with_seen(grant="result"), "by `result`"),
        (replace(SAVED, dealer="none"), "the dealer is now: none"),
        (replace(SAVED, adversary="anybody"), "the adversary is now: anybody"),
        (replace(SAVED, parties=("lab", "hospital")), "the parties are lab, hospital"),
    ],
)
def test_more_is_seen(changed: Contract, text: str) -> None:
    assert text in " ".join(change.text for change in more(changed, SAVED))


def test_again_and_again_is_more_than_once() -> None:
    once = with_seen(when="finish")

    assert "again and again, and once before" in more(SAVED, once)[0].text
    assert more(once, SAVED) == ()


def test_a_new_value_is_more_and_a_value_less_is_not() -> None:
    new = Seen(party="lab", value="image", grant="result", shape=(2, 3), when="each", span=Span(9, 5, 9, 9))
    wider = replace(SAVED, seen=(*SAVED.seen, new))

    assert [change.span for change in more(wider, SAVED)] == [Span(9, 5, 9, 9)]
    assert more(SAVED, wider) == ()


def test_bringing_more_of_ones_own_is_not_learning() -> None:
    """A larger batch of one's own images; but another's images would be."""
    larger = tuple(replace(one, shape=(9, *one.shape[1:])) if one.value == "image" else one for one in SAVED.seen)
    moved = tuple(replace(one, party="lab") if one.value == "image" else one for one in SAVED.seen)

    assert more(replace(SAVED, seen=larger), SAVED) == ()
    assert "lab sees `image`, which it brings itself" in more(replace(SAVED, seen=moved), SAVED)[0].text


def test_a_caveat_that_weighs_more_is_more() -> None:
    heavier = tuple(replace(one, measure=one.measure + 1) for one in SAVED.caveats)

    assert len(more(replace(SAVED, caveats=heavier), SAVED)) == len(SAVED.caveats)
    assert more(SAVED, replace(SAVED, caveats=heavier)) == ()
    assert len(more(SAVED, replace(SAVED, caveats=()))) == len(SAVED.caveats)


def test_another_program_altogether() -> None:
    assert more(contract(dense()), SAVED)


def test_every_change_is_told_at_its_line() -> None:
    error = refuse(more(SAVED, replace(SAVED, seen=(), caveats=())), Path("leak.lock"))

    assert {diagnostic.code for diagnostic in error.diagnostics} == {"PPC408"}
    assert 19 in {diagnostic.span.line for diagnostic in error.diagnostics if diagnostic.span}


# ---- damaged files ----


def without(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """Every key left out, and every value of another kind."""
    left = [{name: kept for name, kept in whole.items() if name != key} for key in whole]
    return [*left, *({**whole, key: {}} for key in whole)]


def mutants() -> list[object]:
    whole: dict[str, Any] = as_dictionary(SAVED)
    found: list[object] = [None, [], 7, "contract", *without(whole)]
    for key in ("seen", "caveats"):
        found += [{**whole, key: [mutant]} for mutant in without(whole[key][0])]
    return [*found, *hostile(whole)]


def hostile(whole: dict[str, Any]) -> list[object]:
    """Numbers that are none or too large to print, and words that move a terminal's cursor."""
    first, caveat = whole["seen"][0], whole["caveats"][0]
    found: list[object] = [{**whole, "version": value} for value in (True, 1.0, 2)]
    found += [{**whole, "caveats": [{**caveat, "measure": value}]} for value in (10**400, float("nan"), float("inf"))]
    found += [{**whole, "seen": [{**first, key: 10**4000}]} for key in ("digits", "drowned", "line")]
    found += [{**whole, "seen": [{**first, "shape": [2, 10**4000]}]}]
    for word in ("\x1b[2J\x1b[31mall is well", "line\nfeed", "\ud800", "a\u202eb"):
        found += [{**whole, "caveats": [{**caveat, "text": word}]}, {**whole, "dealer": word}]
        found += [{**whole, "seen": [{**first, "value": word}]}]
    return found


def test_a_damaged_contract_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "leak.lock"
    for mutant in mutants():
        path.write_text(json.dumps(mutant), "utf-8")
        with pytest.raises(PpcError) as caught:
            read(path)

        assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["PPC502"], mutant


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"{", b"[" * 100_000, b"nan", written(SAVED)[:-20]])
def test_so_is_a_file_that_is_no_json(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "leak.lock"
    path.write_bytes(data)
    with pytest.raises(PpcError, match="PPC502"):
        read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PpcError, match="PPC501"):
        read(tmp_path / "leak.lock")
