"""Ways to spoil a text: by words and lines, as people do, and by characters, as disks and editors do."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

_WORDS = re.compile(r"[A-Za-z_]\w*|[0-9.]+\w*|->|\.\.|\n|[^\w\s]|[ \t]+")
_NUMBERS = (
    "0",
    "-1",
    "1",
    "2",
    "3.5",
    "1e9",
    "1e999",
    "99999999999999999999",
    "50%",
    "40ms",
    "7kg",
    "0..1",
    "2e",
    "00",
)
_VOCABULARY = (
    *(
        "model",
        "private",
        "train",
        "party",
        "label",
        "from",
        "to",
        "public",
        "split",
        "at",
        "after",
        "auto",
        "complement",
    ),
    *("offset", "server", "clear", "joint", "network", "reveal", "range", "of", "reuse", "inputs", "kept", "shared"),
    *("in", "as", "by", "real", "index", "weights", "labels", "logits", "result", "conv2d", "dense", "relu", "add"),
    *(
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ",",
        "=",
        "->",
        ">=",
        ":",
        "..",
        "\n",
        "#",
        '"',
        "-",
        "+",
        "sgd",
        "mse",
        "true",
        "same",
    ),
)
_CHARACTERS = "abz_ 09.-+>=(){}[],:#\"\n\r\t\0\x0b\x0c\x85\u2028\ufeff\u00a0é→ \U0001f600%\\;'/@"


def words(text: str) -> list[str]:
    return _WORDS.findall(text)


def _swap(random: Random, parts: list[str]) -> None:
    first, second = random.randrange(len(parts)), random.randrange(len(parts))
    parts[first], parts[second] = parts[second], parts[first]


def _delete(random: Random, parts: list[str]) -> None:
    start = random.randrange(len(parts))
    del parts[start : start + random.choice((1, 1, 1, 3))]


def _double(random: Random, parts: list[str]) -> None:
    start = random.randrange(len(parts))
    parts[start:start] = parts[start : start + random.choice((1, 1, 4))]


def _number(random: Random, parts: list[str]) -> None:
    places = [place for place, part in enumerate(parts) if part[0].isdigit()]
    if places:
        parts[random.choice(places)] = random.choice(_NUMBERS)


def _rename(random: Random, parts: list[str]) -> None:
    places = [place for place, part in enumerate(parts) if part[0].isalpha()]
    if places:
        parts[random.choice(places)] = random.choice(parts[:20] + list(_VOCABULARY))


def _insert(random: Random, parts: list[str]) -> None:
    parts.insert(random.randrange(len(parts) + 1), f" {random.choice(_VOCABULARY)} ")


WORD_MUTATIONS: tuple[Callable[[Random, list[str]], None], ...] = (_swap, _delete, _double, _number, _rename, _insert)
LINE_MUTATIONS: tuple[Callable[[Random, list[str]], None], ...] = (_swap, _delete, _double)


def mutated(random: Random, text: str, other: str) -> str:
    """The text with a few words or lines changed, or spliced with another."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        kind = random.random()
        if kind < 0.15:
            lines, more = text.split("\n"), other.split("\n")
            text = "\n".join(lines[: random.randrange(len(lines) + 1)] + more[random.randrange(len(more) + 1) :])
        elif kind < 0.5:
            text = _changed(random, text.split("\n"), LINE_MUTATIONS, "\n")
        else:
            text = _changed(random, words(text), WORD_MUTATIONS, "")
    return text


def _changed(
    random: Random, parts: list[str], mutations: tuple[Callable[[Random, list[str]], None], ...], glue: str
) -> str:
    if parts:
        random.choice(mutations)(random, parts)
    return glue.join(parts)


def noise(random: Random, text: str) -> str:
    """The text with characters changed, lost or put in; or nothing but noise."""
    if random.random() < 0.1:
        return "".join(random.choice(_CHARACTERS) for _ in range(random.randint(0, 300)))
    if random.random() < 0.1:
        return text[: random.randrange(len(text) + 1)]
    characters = list(text)
    for _ in range(random.choice((1, 1, 2, 5, 20))):
        place = random.randrange(len(characters) + 1)
        match random.randrange(3):
            case 0:
                characters[place : place + 1] = random.choice(_CHARACTERS)
            case 1:
                characters[place:place] = random.choice(_CHARACTERS)
            case _:
                del characters[place : place + random.randint(1, 8)]
    return "".join(characters)
