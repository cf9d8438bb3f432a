"""The lock, measured: how well the samples train the target, and how badly everything else.

Every row is accuracy on examples that nothing was learned from. Nothing here proves anything: of what is not tried,
nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

import torch
from torch import Tensor

from ppc.distilled import Samples
from ppc.distilled.device import trained
from ppc.distilling import attackers
from ppc.distilling.shapes import others
from ppc.distilling.task import Data, Task, drawn
from ppc.distilling.trials import accuracy, coins_of, first_of, parted, parts_of, renamed_accuracy
from ppc.distilling.unroll import Parts, after
from ppc.learning import Network
from ppc.learning.network import Tensors, as_tensors, as_weights

OTHERS = 10  # other keys
FEW = 3  # of what takes longer
PUBLIC = (0, 10, 100)  # examples that everybody has
PERTURBED = (1e-3, 1e-2)  # deviations


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table. `measure` is the name by which a program may require something of the mean."""

    what: str
    values: tuple[float, ...]
    measure: str = ""

    @property
    def mean(self) -> float:
        return fmean(self.values)


@dataclass(frozen=True, kw_only=True)
class Lock:
    """What is measured: samples as they travel, and as they were before they were rounded."""

    task: Task
    learned: Samples
    test: Data

    @cached_property
    def samples(self) -> Samples:
        return self.learned.halved()

    @cached_property
    def parts(self) -> Parts:
        return parts_of(self.samples)

    @cached_property
    def chance(self) -> float:
        """What always saying the commonest class would reach."""
        return float(self.test.classes.bincount().max()) / len(self.test)

    def rows(self) -> Iterator[Row]:
        """All of them, one after the other: each takes a moment."""
        yield from self._with_the_key()
        yield from self._without_it()
        yield from self._with_public_examples()

    def _with_the_key(self) -> Iterator[Row]:
        task = self.task
        at_device = trained(task.target, self.samples, as_weights(task.start))
        yield Row(
            measure="accuracy", what="the right key, as a device trains", values=(self._of(as_tensors(at_device)),)
        )
        exact = after(task.network, task.start, parts_of(self.learned), task.facts.loss)
        yield Row(what="before rounding to half precision", values=(self._of(exact),))
        for size in PERTURBED:
            measure = "perturbed" if size == PERTURBED[0] else ""
            what = f"first weights off by {size:g} each"
            yield Row(
                measure=measure, what=what, values=self._each(FEW, lambda coins, size=size: self._moved(coins, size))
            )
        shuffled = self._each(FEW, self._shuffled)
        yield Row(measure="shuffled", what="the right key, labels of the samples shuffled", values=shuffled)

    def _without_it(self) -> Iterator[Row]:
        task = self.task
        starts = [task.other_start(coins) for coins in coins_of(OTHERS)]
        ends = [self._after(task.network, start) for start in starts]
        yield Row(measure="other_init", what="other keys", values=tuple(map(self._of, ends)))
        renamed = tuple(
            renamed_accuracy(task.network.answers(end, self.test.images), self.test.classes) for end in ends
        )
        yield Row(what="other keys, if answers may be renamed", values=renamed)
        yield Row(measure="other_law", what="other laws of first weights", values=tuple(self._laws()))
        if shapes := tuple(self._shapes()):  # none of one layer: there is nothing to widen, add to or leave out
            yield Row(measure="other_shape", what="other widths and depths", values=shapes)
        yield Row(
            measure="attacker", what=f"other keys, {attackers.LONG} steps of Adam", values=self._each(FEW, self._long)
        )
        yield Row(measure="linear", what="no network: ridge regression on the samples", values=tuple(self._regressed()))

    def _with_public_examples(self) -> Iterator[Row]:
        """What the samples add to a few examples that an attacker has anyway; those are not measured on."""
        task, network = self.task, self.task.network
        public, rest = parted(self.test, max(PUBLIC))
        for count in sorted({min(count, len(public)) for count in PUBLIC}):

            def taught(start: Tensors, count: int = count) -> float:
                few = Data(images=public.images[:count], classes=public.classes[:count])
                end = attackers.by_adam(network, start, attackers.on_public(network, few)) if count else start
                return accuracy(network, end, rest)

            def alone(coins: torch.Generator, taught: Callable[[Tensors], float] = taught) -> float:
                return taught(task.other_start(coins))

            def continued(coins: torch.Generator, taught: Callable[[Tensors], float] = taught) -> float:
                return taught(self._after(network, task.other_start(coins)))

            yield Row(what=f"{count} public examples alone", values=self._each(FEW, alone))
            yield Row(what=f"{count} public examples after the samples, another key", values=self._each(FEW, continued))

    # ---- single trials ----

    def _each(self, count: int, trial: Callable[[torch.Generator], float]) -> tuple[float, ...]:
        return tuple(trial(coins) for coins in coins_of(count))

    def _after(self, network: Network, start: Mapping[str, Tensor]) -> Tensors:
        return after(network, start, self.parts, self.task.facts.loss)

    def _of(self, weights: Mapping[str, Tensor]) -> float:
        return accuracy(self.task.network, weights, self.test)

    def _moved(self, coins: torch.Generator, size: float) -> float:
        start = {
            name: values + size * torch.randn(values.shape, generator=coins)
            if name in self.task.network.learned
            else values
            for name, values in self.task.start.items()
        }
        return self._of(self._after(self.task.network, start))

    def _shuffled(self, coins: torch.Generator) -> float:
        order = torch.randperm(len(self.samples), generator=coins).tolist()
        parts = parts_of(self.samples.relabelled(order))
        return self._of(after(self.task.network, self.task.start, parts, self.task.facts.loss))

    def _laws(self) -> Iterator[float]:
        """Half and twice the spread, and PyTorch's uniform law."""
        task = self.task
        for coins in coins_of(FEW):
            for spread in (task.facts.spread / 2, task.facts.spread * 2):
                yield self._of(self._after(task.network, task.other_start(coins, spread)))
            uniform = task.network.initial(coins.initial_seed())
            yield self._of(self._after(task.network, uniform))

    def _shapes(self) -> Iterator[float]:
        for _, target in others(self.task.target):
            network, start = first_of(target)
            for coins in coins_of(FEW):
                weights = self._after(network, drawn(start, network, coins, target.spread))
                yield accuracy(network, weights, self.test)

    def _long(self, coins: torch.Generator) -> float:
        network = self.task.network
        learn = attackers.on_samples(network, self.parts, self.task.facts.loss)
        return self._of(attackers.by_adam(network, self.task.other_start(coins), learn))

    def _regressed(self) -> Iterator[float]:
        for ridge in attackers.RIDGES:
            scores = attackers.by_ridge(self.parts, self.test.images, ridge)
            yield float((scores.argmax(1) == self.test.classes).float().mean())
