"""What `train … by distilled` says, as facts: a few samples that train one exact network, and what is required of them.

Made by `grammar.trainers.distilled`; the owner's side builds the samples by it, the device's side is told of it by the
package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from ppc.ir.policy import PUBLIC, Loss, Owner, Training
from ppc.source import START, Span

# Which way each measured accuracy may be required to lie: high for whoever has the key, low for everybody else.
MEASURES: Mapping[str, Literal[">=", "<="]] = {
    "accuracy": ">=",
    "perturbed": ">=",
    "other_init": "<=",
    "other_law": "<=",
    "other_shape": "<=",
    "shuffled": "<=",
    "attacker": "<=",
    "linear": "<=",
}


@dataclass(frozen=True, kw_only=True)
class Images:
    """`images learned`, `images noise` or `images from "patches.npz"`; only the first are changed by learning."""

    kind: Literal["learned", "noise", "brought"] = "learned"
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """`require accuracy >= 0.93`: the build fails where the measure lies on the other side."""

    measure: str
    bound: float
    span: Span = START

    @property
    def sign(self) -> Literal[">=", "<="]:
        return MEASURES[self.measure]

    def holds(self, value: float) -> bool:
        return value >= self.bound if self.sign == ">=" else value <= self.bound


@dataclass(frozen=True, kw_only=True)
class Distilled:
    """One `train … by distilled` block. File names are relative to the program's folder."""

    by: ClassVar[str] = "distilled"
    model: str
    key: str
    samples: int
    images: Images
    labels: Literal["one_hot", "mixed"] = "one_hot"  # how they start; they are learned from there
    steps: int  # of gradient descent at the device, each over all samples and with its own learned size
    epochs: int  # passes of the owner over the data
    batch: int = 512
    rate: float = 0.03
    spread: float = 1.0  # of the first weights: their deviation times the root of a layer's inputs
    smoothing: float = 0.0  # of the owner's labels, and
    jitter: float = 0.0  # noise on its images, in their deviations: both against learning its examples by heart
    lock: float = 0.0  # the weight of the term that makes other initialisations fail
    loss: Loss = "softmax_cross_entropy"
    requirements: tuple[Requirement, ...] = ()
    span: Span = START

    @property
    def step(self) -> Training:
        """One of the device's steps, as every trainer writes its steps; its rate stands for the learned one."""
        labels = Owner(party=PUBLIC, span=self.span)
        return Training(
            model=self.model,
            by="clear",
            labels=labels,
            label_bounds=None,
            loss=self.loss,
            rate=1.0,
            batch=self.samples,
            span=self.span,
        )

    def sentences(self) -> Iterator[str]:
        """What `ppc check` says of it."""
        kinds = {"learned": "learned images", "noise": "images of noise", "brought": f"images of {self.images.file}"}
        yield f"{self.samples} {kinds[self.images.kind]} with learned labels train it in {self.steps} steps"
        yield f"the weights that they start from are derived from the key in {self.key}"
        yield from (f"required: {one.measure} {one.sign} {one.bound:g}" for one in self.requirements)
        yield "what the samples tell of the data they were made of is not bounded: no differential privacy"
