"""What the `private` and `train` blocks say, as facts: who holds what, what runs where, who may learn what.

Made by `grammar.resolve`; passes are given it as options. Every fact keeps the span of its line, because
an opening is legal only if a line of the source names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Literal

from ppc.ir.sent import Sent
from ppc.ir.types import Interval
from ppc.source import START, Span

Loss = Literal["softmax_cross_entropy", "mse"]
LOSSES: tuple[Loss, ...] = ("softmax_cross_entropy", "mse")
PUBLIC = "public"
ON_SHARES = "shares"  # in the place of an owner: nobody holds it, both parties have shares of it


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Who holds an input, the weights or the labels; `party` may be `public`."""

    party: str
    span: Span = START


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A declassification that a line of the source names: this value may be seen by these parties."""

    what: str
    to: tuple[str, ...]
    span: Span = START


def at(grants: tuple[Grant, ...], party: str, instead: str) -> tuple[Grant, ...]:
    """The same, to one party in the place of another."""
    return tuple(replace(one, to=tuple(party if to == instead else to for to in one.to)) for one in grants)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`split auto { weights = 400k, bytes = 64k }`: what a split may give, send and take. None said, none set."""

    weights: float = inf  # numbers that the client is given
    bytes: float = inf  # that cross for one example
    time: float = inf  # seconds on the way, one way
    density: float = inf  # numbers that cross for each number of an example


@dataclass(frozen=True, kw_only=True)
class Cut:
    """`split at k`, `split after NAME` or `split auto`: the client runs the layers up to there in the clear."""

    layer: int = 0
    after: str = ""
    limits: Limits | None = None
    span: Span = START


@dataclass(frozen=True, kw_only=True)
class Complement:
    """`complement` (two classes) or `complement offset` (n classes).

    `picture`: the signal is shown as a picture of this size, not as planes of ones. `layer`: whose input it joins, if
    not that of the split's.
    """

    offset: bool = False
    picture: tuple[int, int] | None = None
    layer: int | None = None
    span: Span = START


@dataclass(frozen=True, kw_only=True)
class Joint:
    """The options of `joint { … }`; None means that the compiler chooses."""

    field: str | None = None
    fraction: int | None = None
    security: str = "semi_honest"
    truncation: str = "dealer"
    span: Span = START


@dataclass(frozen=True, kw_only=True)
class Network:
    """`network { rtt = 40ms, bandwidth = 100M }`: seconds, and bits a second."""

    rtt: float = 0.0
    bandwidth: float = float("inf")
    span: Span = START


@dataclass(frozen=True, kw_only=True)
class PublicLayer:
    """`conv1 public in -1..1`: everybody has the weights of this layer, and no training changes them."""

    bounds: Interval | None = None
    span: Span = START


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One `private` block; of several data owners, what it says of the pair of one of them and the weights' owner."""

    name: str
    model: str
    parties: tuple[str, str]
    owners: dict[str, Owner]
    weights: Owner
    weight_bounds: Interval | None = None
    public_layers: Mapping[str, PublicLayer] = field(default_factory=dict[str, PublicLayer])
    layer_bounds: Mapping[str, Interval] = field(default_factory=dict[str, Interval])  # of private layers that say them
    grants: tuple[Grant, ...] = ()
    cut: Cut | None = None
    complement: Complement | None = None
    server_clear: Span | None = None
    sent: Sent = "float32"
    joint: Joint | None = None
    network: Network | None = None
    spokes: tuple[str, ...] = ()  # all data owners, where there are several
    span: Span = START

    def at(self, party: str, pair: tuple[str, str]) -> Policy:
        """The same for another data owner, which is a pair with the same owner of the weights."""
        before = next(name for name in self.parties if name != self.weights.party)
        owners = {
            name: replace(one, party=party if one.party == before else one.party) for name, one in self.owners.items()
        }
        return replace(self, parties=pair, owners=owners, grants=at(self.grants, party, before))

    @property
    def spoke(self) -> str:
        """The data owner of this pair, of several."""
        return next((name for name in self.parties if name in self.spokes), "")

    def is_public(self, parameter: str) -> bool:
        """Is it a weight of a public layer?"""
        return parameter.rpartition(".")[0] in self.public_layers

    @property
    def client(self) -> str:
        return self.parties[0]

    @property
    def server(self) -> str:
        return self.parties[1]


@dataclass(frozen=True, kw_only=True)
class Reuse:
    """`reuse inputs of 60000`: so many examples in a public order, the same in every epoch, masked once for a run."""

    examples: int
    span: Span = START


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """`evaluate accuracy to hospital every 5`: of examples that are not trained on, after so many epochs each time."""

    what: str
    to: tuple[str, ...]
    every: int = 1
    span: Span = START


Order = Literal["", "none", "public", "private"]
RATE_BITS = 16  # of the part of the rate that an epoch has


@dataclass(frozen=True, kw_only=True)
class Training:
    """One `train` block: plain SGD, with momentum and weight decay if they are not zero.

    `schedule` is the part of the rate that each epoch has, in units of 2^-RATE_BITS; none where the rate stays.
    `order`: of the examples; where it is not said, the run decides. A public one is drawn from `seed` for each epoch.
    """

    model: str
    by: Literal["joint", "clear"] = "joint"
    labels: Owner
    label_bounds: Interval | None = field(default_factory=lambda: Interval(0.0, 1.0))
    loss: Loss
    grants: tuple[Grant, ...] = ()
    rate: float
    batch: int
    epochs: int = 1
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: tuple[int, ...] = ()
    order: Order = ""
    seed: int = 0
    reuse: Reuse | None = None
    evaluation: Evaluation | None = None
    turns: tuple[str, ...] = ()  # of several data owners, in which order they train in every epoch
    span: Span = START

    def at(self, party: str) -> Training:
        """What one of several data owners does."""
        before = self.labels.party
        shown = self.evaluation
        if shown is not None:
            shown = replace(shown, to=tuple(party if to == before else to for to in shown.to))
        labels = replace(self.labels, party=party)
        return replace(self, labels=labels, grants=at(self.grants, party, before), evaluation=shown)
