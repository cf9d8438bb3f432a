"""What `train … by collaborative` and `label … by pate` say, as facts: workers that share the sum of their losses, and
whose votes label a public data set.

Made by `grammar.trainers`; `ppc.collaborative` goes by them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import ClassVar, Literal

from ppc.errors import Diagnostic
from ppc.ir.policy import PUBLIC, Loss, Owner, Training
from ppc.source import START, Span

GRID = 16  # binary digits behind the point of a noisy count
LARGEST_SHARE = 1 << 27  # bytes
DEVIATIONS = 50  # of the noise, within which every honest count lies


@dataclass(frozen=True, kw_only=True)
class Collaborative:
    """One `train … by collaborative` block. `models` are those of single workers that have another one."""

    by: ClassVar[str] = "collaborative"
    model: str
    workers: int
    epochs: int
    models: tuple[tuple[int, str], ...] = ()
    reduce: Literal["sum", "mean"] = "sum"
    feedback: Literal["none", "ratio"] = "none"
    least: int = 0  # workers without whom the training stops; 0 is all of them
    wait: float = 30.0  # seconds that a worker is waited for
    rate: float = 0.1
    batch: int = 32
    loss: Loss = "softmax_cross_entropy"
    span: Span = START

    @property
    def step(self) -> Training:
        """A worker's step, as every trainer writes its steps."""
        labels = Owner(party=PUBLIC, span=self.span)
        return Training(
            model=self.model,
            by="clear",
            labels=labels,
            label_bounds=None,
            loss=self.loss,
            rate=self.rate,
            batch=self.batch,
            span=self.span,
        )

    @property
    def needed(self) -> int:
        return self.least or self.workers

    @property
    def elements(self) -> int:
        """Field elements that travel in a round: a share to every other worker, and each worker's partial sum."""
        return self.workers * (self.workers - 1) + self.workers

    def model_of(self, number: int) -> str:
        """What the worker of this number, from 1, learns."""
        return dict(self.models).get(number, self.model)

    def sentences(self) -> Iterator[str]:
        """What `ppc check` says of it."""
        yield f"{self.workers} workers, {self.epochs} epochs; each keeps its data and its model"
        yield f"the {self.reduce} of their losses is opened each round, by {self.elements} field elements, and no other"
        if self.needed == 2:
            yield "with two workers the sum tells each the other's loss"
        if self.feedback == "none":
            yield "the opened number changes no weight: it is good for watching, stopping together, and schedules"
        else:
            yield "each step is scaled by the mean loss over the worker's own: no theory stands behind this"


@dataclass(frozen=True, kw_only=True)
class Pate:
    """One `label NAME by pate` block."""

    data: str
    noise: Literal["gaussian", "laplace"]
    amount: float  # the deviation of Gaussian noise on each count, or the scale of Laplace's
    queries: int
    delta: float
    student: str
    budget: float | None = None
    opened: Literal["histogram", "winner"] = "histogram"
    span: Span = START

    def reach(self, voters: int) -> int:
        """No honest count is farther from zero."""
        return ceil(voters + DEVIATIONS * self.amount)

    def unsendable(self, classes: int) -> Diagnostic | None:
        """Why a worker's share of all votes is not sent: it is one letter."""
        if 8 * self.queries * classes <= LARGEST_SHARE:
            return None
        return Diagnostic(
            code="PPC134",
            message=f"A share of the votes on {self.queries:,} examples in {classes:,} classes is "
            f"{8 * self.queries * classes:,} bytes, and one letter of at most {LARGEST_SHARE:,} brings it.",
            span=self.span,
            hint=f"Write `queries {LARGEST_SHARE // 8 // classes}` or fewer.",
        )

    def sentences(self) -> Iterator[str]:
        """What `ppc check` says of it."""
        yield f"the workers' votes label {self.queries} examples of {self.data}; {self.student} learns from them"
        what = "the noisy histogram" if self.opened == "histogram" else "the class that wins, and no count"
        yield f"opened of each vote: {what}, with {self.noise} noise of {self.amount:g}"
