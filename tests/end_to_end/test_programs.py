"""Programs with one difficulty each, at every level: where lowering, scales and masks meet what random models found."""

from __future__ import annotations

import pytest

from ppc.compiler import compile_program
from ppc.protocol import lowered
from tests.end_to_end.test_random import agree

DIGITS = "image: real[1, 6, 5] in 0..1"
ROW = "image: real[6] in -1..1"
DEALER = "joint { field = mersenne127, fraction = 16 }"
SMALL = "joint { field = mersenne61, fraction = 16 }"

# What is difficult: the input, the layers, the number of classes, `joint`, the loss, and the step.
TRAINED = {
    # half of a momentum is a bit more behind the point, in every iteration
    "a momentum of one half": (ROW, "dense(3)\nrelu\ndense(2)", 2, SMALL, "softmax_cross_entropy", "momentum=0.5"),
    "a decay by a power of two": (ROW, "dense(2)", 2, SMALL, "softmax_cross_entropy", "weight_decay=0.0078125"),
    # the bias reaches its own gradient through linear steps only, which shift it
    "a gradient that is linear in the bias": (ROW, "dense(3)\nrelu\ndense(4)", 4, SMALL, "mse", ""),
    "a stride for each axis": (
        *(DIGITS, "conv2d(2, 3, stride=[1, 2], padding=[0, 1])\nrelu\ndense(2)", 2, SMALL),
        *("softmax_cross_entropy", ""),
    ),
    # the same slope is asked for by both of them
    "one function twice": (
        *(ROW, "a = dense(4)\nb = tanh\na -> tanh\nadd(b)\ndense(2)", 2, SMALL, "softmax_cross_entropy", ""),
    ),
    "powers that the dealer truncates": (
        *(ROW, "dense(3)\nrelu(poly=3)\ndense(2)", 2, DEALER, "softmax_cross_entropy", ""),
    ),
    "powers of a sum of powers": (
        *(ROW, "dense(3)\nrelu(poly=3)\nrelu(poly=3)\ndense(2)", 2, DEALER, "softmax_cross_entropy", ""),
    ),
    "two ways to pool one value": (
        *(DIGITS, "a = conv2d(1, 3)\nmax_pool(2)\nflatten\nb = dense(3)\na -> max_pool(2, stride=1)\ndense(3)\nadd(b)"),
        *(3, SMALL, "mse", ""),
    ),
    # values masked by R go into comparisons of their differences
    "a softmax of short masks": (ROW, "dense(3)\nrelu\ndense(3)", 3, DEALER, "softmax_cross_entropy", ""),
    # a curve's result before it is reshaped, for the way back, and behind it
    "a curve in two shapes": (
        *(DIGITS, "conv2d(2, 3)\nsigmoid\nflatten\ndense(2)", 2, SMALL, "softmax_cross_entropy", ""),
    ),
}


def program(head: str, layers: str, classes: int, joint: str, loss: str, step: str) -> str:
    body = "\n".join(f"    {line}" for line in layers.splitlines())
    also = f", {step}" if step else ""
    return f"""party hospital, lab

model net({head}) -> real[{classes}] {{
{body}
}}

private net {{
    image   from hospital
    weights from lab in -0.25..0.25
    result  to   hospital
    {joint}
}}

train net {{
    labels from hospital
    model  to   lab
    loss = {loss}
    sgd(rate=0.125, batch=2, epochs=1{also})
}}
"""


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("difficulty", list(TRAINED))
def test_a_step_of_training(difficulty: str, level: int) -> None:
    assert agree(lowered(compile_program(program(*TRAINED[difficulty]), train=True), level=level), 1)


@pytest.mark.parametrize("level", [0, 2])
def test_a_softmax_of_many_classes(level: int) -> None:
    """The reciprocal's lines are as long as there are classes, so their slopes have more bits."""
    text = program(ROW, "dense(100)\nsoftmax", 100, SMALL, "mse", "")

    assert agree(lowered(compile_program(text), level=level), 1)


@pytest.mark.parametrize("level", [0, 2])
def test_a_relu_of_what_is_never_positive(level: int) -> None:
    """What can only be zero is zero in the run as well."""
    text = program("image: real[6] in -1..0", "relu\ndense(3)\nrelu\ndense(2)", 2, SMALL, "mse", "")

    assert agree(lowered(compile_program(text), level=level), 1)
