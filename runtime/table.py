"""What a rule of the dealer works with, and what the dealer knows of a value: its mask, and what its shares lack.

Called by the dealer's rules. Knows both parties' hands and the parcel that is being written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.errors import InternalError
from ppc.field import Words
from ppc.plan.steps import Plan, Step
from ppc.runtime.hand import Hand
from ppc.runtime.kernels import Expression
from ppc.runtime.lazy import Array, Lazy, Leaves, Local, Shape, add
from ppc.runtime.parcel import Parcel
from ppc.runtime.schedule import Scope

MOST = 4  # values that are dealt in one pass


@dataclass(frozen=True, eq=False, repr=False)
class Mask:
    """λ of a value: both parties' shares of it, and the whole. A mask that the dealer chose has no shares."""

    shares: tuple[Array | None, Array | None] | None
    whole: Array


@dataclass(frozen=True, eq=False, repr=False)
class Missing:
    """What the parties' shares of a value lack: the product of masks that goes into the next mask instead."""

    value: Array


@dataclass(frozen=True, eq=False, repr=False)
class Upper:
    """Of a truncated value: λ, whose upper part R and top bit ρ are shared."""

    whole: Array
    shift: int


@dataclass(frozen=True, eq=False, repr=False)
class OneTime:
    """One-time bits of digits, [thresholds, planes, words]; of a bit, with one plane."""

    bits: Words
    digits: int = 0


Known = Mask | Missing | Upper | OneTime | Words | NDArray[Any] | None  # arrays: of public values
Watch = Callable[[str, int, Step, Words], None]


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """What a rule of the dealer works with, in one pass: three hands (the last its own), and the parcel."""

    plan: Plan
    local: Local
    values: Scope[Known]
    hands: tuple[Hand, Hand, Hand]
    parcel: Parcel
    public: Mapping[str, Any]
    watch: Watch | None

    @property
    def iteration(self) -> int:
        return self.hands[0].iteration

    def known(self, name: str) -> Known:
        return self.values[name]

    def mask(self, name: str) -> Mask:
        value = self.known(name)
        if not isinstance(value, Mask):
            raise InternalError(f"{name} has no mask", place="deal")
        return value

    def shares(self, name: str) -> tuple[Array | None, Array | None]:
        """The parties' shares of a mask."""
        found = self.mask(name).shares
        if found is None:
            raise InternalError(
                f"the mask of {name} is in no shares, because it hides a product of masks", place="deal"
            )
        return found

    def see(self, step: Step, whole: Array) -> None:
        """Show a watcher a mask, a noise, or what the shares of a value lack: the coins of a run."""
        if self.watch is not None:
            self.watch(self.hands[0].section, self.iteration, step, self.local.store(whole))

    # ---- dealing: the whole less party 0's draw, straight into the parcel ----

    def elements(self, step: Step, key: str, wholes: list[Lazy], *shape: int) -> tuple[Words, Words]:
        """Shares of elements, in the order of `shape` without its first axes; both parties' shares."""
        first = self.hands[0].elements(step, key, *shape)
        second = self.parcel.elements(step.name, step.word(key), *shape)
        inner = wholes[0].shape
        rows, outs = (self.local.reshaped(array, (len(wholes), *inner)) for array in (first, second))
        together = len(wholes) if len(wholes) <= MOST else 1  # many at once would be one long kernel
        for start in range(0, len(wholes), together):
            part, leaves = slice(start, start + together), Leaves()
            pairs = zip(wholes[part], rows[part], strict=True)
            expressions = [whole.build(leaves) - leaves.element(row) for whole, row in pairs]
            self.local.run(expressions, leaves, list(outs[part]), inner)
        return first, second

    def bits(self, step: Step, whole: Words, own: int) -> None:
        """Shares of products of one-time bits, which follow `own` words in party 0's stream."""
        first = self.hands[0].products(step, whole.shape, own)
        np.bitwise_xor(whole, first, out=self.parcel.bits(step.name, step.word("bits"), *whole.shape))

    def own_bits(self, step: Step, shape: Shape) -> Words:
        """The one-time bits that the parties draw for themselves."""
        return self.hands[0].own_bits(step, shape) ^ self.hands[1].own_bits(step, shape)


def total(shape: Shape, left: Array | None, right: Array | None) -> Array:
    found = add(shape, left, right)
    if found is None:
        raise InternalError("a mask is zero", place="deal")
    return found


def lazy(shape: Shape, value: Array, make: Callable[[Expression], Expression]) -> Lazy:
    return Lazy(shape, lambda leaves: make(leaves.element(value)))
