"""The owner's learning: images, labels and sizes of steps, by back-propagation through the device's steps.

    minimise over (images, labels, rates)    loss(weights after the steps from the key's start; the owner's data)
                              + lock · told(weights after the steps from other starts; the owner's data)

`told` is the share of the scores' variance that lies between the classes: zero, where what another start learns says
nothing of the class. (To push others' loss up instead would teach them which class it is not.) Adam with the settings
of dataset distillation (Wang et al. 2018), its rate falling along a cosine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, cos, expm1, log, pi

import torch
import torch.nn.functional as F  # noqa: N812 (PyTorch's own name for it)
from torch import Tensor

from ppc.distilled import Samples
from ppc.distilling.task import Task
from ppc.distilling.unroll import Parts, after, result
from ppc.errors import fail
from ppc.learning import batches

BETAS = (0.5, 0.999)
LARGEST_GRADIENT = 1.0
FIRST_RATE = 0.1  # of the device's steps, before they are learned
MIXED = 1.0  # deviation of labels that start anywhere
ONE_HOT = 0.1  # and of what is added to those that start at a class
LEAST = 1e-12  # of a variance: one example alone has none
SEEDS = 2**63  # of torch; a larger one begins again
PICTURE = 1e-3  # the least contrast of an image that is brought, before it is scaled to 1


@dataclass
class Learner:
    """The state of the learning. `epoch` goes once through the data."""

    task: Task
    images: Tensor = field(init=False)
    labels: Tensor = field(init=False)
    sizes: Tensor = field(init=False)  # rate = softplus(size): positive, whatever is learned
    coins: torch.Generator = field(init=False)
    optimizer: torch.optim.Adam = field(init=False)
    epochs: int = 0

    def __post_init__(self) -> None:
        facts = self.task.facts
        self.coins = torch.Generator().manual_seed(self.task.seed % SEEDS)
        self.images = first_images(self.task, self.coins)
        self.labels = first_labels(self.task, self.coins).requires_grad_()
        self.sizes = torch.full((facts.steps,), log(expm1(FIRST_RATE))).requires_grad_()
        if facts.images.kind == "learned":
            self.images.requires_grad_()
        self.optimizer = torch.optim.Adam(self.learned, lr=facts.rate, betas=BETAS)

    @property
    def learned(self) -> list[Tensor]:
        """What the samples' images may be, their labels, and the sizes of steps."""
        return [values for values in (self.images, self.labels, self.sizes) if values.requires_grad]

    @property
    def parts(self) -> Parts:
        return Parts(images=self.images, labels=self.labels, rates=F.softplus(self.sizes))

    @property
    def steps_an_epoch(self) -> int:
        return ceil(len(self.task.data) / self.task.facts.batch)

    @property
    def done(self) -> bool:
        return self.epochs >= self.task.facts.epochs

    def samples(self) -> Samples:
        """As they are now."""
        parts = self.parts
        return Samples(
            images=parts.images.detach().numpy(),
            labels=parts.labels.detach().numpy(),
            rates=tuple(parts.rates.detach().tolist()),
        )

    def epoch(self) -> float:
        """Once through the data; the mean loss of the target."""
        facts, data = self.task.facts, self.task.data
        self.coins.manual_seed((self.task.seed * 1_000_003 + self.epochs + 1) % SEEDS)  # its own: it can be resumed
        losses: list[float] = []
        for place, chosen in enumerate(batches(len(data), facts.batch, seed=self.task.seed, epoch=self.epochs)):
            self._set_rate(place / self.steps_an_epoch)
            losses.append(self._step(data.images[chosen], data.classes[chosen]))
        self.epochs += 1
        return sum(losses) / len(losses)

    def _set_rate(self, part: float) -> None:
        """Half a cosine from the full rate to zero."""
        facts = self.task.facts
        for group in self.optimizer.param_groups:
            group["lr"] = facts.rate * (1 + cos(pi * (self.epochs + part) / facts.epochs)) / 2

    def _step(self, images: Tensor, classes: Tensor) -> float:
        loss = self._target_loss(self._jittered(images), classes)
        total = loss + self.task.facts.lock * self._told(images, classes) if self.task.facts.lock else loss
        self.optimizer.zero_grad()
        total.backward()
        size = torch.nn.utils.clip_grad_norm_(self.learned, LARGEST_GRADIENT)
        if not torch.isfinite(size):
            hint = "Take a smaller `rate`, fewer `steps`, or a smaller `spread`."
            raise fail("PPC597", f"The learning diverged in epoch {self.epochs + 1}.", hint=hint)
        self.optimizer.step()
        return float(loss.detach())

    def _jittered(self, images: Tensor) -> Tensor:
        """The noise is drawn without a `jitter` too: the first weights that are drawn next would otherwise be those of
        a lock's trials, whose coins are seeded alike, and the lock would be tried on what it was made against."""
        noise = torch.randn(images.shape, generator=self.coins)
        return images + noise * (self.task.facts.jitter * float(self.task.data.images.std()))

    def _target_loss(self, images: Tensor, classes: Tensor) -> Tensor:
        facts, network = self.task.facts, self.task.network
        scores = result(network, after(network, self.task.start, self.parts, facts.loss, differentiable=True), images)
        if facts.loss == "mse":
            return F.mse_loss(scores, F.one_hot(classes, self.task.classes).to(scores.dtype))
        return F.cross_entropy(scores, classes, label_smoothing=facts.smoothing)

    def _told(self, images: Tensor, classes: Tensor) -> Tensor:
        facts, network = self.task.facts, self.task.network
        start = self.task.other_start(self.coins)
        scores = result(network, after(network, start, self.parts, facts.loss, differentiable=True), images)
        return told(scores, classes)


def told(scores: Tensor, classes: Tensor) -> Tensor:
    """The share of the scores' variance that lies between the classes."""
    marks = F.one_hot(classes, scores.shape[1]).to(scores.dtype)
    counts = marks.sum(0)
    around = scores - scores.mean(0)
    means = marks.T @ around / counts.clamp(min=1)[:, None]
    between = (counts[:, None] * means**2).sum() / len(scores)
    # whole of it as a number: otherwise it would pay to make all scores larger
    return between / (around.detach() ** 2).sum(1).mean().clamp(min=LEAST)


def first_images(task: Task, coins: torch.Generator) -> Tensor:
    """Noise, as large as data of the input's bounds may be; or images that were brought, each with mean 0 and
    deviation 1."""
    facts, target = task.facts, task.target
    if task.brought is not None:
        chosen = task.brought
        axes = list(range(1, chosen.dim()))
        deviation = chosen.std(axes, keepdim=True).clamp(min=PICTURE)
        return (chosen - chosen.mean(axes, keepdim=True)) / deviation
    bounds = target.data.typed.bounds
    size = max(abs(bounds.low), abs(bounds.high)) if bounds else 1.0
    return torch.randn((facts.samples, *target.image), generator=coins) * size


def first_labels(task: Task, coins: torch.Generator) -> Tensor:
    """At one class after the other, or anywhere."""
    shape = (task.facts.samples, task.classes)
    noise = torch.randn(shape, generator=coins)
    if task.facts.labels == "mixed":
        return MIXED * noise
    return F.one_hot(torch.arange(shape[0]) % shape[1], shape[1]) + ONE_HOT * noise


def learning(learner: Learner) -> Iterator[float]:
    """Epoch after epoch, to the last; the loss of each."""
    while not learner.done:
        yield learner.epoch()
