"""Which values a party may shift its own share of, as `truncate_local` does (PROTOCOL.md, section 4).

Their shares are uniform, or the second party's is 0. What the second party brings, shared as 0 and itself, would be
shifted into nonsense, and so would a sum of one number from each.

Shares are uniform by fresh ones of the dealer: those of a product, a power or a choice, and the mask of an opened
value. In a sum the fresh shares of one side make it uniform if the other side does not hold them too: x - x has no
randomness left. Carried values are so in every iteration if they start so, and are so again after an iteration that
started with such ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ppc.plan.steps import Plan, Step
from ppc.plan.wires import Wire

BEFORE = "what was there before the iteration"
# each element of the result is one of the operand, or one with a public number added
PLACED = ("rescale", "reshape", "slice", "batch", "certified", "spread_rows", "offset", "truncate_local")
PADDED = ("window", "unfold", "unwindow")  # the same, or a public number instead
SUMS = ("sum_to_channel", "sum_rows", "pool_sums")  # of fewer elements than the field has
ITSELF = 2  # coefficients of a polynomial that needs no shares of powers


@dataclass(frozen=True, slots=True)
class Shares:
    """`all` is the randomness in the shares, by the step that it comes from; that of earlier iterations is one.

    fresh   any one of these makes every element uniform, whatever the others are; where elements are `mixed` from
            several values, only all of them together
    even    those of them that every element has its own of, with a factor that all have: sums are uniform by them too
    still   each element is uniform, or the second party's share of it is 0
    """

    all: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()
    even: frozenset[str] = frozenset()
    mixed: bool = False
    still: bool = False

    @property
    def of_one(self) -> bool:
        """The first party has the value, the second a 0."""
        return self.still and not self.all

    @property
    def shifted(self) -> bool:
        return self.still or bool(self.fresh)


def shiftable(plan: Plan) -> frozenset[str]:
    """The names of the values that may be shifted share by share, in every iteration."""
    carries = plan.section("each").carries
    starts = {carry.name: Shares(frozenset({BEFORE}), frozenset({BEFORE})) for carry in carries}
    while True:
        found = _Sources(plan, starts).found()
        after = {carry.name: _start(starts[carry.name], found[carry.first], found[carry.then]) for carry in carries}
        if after == starts:
            return frozenset(name for name, shares in found.items() if shares.shifted)
        starts = after


def _start(now: Shares, first: Shares, then: Shares) -> Shares:
    """No more than is taken of it now; every round takes something away."""
    both = [shares.shifted for shares in (first, then)]
    uniform = bool(now.fresh and first.fresh and then.fresh)
    return Shares(now.all, now.fresh if uniform else frozenset(), still=now.shifted and all(both))


@dataclass
class _Sources:
    plan: Plan
    starts: dict[str, Shares]

    def found(self) -> dict[str, Shares]:
        known: dict[str, Shares] = {}
        found: dict[str, Shares] = {}
        for section in self.plan.sections:
            if section.name != "setup":
                known = {name: _before(shares) for name, shares in known.items()} | self.starts
            for step in section.steps:
                known[step.name] = self.shares(step, [known[name] for name in step.inputs])
            found |= known
        return found

    def shares(self, step: Step, operands: Sequence[Shares]) -> Shares:
        if step.wire.form == "public" or (step.wire.form == "clear" and step.wire.at == self.plan.parties[0]):
            return Shares(still=True)
        unknown = Shares(frozenset({step.name}).union(*(operand.all for operand in operands)))
        match step.op:
            case "product" | "polynomial" | "select":
                return self.dealt(step, operands, unknown)
            case "mask":
                return self.masked(step, self.plan.wires[step.inputs[0]])
            case "add" | "subtract" | "add_channel":
                return _sum(operands[0], operands[1])
            case "concat":
                return _joined(operands)
            case "times" if self.units([step.integer("factor")]):
                return operands[0]
            case op if op in (*PLACED, *PADDED, *SUMS):
                return _moved(step, operands[0])
            case _:
                return unknown

    def dealt(self, step: Step, operands: Sequence[Shares], unknown: Shares) -> Shares:
        """With shares of its own from the dealer, each with a factor that is not 0."""
        own = frozenset({step.name})
        new = Shares(own, own, own)
        coefficients = step.integers("coefficients")
        match step.op:
            case "product":
                return new if step.word("share") else unknown
            case "select":
                return new if self.units(step.integers("slopes")) else unknown
            case _ if len(coefficients) <= ITSELF:
                return operands[0] if self.units(coefficients[1:]) else unknown
            case _:
                return new if self.units(coefficients[-1:]) else unknown

    def units(self, factors: Sequence[int]) -> bool:
        """Whether there is one that can be divided by."""
        return any(factor % self.plan.modulus_field.modulus for factor in factors)

    def masked(self, step: Step, wire: Wire) -> Shares:
        """Shared as e - λ: as itself and 0, if it is the first party that knows all of λ."""
        if wire.form == "public" or (wire.form == "clear" and wire.at == self.plan.parties[0]):
            return Shares(frozenset({step.name}), still=not step.flag("short"))
        own = frozenset({step.name})
        return Shares(own) if step.flag("short") else Shares(own, own, own)


def _before(shares: Shares) -> Shares:
    """A value of setup, of which carried ones may be made."""
    there = frozenset({BEFORE})
    return Shares(there if shares.all else shares.all, there if shares.fresh else shares.fresh, still=shares.still)


def _sum(x: Shares, y: Shares) -> Shares:
    everything = x.all | y.all
    if x.of_one or y.of_one:
        other = y if x.of_one else x
        return replace(other, all=everything)
    fresh = _left(x, y) | _left(y, x)
    return Shares(everything, fresh, fresh & (x.even | y.even), x.mixed or y.mixed)


def _left(x: Shares, y: Shares) -> frozenset[str]:
    """What is fresh in a value beside another."""
    return frozenset() if x.mixed and x.fresh & y.all else x.fresh - y.all


def _joined(operands: Sequence[Shares]) -> Shares:
    """Elements of several values side by side."""
    everything = frozenset[str]().union(*(operand.all for operand in operands))
    fresh = frozenset[str]().union(*(operand.fresh for operand in operands))
    apart = sum(len(operand.all) for operand in operands) == len(everything)
    uniform = apart and all(operand.fresh for operand in operands)
    still = all(operand.shifted for operand in operands)
    return Shares(everything, fresh if uniform else frozenset(), mixed=True, still=still)


def _moved(step: Step, x: Shares) -> Shares:
    if step.op in PLACED or x.of_one:
        return x
    if step.op in PADDED:
        return Shares(x.all, still=x.shifted)
    padded = step.op == "pool_sums" and any(
        pad >= size for pad, size in zip(step.pair("padding"), step.pair("kernel"), strict=True)
    )
    return Shares(x.all) if padded else Shares(x.all, x.even, x.even)
