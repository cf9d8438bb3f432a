"""What a party computes on numbers that it may see: given values, graph ops on reals, fixed point and back.

Bounds are enforced where secrets enter, by their owner (PPC520); no other place ever looks at one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from ppc.errors import InternalError, fail
from ppc.field import Field, Words, decode, encode
from ppc.ir.graph import Node
from ppc.ir.types import Type
from ppc.plan.steps import Step
from ppc.plan.wires import Wire
from ppc.reference import EVALUATE
from ppc.runtime.desk import Desk
from ppc.runtime.keys import Coins
from ppc.runtime.values import Reals, Value


def given(step: Step, values: Mapping[str, Any]) -> Reals:
    """The value that the run was given under the step's name."""
    if step.word("what") == "zero":
        return np.zeros(step.wire.shape)
    if step.name not in values:
        raise fail("PPC654", f"The run was not given `{step.name}`.", hint="Its owner gives it, under this name.")
    found = np.asarray(values[step.name])
    if found.shape != step.wire.shape:
        raise fail(
            "PPC654",
            f"`{step.name}` has shape {found.shape}; the plan says {step.wire.shape}.",
            hint="A plan is made for one batch size and one set of shapes.",
        )
    return found


def share(step: Step, values: Mapping[str, Any], field: Field) -> Words:
    """A party's share of what is on shares when the run begins: elements of the field, as another run left them."""
    found = values.get(step.name)
    if found is None:
        raise fail("PPC654", f"The run was not given a share of `{step.name}`.", hint="Both parties give theirs.")
    elements = np.asarray(found)
    if (
        elements.dtype != np.uint64
        or elements.shape != field.shape(*step.wire.shape)
        or not _canonical(elements, field)
    ):
        raise fail(
            "PPC654",
            f"What was given as a share of `{step.name}` is no array {list(step.wire.shape)} of {field.name}.",
            hint="A share belongs to the field, the shape and the scale of the plan that it was made by.",
        )
    return elements


def _canonical(elements: Words, field: Field) -> bool:
    """Whether all are below p. One word of all ones, or two that are, is p; a higher bit is beyond it."""
    top = elements if field.words == 1 else elements[..., -1]
    bits = field.bits - 64 * (field.words - 1)
    whole = top == np.uint64((1 << bits) - 1)
    if field.words > 1:
        whole &= elements[..., 0] == np.uint64(2**64 - 1)
    return not bool(whole.any()) and not bool((top >> np.uint64(bits)).any())


def computed(step: Step, operands: list[Reals]) -> Reals:
    """One op of the graph, as clear evaluation computes it."""
    attrs = {key: value for key, value in step.attrs.items() if key != "op"}
    node = Node(name=step.name, op=step.word("op"), attrs=attrs, type=Type(shape=step.wire.shape))
    return EVALUATE[node.op](node, operands)


def encoded(step: Step, source: Wire, reals: Reals, field: Field, coins: Coins | None, where: tuple[str, int]) -> Words:
    """Fixed point at the step's scale, within the bounds that the plan is proved for."""
    scale = _scale(step.wire)
    bounds = _bounds(step, source)
    if step.word("rounding") != "stochastic":
        return encode(reals, field, fraction=scale, bounds=bounds)
    assert coins is not None
    encode(reals, field, fraction=scale, bounds=bounds)
    return encode(_rounded(step, np.asarray(reals, np.float64), scale, coins, where), field, fraction=scale)


def _bounds(step: Step, source: Wire) -> tuple[float, float] | None:
    found = step.wire.bounds or source.bounds
    return None if found is None else (found.low, found.high)


def _rounded(step: Step, reals: Reals, scale: int, coins: Coins, where: tuple[str, int]) -> Reals:
    """Up with the probability of the part that is lost, so that the mean is right."""
    scaled = np.ldexp(reals, scale)
    low = np.floor(scaled)
    up = coins.fractions(step.name, *where, reals.size).reshape(reals.shape) < scaled - low
    return np.ldexp(low + up, -scale)


def decoded(step: Step, source: Wire, elements: Words, field: Field) -> Reals:
    return decode(elements, field, fraction=_scale(source)).reshape(step.wire.shape)


def _scale(wire: Wire) -> int:
    if wire.scale is None:
        raise InternalError("a value has no scale", place="run")
    return wire.scale


# ---- as rules of a party, which does nothing where it does not know the value ----


def _given(desk: Desk, step: Step) -> Value:
    if step.wire.form == "shared":
        return share(step, desk.given, desk.plan.modulus_field)
    return given(step, desk.given) if desk.knows(step.wire) else None


def _compute(desk: Desk, step: Step) -> Value:
    if not desk.knows(step.wire):
        return None
    return computed(step, [desk.reals(name) for name in step.inputs])


def _encode(desk: Desk, step: Step) -> Value:
    if not desk.knows(step.wire):
        return None
    (name,) = step.inputs
    where = (desk.section.name, desk.iteration)
    coins = None if step.wire.form == "public" else desk.coins
    return encoded(step, desk.wire(name), desk.reals(name), desk.plan.modulus_field, coins, where)


def _decode(desk: Desk, step: Step) -> Value:
    if not desk.knows(step.wire):
        return None
    (name,) = step.inputs
    return decoded(step, desk.wire(name), cast(Words, desk.values[name]), desk.plan.modulus_field)


CLEAR: dict[str, Callable[[Desk, Step], Value]] = {
    "given": _given,
    "compute": _compute,
    "encode": _encode,
    "decode": _decode,
}
