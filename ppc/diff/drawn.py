"""Data within the bounds of a program for whoever has none at hand, and the coins of a run that never was.

Data is drawn from a seed, the same on every machine. Coins come from the system, but hide nothing: a twin works on
values in the clear.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail
from ppc.field import Field, Words, from_integers
from ppc.ir.graph import Graph, Node
from ppc.ir.types import Interval
from ppc.plan.steps import Plan, Step
from ppc.runtime.twin import Record

Array = NDArray[np.float64]


def inputs(graph: Graph, given: dict[str, Array], seed: int) -> dict[str, Array]:
    """Every input of a graph: as given, or drawn within its bounds."""
    return {node.name: given[node.name] if node.name in given else _drawn(node, seed) for node in graph.inputs}


def examples(graph: Graph, seed: int) -> dict[str, Array]:
    """The inputs of data only."""
    return {node.name: _drawn(node, seed) for node in graph.inputs if node.word("role") == "data"}


def _drawn(node: Node, seed: int) -> Array:
    if node.word("role") == "momentum":
        return np.zeros(node.shape)
    bounds = node.typed.bounds
    if bounds is None:
        hint = "Name data: `--input DATA`; or write bounds behind its type."
        raise fail("PPC302", f"`{node.name}` has no bounds to draw it within.", span=node.span, hint=hint)
    digest = hashlib.sha256(f"{seed}:{node.name}".encode()).digest()
    generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest)))
    match node.word("role"):
        case "label" if node.shape[-1] > 1:  # one class each
            return np.eye(node.shape[-1])[generator.integers(0, node.shape[-1], node.shape[:-1])]
        case "mask":  # of a dropout: an end or the other
            return np.where(generator.uniform(size=node.shape) < 0.5, bounds.low, bounds.high)
        case _:
            return _within(generator, node, bounds)


def _within(generator: np.random.Generator, node: Node, bounds: Interval) -> Array:
    if node.typed.element == "index":
        return generator.integers(int(bounds.low), int(bounds.high) + 1, node.shape).astype(np.float64)
    return generator.uniform(bounds.low, bounds.high, node.shape)


class Coins(Record):
    """Masks, noise and shares for every step of one pass that has some, as a dealer would have drawn them."""

    def __init__(self, plan: Plan, passes: Sequence[tuple[str, int]]) -> None:
        super().__init__()
        field = plan.modulus_field
        for section, iteration in passes:
            for step in plan.section(section).steps:
                if step.op == "mask" or (step.op == "reveal" and step.word("noise")):
                    self.masks[section, iteration, step.name] = _coin(step, field)
                elif step.op == "truncate_local":
                    self.shares[section, iteration, step.name] = _uniform(step.wire.shape, field.bits, field)


def _coin(step: Step, field: Field) -> Words:
    """Noise below 2^drowned; a short mask is the sum of two halves, and stays below p without the modulus."""
    if step.op == "reveal":
        return _uniform(step.wire.shape, step.integer("drowned"), field)
    if step.flag("short"):
        halves = (_integers(step.wire.shape, field.bits - 2) for _ in range(2))
        return from_integers(sum(halves), field)
    return _uniform(step.wire.shape, field.bits, field)


def _uniform(shape: tuple[int, ...], bits: int, field: Field) -> Words:
    return from_integers(_integers(shape, bits), field)


def _integers(shape: tuple[int, ...], bits: int) -> NDArray[np.object_]:
    """Uniform below 2^bits; that p itself counts as 0 is one chance in p."""
    count = int(np.prod(shape, dtype=np.int64))
    size = -(-bits // 8)
    data = os.urandom(count * size)
    found = np.empty(count, dtype=object)
    found[:] = [int.from_bytes(data[i * size : (i + 1) * size]) % (1 << bits) for i in range(count)]
    return found.reshape(shape)
