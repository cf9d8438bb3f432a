"""fit-ranges: an overflow is foreseen from the bounds alone."""

from __future__ import annotations

import pytest

from tests.programs import compiled, mistakes, program

DEEP = "\n" + "conv2d(32, kernel=3, padding=same)\n" * 4 + "dense(10)\n"


def test_bounds_that_fit_change_nothing() -> None:
    """A check hands its graph on."""
    steps = compiled(program("joint { fraction = 16 }"))

    assert steps.after("fit-ranges") is steps.after("check-flow")


def test_the_first_layer_that_could_overflow_is_named_and_no_other() -> None:
    """What follows from an overflow is not reported again; the hint offers what would fit."""
    joint = "joint { field = mersenne61, fraction = 16 }"
    (mistake,) = mistakes(program("weights from lab in -8..8", joint, body=DEEP))

    assert mistake.code == "PPC303"
    assert "`conv3` would overflow" in mistake.message
    assert "field = mersenne127" in mistake.hint


@pytest.mark.parametrize("options", ["{ field = mersenne127 }", "{ field = mersenne61, fraction = 8 }"])
def test_a_wider_field_or_fewer_bits_make_room(options: str) -> None:
    """The same program passes with either."""
    body = DEEP.replace("conv2d(32, kernel=3, padding=same)\n" * 4, "conv2d(32, kernel=3, padding=same)\n" * 2)
    compiled(program("weights from lab in -8..8", f"joint {options}", body=body))


def test_joint_values_need_bounds() -> None:
    """An input without bounds cannot be put into a field; in the clear it may."""
    unbounded = program("joint").replace(" in 0..1", "")

    assert [m.code for m in mistakes(unbounded)] == ["PPC302"]
    compiled(unbounded.replace("joint\n", "split at 1\nserver clear\n"))
