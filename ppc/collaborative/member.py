"""What a worker does on whatever engine: which calls it answers, with what, and what it learns of the sum.

It shares a loss among one set of workers only: a sum over all and one over all but one would tell the loss of that one.
Nor does it take part with fewer workers than the program says, whatever the server wants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ppc.collaborative import letters
from ppc.collaborative.answered import Answered
from ppc.collaborative.labelling import MOST_VOTES, noisy_votes, within
from ppc.collaborative.sharing import decoded_loss, encoded_loss
from ppc.collaborative.state import Spent
from ppc.collaborative.worker import Worker
from ppc.errors import PpcError, fail
from ppc.ir.collaborative import Pate


@dataclass(frozen=True)
class Call:
    """A sum that is called for: among whom, and what this worker has to split; nothing, where it sits the round out."""

    attempt: int
    numbers: list[int]
    values: NDArray[np.int64]

    @property
    def withheld(self) -> bool:
        return not self.values.size


@dataclass(kw_only=True)
class Member:
    """What a worker brings to a training. `begin` is told of epochs that were over before it came."""

    worker: Worker
    begin: Callable[[int], None]
    keep: Callable[[int], None]
    report: Callable[[], dict[str, float]]
    pate: Pate | None = None
    public: Tensor | None = None  # the examples to label
    voted: int = 0  # times
    queried: int = 0  # examples, those of a vote that was not opened included
    spent: Spent = field(default_factory=Spent)  # both, in the folder of checkpoints
    answered: Answered = field(default_factory=Answered)  # losses, among whom

    @property
    def number(self) -> int:
        return self.worker.number + 1

    def begun(self, over: int) -> None:
        """Votes that are on disk count, whatever the server says of epochs, and so do those since."""
        self.begin(over)
        voted, queried = self.spent.read()
        self.voted, self.queried = max(self.voted, voted), max(self.queried, queried)

    def called(self, kind: int, text: bytes) -> Call:
        """The next loss, or votes with their noise."""
        attempt, asked, numbers = self._among(text)
        if kind == letters.ROUND:
            return Call(attempt, numbers, self._loss(numbers))
        if kind != letters.VOTE:
            raise unasked()
        return Call(attempt, numbers, self._votes(asked, len(numbers)))

    def learned(self, numbers: list[int], opened: bytes | None) -> None:
        """The step for the last loss, by the mean over those who took part, if the sum was opened."""
        mean = None if opened is None else decoded_loss(int(letters.elements_of(opened, 1)[0])) / len(numbers)
        self.worker.step(mean)

    def _loss(self, numbers: list[int]) -> NDArray[np.int64]:
        """Of the next batch; none of one that was answered for among others."""
        worker = self.worker
        loss = encoded_loss(worker.ahead(), worker.facts.workers)
        if self.answered.among(worker.training, worker.taken, numbers):
            return np.array([loss])
        return np.array([], np.int64)

    def _votes(self, asked: int, workers: int) -> NDArray[np.int64]:
        if self.pate is None or self.public is None or not 0 < asked <= min(self.pate.queries, len(self.public)):
            raise unasked()
        if self.voted == MOST_VOTES or not within(self.pate, self.queried + asked):
            raise unasked()
        self.voted, self.queried = self.voted + 1, self.queried + asked
        self.spent.write(self.voted, self.queried)
        return noisy_votes(self.pate, self.worker, self.public[:asked], workers)

    def _among(self, text: bytes) -> tuple[int, int, list[int]]:
        attempt, examples, numbers = letters.call_of(text)
        facts = self.worker.facts
        if self.number not in numbers or not facts.needed <= len(numbers) or numbers[-1] > facts.workers:
            raise fail(
                "PPC687",
                f"The server wants a sum over {len(numbers)} workers; the program says at least {facts.needed}.",
                hint="Nothing was sent. Ask who runs the server.",
            )
        return attempt, examples, numbers


def unasked() -> PpcError:
    return fail("PPC687", "The server asked for what the program does not say.", hint="Compare the programs.")
