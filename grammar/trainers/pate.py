"""`label … by pate`: the votes of those who trained together label public data, with noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ppc.grammar import syntax
from ppc.grammar.arguments import Reader, nearest
from ppc.grammar.trainers.phrases import Block, Line, Phrase
from ppc.ir.collaborative import Collaborative, Pate

LINES = (
    Line(word="noise", example="noise gaussian 4", needed="how much noise hides a vote"),
    Line(word="queries", example="queries 180", needed="how many examples are labelled"),
    Line(word="student", example="student digits", needed="which model learns from the labels"),
    Line(word="delta", example="delta 1e-5"),
    Line(word="budget", example="budget 10"),
    Line(word="open", example="open winner"),
)
MOST = 10_000_000


def resolve_label(block: syntax.Label, lessons: Mapping[str, object], reader: Reader) -> Pate | None:
    """The facts of a block, or None where it has mistakes. The program's collaborative training has the voters."""
    before = len(reader.mistakes)
    if block.by.text != "pate":
        hint = nearest(block.by.text, ["pate"])
        reader.blame("PPC114", f"There is no labeller `{block.by.text}`.", block.by.span, hint=hint)
        return None
    lines = Block("A labelling", block.data.span, block.phrases, LINES, reader)
    kind, amount = _noise(lines.phrase("noise"))
    found = Pate(
        data=block.data.text,
        noise=kind,
        amount=amount,
        queries=_count(lines.phrase("queries")),
        delta=_real(lines.phrase("delta"), "Delta", 1e-30, 1.0, 1e-5) or 1e-5,
        student=_name(lines.phrase("student")),
        budget=_real(lines.phrase("budget"), "The budget", 1e-6, 1e6, None),
        opened=_opened(lines.phrase("open")),
        span=block.span,
    )
    if len(reader.mistakes) == before:
        _judge(block, lessons, reader)
    return found if len(reader.mistakes) == before else None


def _judge(block: syntax.Label, lessons: Mapping[str, object], reader: Reader) -> None:
    """Whose votes they are, and whether one example may have changed more than one of them."""
    voters = [one for one in lessons.values() if isinstance(one, Collaborative)]
    if not voters:
        hint = "Add a block such as `train digits by collaborative { workers 10 … }`."
        reader.blame("PPC131", "The program does not say whose votes label the data.", block.data.span, hint=hint)
    for one in voters:
        if one.feedback == "ratio":
            message = (
                "`feedback ratio` lets one example change the steps of every worker, and so every vote: "
                "the proof of pate counts on at most one."
            )
            reader.blame("PPC134", message, block.by.span, hint="Write `feedback none`, or label without pate.")


def _noise(phrase: Phrase | None) -> tuple[Literal["gaussian", "laplace"], float]:
    if phrase is None:
        return "gaussian", 1.0
    kinds: tuple[Literal["gaussian", "laplace"], ...] = ("gaussian", "laplace")
    kind = phrase.word("The noise", kinds)
    amount = phrase.real("The amount of noise", 0.0, 1e6)
    phrase.end()
    return kind, amount


def _count(phrase: Phrase | None) -> int:
    if phrase is None:
        return 1
    found = phrase.count("The number of queries", 1, MOST)
    phrase.end()
    return found


def _real(phrase: Phrase | None, what: str, low: float, high: float, otherwise: float | None) -> float | None:
    if phrase is None:
        return otherwise
    found = phrase.real(what, low, high)
    phrase.end()
    return found


def _name(phrase: Phrase | None) -> str:
    if phrase is None:
        return ""
    found = phrase.name("The student's model")
    phrase.end()
    return found


def _opened(phrase: Phrase | None) -> Literal["histogram", "winner"]:
    kinds: tuple[Literal["histogram", "winner"], ...] = ("histogram", "winner")
    return "histogram" if phrase is None else phrase.only("What is opened", kinds)
