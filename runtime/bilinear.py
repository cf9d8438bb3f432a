"""The bilinear maps of a plan on arrays of elements, and sums of them: what a product is made of.

Called by the parties, who sum maps of opened values and shares, and by the dealer, who sums maps of masks. The names
are those of `ppc.plan.maps`. Knows no form and no party.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ppc.field import Words
from ppc.plan.steps import Step
from ppc.runtime.kernels import Convolution, Expression
from ppc.runtime.lazy import Array, Lazy, Leaves, Local, Shape


@dataclass(frozen=True, eq=False, repr=False)
class Term:
    """± map(x, y); zero, where an operand is."""

    x: Array | None
    y: Array | None
    negate: bool = False


def bilinear(local: Local, step: Step, terms: Sequence[Term], start: Array | None = None) -> Array | None:
    """start + Σ ± map(x, y). An array `start` that can be written is used up."""
    present = [term for term in terms if term.x is not None and term.y is not None]
    if step.word("map") in SHAPED:
        return _elementwise(local, step, present, start) if present else start
    if not present:
        return start
    out, keep = _room(local, step.wire.shape, start)
    for term in present:
        assert term.x is not None
        assert term.y is not None
        accumulate(local, step, local.store(term.x), local.store(term.y), out, keep=keep, negate=term.negate)
        keep = True
    return out


def _room(local: Local, shape: Shape, start: Array | None) -> tuple[Words, bool]:
    """Where the sum is made, and whether something is in it already."""
    if start is None:
        return local.field.empty(*shape), False
    array = local.store(start)
    return (array if array.flags.writeable else array.copy()), True


def accumulate(local: Local, step: Step, x: Words, y: Words, out: Words, *, keep: bool, negate: bool) -> None:
    """out ± map(x, y), or ± map(x, y) where nothing is kept."""
    rule = PRODUCTS[step.word("map")]
    if step.word("map") != "conv2d_grad_input":
        rule(local, step, x, y, out, keep, negate)
        return
    made = out if not (keep or negate) else np.empty_like(out)
    rule(local, step, x, y, made, False, False)
    if made is not out:
        local.store(_combined(local.shape(out), out if keep else None, made, negate), out)


def _combined(shape: Shape, old: Words | None, made: Words, negate: bool) -> Lazy:
    def build(leaves: Leaves) -> Expression:
        sign = -leaves.element(made) if negate else leaves.element(made)
        return sign if old is None else leaves.element(old) + sign

    return Lazy(shape, build)


# ---- element by element ----


def _elementwise(local: Local, step: Step, terms: Sequence[Term], start: Array | None) -> Lazy:
    shape, shaped = step.wire.shape, SHAPED[step.word("map")]
    pairs = [(term.x, shaped(local, shape, term.y), term.negate) for term in terms if term.y is not None]

    def build(leaves: Leaves) -> Expression:
        total = None if start is None else leaves.element(start)
        for x, y, negate in pairs:
            assert x is not None
            made = leaves.element(x) * leaves.element(y)
            total = (-made if negate else made) if total is None else total - made if negate else total + made
        assert total is not None
        return total

    return Lazy(shape, build)


def _per_channel(local: Local, shape: Shape, y: Array) -> Array:
    return local.reshaped(local.store(y), (1, shape[1], *(1,) * (len(shape) - 2)))


SHAPED: dict[str, Callable[[Local, Shape, Array], Array]] = {
    "multiply": lambda _local, _shape, y: y,
    "multiply_channel": _per_channel,
    "multiply_rows": lambda local, _shape, y: local.store(y),
    "multiply_all": lambda local, shape, y: local.reshaped(local.store(y), (1,) * len(shape)),
}

# ---- matrices and convolutions ----


def convolution(step: Step) -> Convolution:
    return Convolution(
        stride=step.pair("stride"),
        padding=step.pair("padding"),
        groups=step.integer("groups"),
        pool=step.integer("pool", 1),
    )


def _conv2d(local: Local, step: Step, x: Words, y: Words, out: Words, keep: bool, negate: bool) -> None:
    local.bench.convolve(x, y, out, convolution(step), add=keep, negate=negate)


def _conv2d_grad_weight(local: Local, step: Step, x: Words, y: Words, out: Words, keep: bool, negate: bool) -> None:
    local.bench.convolve_to_weights(x, y, out, convolution(step), add=keep, negate=negate)


def _conv2d_grad_input(local: Local, step: Step, x: Words, y: Words, out: Words, _keep: bool, _negate: bool) -> None:
    local.bench.convolve_to_input(x, y, out, convolution(step))


def _matmul(local: Local, step: Step, x: Words, y: Words, out: Words, keep: bool, negate: bool) -> None:
    left = np.swapaxes(x, 0, 1) if step.flag("transpose_x") else x
    right = np.swapaxes(y, 0, 1) if step.flag("transpose_y") else y
    local.bench.matmul(left, right, out, add=keep, negate=negate)


def _unfolded_conv2d(local: Local, _step: Step, x: Words, y: Words, out: Words, keep: bool, negate: bool) -> None:
    """Each group's weights, as a matrix, times its windows."""
    batch, groups, count, values = local.shape(x)
    made = local.shape(y)[0]
    weights = local.reshaped(y, (1, groups, made // groups, values))
    target = local.reshaped(out, (batch, groups, made // groups, count))
    local.bench.matmul(weights, np.swapaxes(x, 2, 3), target, add=keep, negate=negate)


def _unfolded_grad_weight(local: Local, _step: Step, x: Words, y: Words, out: Words, keep: bool, negate: bool) -> None:
    """Of each example the gradient's rows times the windows, all added up."""
    batch, groups, count, values = local.shape(x)
    made = local.shape(y)[1]
    gradient = local.reshaped(y, (batch, groups, made // groups, count))
    target = local.reshaped(out, (groups, made // groups, values))
    for example in range(batch):
        local.bench.matmul(gradient[example], x[example], target, add=keep or example > 0, negate=negate)


Product = Callable[[Local, Step, Words, Words, Words, bool, bool], None]

PRODUCTS: dict[str, Product] = {
    "conv2d": _conv2d,
    "conv2d_grad_weight": _conv2d_grad_weight,
    "conv2d_grad_input": _conv2d_grad_input,
    "matmul": _matmul,
    "unfolded_conv2d": _unfolded_conv2d,
    "unfolded_grad_weight": _unfolded_grad_weight,
}
