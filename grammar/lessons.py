"""From a `train` block by `joint` or `clear` to a training. Called by the table of trainers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import Missing, Reader, nearest
from ppc.grammar.methods import SGD_LINE, method_of, order_of, says_a_method
from ppc.grammar.modes import options_of
from ppc.grammar.parties import once, parties_of, sole_party
from ppc.ir.policy import LOSSES, PUBLIC, Evaluation, Grant, Loss, Owner, Reuse, Training
from ppc.ir.types import Interval

MOST_EXAMPLES = 1_000_000_000
SETTINGS = ("loss", "shuffle", "seed")
MEASURES = ("accuracy",)


@dataclass
class _Lessons:
    block: syntax.Train
    parties: tuple[str, ...]
    reader: Reader
    labels: Owner | None = None
    label_bounds: Interval = field(default_factory=lambda: Interval(0.0, 1.0))
    grants: dict[str, Grant] = field(default_factory=dict[str, Grant])

    def collect(self) -> None:
        for lesson in self.block.lessons:
            match lesson:
                case syntax.From():
                    self.labelled(lesson)
                case syntax.To():
                    self.granted(lesson)
                case syntax.Kept():
                    self.kept(lesson)
                case syntax.Phrase():
                    self.unknown(lesson.head)
                case _:
                    pass  # settings and methods are read by name

    def labelled(self, lesson: syntax.From) -> None:
        if lesson.what.text != "labels":
            self.unknown(lesson.what)
            return
        if self.labels is not None:
            note = Note(text="it was said here", span=self.labels.span)
            self.reader.blame("PPC113", "Who holds the labels is said twice.", lesson.span, notes=(note,))
            return
        party = sole_party(lesson.parties, "Labels", self.parties, self.reader)
        bounds = self.reader.interval(lesson.bounds) if lesson.bounds else self.label_bounds
        self.label_bounds = self.label_bounds if isinstance(bounds, Missing) else bounds
        self.labels = Owner(party=party if isinstance(party, str) else PUBLIC, span=lesson.span)

    def granted(self, lesson: syntax.To) -> None:
        if lesson.what.text not in ("logits", "model"):
            self.unknown(lesson.what)
        elif lesson.what.text in self.grants:
            note = Note(text="it was said here", span=self.grants[lesson.what.text].span)
            self.reader.blame("PPC113", f"Who gets the {lesson.what.text} is said twice.", lesson.span, notes=(note,))
        else:
            to = parties_of(lesson.parties, self.parties, self.reader)
            receivers = () if isinstance(to, Missing) else to
            self.grants[lesson.what.text] = Grant(what=lesson.what.text, to=receivers, span=lesson.span)

    def kept(self, lesson: syntax.Kept) -> None:
        if lesson.what.text != "model":
            self.unknown(lesson.what)
        elif "model" in self.grants:
            note = Note(text="it was said here", span=self.grants["model"].span)
            self.reader.blame("PPC113", "What becomes of the model is said twice.", lesson.span, notes=(note,))
        else:
            self.grants["model"] = Grant(what="model", to=(), span=lesson.span)

    def unknown(self, word: syntax.Name) -> None:
        known = ["labels", "data", "logits", "model", "loss", "shuffle", "evaluate", "reuse", "sgd"]
        self.reader.blame(
            "PPC112", f"A train block has no line `{word.text} …`.", word.span, hint=nearest(word.text, known)
        )


def resolve_training(block: syntax.Train, parties: tuple[str, ...], reader: Reader) -> Training | None:
    """The training that a block states, or None where it has mistakes."""
    before = len(reader.mistakes)
    by = "clear" if block.by and block.by.text == "clear" else "joint"
    lessons = _Lessons(block, parties, reader)
    lessons.collect()
    settings = [lesson for lesson in block.lessons if isinstance(lesson, syntax.Option)]
    options = options_of("train", settings, SETTINGS, reader)
    loss = _loss(block, options, reader)
    method = method_of(block, reader)
    if not says_a_method(block):
        _missed(block, "by which steps it learns", SGD_LINE, reader)
    reused = once(block.lessons, syntax.ReuseInputs, "reuse inputs", reader)
    order, seed = order_of(options, reused, reader)
    evaluated = once(block.lessons, syntax.Evaluate, "evaluate", reader)
    reuse, evaluation = _reuse(reused, by, reader), _evaluation(evaluated, by, parties, reader)
    if lessons.labels is None:
        _missed(block, "who holds the labels", f"labels from {parties[0] if parties else 'hospital'}", reader)
    if len(reader.mistakes) > before or lessons.labels is None or loss is None or method is None:
        return None
    return Training(
        model=block.model.text,
        by=by,
        labels=lessons.labels,
        label_bounds=lessons.label_bounds,
        loss=loss,
        grants=tuple(lessons.grants.values()),
        reuse=reuse,
        evaluation=evaluation,
        schedule=method.schedule,
        order=order,
        seed=seed,
        span=block.span,
        **method.values,  # pyright: ignore[reportArgumentType]
    )


def _missed(block: syntax.Train, what: str, line: str, reader: Reader) -> None:
    reader.blame(
        "PPC131", f"The train block does not say {what}.", block.model.span, hint=f"Add a line such as `{line}`."
    )


def _loss(block: syntax.Train, found: Mapping[str, syntax.Option], reader: Reader) -> Loss | None:
    if "loss" not in found:
        _missed(block, "what the loss is", "loss = softmax_cross_entropy", reader)
        return None
    word = reader.word("`loss`", found["loss"].value, LOSSES)
    return next((loss for loss in LOSSES if loss == word), None)


def _reuse(line: syntax.ReuseInputs | None, by: str, reader: Reader) -> Reuse | None:
    """Data that are the same in every epoch, masked once."""
    if line is None:
        return None
    if by != "joint":
        hint = "Leave the line out, or train by `joint`."
        reader.blame("PPC112", "Training in the clear masks nothing that could be used again.", line.span, hint=hint)
    examples = reader.count("The number of examples", line.examples, 1, MOST_EXAMPLES)
    return Reuse(examples=examples, span=line.span) if isinstance(examples, int) else None


def _evaluation(line: syntax.Evaluate | None, by: str, parties: tuple[str, ...], reader: Reader) -> Evaluation | None:
    """What is measured of the model on held-out examples, how often, and who is told."""
    if line is None:
        return None
    if by != "joint":
        hint = "Leave the line out: whoever trains in the clear sees everything."
        reader.blame("PPC112", "Training in the clear is not evaluated jointly.", line.span, hint=hint)
    if line.what.text not in MEASURES:
        hint = nearest(line.what.text, MEASURES)
        reader.blame("PPC114", f"`{line.what.text}` cannot be evaluated.", line.what.span, hint=hint)
    to = parties_of(line.parties, parties, reader)
    every = reader.count("The number of epochs", line.every, 1, 1_000_000) if line.every else 1
    if isinstance(to, Missing) or isinstance(every, Missing):
        return None
    return Evaluation(what=line.what.text, to=to, every=every, span=line.span)
