"""Every interval rule alone: whatever operands do within theirs, also where those leave out 0, results stay inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppc.ir.bounds import ALWAYS, BOUNDS, bounds_of
from ppc.ir.graph import Attribute, Node
from ppc.ir.types import Interval
from ppc.reference import EVALUATE
from ppc.reference.windows import Array

Attributes = Mapping[str, Attribute]
Shape = tuple[int, ...]
IMAGE, ROW = (2, 2, 4, 3), (3, 4)
UNIT = Interval(0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Case:
    """An op on operands of these shapes; `within` fixes the interval of an operand that cannot have any other.

    The operands of `sums` hold numbers that sum to 1 in every example.
    """

    op: str
    shapes: tuple[Shape, ...] = (IMAGE,)
    attrs: Attributes = field(default_factory=dict[str, Attribute])
    within: Mapping[int, Interval] = field(default_factory=dict[int, Interval])
    whole: frozenset[int] = frozenset()
    sums: frozenset[int] = frozenset()


def _window(padding: tuple[int, int]) -> Attributes:
    return {"kernel": (2, 2), "stride": (1, 2), "padding": padding}


def _convolution(stride: int, padding: int, groups: int = 1) -> Attributes:
    return {"stride": (stride, stride), "padding": (padding, padding), "groups": groups}


def _overlapping(padding: tuple[int, int]) -> Attributes:
    return {"kernel": (3, 2), "stride": (1, 1), "padding": padding}


def _matmul(x: bool, y: bool) -> Case:
    shapes = ((4, 3) if x else (3, 4), (2, 4) if y else (4, 2))
    return Case(op="matmul", shapes=shapes, attrs={"transpose_x": x, "transpose_y": y})


def _turned(how: str) -> Case:
    signal = Interval(0.0, 3.0 if how == "roll" else 1.0)
    return Case(op="uncomplement", shapes=(ROW, (3,)), attrs={"how": how}, within={1: signal}, whole=frozenset({1}))


CONVOLUTION: Attributes = {"channels": 2, "groups": 1}
NORM: Attributes = {"epsilon": 0.01, "momentum": 0.1}
CASES = (
    *(
        Case(op="conv2d", shapes=(IMAGE, (2, 2, 2, 2), (2,)), attrs={**CONVOLUTION, **_window(p)})
        for p in ((0, 0), (1, 1))
    ),
    Case(op="conv2d", shapes=(IMAGE, (2, 1, 2, 2)), attrs={**CONVOLUTION, **_window((2, 2)), "groups": 2}),
    Case(op="dense", shapes=(ROW, (2, 4), (2,)), attrs={"features": 2}),
    *(Case(op=op, attrs=_window(padding)) for op in ("avg_pool", "max_pool") for padding in ((0, 0), (1, 1))),
    Case(op="polynomial", attrs={"coefficients": (0.5, -1.0, 2.0, -0.25), "replaces": "relu"}),
    Case(op="batch_norm", shapes=(IMAGE, (2,), (2,), (2,), (2,)), attrs=NORM, within={4: Interval(0.0, 2.0)}),
    Case(op="norm_factor", shapes=((3,), (3,)), attrs={"epsilon": 0.01}, within={1: Interval(0.0, 2.0)}),
    Case(op="norm_shift", shapes=((3,), (3,), (3,))),
    *(Case(op=op, shapes=(IMAGE, (2,))) for op in ("multiply_channel", "add_channel", "scale_filters")),
    *(
        Case(op=op)
        for op in ("global_avg_pool", "relu", "flatten", "dropout", "sum_to_channel", "batch_mean", "reveal")
    ),
    Case(op="sum_to_channel", shapes=(ROW,)),
    Case(op="reshape", attrs={"shape": (24,)}),
    *(Case(op=op, shapes=(IMAGE, IMAGE)) for op in ("add", "subtract", "multiply", "relu_grad")),
    Case(op="concat", shapes=(IMAGE, IMAGE, IMAGE)),
    *(_turned(how) for how in ("roll", "flip", "negate")),
    *(Case(op=op, shapes=(ROW, ROW)) for op in ("softmax_cross_entropy", "softmax_cross_entropy_grad")),
    *(Case(op=op, shapes=(IMAGE, IMAGE)) for op in ("mse", "mse_grad", "sigmoid_grad", "tanh_grad")),
    Case(op="softmax_grad", shapes=(ROW, ROW), within={0: UNIT}, sums=frozenset({0})),
    *(
        Case(op="conv2d_grad_input", shapes=((2, 4, 3, 2), (4, 2, 2, 2)), attrs={**_convolution(*how), "size": (5, 4)})
        for how in ((1, 0, 2), (2, 1, 1))
    ),
    Case(op="conv2d_grad_input", shapes=((2, 3, 2, 2), (3, 1, 3, 3)), attrs={**_convolution(2, 0), "size": (6, 5)}),
    *(
        Case(op="conv2d_grad_weight", shapes=((2, 2, 5, 4), made), attrs={**_convolution(*how), "kernel": (2, 2)})
        for how, made in (((1, 0, 2), (2, 4, 4, 3)), ((2, 1, 1), (2, 3, 3, 3)))
    ),
    Case(op="avg_pool_grad", shapes=((2, 2, 2, 1),), attrs={**_window((0, 0)), "size": (4, 3)}),
    Case(op="avg_pool_grad", shapes=((2, 2, 4, 4),), attrs={**_overlapping((1, 1)), "size": (4, 3)}),
    Case(op="max_pool_grad", shapes=((2, 2, 4, 3), (2, 2, 4, 4)), attrs=_overlapping((1, 1))),
    Case(op="global_avg_pool_grad", shapes=(ROW,), attrs={"size": (2, 3)}),
    Case(op="batch_variance"),
    Case(op="batch_variance", shapes=(ROW,)),
    Case(
        op="batch_norm_grad_input",
        shapes=(IMAGE, (2,), (2,), (2,), IMAGE),
        attrs={"epsilon": 0.01},
        within={3: Interval(0.0, 2.0)},
    ),
    Case(
        op="batch_norm_grad_scale",
        shapes=(IMAGE, (2,), (2,), IMAGE),
        attrs={"epsilon": 0.01},
        within={2: Interval(0.0, 2.0)},
    ),
    *(Case(op="scale", attrs={"factor": factor}) for factor in (2.0, -0.5, 0.0)),
    Case(op="scale_by", shapes=(IMAGE, ())),
    Case(op="right_answers", shapes=(ROW, ROW)),
    Case(op="slice_channels", attrs={"start": 1, "stop": 2}),
    *(Case(op="resize", attrs={"size": size}) for size in ((2, 2), (5, 7))),
    *(_matmul(x, y) for x in (False, True) for y in (False, True)),
    *(Case(op=op, shapes=(ROW,)) for op in ("sigmoid", "tanh", "softmax")),
    *(
        Case(
            op="signal_planes",
            shapes=((3,),),
            attrs={"classes": classes, "size": (2, 2)},
            within={0: Interval(0.0, classes - 1.0)},
            whole=frozenset({0}),
        )
        for classes in (2, 4)
    ),
)
intervals = st.tuples(st.floats(-3.0, 3.0), st.floats(0.0, 2.0)).map(lambda ends: Interval(ends[0], ends[0] + ends[1]))


def drawn(case: Case, index: int, interval: Interval, generator: np.random.Generator) -> Array:
    """A third of the elements at either end, the others between."""
    shape = case.shapes[index]
    between = generator.uniform(interval.low, interval.high, size=shape)
    values = np.where(generator.random(shape) < 1 / 3, interval.low, between)
    values = np.where(generator.random(shape) < 1 / 3, interval.high, values)
    if index in case.sums:
        values = (values + 1e-9) / (values + 1e-9).sum(axis=1, keepdims=True)
    return np.rint(values) if index in case.whole else values


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.op)
@given(st.data())
def test_results_stay_within_the_interval(case: Case, data: st.DataObject) -> None:
    """Several draws, because an end is reached only where all operands conspire."""
    bounds = [case.within.get(index) or data.draw(intervals) for index in range(len(case.shapes))]
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    node = Node(name="n", op=case.op, attrs=case.attrs)
    found = bounds_of(node, bounds, case.shapes)

    assert found is not None
    for _ in range(5):
        values = [drawn(case, index, interval, generator) for index, interval in enumerate(bounds)]
        result = EVALUATE[case.op](node, values)
        slack = 1e-12 * max(1.0, found.magnitude)
        assert found.low - slack <= result.min() <= result.max() <= found.high + slack


@pytest.mark.parametrize("case", [case for case in CASES if case.op in BOUNDS], ids=lambda case: case.op)
def test_unknown_operands_give_no_bounds(case: Case) -> None:
    """A rule claims nothing from nothing."""
    assert bounds_of(Node(name="n", op=case.op, attrs=case.attrs), [None] * len(case.shapes), case.shapes) is None


def test_gradients_of_windows_are_bounded_tightly() -> None:
    """A 3×3 kernel moving by 2 covers a place at most four times; three filters make at most twelve products."""
    node = Node(name="n", op="conv2d_grad_input", attrs={**_convolution(2, 0), "size": (6, 5)})
    found = bounds_of(node, [Interval(0.0, 1.0), Interval(-2.0, 1.0)], [(2, 3, 2, 2), (3, 1, 3, 3)])

    assert found == Interval(-24.0, 12.0)


def test_every_rule_is_tried() -> None:
    """A new rule needs a case here."""
    assert {case.op for case in CASES} == {*BOUNDS, *ALWAYS}


def test_bounds_beyond_all_numbers_are_unknown() -> None:
    """A square of a huge number is no finite number."""
    node = Node(name="n", op="multiply")
    huge = Interval(-1e300, 1e300)

    assert bounds_of(node, [huge, huge], [ROW, ROW]) is None
