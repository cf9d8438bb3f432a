"""The program of an app, compiled once in a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ppc.compiler import compile_program, training_of
from ppc.errors import fail
from ppc.ir.selective import Selective
from ppc.learning import Network
from ppc.learning.network import Tensors, as_tensors
from ppc.selective.members import fresh
from ppc.weights import load


@dataclass(frozen=True)
class Subject:
    """What the block says, and the model as a function."""

    facts: Selective
    network: Network

    def first_weights(self, weights: str, seed: int) -> Tensors:
        if weights:
            return as_tensors(load(Path(weights), self.network.graph).weights)
        return fresh(self.network, seed)


@cache
def subject(program: str) -> Subject:
    """Of a program's text."""
    facts = on_flower(training_of(program))
    return Subject(facts, Network(compile_program(program, model=facts.model).after("infer-shapes")))


def on_flower(facts: object) -> Selective:
    """Flower is a star, and takes seconds for a trip: what needs lines between participants does not run on it."""
    if not isinstance(facts, Selective):
        message = "Only a training `by selective` is compiled for Flower."
        hint = (
            "Workers of `by collaborative` share with each other, and Flower has lines to the server only: `ppc train`."
        )
        raise fail("PPC588", message, span=getattr(facts, "span", None), hint=hint)
    if facts.aggregate == "additive":
        message = "`aggregate additive` needs a second aggregator beside the server, and Flower has one server."
        hint = "Use `ppc train`, on this machine or with `--be` on several, or leave the line out."
        raise fail("PPC588", message, span=facts.span, hint=hint)
    return facts
