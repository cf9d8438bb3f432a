"""infer: form, shape, scale and exact range of what a step makes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import pytest

from ppc.errors import InternalError
from ppc.ir.graph import Attribute
from ppc.ir.types import Interval
from ppc.plan.build import PlanBuilder, begun, reinfer
from ppc.plan.infer import infer
from ppc.plan.ranges import Range
from ppc.plan.selection import pieces
from ppc.plan.steps import Carry, Plan, Result
from ppc.plan.text import parse, show
from ppc.plan.wires import Form, Wire

HEAD = Plan(name="small", field="mersenne61", parties=("client", "server"), level=2, batch=2)
WINDOWS = {"stride": (1, 1), "padding": (1, 1)}
CONVOLUTION = {"map": "conv2d", "groups": 1, **WINDOWS}


def wire(*shape: int, form: Form = "shared", at: str = "", scale: int | None = 4, low: int = -3, high: int = 5) -> Wire:
    return Wire(form=form, shape=shape, at=at, scale=scale, low=low, high=high)


def bounds(made: Wire) -> tuple[int | None, int | None]:
    return made.low, made.high


MASKED, PUBLIC = wire(2, form="masked"), wire(2, form="public")
CLIENT, SERVER = wire(2, form="clear", at="client"), wire(2, form="clear", at="server")


@pytest.mark.parametrize(
    ("operands", "form"),
    [
        ((PUBLIC, PUBLIC), "public"),
        ((CLIENT, CLIENT), "clear"),
        ((CLIENT, PUBLIC), "clear"),
        ((CLIENT, SERVER), "shared"),
        ((MASKED, MASKED), "masked"),
        ((MASKED, PUBLIC), "masked"),
        ((MASKED, CLIENT), "shared"),
        ((MASKED, wire(2)), "shared"),
        ((wire(2, form="truncated"), PUBLIC), "shared"),
    ],
)
def test_a_linear_step_makes_what_its_operands_allow(operands: tuple[Wire, Wire], form: Form) -> None:
    made = infer("add", {}, operands)

    assert made.form == form
    assert made.at == ("client" if form == "clear" else "")


@pytest.mark.parametrize(
    ("op", "attrs", "scale"),
    [
        ("times", {"factor": 8, "lift": 3}, 7),
        ("times", {"factor": 8}, 4),
        ("rescale", {"to": 9}, 9),
        ("truncate", {"shift": 3}, 1),
        ("polynomial", {"coefficients": (1, 2, 3), "scale": 5}, 13),
        ("compare", {"knots": (0,)}, 0),
        ("decode", {}, None),
    ],
)
def test_scales(op: str, attrs: Mapping[str, Attribute], scale: int | None) -> None:
    assert infer(op, attrs, [wire(2)]).scale == scale


def test_scales_of_products_and_selections() -> None:
    x, y = wire(2, scale=4), wire(2, scale=6)

    assert infer("product", {"map": "multiply"}, [x, y]).scale == 10
    assert infer("select", {"slopes": (1,), "knots": (0,), "scale": 2}, [x, y]).scale == 8


@pytest.mark.parametrize(
    ("op", "attrs", "shape", "range_"),
    [
        ("subtract", {}, (2, 2, 4, 4), (-8, 8)),
        ("times", {"factor": -2}, (2, 2, 4, 4), (-10, 6)),
        ("offset", {"constant": 7}, (2, 2, 4, 4), (4, 12)),
        ("truncate", {"shift": 1}, (2, 2, 4, 4), (-2, 3)),
        ("polynomial", {"coefficients": (1, 0, 2)}, (2, 2, 4, 4), (1, 51)),
        ("sum_to_channel", {}, (2,), (-96, 160)),
        ("sum_rows", {}, (2, 1, 4, 4), (-6, 10)),
        ("pool_sums", {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}, (2, 2, 2, 2), (-12, 20)),
        (
            "pool_spread",
            {"kernel": (3, 3), "stride": (2, 2), "padding": (0, 0), "size": (9, 9)},
            (2, 2, 9, 9),
            (-12, 20),
        ),
        ("count", {"slopes": (1,)}, (), (0, 64)),
        ("count", {"slopes": (1, -1)}, (), (-32, 32)),
        ("select", {"slopes": (2,), "knots": (1,)}, (2, 2, 4, 4), (-8, 8)),
        ("reveal", {"to": "client", "drowned": 3}, (2, 2, 4, 4), (-3, 12)),
    ],
)
def test_ranges(op: str, attrs: Mapping[str, Attribute], shape: tuple[int, ...], range_: tuple[int, int]) -> None:
    x = wire(2, 2, 4, 4)
    made = infer(op, attrs, [x, x] if op in ("subtract", "select") else [x])

    assert made.shape == shape
    assert bounds(made) == range_


def test_padding_brings_zeros_into_a_convolution() -> None:
    """Four products of 2..3 and 1..1; at the border some of them are 0."""
    x, weight = wire(1, 1, 4, 4, low=2, high=3), wire(1, 1, 2, 2, low=1, high=1)

    assert bounds(infer("product", CONVOLUTION, [x, weight])) == (0, 12)
    assert bounds(infer("product", {**CONVOLUTION, "padding": (0, 0)}, [x, weight])) == (8, 12)
    assert bounds(infer("product", {**CONVOLUTION, "padding": (0, 0), "pool": 3}, [x, weight])) == (72, 108)


def test_gradients_of_a_convolution_add_up_their_windows() -> None:
    x, gradient, weight = (
        wire(2, 1, 4, 4, low=1, high=1),
        wire(2, 3, 4, 4, low=1, high=1),
        wire(3, 1, 3, 3, low=1, high=1),
    )
    to_weight = {**CONVOLUTION, "map": "conv2d_grad_weight", "kernel": (3, 3)}
    to_input = {**CONVOLUTION, "map": "conv2d_grad_input", "size": (4, 4)}

    assert bounds(infer("product", to_weight, [x, gradient])) == (0, 32)
    assert bounds(infer("product", to_input, [gradient, weight])) == (0, 27)


def test_encoding_takes_real_bounds_and_decoding_gives_them() -> None:
    reals = Wire(form="clear", at="client", shape=(2,), bounds=Interval(-0.3, 1.0))
    made = infer("encode", {"scale": 4}, [reals])

    assert (made.form, made.at, bounds(made)) == ("clear", "client", (-5, 16))
    assert infer("decode", {}, [made]).bounds == Interval(-0.3125, 1.0)


def test_a_short_mask_makes_the_truncated_value_masked() -> None:
    assert infer("truncate", {"shift": 2, "short": True}, [MASKED]).form == "masked"
    assert infer("truncate", {"shift": 2}, [MASKED]).form == "truncated"


def test_a_shape_that_nothing_decides_is_asked_for() -> None:
    with pytest.raises(InternalError, match="does not say which shape"):
        infer("reshape", {}, [wire(2, 3)])

    assert infer("reshape", {}, [wire(2, 3)], (6,)).shape == (6,)


def test_the_range_of_pieces_holds_for_every_number_and_every_bit_near_its_threshold() -> None:
    """All numbers of a range, all bits that may be either: nothing outside, and the ends are reached."""
    x, slopes, knots, thresholds = Range(-9, 11), (2, -5, 4), (-4, 0, 3), (-4, 1, 3)
    found: set[int] = set()
    for value in range(x.low, x.high + 1):
        choices = [{0, 1} if abs(value - t + 0.5) < 1 else {int(value >= t)} for t in thresholds]
        for bits in product(*choices):
            found.add(sum(s * d * (value - k) for s, d, k in zip(slopes, bits, knots, strict=True)))
    made = pieces(x, slopes, knots, thresholds)

    assert (made.low, made.high) == (min(found), max(found))


def example() -> PlanBuilder:
    builder = PlanBuilder(HEAD)
    builder.add("given", attrs={"what": "weights"}, name="w0", wire=wire(2, 3, form="clear", at="server"))
    builder.section = "each"
    builder.carry(Carry(name="w", first="w0", then="next", wire=wire(2, 3, low=-9, high=9)))
    x = builder.add("given", attrs={"what": "data"}, name="x", wire=wire(2, 3, form="clear", at="client"))
    made = builder.add("add", (x.name, "w"), name="next", layer="dense1")
    bit = builder.add("compare", (made.name,), {"knots": (1,)}, like=made)
    builder.add("select", (bit.name, made.name), {"slopes": (1,), "knots": (0,)}, like=made)
    builder.result(Result(name="w", value="next"))
    return builder


def test_a_selection_of_what_was_compared_has_no_negative_numbers() -> None:
    plan = example().plan()

    assert bounds(plan.by_name["select"].wire) == (0, 14)
    assert plan.by_name["select"].layer == "dense1"


def test_a_plan_that_was_built_comes_back_from_text_and_from_inference() -> None:
    plan = example().plan("scaled")

    assert parse(show(plan)) == plan
    assert reinfer(plan) == plan


def test_names_are_taken_once() -> None:
    builder = begun(example().plan())

    assert [builder.fresh("next"), builder.fresh("other"), builder.fresh("other")] == ["next.2", "other", "other.2"]
    builder.put(example().plan().by_name["w0"])
    with pytest.raises(InternalError, match="two steps"):
        builder.put(example().plan().by_name["w0"])
