"""One op, one row in every table of meanings."""

from __future__ import annotations

from ppc.cost import COST
from ppc.ir.bounds import ALWAYS, BOUNDS, UNBOUNDED
from ppc.ir.ops import OPS, SOURCES
from ppc.ir.shapes import SHAPES
from ppc.passes.gradients import GRADIENTS, NO_GRADIENT
from ppc.reference import EVALUATE

COMPUTED = set(OPS) - set(SOURCES)


def test_every_op_has_a_shape_an_evaluation_and_a_cost() -> None:
    """Inputs and parameters are given: they have no rows."""
    assert set(SHAPES) == COMPUTED
    assert set(EVALUATE) == COMPUTED
    assert set(COST) == COMPUTED


def test_every_op_has_bounds_or_is_listed_without() -> None:
    """Exactly one of three: bounded by what it is, by its operands, or not by a rule of its own."""
    rows = [*ALWAYS, *BOUNDS, *UNBOUNDED]

    assert len(rows) == len(set(rows))
    assert set(rows) == COMPUTED


def test_every_op_has_a_gradient_or_a_reason() -> None:
    """Never both; and a reason is a sentence that a message can end with."""
    assert set(GRADIENTS) | set(NO_GRADIENT) == COMPUTED
    assert not set(GRADIENTS) & set(NO_GRADIENT)
    assert all(reason and not reason.endswith(".") for reason in NO_GRADIENT.values())


def test_every_gradient_has_at_most_one_rule_an_operand() -> None:
    """An op of any number of operands has one rule for all."""
    for op, rules in GRADIENTS.items():
        assert 1 <= len(rules) <= (1 if OPS[op].variadic else OPS[op].most)
