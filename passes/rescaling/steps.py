"""What scale each step's result has, one row for each op of a lowered plan. Called by the walk in `placing`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil, floor, frexp, log2
from typing import cast

from ppc.approximation import slope_bits
from ppc.passes.rescaling.walk import Value, Walk
from ppc.plan.steps import Step

Rule = Callable[[Walk, Step], Value]
FACTOR_BITS = 16  # of a factor that is no power of two, and of the slopes of a curve


def floats(step: Step, key: str) -> tuple[float, ...]:
    return cast(tuple[float, ...], step.attrs[key])


def _own(walk: Walk, step: Step) -> Value:
    """At one party, on reals."""
    return walk.copy(*(walk.current[name] for name in step.inputs))


def _given(walk: Walk, step: Step) -> Value:
    """What is on shares already has a scale, and a range that is known from where it comes."""
    if step.wire.form != "shared":
        return _own(walk, step)
    low, high = step.integer("low"), step.integer("high")
    wire = replace(step.wire, scale=step.integer("scale"), low=low, high=high, bounds=None)
    return walk.keep(replace(step, attrs={"what": step.word("what")}, wire=wire), walk.section)


def _decode(walk: Walk, step: Step) -> Value:
    """Reals that were sent as they are have nothing to decode."""
    return walk.current[step.inputs[0]] if walk.real(step.inputs[0]) else walk.copy(walk.current[step.inputs[0]])


def _reveal(walk: Walk, step: Step) -> Value:
    """At the scale that it has; bits beyond the wanted scale would tell more than the value, and are drowned in a
    number between nothing and one unit: half a unit is taken off first."""
    value = step.inputs[0]
    current = walk.current[value]
    if walk.real(value):
        return walk.copy(current)
    scale = walk.wires[current].scale or 0
    drowned = 0 if step.word("grant") == "check" else max(0, scale - walk.scales.fraction)
    if not drowned:
        return walk.add("reveal", current, attrs=step.attrs)
    middle = walk.add("offset", current, attrs={"constant": -(1 << (drowned - 1))}, part="lowered")
    return walk.add("reveal", middle, attrs={**step.attrs, "drowned": drowned})


def _product(walk: Walk, step: Step) -> Value:
    room = walk.plan.field == "mersenne127"  # for a factor that is not truncated
    wide = step.integer("wide", -1) if room else -1
    operands = [
        walk.untruncated(name) if place == wide else walk.operand(name) for place, name in enumerate(step.inputs)
    ]
    attrs = {key: value for key, value in step.attrs.items() if key != "wide"}
    made = walk.add(step.op, *operands, attrs=attrs)
    wanted = walk.wanted(step.name)
    if walk.eager and (walk.wires[made].scale or 0) > wanted and not revealed_only(walk, step.name):
        walk.current[step.name] = made
        return walk.at(step.name, wanted)
    return made


def _apply(walk: Walk, step: Step) -> Value:
    """One public number that multiplies all of a value has its bits behind its leading zeros, as a constant has."""
    if step.word("map") != "multiply_all":
        return _product(walk, step)
    value, factor = step.inputs
    bounds = walk.wire(factor).bounds
    reach = bounds.magnitude if bounds else 1.0
    number = walk.at(factor, FACTOR_BITS + max(0, -int(log2(reach))))
    made = walk.add("apply", walk.operand(value), number, attrs={"map": "multiply_all"})
    return walk.truncated_now(step.name, made) if walk.gradient(step.name) else made


def revealed_only(walk: Walk, name: Value) -> bool:
    """Whether a value goes through linear steps to an opening only: rounding it first would show the coin."""
    readers = [step for step in walk.plan.steps() if name in step.inputs]
    linear = ("add", "add_channel", "subtract", "reshape", "offset")
    return all(r.op == "reveal" or (r.op in linear and revealed_only(walk, r.name)) for r in readers)


def _same_scale(walk: Walk, step: Step) -> Value:
    """Operands at the largest of their scales; what one party knows is encoded at it."""
    scales = [walk.scale(name) for name in step.inputs if not walk.real(name)]
    gradients = [name for name in step.inputs if walk.real(name) and walk.gradient(name)]
    finest = [walk.wanted(name) for name in gradients]  # small numbers; encoded coarsely they would be lost
    scale = max([*scales, *finest], default=walk.scales.fraction)
    return walk.add(step.op, *(walk.at(name, scale) for name in step.inputs), attrs=step.attrs)


def _linear(walk: Walk, step: Step) -> Value:
    value = step.inputs[0]
    current = walk.operand(value) if walk.real(value) else walk.current[value]
    return walk.add(step.op, current, attrs=step.attrs)


def _times(walk: Walk, step: Step) -> Value:
    """By a power of two the scale moves, not the integer; any other factor has bits of its own."""
    by, value = cast(float, step.attrs["by"]), step.inputs[0]
    if walk.real(value):
        return walk.copy(walk.current[value], attrs={"op": "scale", "factor": by})
    if by == 1.0:
        return walk.operand(value)
    fraction, exponent = frexp(abs(by))
    if by == 0 or fraction != 0.5:
        made = _factor(walk, value, by)
        return walk.truncated_now(step.name, made) if walk.gradient(step.name) else made
    current = walk.operand(value) if exponent < 1 and value in walk.repeated else walk.current[value]
    scale = (walk.wires[current].scale or 0) - (exponent - 1)
    if scale < 0:
        return walk.add("times", current, attrs={"factor": int(by)})
    moved = walk.add("rescale", current, attrs={"to": scale}) if exponent != 1 else current
    return walk.add("times", moved, attrs={"factor": -1}, part="negative") if by < 0 else moved


def _factor(walk: Walk, value: Value, by: float) -> Value:
    if by == int(by):
        return walk.add("times", walk.current[value], attrs={"factor": int(by)})
    bits = FACTOR_BITS + max(0, -int(log2(abs(by))))
    operand = walk.operand(value)
    return walk.add("times", operand, attrs={"factor": round(by * 2.0**bits), "lift": bits})


def _offset(walk: Walk, step: Step) -> Value:
    value = step.inputs[0]
    current = walk.operand(value) if walk.real(value) else walk.current[value]
    scale = walk.wires[current].scale or 0
    return walk.add("offset", current, attrs={"constant": round(cast(float, step.attrs["by"]) * 2.0**scale)})


def _compare(walk: Walk, step: Step) -> Value:
    """x > knot is x >= the next integer. A coarse comparison looks at multiples of a power of two, a little outside."""
    value = step.inputs[0]
    knots = floats(step, "knots")
    if "coarse" in step.attrs:
        coarse, units = _coarsely(knots, step.integer("coarse"), walk.scale(value))
        attrs = {"knots": tuple(unit << coarse for unit in units), "coarse": coarse}
        return walk.add("compare", walk.current[value], attrs=attrs)
    operand = walk.operand(value)
    scale = walk.wires[operand].scale or 0
    return walk.add("compare", operand, attrs={"knots": tuple(round(k * 2.0**scale) + 1 for k in knots)})


def _coarsely(knots: Sequence[float], exponent: int, scale: int) -> tuple[int, list[int]]:
    """The unit of a coarse comparison and the knots in units. It is no finer than a unit of fixed point: where it would
    be, as where a master copy's scale is not known yet, the knots are those around the bounds in such units."""
    coarse = scale + exponent
    if coarse >= 0:
        return coarse, [round(knot * 2.0**-exponent) for knot in knots]
    high, low = knots
    return 0, [ceil(high * 2.0**scale) + 2, floor(low * 2.0**scale)]


