"""The wire that a step makes: its form, shape, scale and range, from its operands alone.

Called wherever steps are made. What stands in a plan can be made again with it, step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ppc.errors import InternalError
from ppc.ir.graph import Attribute
from ppc.ir.types import Interval
from ppc.plan.maps import FREE, Shape, shape_of
from ppc.plan.ops import PLAN_OPS
from ppc.plan.ranges import range_of
from ppc.plan.steps import BOTH, Step
from ppc.plan.wires import Form, Wire

NOT_INFERRED = frozenset({"given", "compute"})  # these bring their wire with them
_UNKNOWN = Wire(form="shared", shape=())


def infer(op: str, attrs: Mapping[str, Attribute], operands: Sequence[Wire], shape: Shape | None = None) -> Wire:
    """`shape` is needed where the operands do not decide it: for `reshape`, `spread_rows` and `as_number`."""
    step = Step(name=op, op=op, attrs=attrs, wire=_UNKNOWN)
    if op not in PLAN_OPS or op in NOT_INFERRED:
        raise InternalError(f"the wire of `{op}` cannot be inferred")
    form, at = form_of(step, operands)
    found = range_of(step, operands)
    return Wire(
        form=form,
        at=at,
        shape=_shape(step, operands, shape),
        scale=scale_of(step, operands),
        low=found.low if found else None,
        high=found.high if found else None,
        bounds=_decoded(operands[0]) if op == "decode" else None,
    )


def made_again(step: Step, operands: Sequence[Wire]) -> Wire:
    """The wire of a step that has one, from operands that may have changed."""
    if step.op in NOT_INFERRED:
        return step.wire
    free = shape_of(step, [wire.shape for wire in operands]) == FREE
    wire = infer(step.op, step.attrs, operands, step.wire.shape if free else None)
    return wire if wire.bounds else replace(wire, bounds=step.wire.bounds)


def _shape(step: Step, operands: Sequence[Wire], wanted: Shape | None) -> Shape:
    found = shape_of(step, [wire.shape for wire in operands])
    if found != FREE:
        return found
    if wanted is None:
        raise InternalError(f"`{step.op}` does not say which shape it makes")
    return wanted


def _decoded(wire: Wire) -> Interval | None:
    """Division rounds to the nearest float64, as decoding does, so no decoded value lies outside."""
    if wire.low is None or wire.high is None or wire.scale is None:
        return None
    low, high = (_real(end, wire.scale) for end in (wire.low, wire.high))
    return Interval(low, high)


def _real(integer: int, scale: int) -> float:
    return integer / (1 << scale) if scale >= 0 else float(integer << -scale)


# ---- form ----


def form_of(step: Step, operands: Sequence[Wire]) -> tuple[Form, str]:
    """The form of the result, and the party that has it where it is clear at one."""
    makes = PLAN_OPS[step.op].makes
    if step.op == "reveal":
        return ("public", "") if step.word("to") == BOTH else ("clear", step.word("to"))
    if step.op == "truncate" and step.flag("short"):
        return "masked", ""  # by R itself (section 4)
    if makes in ("as operands", "given"):
        return as_operands(operands)
    return makes, ""


def as_operands(operands: Sequence[Wire]) -> tuple[Form, str]:
    """What a linear step makes."""
    secret = [wire for wire in operands if wire.form != "public"]
    if not secret:
        return "public", ""
    if all(wire.form == "clear" for wire in secret) and len({wire.at for wire in secret}) == 1:
        return "clear", secret[0].at
    return ("masked" if all(wire.form == "masked" for wire in secret) else "shared"), ""


# ---- scale ----


def scale_of(step: Step, operands: Sequence[Wire]) -> int | None:
    """How many binary digits of the integer stand behind the point; None for reals and while it is not known."""
    if step.op in ("encode", "rescale"):
        return step.integer("scale" if step.op == "encode" else "to")
    if step.op in _BITS:
        return 0
    scales = [wire.scale for wire in operands if wire.scale is not None]
    if step.op in _WITHOUT_SCALE or len(scales) < len(operands):
        return None
    return SCALES.get(step.op, _kept)(step, scales)


_BITS = frozenset({"compare", "bit", "count", "as_number"})
_WITHOUT_SCALE = frozenset({"decode", "digits", "groups"})


def _kept(_step: Step, scales: Sequence[int]) -> int:
    return scales[0]


def _added(_step: Step, scales: Sequence[int]) -> int:
    return scales[0] + scales[1]


def _shifted(step: Step, scales: Sequence[int]) -> int:
    return scales[0] - step.integer("shift")


def _lifted(step: Step, scales: Sequence[int]) -> int:
    """A factor 2^lift that only aligns scales is no factor of the real number."""
    return scales[0] + step.integer("lift", 0)


def _selected(step: Step, scales: Sequence[int]) -> int:
    """The slopes may have a scale of their own."""
    return scales[1] + step.integer("scale", 0)


def _of_powers(step: Step, scales: Sequence[int]) -> int:
    """The highest power's scale and the coefficients'; lower powers are aligned by theirs (section 3)."""
    return scales[0] * (len(step.integers("coefficients")) - 1) + step.integer("scale", 0)


SCALES: dict[str, Callable[[Step, Sequence[int]], int]] = {
    "product": _added,
    "apply": _added,
    "truncate": _shifted,
    "truncate_local": _shifted,
    "times": _lifted,
    "select": _selected,
    "polynomial": _of_powers,
}
