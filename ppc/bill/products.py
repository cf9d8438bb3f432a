"""Local multiply-adds of a step, at each party. Sums, shifts and moves are not products, and count as none.

A product of masked values is one product at party 0, which takes its shares of the masks off the opened values first,
and two at party 1 (PROTOCOL.md, section 2); one where party 0 knows a mask in full, as party 1's share of it is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ppc.cost import cost
from ppc.ir.graph import Node
from ppc.ir.types import Type
from ppc.plan.ops import LINEAR
from ppc.plan.steps import Plan, Step
from ppc.plan.wires import Wire

Pair = tuple[int, int]  # at party 0 and at party 1
NONE: Pair = (0, 0)


def products(plan: Plan, step: Step) -> Pair:
    """What each party multiplies in this step."""
    wires = [plan.wires[name] for name in step.inputs]
    rule = RULES.get(step.op)
    return rule(plan, step, wires) if rule else NONE


def bilinear(step: Step, wires: Sequence[Wire]) -> int:
    """Multiply-adds of one pass of a bilinear map."""
    x, y = wires
    match step.word("map"):
        case "conv2d":
            return step.wire.size * (y.size // y.shape[0])
        case "conv2d_grad_weight":
            return y.size * (step.wire.size // step.wire.shape[0])
        case "conv2d_grad_input":
            return x.size * (y.size // y.shape[0])
        case "matmul":
            return step.wire.size * x.shape[0 if step.flag("transpose_x") else 1]
        case "unfolded_conv2d":
            return step.wire.size * x.shape[3]
        case "unfolded_grad_weight":
            return y.size * x.shape[3]
        case _:
            return step.wire.size


def _product(plan: Plan, step: Step, wires: Sequence[Wire]) -> Pair:
    unknown = sum(1 for name in step.inputs if mask_owner(plan.by_name, name) != plan.parties[0])
    once = bilinear(step, wires)
    return once, once * unknown


def mask_owner(by_name: Mapping[str, Step], name: str) -> str:
    """The party that knows a masked value's mask in full, if there is one."""
    step = by_name.get(name)
    while step is not None and step.op in LINEAR and step.inputs:
        step = by_name.get(step.inputs[0]) if len(step.inputs) == 1 else None
    if step is None or step.op != "mask":
        return ""
    operand = by_name.get(step.inputs[0])
    return operand.wire.at if operand is not None else ""


def _apply(plan: Plan, step: Step, wires: Sequence[Wire]) -> Pair:
    return _held(plan, step.wire, bilinear(step, wires))


def _times(plan: Plan, step: Step, _wires: Sequence[Wire]) -> Pair:
    return _held(plan, step.wire, step.wire.size)


def _held(plan: Plan, wire: Wire, count: int) -> Pair:
    """A linear map is taken of what each party holds: a value it knows, its share, or an opened value and a share."""
    if wire.form == "clear":
        return (count, 0) if wire.at == plan.parties[0] else (0, count)
    both = 2 * count if wire.form == "masked" else count
    return both, both


def _polynomial(_plan: Plan, step: Step, _wires: Sequence[Wire]) -> Pair:
    """Horner for the public factor of each shared power of the mask, and one product with that power."""
    degree = len(step.integers("coefficients")) - 1
    count = step.wire.size * (degree * (degree + 1) // 2 + degree)
    return count, count


def _select(_plan: Plan, _step: Step, wires: Sequence[Wire]) -> Pair:
    """The opened number times the share of the bit's mask, for every threshold."""
    return wires[0].size, wires[0].size


def _compute(plan: Plan, step: Step, wires: Sequence[Wire]) -> Pair:
    """At one party on reals; a public value is computed by both."""
    attrs = {key: value for key, value in step.attrs.items() if key != "op"}
    node = Node(name=step.name, op=step.word("op"), attrs=attrs, type=Type(shape=step.wire.shape))
    return _held(plan, step.wire, cost(node, [Type(shape=wire.shape) for wire in wires]).multiply_adds)


RULES: dict[str, Callable[[Plan, Step, Sequence[Wire]], Pair]] = {
    "product": _product,
    "apply": _apply,
    "times": _times,
    "polynomial": _polynomial,
    "select": _select,
    "compute": _compute,
}
