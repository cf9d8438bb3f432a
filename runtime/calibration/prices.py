"""Seconds of one of each thing that roles do, in one field: the names are those of `ppc.bill.work`."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np

from ppc.field import Field, Words, encode
from ppc.runtime.combining import combination, whole
from ppc.runtime.dealing import monomials_of
from ppc.runtime.kernels import CipherStream, Workbench, operand

ELEMENTS = 1 << 19  # of an array: as in a batch, more than the caches of a core hold
SIDE = 384  # of the matrices whose product is timed
DIGITS = 6
LONG = 0.12  # seconds that each thing is repeated for
TIMES = 5  # at least
KEY_BYTES = 16
WORD = 64


@dataclass(frozen=True, kw_only=True)
class Job:
    """Something to do again and again, and how much of it that is."""

    name: str
    act: Callable[[], object]
    count: int


def prices(field: Field) -> dict[str, float]:
    """Seconds by name."""
    return {job.name: seconds(job.act) / job.count for job in jobs(field)}


def seconds(act: Callable[[], object]) -> float:
    """The median, once everything is compiled and in its place."""
    act()
    found: list[float] = []
    start = perf_counter()
    while len(found) < TIMES or perf_counter() - start < LONG:
        before = perf_counter()
        act()
        found.append(perf_counter() - before)
    return median(found)


def jobs(field: Field) -> list[Job]:
    bench = Workbench(field)
    left, right = elements(field, ELEMENTS), elements(field, ELEMENTS)
    few, out = elements(field, 8), field.empty(8)
    wide, tall = elements(field, SIDE, 2 * SIDE), elements(field, 2 * SIDE, SIDE)
    added = [operand(0) + operand(1)]
    return [
        Job(name="calls", act=lambda: bench.evaluate(added, [few, few], [out]), count=1),
        Job(name="products", act=lambda: bench.matmul(wide, tall, field.empty(SIDE, SIDE)), count=2 * SIDE**3),
        Job(
            name="values",
            act=lambda: bench.evaluate(added, [left, right], [field.empty(ELEMENTS)]),
            count=3 * ELEMENTS,
        ),
        Job(name="drawn", act=lambda: bench.uniform(lambda _: stream(), field.empty(ELEMENTS)), count=ELEMENTS),
        Job(name="random_bytes", act=lambda: stream().fill(np.empty(ELEMENTS, np.uint64)), count=8 * ELEMENTS),
        _digits(bench, left),
        Job(name="dealt_digits", act=_dealt_digits, count=ELEMENTS),
        _planes(bench),
        Job(name="reals", act=lambda: encode(REALS, field, fraction=16, bounds=(0.0, 1.0)), count=8 * len(REALS)),
    ]


REALS = np.linspace(0.0, 1.0, 1 << 17)


def stream() -> CipherStream:
    return CipherStream(secrets.token_bytes(KEY_BYTES))


def elements(field: Field, *shape: int) -> Words:
    """Uniform ones, as all that is computed with."""
    found = field.empty(*shape)
    Workbench(field).uniform(lambda _: stream(), found)
    return found


def _digits(bench: Workbench, opened: Words) -> Job:
    monomials = np.frombuffer(secrets.token_bytes(2 * DIGITS * ELEMENTS), np.uint16).reshape(DIGITS, ELEMENTS)
    own, out = (np.zeros((2 * DIGITS - 1, ELEMENTS // WORD), np.uint64) for _ in range(2))

    def act() -> None:
        bench.comparison_digits(opened, monomials, own, out, shift=18, digits=DIGITS)

    return Job(name="digits", act=act, count=DIGITS * ELEMENTS)


def _dealt_digits() -> None:
    """In pieces, as the dealer makes them."""
    piece = np.zeros(1 << 15, np.uint16)
    for _ in range(ELEMENTS // len(piece)):
        monomials_of(piece)


def _planes(bench: Workbench) -> Job:
    steps = combination(tuple(whole(DIGITS)), True)
    operands = [np.zeros(ELEMENTS // WORD, np.uint64) for _ in range(steps.count("packed"))]
    count = (len(operands) + 1) * (ELEMENTS // WORD)
    return Job(name="planes", act=lambda: bench.bitwise(steps, operands, [np.empty_like(operands[0])]), count=count)
