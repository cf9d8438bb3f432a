"""Every op of the protocol, one row each: what it takes, what it makes, which secrets of the dealer it uses up.

Openings are the ops that send; all others are local. Equations: PROTOCOL.md, whose sections are named in the rows.

Attributes named in `SECRETS` hold names of the dealer's secrets. Each is used by one step and hides one value:

    mask      the uniform λ under which a value is opened
    share     fresh shares of a function of masks: of λx·λy, of λ², …, of λ_d·R
    tuple     fresh shares of R = λ >> shift and ρ, or of the digits' products of R
    bits      one-time bits for opening digits, and the products of them that combine the digits
    noise     shares of a uniform number that is added to what is revealed
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ppc.plan.wires import SHAREABLE, Form

SECRETS = ("mask", "share", "tuple", "bits", "noise")
Kind = Literal["source", "clear", "opening", "nonlinear", "linear"]

_CLEAR = frozenset({"clear", "public"})
_ANY = SHAREABLE


@dataclass(frozen=True, kw_only=True)
class PlanOp:
    """One row. `takes` are the forms of each operand; the last one stands for all further ones of a variadic op.

    `makes` is the form of the result; "as operands" is the rule of linear steps: all public make public, all clear at
    one party make clear there, masked and public ones make masked (the mask goes through the same linear map), every
    other mixture makes shared.
    """

    name: str
    kind: Kind
    takes: tuple[frozenset[str], ...] = ()
    variadic: bool = False
    makes: Form | Literal["as operands", "given"] = "as operands"
    secrets: tuple[str, ...] = ()
    attrs: tuple[str, ...] = field(default=())


def _forms(*forms: str) -> frozenset[str]:
    return frozenset(forms)


_ROWS = (
    # ---- what a run is given, and what one party computes alone, in reals ----
    PlanOp(name="given", kind="source", makes="given", attrs=("what", "low", "high")),
    # A graph op on reals at one party (or at both): attribute `op`, beside the op's own attributes.
    PlanOp(name="compute", kind="clear", takes=(_CLEAR,), variadic=True, makes="given", attrs=("op",)),
    # Reals to integers at `scale`; bounds enforced. rounding: nearest, or stochastic (unbiased, by the owner's coins).
    PlanOp(name="encode", kind="clear", takes=(_CLEAR,), makes="given", attrs=("rounding",)),
    PlanOp(name="decode", kind="clear", takes=(_CLEAR,), makes="given"),
    # ---- openings ----
    # e = v + λ (section 2). A value clear at one party is sent by it alone, and its mask is known to it in full.
    # short: λ < 2^(n-1), so that no sum wraps; hides a k-bit value up to 2^(k+1-n), on mersenne127 only.
    PlanOp(
        name="mask",
        kind="opening",
        takes=(_forms("clear", "shared", "masked", "truncated", "bit"),),
        makes="masked",
        secrets=("mask",),
        attrs=("short",),
    ),
    # The less and equal bits of D four-bit digits of (e + C) >> shift against R's, for every C in `offsets` (section 5)
    PlanOp(
        name="digits",
        kind="opening",
        takes=(_forms("masked"),),
        makes="digits",
        secrets=("tuple", "bits"),
        attrs=("shift", "digits", "offsets"),
    ),
    # Digits in groups of four become one digit each: the first of two levels, where there are more than eight digits.
    PlanOp(name="groups", kind="opening", takes=(_forms("digits"),), makes="digits", secrets=("bits",)),
    # 1{y >= 2^K - C/2^shift} for every offset C, where y is the truncated value and K = 4·digits.
    PlanOp(name="bit", kind="opening", takes=(_forms("digits"),), makes="bit", secrets=("bits", "share")),
    # To one party, or to both: a declassification. noise: how many low bits of it are drowned.
    PlanOp(
        name="reveal",
        kind="opening",
        takes=(_forms("clear", "shared", "masked", "truncated", "bit"),),
        makes="given",
        secrets=("noise",),
        attrs=("to", "grant", "drowned"),
    ),
    # ---- before masks are in: stages lowered and scaled ----
    # 1{x >= knot} for every knot; the knots are reals, and integers at x's scale once that is known.
    PlanOp(name="compare", kind="nonlinear", takes=(_ANY,), makes="bit", attrs=("knots",)),
    # ---- local steps that need secrets of the dealer ----
    # Any bilinear map of `maps` (section 2). With `into`, a mask's name, it has no share of its own: the dealer takes
    # the product of masks off that mask, under which alone the result is opened, so it needs no correction (section 7).
    PlanOp(
        name="product",
        kind="nonlinear",
        takes=(_forms("masked"), _forms("masked")),
        makes="shared",
        secrets=("share",),
        attrs=("map", "into"),
    ),
    # Σ coefficients[k]·x^k (section 3).
    PlanOp(
        name="polynomial",
        kind="nonlinear",
        takes=(_forms("masked"),),
        makes="shared",
        secrets=("share",),
        attrs=("coefficients",),
    ),
    # Form C of section 4, with x + offset in [0, 2^(n-1)). With `short` masks the result is masked by R itself.
    PlanOp(
        name="truncate",
        kind="nonlinear",
        takes=(_forms("masked"),),
        makes="truncated",
        secrets=("tuple",),
        attrs=("shift", "offset"),
    ),
    # Each party shifts its own share: no message, wrong by p/2^shift with probability about |x|/p.
    PlanOp(
        name="truncate_local", kind="nonlinear", takes=(_forms("shared"),), makes="shared", attrs=("shift", "offset")
    ),
    # Σ_j slopes[j]·d_j·(x - knots[j]) over the thresholds j of a bit.
    PlanOp(
        name="select",
        kind="nonlinear",
        takes=(_forms("bit"), _forms("truncated", "masked")),
        makes="shared",
        secrets=("share",),
        attrs=("slopes", "knots"),
    ),
    # ---- linear steps: on shares, on masked values with their masks, on clear ones ----
    PlanOp(name="apply", kind="linear", takes=(_ANY, _ANY), attrs=("map",)),  # a bilinear map with a public operand
    # With `most` a tally: to what earlier iterations added up one more is added, and a run has at most so many.
    PlanOp(name="add", kind="linear", takes=(_ANY, _ANY)),
    PlanOp(name="subtract", kind="linear", takes=(_ANY, _ANY)),
    PlanOp(name="add_channel", kind="linear", takes=(_ANY, _ANY)),  # x[n, c, …] + y[c]
    PlanOp(name="times", kind="linear", takes=(_ANY,), attrs=("factor",)),  # by a public integer
    PlanOp(name="offset", kind="linear", takes=(_ANY,), attrs=("constant",)),  # plus a public integer
    PlanOp(name="rescale", kind="linear", takes=(_ANY,)),  # the same integer, read at another scale: by a power of two
    PlanOp(name="reshape", kind="linear", takes=(_ANY,)),
    PlanOp(name="concat", kind="linear", takes=(_ANY,), variadic=True),  # along axis 1
    PlanOp(name="slice", kind="linear", takes=(_ANY,), attrs=("start", "stop")),  # along axis 1
    # Of a data set the rows of the iteration t, from t·rows on and round again: a public order (section 8).
    PlanOp(name="batch", kind="linear", takes=(_ANY,), attrs=("rows",)),  # along axis 0
    PlanOp(name="sum_to_channel", kind="linear", takes=(_ANY,)),  # over all axes but axis 1
    PlanOp(name="sum_rows", kind="linear", takes=(_ANY,)),  # over axis 1, which stays with size 1
    PlanOp(name="spread_rows", kind="linear", takes=(_ANY,)),  # axis 1 of size 1 repeated to the result's
    PlanOp(name="pool_sums", kind="linear", takes=(_ANY,), attrs=("kernel", "stride", "padding")),
    PlanOp(name="pool_spread", kind="linear", takes=(_ANY,), attrs=("kernel", "stride", "padding", "size")),
    PlanOp(name="unfold", kind="linear", takes=(_ANY,), attrs=("kernel", "stride", "padding", "groups")),
    # One place of every window: x[…, stride·i + place - padding], `border` outside; and its transpose.
    PlanOp(name="window", kind="linear", takes=(_ANY,), attrs=("kernel", "stride", "padding", "place", "border")),
    PlanOp(name="unwindow", kind="linear", takes=(_ANY,), attrs=("kernel", "stride", "padding", "place", "size")),
    # Σ_j slopes[j]·Σ d_j over all elements of a bit, a scalar.
    PlanOp(name="count", kind="linear", takes=(_forms("bit"),), makes="shared", attrs=("slopes",)),
    # The same value, whose integer lies in low..high because the step `by` reveals that no element is outside: a reveal
    # to both of a count, which must be 0 or the run ends.
    PlanOp(name="certified", kind="linear", takes=(_ANY,), attrs=("by", "low", "high")),
    # The bit of threshold `threshold` as a number 0 or 1.
    PlanOp(name="as_number", kind="linear", takes=(_forms("bit"),), makes="shared", attrs=("threshold",)),
)

PLAN_OPS: dict[str, PlanOp] = {row.name: row for row in _ROWS}
OPENINGS = frozenset(row.name for row in _ROWS if row.kind == "opening")
LINEAR = frozenset(row.name for row in _ROWS if row.kind == "linear")
