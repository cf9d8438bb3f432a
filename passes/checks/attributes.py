"""Which attributes each op has, and what may stand in them. A plan is refused for any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ppc.ir.graph import Attribute
from ppc.passes.checks import clear
from ppc.plan.maps import BILINEAR
from ppc.plan.ops import PLAN_OPS, SECRETS
from ppc.plan.steps import Step

Test = Callable[[Attribute], bool]
MOST_BITS = 256  # of any number, and any number of bits: more than a field has, and little enough to compute with
MOST_COEFFICIENTS = 64  # of a polynomial: one of more powers leaves any field


def _whole(value: Attribute) -> bool:
    return type(value) is int and value.bit_length() <= MOST_BITS


def _number(value: Attribute) -> bool:
    return type(value) in (int, float)


def _count(value: Attribute) -> bool:
    return type(value) is int and 0 <= value < 2**31


def _bits(value: Attribute) -> bool:
    return type(value) is int and 0 <= value <= MOST_BITS


def _scale(value: Attribute) -> bool:
    return type(value) is int and abs(value) <= MOST_BITS


def _positive(value: Attribute) -> bool:
    return type(value) is int and 1 <= value < 2**31


def _flag(value: Attribute) -> bool:
    return type(value) is bool


def _word(value: Attribute) -> bool:
    return isinstance(value, str) and value != ""


def _wholes(value: Attribute) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and all(_whole(item) for item in value)


def _coefficients(value: Attribute) -> bool:
    return _wholes(value) and isinstance(value, tuple) and len(value) <= MOST_COEFFICIENTS


def _pair(value: Attribute) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(_count(item) for item in value)


def _positive_pair(value: Attribute) -> bool:
    return _pair(value) and isinstance(value, tuple) and all(item > 0 for item in value)


TESTS: dict[str, Test] = {
    **dict.fromkeys(SECRETS, _word),
    **dict.fromkeys(("what", "op", "to", "grant", "into", "by", "why"), _word),
    **dict.fromkeys(("threshold", "start"), _count),
    **dict.fromkeys(("groups", "pool", "stop", "rows", "most"), _positive),
    **dict.fromkeys(("shift", "drowned", "lift"), _bits),
    **dict.fromkeys(("offset", "factor", "constant", "border", "low", "high"), _whole),
    **dict.fromkeys(("offsets", "slopes", "knots", "epochs"), _wholes),
    "coefficients": _coefficients,
    **dict.fromkeys(("short", "inline", "once", "transpose_x", "transpose_y"), _flag),
    **dict.fromkeys(("kernel", "stride", "size"), _positive_pair),
    **dict.fromkeys(("padding", "place"), _pair),
    "map": lambda value: value in BILINEAR,
    "rounding": lambda value: value in ("nearest", "stochastic"),
    "numbers": lambda value: value in ("float64", "float32", "byte"),
    "digits": lambda value: _positive(value) and _bits(value),
    "scale": _scale,
    "error": _number,
}

# What may stand beside the attributes of the op's own row, and what of these may be missing.
OPTIONAL: dict[str, tuple[str, ...]] = {
    "given": ("low", "high", "epochs", "once"),
    "encode": ("rounding",),
    "mask": ("short",),
    "truncate": ("short",),
    "reveal": ("grant", "drowned", "numbers"),
    "product": ("into",),
    "times": ("lift",),
    "add": ("most",),
    "select": ("scale", "error"),
    "polynomial": ("scale", "error"),
    "window": ("border",),
}
# For people, and for how a party lays out its loops: they change no value and no message.
REMARKS = ("why", "inline")
FURTHER: dict[str, tuple[str, ...]] = {"encode": ("scale",), "rescale": ("to",)}
# The scale that `rescale` goes to has the name of the party that `reveal` shows to.
SPECIAL: dict[tuple[str, str], Test] = {
    ("rescale", "to"): _scale,
    ("given", "low"): _number,
    ("given", "high"): _number,
}

_WINDOWS = ("stride", "padding", "groups")
MAPS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # needed, and allowed beside them
    "conv2d": (_WINDOWS, ("pool",)),
    "conv2d_grad_weight": ((*_WINDOWS, "kernel"), ("pool",)),
    "conv2d_grad_input": ((*_WINDOWS, "size"), ("pool", "kernel")),
    "matmul": ((), ("transpose_x", "transpose_y")),
    "multiply": ((), ()),
    "multiply_channel": ((), ()),
    "multiply_rows": ((), ()),
    "multiply_all": ((), ()),
    "unfolded_conv2d": (("size",), (*_WINDOWS, "kernel", "pool")),
    "unfolded_grad_weight": (("kernel",), (*_WINDOWS, "size", "pool")),
}


def mistakes(step: Step) -> Iterator[str]:
    """What is wrong with a known op's attributes. Secrets may be missing here: that breaks a rule of its own."""
    row = PLAN_OPS[step.op]
    if step.op == "compute":
        yield from clear.unknown(step)
        return
    optional = {*OPTIONAL.get(step.op, ()), *row.secrets, *REMARKS}
    needed = {*row.attrs, *FURTHER.get(step.op, ())} - optional
    if "map" in row.attrs:
        more, beside = MAPS.get(str(step.attrs.get("map", "")), ((), ()))
        needed, optional = needed | {*more}, optional | {*beside}
    yield from (f"has no attribute `{key}`" for key in sorted(needed - step.attrs.keys()))
    yield from (
        f"has an attribute `{key}`, which is not known" for key in sorted(step.attrs.keys() - needed - optional)
    )
    for key, value in step.attrs.items():
        test = SPECIAL.get((step.op, key), TESTS.get(key))
        if test is None or not test(value):
            yield f"has an attribute `{key}` that it cannot have: {value!r}"
