"""What a party brings to a run, given to the plan batch by batch. Nothing here sends anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.plan.kept import taken
from ppc.plan.rates import RATE, rate_of
from ppc.plan.steps import Plan, Step
from ppc.plan.wires import Wire
from ppc.runtime.keys import artifact_hash
from ppc.runtime.roles.coins import MASK, dropout_mask
from ppc.runtime.roles.lessons import Lessons
from ppc.runtime.roles.request import Stretch
from ppc.runtime.roles.signals import Pictures, drawn, shown
from ppc.runtime.session import Given

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Brought:
    """`rows` have an example in each row; `whole` are given as they are, and so are `shares`: this party's part of
    what another run left, as elements of the field. All by the names of the graph."""

    rows: Mapping[str, Array] = field(default_factory=dict[str, Array], repr=False)
    whole: Mapping[str, Array] = field(default_factory=dict[str, Array], repr=False)
    shares: Mapping[str, Array] = field(default_factory=dict[str, Array], repr=False)
    pictures: Pictures = ()  # of the numbers that a secret signal may be
    mark: str = ""  # what both parties' shares have in common

    @property
    def examples(self) -> int | None:
        """How many there are; None where this party brings none."""
        return next((len(array) for array in self.rows.values()), None)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One array of examples that a party must bring."""

    name: str
    what: str  # data or label
    shape: tuple[int, ...]  # of one example
    rows: int | None  # exactly so many, where the plan says it
    bounds: tuple[float, float] | None  # between what the program says they are


def wanted_rows(plan: Plan, party: str) -> tuple[Wanted, ...]:
    """What the files of a party must hold, weights apart."""
    return tuple(
        Wanted(
            name=_name(step),
            what=step.word("what"),
            shape=step.wire.shape[1:],
            rows=step.wire.shape[0] if home == "setup" else None,
            bounds=None if step.wire.bounds is None else (step.wire.bounds.low, step.wire.bounds.high),
        )
        for home, step in _givens(plan, party)
        if step.word("what") in ("data", "label") and step.wire.form != "shared"
    )


def wanted_pictures(plan: Plan, party: str) -> tuple[tuple[int, int], int] | None:
    """The size of the pictures that show a party's signal, and how many numbers it may be; None without them."""
    steps = {step.word("what"): step for _, step in _givens(plan, party)}
    if "picture" not in steps:
        return None
    bounds, shape = steps["signal"].wire.bounds, steps["picture"].wire.shape
    return (shape[-2], shape[-1]), int(bounds.high) + 1 if bounds else 2


def brings_weights(plan: Plan, party: str) -> bool:
    """Whether a party gives parameters; public ones are given by both and to the dealer, whose name is empty."""
    return any(step.word("what") == "parameter" and step.wire.form != "shared" for _, step in _givens(plan, party))


def wanted_shares(plan: Plan) -> Mapping[str, Wire]:
    """What both parties must bring their shares of, with the scale and the range that the plan takes for granted."""
    return {_name(step): step.wire for step in taken(plan)}


def _givens(plan: Plan, party: str) -> Iterator[tuple[str, Step]]:
    """What the plan takes from a party; of the dealer, what is public."""
    for section in plan.sections:
        for step in section.steps:
            if step.op != "given" or step.word("what") == "zero" or step.wire.at not in ("", party):
                continue
            if party or step.wire.form == "public":
                yield section.name, step


def _name(step: Step) -> str:
    return step.name.removesuffix(".first")


def given(stretch: Stretch, party: str, brought: Brought, lessons: Lessons | None = None) -> Given:
    """The values of a stretch by section and iteration, under the names of the plan's steps. Of a training, `lessons`
    say which examples are taken when."""
    artifact = artifact_hash(stretch.plan)
    homes: dict[str, list[Step]] = {}
    for home, step in _givens(stretch.plan, party):
        homes.setdefault(home, []).append(step)

    def values(section: str, iteration: int) -> dict[str, Array]:
        found: dict[str, Array] = {}
        signals: Array = np.zeros(0)
        for step in homes.get(section, ()):
            name = _name(step)
            if step.wire.form == "shared":
                if name in brought.shares:
                    found[step.name] = _share(brought.shares[name], step, stretch, section, iteration)
            elif step.word("what") == RATE:
                found[step.name] = np.array(rate_of(step, *stretch.turn(iteration)))
            elif step.word("what") == MASK:
                found[step.name] = dropout_mask(step, artifact, iteration)
            elif step.word("what") == "signal":
                found[step.name] = signals = drawn(step.wire.size, step.wire.bounds)
            elif step.word("what") == "picture":
                found[step.name] = shown(signals, brought.pictures)
            elif name in brought.rows:
                whole = section != "each"
                found[step.name] = brought.rows[name] if whole else _batch(step, stretch, iteration, lessons, brought)
            elif name in brought.whole:
                found[step.name] = brought.whole[name]
        return found  # what is missing, the party says (PPC654)

    return values


def _share(share: Array, step: Step, stretch: Stretch, section: str, iteration: int) -> Array:
    """What another run left is one whole; of what has an example in each row, an iteration takes the next ones. The
    padding is 0 and shared as 0 and 0."""
    if section != "each":
        return share
    found = np.zeros(step.wire.shape, np.uint64)
    start = stretch.first + stretch.plan.batch * iteration
    rows = share[start : start + stretch.plan.batch]
    found[: len(rows)] = rows
    return found


def _batch(step: Step, stretch: Stretch, iteration: int, lessons: Lessons | None, brought: Brought) -> Array:
    """The rows of one batch: those of a step of training; else the next ones, and what is missing is padded."""
    rows, size = brought.rows[_name(step)], stretch.plan.batch
    if lessons is not None:
        return rows[lessons.rows(iteration)]
    start = stretch.first + size * iteration
    found = rows[start : start + size]
    if len(found) == size:
        return found
    bounds = step.wire.bounds
    zero = 0.0 if bounds is None else min(max(0.0, bounds.low), bounds.high)
    padding = np.full((size - len(found), *rows.shape[1:]), zero)
    return np.concatenate([found, padding])
