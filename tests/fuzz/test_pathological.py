"""Texts that nobody writes and somebody sends: sizes, nesting, numbers, and characters of all kinds."""

from __future__ import annotations

from pathlib import Path

import pytest

import ppc
from ppc.errors import PpcError, render
from ppc.grammar.parse import LARGEST_SOURCE, MOST_WORDS, parse
from ppc.source import Source
from tests.fuzz.examine import examine

MEGABYTE = 1_000_000
SIZES = (MEGABYTE, LARGEST_SOURCE, 20_000)
HEAD = "model m(x: real[4] in 0..1) -> real[4] {\n"
SIGNS = ("(", "{", "[", ")", "}", "{\n", '"', '"\n', "@", "@\n", "->", "..", "=", "-", "\0", "\ufeff", "\u2028")
WORDS = (
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    "# c\n",
    "# " + "x" * 5000 + "\n",
    "a",
    "a ",
    "9",
    "9 ",
    "é",
    "e9",
    "model ",
    "party a\n",
)
HUGE = ("1e999", "-1e999", "9" * 400, "1e-999", "0." + "0" * 400 + "1", "1e308k", "1e9999999999999999999")
ODD = ("0x10", "1_000", "00", "-0", "+3", "1e", "1e+", ".5", "5.", "1..2..3", "50%%", "3ex", "7kg", "40msec", "٣", "1٣")
BLOCK = "private m {\n x from a\n weights from b in -1..1\n result to a\n joint\n}\n"


def _repeated(unit: str, size: int) -> str:
    return unit * (size // len(unit))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("unit", SIGNS + WORDS)
def test_one_thing_over_and_over(unit: str, size: int) -> None:
    """No text of one kind hangs or breaks anything, however long."""
    examine(_repeated(unit, size))


@pytest.mark.parametrize(
    ("start", "unit", "end"),
    [
        (HEAD, "relu\n", "}\n"),
        (HEAD + "relu", " -> relu", "\n}\n"),
        (HEAD + "relu", "\n -> # c\n relu", "\n}\n"),
        (HEAD + "relu(\n", "\n", ")\n}\n"),
        (HEAD + "concat(x", ",x", ")\n}\n"),
        (HEAD + "reshape([1", ",1", "])\n}\n"),
        (HEAD, "dense(4)\n", "}\n"),
        (HEAD, "rellu\n", "}\n"),
        (HEAD, "relu relu\n", "}\n"),
        (HEAD, "x -> relu\n", "}\n"),
        (HEAD + "first = relu\n", "add(first)\n", "}\n"),
        ("party a", ",a", "\n"),
        ("party a, b\n" + HEAD + "dense(4)\n}\nprivate m {\n", "x from a\n", "}\n"),
        ("party a, b\n" + HEAD + "dense(4)\n}\n" + BLOCK + "private m as p { joint {\n", "field = q\n", "}\n}\n"),
        ("", HEAD + "relu\n}\n", ""),
        ("party a, b\n" + HEAD + "dense(4)\n}\n", "train m { loss = mse }\n", ""),
    ],
)
def test_long_programs(start: str, unit: str, end: str) -> None:
    """Programs up to the limit, and beyond, are read or refused at once."""
    for size in (LARGEST_SOURCE - 1000, 40_000, 8_000):
        examine(start + _repeated(unit, size) + end)


def test_many_names() -> None:
    """A thousand values, and as many misspelt ones."""
    named = "".join(f"n{number} = relu\nadd(m{number})\n" for number in range(1000))

    examine(HEAD + named + "}\n")


@pytest.mark.parametrize("depth", [10, 1000, 20_000])
@pytest.mark.parametrize("opening", ["(", "[", "{", "relu(", "add([", "private a {"])
def test_deep_nesting(opening: str, depth: int) -> None:
    """The grammar does not nest; brackets in brackets are refused at the first."""
    assert not examine(HEAD + opening * depth)


@pytest.mark.parametrize("number", HUGE + ODD)
@pytest.mark.parametrize("place", ["dense({})", "dropout({})", "relu(poly=3, over={}..{})", "reshape([{}, 2])"])
def test_numbers(number: str, place: str) -> None:
    """Numbers of any size and form."""
    examine(HEAD + place.replace("{}", number) + "\ndense(4)\n}\n")
    examine(f"model m(x: real[{number}] in {number}..1) -> real[4] {{\ndense(4)\n}}\n")


def test_names_of_any_length() -> None:
    """A name may be long; the message about it is not."""
    long = "n" * 50_000
    with pytest.raises(PpcError) as caught:
        ppc.check(HEAD + f"{long}\n{long} = relu\nadd({long}, {long})\n}}\n")

    assert examine(HEAD + f"{long} = relu\nadd({long})\n}}\n")
    assert len(render(caught.value)) < 4000


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\n\n", "\n\t\n", "  \n", "\t# c\r\n", "\f\n"])
def test_line_ends(ends: str) -> None:
    """Windows, blank lines, tabs and form feeds are layout."""
    text = (HEAD + "dense(4)\nrelu\n}\n").replace("\n", ends)

    assert examine(text)
    assert examine(text.rstrip())
    assert parse(Source("a", text)).blocks == parse(Source("b", text.replace(ends, "\n"))).blocks


def test_byte_order_mark(tmp_path: Path) -> None:
    """Editors of Windows put one before the first line of a file; it is no part of the program."""

    path = tmp_path / "m.pnn"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + "relu\n}\n").encode())

    assert ppc.check(path).compiled


@pytest.mark.parametrize(
    "character", ["\0", "\x0b", "\x1b[31m", "\u200b", "\u202e", "é", "名", "\U0001f600", "\ud800", "\x85"]
)
def test_characters(character: str) -> None:
    """Anywhere but in comments and texts they are refused, and no message moves the cursor of a terminal."""
    for text in (character, HEAD + f"re{character}lu\n}}\n", f"# {character}\n" + HEAD + "relu\n}\n"):
        examine(text)
    with pytest.raises(PpcError) as caught:
        ppc.check(HEAD + f"relu {character}\n}}\n")

    assert "\x1b" not in render(caught.value)


def test_limits_are_said() -> None:
    """Who goes beyond them learns which."""
    with pytest.raises(PpcError, match=f"at most {LARGEST_SOURCE:,}"):
        ppc.check(" " * (LARGEST_SOURCE + 1))
    with pytest.raises(PpcError, match=f"more than {MOST_WORDS:,} words"):
        ppc.check(HEAD + "relu\n" * MOST_WORDS + "}\n")
