"""What `train … by selective` says, as facts: many participants, a parameter server, and a part of every update.

Made by `grammar.trainers.selective`; the server and the participants of `ppc.selective` go by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor
from typing import ClassVar, Literal

from ppc.ir.policy import PUBLIC, Loss, Owner, Training
from ppc.source import START, Span

COORDINATE_BYTES = 8  # an index of four bytes and a value of four
ELEMENT_BYTES = 8  # of a share
FRACTION = 24  # binary digits behind the point of a value on shares
LARGEST = 2**60 - 1  # a sum on shares that can be told from a negative one, in the field of 2^61 - 1
STEEP = 0.1001  # of all asynchronous steps together; on digits 0.1 was as good as taking turns, 0.3 diverged
FAR = 12  # deviations of Gaussian noise beyond which a value on shares is cut: nobody will see one


@dataclass(frozen=True, kw_only=True)
class Upload:
    """`upload 10% largest` or `upload 10% above 1e-4 random`: which coordinates of an update leave a participant."""

    share: float
    how: Literal["largest", "random"]
    above: float = 0.0
    span: Span = START


@dataclass(frozen=True, kw_only=True)
class Clip:
    """`clip 0.01` bounds every coordinate, `clip norm 1` the length of the whole update."""

    bound: float
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class Noise:
    """`noise gaussian 1.1` in multiples of the clipped length, or `noise sparse_vector 8` with an epsilon an upload."""

    kind: Literal["none", "gaussian", "sparse_vector"] = "none"
    amount: float = 0.0
    span: Span = START


@dataclass(frozen=True, kw_only=True)
class Budget:
    """`budget 8 delta 1e-5`: the training stops before its total epsilon exceeds this."""

    epsilon: float
    delta: float = 1e-5


@dataclass(frozen=True, kw_only=True)
class Selective:
    """One `train … by selective` block."""

    by: ClassVar[str] = "selective"
    model: str
    participants: int
    upload: Upload
    download: float = 1.0
    clip: Clip | None = None
    noise: Noise = Noise()
    order: Literal["round_robin", "random", "asynchronous"] = "round_robin"
    exchange: int = 0  # batches between two exchanges; 0 is after the local epochs
    scale: float = 1.0  # what the server multiplies an update by
    decay: float = 0.99  # what an upload leaves of the counts of earlier ones
    rounds: int = 1
    local_epochs: int = 1
    aggregate: Literal["plain", "additive"] = "plain"
    least: int = 0  # participants without whom the training stops; 0 is all of them
    wait: float = 30.0  # seconds that a participant is waited for
    budget: Budget | None = None
    rate: float = 0.01
    batch: int = 32
    loss: Loss = "softmax_cross_entropy"
    span: Span = START

    @property
    def step(self) -> Training:
        """A participant's step, as every trainer writes its steps."""
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
        return self.least or self.participants

    @property
    def blind(self) -> bool:
        """Coordinates are drawn without a look at the update."""
        judged = self.upload.how == "largest" or self.upload.above or self.noise.kind == "sparse_vector"
        return not judged and (self.noise.kind == "gaussian" or self.aggregate == "additive")

    @property
    def dense(self) -> bool:
        """On shares a choice that tells of the data stays hidden only if every coordinate is sent."""
        return self.aggregate == "additive" and not self.blind

    @property
    def most(self) -> float:
        """What a value on shares is at most."""
        bound = self.clip.bound if self.clip else 0.0
        return bound * (1 + FAR * self.noise.amount) if self.noise.kind == "gaussian" else bound

    @property
    def overflows(self) -> bool:
        """Could the sum of all leave the field?"""
        return self.participants * (self.most * 2**FRACTION + 1) > LARGEST

    def shared(self, parameters: int) -> int:
        """Elements of a share."""
        return parameters if self.dense else self.uploaded(parameters)

    def uploaded(self, parameters: int) -> int:
        """Coordinates of an upload: the floor of the share, and at least one."""
        return _part(self.upload.share, parameters)

    def downloaded(self, parameters: int) -> int:
        return _part(self.download, parameters)

    def sentences(self) -> Iterator[str]:
        """What `ppc check` says of it."""
        chosen = "largest" if self.upload.how == "largest" else f"random ones above {self.upload.above:g}"
        yield f"{self.participants} participants, {self.rounds} rounds, in the order {self.order}"
        yield f"each uploads {self.upload.share:.4g} of its update ({chosen}) and downloads {self.download:.4g}"
        if self.aggregate == "additive":
            yield "updates are added on shares of two aggregators: neither sees that of one participant"
            kind = "dense, so that the choice stays hidden" if self.dense else "of a public random set of coordinates"
            yield f"shares are {kind}; the mean of a round's updates is added, and no other sum is opened"
        else:
            yield "the server sees every update of every participant" + self._shown
        match self.noise.kind:
            case "none":
                yield "no noise: no differential privacy, and what a participant sends tells of its data"
            case "gaussian":
                yield f"noise: Gaussian, {self.noise.amount:g} times the clipped length, on coordinates chosen blindly"
            case "sparse_vector":
                yield f"noise: the sparse vector technique, an epsilon of {self.noise.amount:g} an upload"
        if self.noise.kind != "none":
            yield "the training tells its total epsilon before it begins and after every round"
        yield from self.warnings()

    @property
    def _shown(self) -> str:
        """What an update tells of examples, where nothing covers it."""
        return "; a batch of one shows its example exactly" if self.noise.kind == "none" else ", with its noise"

    def warnings(self) -> Iterator[str]:
        """What is not stable: said before a training begins, too.

        Asynchronous updates add up, each made without the others of its time. A batch each is as a rate that comes a
        little late, and may be too high with those of all others; updates of many batches overshoot as many times as
        there are participants, unless they are scaled to a mean.
        """
        if self.order != "asynchronous":
            return
        together = self.scale * self.participants
        if self.exchange == 1 and self.scale <= 1 and self.rate * together > STEEP:
            yield (
                f"warning: asynchronous steps of {self.participants} participants at a rate of {self.rate:g} add up to "
                f"{self.rate * together:.3g}, and may diverge; say `rate {STEEP / together:.2g}` (or less)"
            )
        if (self.exchange == 1 and self.scale <= 1) or together <= 1:
            return
        what = f"{self.exchange} batches" if self.exchange else "whole epochs"
        yield (
            f"warning: asynchronous updates of {what} at scale {self.scale:g} add up to {together:.3g} times one, "
            f"and may diverge; say `exchange every 1 batches`, or `scale {1 / self.participants:.2g}` (or less)"
        )

    def amounts(self, parameters: int) -> Iterator[str]:
        """What an upload weighs, its head of a few bytes left out."""
        count, plain = self.uploaded(parameters), COORDINATE_BYTES * self.uploaded(parameters) / 1000
        of = f"{count:,} of {parameters:,} coordinates"
        if self.aggregate == "plain":
            yield f"an upload is {of}, {plain:,.1f} kB; the whole vector would be {4 * parameters / 1000:,.1f} kB"
            return
        sparse, dense = (ELEMENT_BYTES * size / 1000 for size in (count, parameters))
        yield f"an upload is {of}: {plain:,.1f} kB as they are"
        yield (
            f"on shares, to each aggregator: {sparse:,.1f} kB with a public random set, {dense:,.1f} kB dense "
            f"({'dense' if self.dense else 'public set'} here)"
        )


def _part(share: float, parameters: int) -> int:
    """The share times 1e12 as a whole number, so that 0.01 of 298,700 is 2,987 although 0.01 is no binary fraction."""
    return max(1, min(parameters, floor(round(share * 10**12) * parameters / 10**12)))
