"""From a `train` block by `joint` or `clear` to a training. Called by the table of trainers."""

from __future__ import annotations

from dataclasses import dataclass, field

from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import Missing, Reader, nearest
from ppc.grammar.layers import Parameter
from ppc.grammar.modes import options_of
from ppc.grammar.parties import not_built, once, parties_of, sole_party
from ppc.ir.policy import LOSSES, PUBLIC, Grant, Loss, Owner, Reuse, Training
from ppc.ir.types import Interval

MOST_EXAMPLES = 1_000_000_000
SGD = (
    Parameter(name="rate", kind="share", low=1e-12, high=1000),
    Parameter(name="batch", kind="count"),
    Parameter(name="epochs", kind="count", default=1),
    Parameter(name="momentum", kind="share", default=0.0, low=0, high=1),
    Parameter(name="weight_decay", kind="share", default=0.0, low=0, high=1),
)


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
        known = ["labels", "logits", "model", "loss", "reuse", "sgd"]
        self.reader.blame(
            "PPC112", f"A train block has no line `{word.text} …`.", word.span, hint=nearest(word.text, known)
        )


def resolve_training(block: syntax.Train, parties: tuple[str, ...], reader: Reader) -> Training | None:
    """The training that a block states, or None where it has mistakes."""
    before = len(reader.mistakes)
    by = "clear" if block.by and block.by.text == "clear" else "joint"
    lessons = _Lessons(block, parties, reader)
    lessons.collect()
    loss = _loss(block, reader)
    method = _method(block, reader)
    reuse = _reuse(once(block.lessons, syntax.ReuseInputs, "reuse inputs", reader), by, reader)
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
        span=block.span,
        **method,  # pyright: ignore[reportArgumentType]
    )


def _missed(block: syntax.Train, what: str, line: str, reader: Reader) -> None:
    reader.blame(
        "PPC131", f"The train block does not say {what}.", block.model.span, hint=f"Add a line such as `{line}`."
    )


def _loss(block: syntax.Train, reader: Reader) -> Loss | None:
    settings = [lesson for lesson in block.lessons if isinstance(lesson, syntax.Option)]
    found = options_of("train", settings, ("loss",), reader)
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


def _method(block: syntax.Train, reader: Reader) -> dict[str, object] | None:
    for lesson in block.lessons:
        if isinstance(lesson, syntax.Method) and lesson.name.text != "sgd":
            name = lesson.name.text
            if name in ("adam", "adamw", "rmsprop", "adagrad"):
                not_built(f"`{name}`", lesson.name.span, reader, hint="There is `sgd(rate=…, batch=…, momentum=…)`.")
            else:
                reader.blame("PPC112", f"There is no method `{name}`.", lesson.name.span, hint=nearest(name, ["sgd"]))
            return None
    method = once(block.lessons, syntax.Method, "sgd", reader)
    if method is None:
        _missed(block, "by which steps it learns", "sgd(rate=0.01, batch=128, epochs=1)", reader)
        return None
    return reader.read("sgd", SGD, method.arguments, method.span)