def _select(walk: Walk, step: Step) -> Value:
    bit, value = step.inputs
    operand = walk.operand(value)
    scale = walk.wires[operand].scale or 0
    slopes = floats(step, "slopes")
    knots = floats(step, "knots")
    lift = 0 if all(slope == int(slope) for slope in slopes) else slope_bits(max(map(abs, knots)))
    attrs = {
        "slopes": rounded_slopes(slopes, lift),
        "knots": tuple(round(knot * 2.0**scale) for knot in knots),
        **({"scale": lift} if lift else {}),
        **({"error": step.attrs["error"]} if "error" in step.attrs else {}),
    }
    return walk.add("select", walk.current[bit], operand, attrs=attrs)


def rounded_slopes(slopes: Sequence[float], lift: int) -> tuple[int, ...]:
    """Changes of slope, rounded so that their running sums are: a curve that ends flat stays flat."""
    sums = [0]
    total = 0.0
    for slope in slopes:
        total += slope
        sums.append(round(total * 2**lift))
    return tuple(after - before for before, after in pairwise(sums))


def _polynomial(walk: Walk, step: Step) -> Value:
    """Powers keep all of their bits; the coefficients bring them to one scale."""
    operand = walk.operand(step.inputs[0])
    scale = walk.wires[operand].scale or 0
    coefficients = floats(step, "coefficients")
    degree = max((power for power, c in enumerate(coefficients) if c), default=0)
    whole = tuple(
        round(c * 2.0**FACTOR_BITS) << ((degree - power) * scale)
        for power, c in enumerate(coefficients)
        if power <= degree
    )
    return walk.add("polynomial", operand, attrs={"coefficients": whole, "scale": FACTOR_BITS})


def _window(walk: Walk, step: Step) -> Value:
    value = step.inputs[0]
    current = walk.operand(value) if walk.real(value) else walk.current[value]
    border = round(cast(float, step.attrs["border"]) * 2.0 ** (walk.wires[current].scale or 0))
    return walk.add("window", current, attrs={**step.attrs, "border": border})


def _of_bits(walk: Walk, step: Step) -> Value:
    attrs = dict(step.attrs)
    if "slopes" in attrs:
        attrs["slopes"] = tuple(int(slope) for slope in floats(step, "slopes"))
    return walk.add(step.op, walk.current[step.inputs[0]], attrs=attrs)


def _certified(walk: Walk, step: Step) -> Value:
    """Bounds just outside of the program's, as the coarse comparison that certifies them can tell."""
    value = step.inputs[0]
    check = walk.plan.by_name[step.word("check")]
    made = walk.made[walk.section]
    compare = next(one for one in made if one.name == walk.current[check.name])
    high, low = compare.integers("knots")
    unit = 1 << compare.integer("coarse")
    attrs = {"by": walk.current[step.word("by")], "low": low - unit, "high": high - 1}
    return walk.add("certified", walk.current[value], attrs=attrs)


RULES: dict[str, Rule] = {
    "given": _given,
    "encode": lambda walk, step: walk.at(step.inputs[0], step.integer("scale")),
    "compute": _own,
    "decode": _decode,
    "reveal": _reveal,
    "product": _product,
    "apply": _apply,
    "add": _same_scale,
    "subtract": _same_scale,
    "add_channel": _same_scale,
    "concat": _same_scale,
    "times": _times,
    "offset": _offset,
    "compare": _compare,
    "select": _select,
    "polynomial": _polynomial,
    "window": _window,
    "count": _of_bits,
    "as_number": _of_bits,
    "certified": _certified,
    **dict.fromkeys(
        (
            "reshape",
            "slice",
            "batch",
            "sum_to_channel",
            "sum_rows",
            "spread_rows",
            "pool_sums",
            "pool_spread",
            "unfold",
            "unwindow",
        ),
        _linear,
    ),
}
