"""The program of an app, compiled once in a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from ppc.compiler import compile_program, labels_of, training_of
from ppc.errors import PpcError, fail
from ppc.flower.settings import Settings
from ppc.ir.collaborative import Collaborative, Pate
from ppc.ir.selective import Selective
from ppc.learning import Network
from ppc.learning.network import Tensors, as_tensors
from ppc.selective.members import fresh
from ppc.weights import load


@dataclass(frozen=True)
class Subject:
    """A selective training: what the block says, and the model as a function."""

    program: str
    facts: Selective
    network: Network

    @property
    def members(self) -> int:
        return self.facts.participants

    @property
    def nodes(self) -> int:
        return max(self.members, self.second)

    @property
    def second(self) -> int:
        """The number of the second aggregator's node; 0 where there is none."""
        return self.facts.participants + 1 if self.facts.aggregate == "additive" else 0

    def first_weights(self, weights: str, seed: int) -> Tensors:
        return _loaded(weights, self.network) or fresh(self.network, seed)


@dataclass(frozen=True)
class Crew:
    """A collaborative training: what its blocks say. Workers may have different models, and the student one more."""

    program: str
    facts: Collaborative
    pate: Pate | None

    @property
    def members(self) -> int:
        return self.facts.workers

    @property
    def nodes(self) -> int:
        return self.members

    def network(self, model: str) -> Network:
        return _network(self.program, model)

    @property
    def student(self) -> Network:
        return self.network(self.pate.student if self.pate else self.facts.model)

    def first_weights(self, network: Network, weights: str, seed: int) -> Tensors:
        return _loaded(weights, network) or network.initial(seed)


@cache
def found(program: str) -> Subject | Crew:
    """Of a program's text."""
    facts = on_flower(training_of(program))
    if isinstance(facts, Selective):
        return Subject(program, facts, _network(program, facts.model))
    pate = next(iter(labels_of(program)), None)
    if pate is not None and pate.opened == "winner":
        message = (
            "`open winner` has two parties compare shares, with a dealer, and Flower has lines to the server only."
        )
        hint = "Use `ppc train`, or leave `open winner` out: its certified epsilon covers opening the noisy counts."
        raise fail("PPC588", message, span=pate.span, hint=hint)
    if pate is not None and (mistake := pate.unsendable(_network(program, pate.student).classes)):
        raise PpcError(mistake)
    return Crew(program, facts, pate)


def subject(program: str) -> Subject:
    """Of a selective training."""
    subject = found(program)
    assert isinstance(subject, Subject)
    return subject


def training_id(program: str, settings: Settings) -> bytes:
    """What keys and shares are bound to: this program in this run."""
    return sha256(f"{settings.run}\n{program}".encode()).digest()


def on_flower(facts: object) -> Selective | Collaborative:
    """Trainings of many."""
    if isinstance(facts, Selective | Collaborative):
        return facts
    message = "Only a training `by selective` or `by collaborative` is compiled for Flower."
    raise fail("PPC588", message, span=getattr(facts, "span", None), hint="Use `ppc train` for others.")


def models_of(facts: Selective | Collaborative) -> tuple[str, ...]:
    """All that somebody learns."""
    others = dict(facts.models).values() if isinstance(facts, Collaborative) else ()
    return tuple(sorted({facts.model, *others}))


@cache
def _network(program: str, model: str) -> Network:
    return Network(compile_program(program, model=model).after("infer-shapes"))


def _loaded(weights: str, network: Network) -> Tensors | None:
    return as_tensors(load(Path(weights), network.graph).weights) if weights else None
