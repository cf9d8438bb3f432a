"""`train … by distilled`: what the owner makes of its data, with which key, and what is required of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import Reader
from ppc.grammar.trainers.phrases import Block, Line, Phrase
from ppc.ir.distilled import MEASURES, Distilled, Images, Requirement
from ppc.ir.policy import LOSSES

LINES = (
    Line(word="key", example='key file "device.key"', needed="which file holds the key"),
    Line(word="samples", example="samples 10", needed="how many samples there are"),
    Line(word="images", example="images learned", needed="what the images are"),
    Line(word="steps", example="steps 3", needed="how many steps the device makes"),
    Line(word="epochs", example="epochs 200", needed="how often the owner goes through its data"),
    Line(word="labels", example="labels soft"),
    Line(word="batch", example="batch 512"),
    Line(word="rate", example="rate 0.03"),
    Line(word="spread", example="spread 1.5"),
    Line(word="smoothing", example="smoothing 10%"),
    Line(word="jitter", example="jitter 0.25"),
    Line(word="lock", example="lock 0.1"),
    Line(word="loss", example="loss = softmax_cross_entropy", kind=syntax.Option),
    Line(word="require", example="require accuracy >= 0.93", many=True),
)
MOST = 1_000_000  # samples, steps or epochs; what is sensible is far below


def resolve_distilled(block: syntax.Train, _parties: Sequence[str], reader: Reader) -> Distilled | None:
    """The facts of a block, or None where it has mistakes."""
    before = len(reader.mistakes)
    lines = Block("A distilled training", block.model.span, block.lessons, LINES, reader)
    found = Distilled(
        model=block.model.text,
        key=_key(lines.phrase("key")),
        samples=_count(lines.phrase("samples"), "The number of samples"),
        images=_images(lines.phrase("images")),
        labels=_labels(lines.phrase("labels")),
        steps=_count(lines.phrase("steps"), "The number of steps"),
        epochs=_count(lines.phrase("epochs"), "The number of epochs"),
        batch=_count(lines.phrase("batch"), "The batch", otherwise=512),
        rate=_real(lines.phrase("rate"), "The rate", 1e-9, otherwise=0.03),
        spread=_real(lines.phrase("spread"), "The spread of the first weights", 1e-3, otherwise=1.0),
        smoothing=_real(lines.phrase("smoothing"), "The smoothing of the labels", 0.0, otherwise=0.0, high=1.0),
        jitter=_real(lines.phrase("jitter"), "The jitter of the images", 0.0, otherwise=0.0),
        lock=_real(lines.phrase("lock"), "The weight of the lock", 0.0, otherwise=0.0),
        loss=lines.setting("loss", "`loss`", LOSSES) or "softmax_cross_entropy",
        requirements=tuple(_requirements(lines)),
        span=block.span,
    )
    if found.smoothing and found.loss == "mse":
        hint = "Leave `smoothing` out, or write `loss = softmax_cross_entropy`."
        reader.blame("PPC134", "`smoothing` is of classes, and `loss = mse` has none.", found.span, hint=hint)
    return found if len(reader.mistakes) == before else None


def _key(phrase: Phrase | None) -> str:
    if phrase is None:
        return ""
    phrase.word("Where the key is", ("file",))
    file = phrase.text("The key's file")
    phrase.end()
    return file


def _images(phrase: Phrase | None) -> Images:
    if phrase is None:
        return Images()
    kind = phrase.word("What the images are", ("learned", "noise", "from"))
    if kind != "from":
        phrase.end()
        return Images(kind=kind)
    file = phrase.text("The file of other images")
    phrase.end()
    return Images(kind="brought", file=file)


def _labels(phrase: Phrase | None) -> Literal["one_hot", "mixed"]:
    if phrase is None:
        return "one_hot"
    phrase.word("What the labels are", ("soft",))
    mixed = phrase.took("mixed")
    phrase.end()
    return "mixed" if mixed else "one_hot"


def _count(phrase: Phrase | None, what: str, otherwise: int = 1) -> int:
    if phrase is None:
        return otherwise
    found = phrase.count(what, 1, MOST)
    phrase.end()
    return found


def _real(phrase: Phrase | None, what: str, low: float, otherwise: float, high: float = 1000.0) -> float:
    if phrase is None:
        return otherwise
    found = phrase.real(what, low, high)
    phrase.end()
    return found


def _requirements(lines: Block) -> Iterator[Requirement]:
    said: dict[str, Phrase] = {}
    for phrase in lines.phrases("require"):
        measure = phrase.word("What is required", tuple(MEASURES))
        wanted = MEASURES[measure]
        least = "at least" if wanted == ">=" else "at most"
        phrase.sign(wanted, f"`{measure}` is required to be {least} a number, with `{wanted}`")
        bound = phrase.share(f"What `{measure}` is required to be")
        phrase.end()
        if (earlier := said.setdefault(measure, phrase)) is not phrase and not phrase.spoilt:
            note = Note(text="it was said here", span=earlier.span)
            lines.reader.blame("PPC113", f"What `{measure}` has to be is said twice.", phrase.span, notes=(note,))
        yield Requirement(measure=measure, bound=bound, span=phrase.span)
