"""`train … by collaborative`: workers that share the sum of their losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import Reader
from ppc.grammar.trainers.phrases import Block, Line, Phrase
from ppc.grammar.units import TIMES
from ppc.ir.collaborative import Collaborative
from ppc.ir.policy import LOSSES

LINES = (
    Line(word="workers", example="workers 10", needed="how many workers there are"),
    Line(word="epochs", example="epochs 25", needed="how often each worker goes through its data"),
    Line(word="worker", example="worker 3 learns small", many=True),
    Line(word="reduce", example="reduce sum"),
    Line(word="feedback", example="feedback none"),
    Line(word="least", example="least 8"),
    Line(word="wait", example="wait 30s"),
    Line(word="rate", example="rate 0.1"),
    Line(word="batch", example="batch 32"),
    Line(word="loss", example="loss = softmax_cross_entropy", kind=syntax.Option),
)
MOST_WORKERS = 1000
MOST = 1_000_000  # epochs or examples; what is sensible is far below


def resolve_collaborative(block: syntax.Train, _parties: Sequence[str], reader: Reader) -> Collaborative | None:
    """The facts of a block, or None where it has mistakes."""
    before = len(reader.mistakes)
    lines = Block("A collaborative training", block.model.span, block.lessons, LINES, reader)
    workers = _count(lines.phrase("workers"), "The number of workers", 2, MOST_WORKERS)
    found = Collaborative(
        model=block.model.text,
        workers=workers,
        epochs=_count(lines.phrase("epochs"), "The number of epochs", 1, MOST),
        models=tuple(_models(lines, workers)),
        reduce=_reduce(lines.phrase("reduce")),
        feedback=_feedback(lines.phrase("feedback")),
        least=_count(lines.phrase("least"), "The number of workers that are needed", 2, max(2, workers), otherwise=0),
        wait=_wait(lines.phrase("wait")),
        rate=_rate(lines.phrase("rate")),
        batch=_count(lines.phrase("batch"), "The batch", 1, MOST, otherwise=32),
        loss=lines.setting("loss", "`loss`", LOSSES) or "softmax_cross_entropy",
        span=block.span,
    )
    return found if len(reader.mistakes) == before else None


def _models(lines: Block, workers: int) -> Iterator[tuple[int, str]]:
    said: dict[int, Phrase] = {}
    for phrase in lines.phrases("worker"):
        number = phrase.count("The number of a worker", 1, max(1, workers))
        phrase.word("What the worker does", ("learns",))
        model = phrase.name("The model")
        phrase.end()
        if (earlier := said.setdefault(number, phrase)) is not phrase and not phrase.spoilt:
            note = Note(text="it was said here", span=earlier.span)
            lines.reader.blame("PPC113", f"What worker {number} learns is said twice.", phrase.span, notes=(note,))
        yield number, model


def _reduce(phrase: Phrase | None) -> Literal["sum", "mean"]:
    kinds: tuple[Literal["sum", "mean"], ...] = ("sum", "mean")
    return "sum" if phrase is None else phrase.only("The losses' way together", kinds)


def _feedback(phrase: Phrase | None) -> Literal["none", "ratio"]:
    kinds: tuple[Literal["none", "ratio"], ...] = ("none", "ratio")
    return "none" if phrase is None else phrase.only("The feedback", kinds)


def _wait(phrase: Phrase | None) -> float:
    if phrase is None:
        return 30.0
    found = phrase.real("How long a worker is waited for", 1e-3, 86400, TIMES)
    phrase.end()
    return found


def _rate(phrase: Phrase | None) -> float:
    if phrase is None:
        return 0.1
    found = phrase.real("The rate", 1e-12, 1000)
    phrase.end()
    return found


def _count(phrase: Phrase | None, what: str, low: int, most: int, otherwise: int | None = None) -> int:
    if phrase is None:
        return low if otherwise is None else otherwise
    found = phrase.count(what, low, most)
    phrase.end()
    return found
