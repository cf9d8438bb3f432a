"""By which steps a training learns: `sgd(…)`, how its rate falls, and in which order the examples come.

Called by `lessons`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi
from typing import cast, get_args

from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import Missing, Reader, nearest
from ppc.grammar.layers import Parameter
from ppc.grammar.parties import not_built
from ppc.ir.policy import RATE_BITS, Order

SGD = (
    Parameter(name="rate", kind="share", low=1e-12, high=1000),
    Parameter(name="batch", kind="count"),
    Parameter(name="epochs", kind="count", default=1),
    Parameter(name="momentum", kind="share", default=0.0, low=0, high=1),
    Parameter(name="weight_decay", kind="share", default=0.0, low=0, high=1),
)
# How the rate falls, epoch by epoch: StepLR and CosineAnnealingLR of torch.
SCHEDULES: Mapping[str, tuple[Parameter, ...]] = {
    "step": (
        Parameter(name="factor", kind="share", low=1e-3, high=1),
        Parameter(name="every", kind="count", default=1),
    ),
    "cosine": (Parameter(name="lowest", kind="share", default=0.0, low=0, high=1000),),
}
OF_OTHERS = ("adam", "adamw", "rmsprop", "adagrad")
MOST_EPOCHS = 1000  # of a rate that changes: each epoch's part of it stands in the plan
LARGEST_SEED = 2**32 - 1
SGD_LINE = "sgd(rate=0.01, batch=128, epochs=1)"


@dataclass(frozen=True, kw_only=True)
class Method:
    """What the lines say, in the words of a `Training`."""

    values: Mapping[str, object]
    schedule: tuple[int, ...] = ()


def method_of(block: syntax.Train, reader: Reader) -> Method | None:
    """The method and its schedule; None where there are mistakes, or no method."""
    said = _said(block, reader)
    if "sgd" not in said:
        return None
    values = reader.read("sgd", SGD, said["sgd"].arguments, said["sgd"].span)
    schedule = _schedule(said, values, reader)
    return Method(values=values, schedule=schedule) if values is not None and schedule is not None else None


def says_a_method(block: syntax.Train) -> bool:
    """Whether there is a line that tries to."""
    return any(isinstance(lesson, syntax.Method) and lesson.name.text not in SCHEDULES for lesson in block.lessons)


def _said(block: syntax.Train, reader: Reader) -> dict[str, syntax.Method]:
    """The lines by their first word; a second one of a kind is a mistake, and so is what there is none of."""
    found: dict[str, syntax.Method] = {}
    for lesson in block.lessons:
        if not isinstance(lesson, syntax.Method):
            continue
        name = lesson.name.text
        kind = "schedule" if name in SCHEDULES else name
        if name in OF_OTHERS:
            not_built(f"`{name}`", lesson.name.span, reader, hint="There is `sgd(rate=…, batch=…, momentum=…)`.")
        elif name not in ("sgd", *SCHEDULES):
            hint = nearest(name, ["sgd", *SCHEDULES])
            reader.blame("PPC112", f"There is no method `{name}`.", lesson.name.span, hint=hint)
        elif (earlier := found.setdefault(kind, lesson)) is not lesson:
            note = Note(text="it was said here", span=earlier.span)
            what = "How the rate falls" if kind == "schedule" else f"`{name}`"
            reader.blame("PPC113", f"{what} is said twice.", lesson.span, notes=(note,))
    return found


def _schedule(
    said: Mapping[str, syntax.Method], values: Mapping[str, object] | None, reader: Reader
) -> tuple[int, ...] | None:
    """The part of the rate that each epoch has; empty, where it stays as it is."""
    line = said.get("schedule")
    if line is None:
        return ()
    read = reader.read(line.name.text, SCHEDULES[line.name.text], line.arguments, line.span)
    if read is None or values is None:
        return None
    rate, epochs = cast(float, values["rate"]), cast(int, values["epochs"])
    if epochs > MOST_EPOCHS:
        message = f"A rate that changes does so in at most {MOST_EPOCHS:,} epochs; there are {epochs:,}."
        reader.blame("PPC111", message, line.span, hint="Leave the line out, or train in several runs.")
        return None
    if line.name.text == "cosine" and cast(float, read["lowest"]) >= rate:
        message = f"The rate is {rate:g}, and cannot fall to {cast(float, read['lowest']):g}."
        reader.blame("PPC111", message, line.span, hint="`lowest` is a rate as well, below the first one.")
        return None
    parts = [_part(line.name.text, read, rate, epoch, epochs) for epoch in range(epochs)]
    units = tuple(max(1, round(part * 2**RATE_BITS)) for part in parts)
    return units if len(set(units)) > 1 else ()


def _part(name: str, read: Mapping[str, object], rate: float, epoch: int, epochs: int) -> float:
    if name == "step":
        return cast(float, read["factor"]) ** (epoch // cast(int, read["every"]))
    lowest = cast(float, read["lowest"]) / rate
    return lowest + (1.0 - lowest) * (1.0 + cos(pi * epoch / epochs)) / 2.0


# ---- the order of the examples ----


def order_of(
    options: Mapping[str, syntax.Option], reuse: syntax.ReuseInputs | None, reader: Reader
) -> tuple[Order, int]:
    """`shuffle = public`, `private` or `none`, and the seed of a public order."""
    shuffle, seed = options.get("shuffle"), options.get("seed")
    words = get_args(Order)[1:]
    word = reader.word("`shuffle`", shuffle.value, words) if shuffle else ""
    found = next((order for order in get_args(Order) if order == word), "")
    if shuffle and reuse and found != "none":
        note = Note(text="these are masked in the order of the file", span=reuse.span)
        hint = "Leave one of the two lines out."
        reader.blame("PPC112", "What is masked once for a run is not shuffled.", shuffle.span, notes=(note,), hint=hint)
    if seed and found != "public":
        hint = "Write `shuffle = public` beside it; a private order is drawn by its owner."
        reader.blame("PPC112", "A seed is that of a public order.", seed.span, hint=hint)
    number = reader.count("`seed`", seed.value, 0, LARGEST_SEED) if seed else 0
    return cast(Order, found), 0 if isinstance(number, Missing) else number
