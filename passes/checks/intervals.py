"""The interval of every op's result, from those of its operands: integers, exact, written for the check alone.

Tighter rules than a pass uses do no harm: what is stated must contain what comes out here, and may be wider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import ceil, floor, prod

from ppc.passes.checks.powers import polynomial_ends
from ppc.plan.maps import Shape, windows
from ppc.plan.steps import Step
from ppc.plan.wires import Wire

Ends = tuple[int, int]  # the lowest and the highest integer
Rule = Callable[[Step, Sequence[Wire], Sequence[Ends]], Ends]


def hull(numbers: Iterable[int]) -> Ends:
    found = list(numbers)
    return min(found), max(found)


def scaled(x: Ends, factor: int) -> Ends:
    return hull(end * factor for end in x)


def moved(x: Ends, by: int) -> Ends:
    return x[0] + by, x[1] + by


def summed(x: Ends, y: Ends) -> Ends:
    return x[0] + y[0], x[1] + y[1]


def with_zero(x: Ends) -> Ends:
    return hull((*x, 0))


def encoded(step: Step, real: Wire) -> Ends | None:
    """The integers that reals within bounds become, rounded as the step says."""
    if real.bounds is None:
        return None
    low, high = (Fraction(end) * Fraction(2) ** step.integer("scale") for end in (real.bounds.low, real.bounds.high))
    if step.word("rounding") == "stochastic":
        return floor(low), ceil(high)
    return round(low), round(high)


# ---- bilinear maps: products, and how many are added up at most ----


def bilinear(step: Step, wires: Sequence[Wire], ends: Sequence[Ends]) -> Ends:
    """A sum of `terms` products; where windows lie over the edge, of fewer."""
    products = hull(x * y for x in ends[0] for y in ends[1])
    if step.word("map") == "multiply" and step.inputs[0] == step.inputs[1] and ends[0][0] <= 0 <= ends[0][1]:
        products = (0, products[1])
    total = scaled(products, terms(step, wires))
    return total if step.word("map") in WHOLE or not _over_the_edge(step) else with_zero(total)


def largest_sum(step: Step, wires: Sequence[Wire], ends: Sequence[Ends]) -> int:
    """The largest magnitude that a part of the sum can have."""
    return terms(step, wires) * max(abs(end) for end in ends[0]) * max(abs(end) for end in ends[1])


WHOLE = frozenset(
    {
        *("matmul", "multiply", "multiply_channel", "multiply_rows", "multiply_all"),
        *("unfolded_conv2d", "unfolded_grad_weight"),
    }
)


def _over_the_edge(step: Step) -> bool:
    return step.word("map") == "conv2d_grad_input" or any(step.pair("padding"))


def terms(step: Step, wires: Sequence[Wire]) -> int:
    x, y = (wire.shape for wire in wires)
    pool = step.integer("pool", 1) ** 2
    match step.word("map"):
        case "conv2d":
            return y[1] * prod(min(size, kernel) for size, kernel in zip(x[2:], y[2:], strict=True)) * pool
        case "conv2d_grad_weight":
            return y[0] * prod(y[2:]) * pool
        case "conv2d_grad_input":
            return y[0] // step.integer("groups") * cover(step, step.pair("size"), y[2:])
        case "matmul":
            return x[0 if step.flag("transpose_x") else 1]
        case "unfolded_conv2d":
            return x[3] * pool
        case "unfolded_grad_weight":
            return y[0] * prod(y[2:]) * pool
        case _:
            return 1


def cover(step: Step, size: Shape, kernel: Shape) -> int:
    """In how many windows a place lies at most."""
    counts = zip(windows(step, size, kernel), kernel, step.pair("stride"), strict=True)
    return prod(min(count, -(-length // stride)) for count, length, stride in counts)


# ---- all other ops ----


def _same(_step: Step, _wires: Sequence[Wire], ends: Sequence[Ends]) -> Ends:
    return ends[0]


def _sum(step: Step, _wires: Sequence[Wire], ends: Sequence[Ends]) -> Ends:
    return with_zero(scaled(ends[1], step.integer("most"))) if "most" in step.attrs else summed(ends[0], ends[1])


def _difference(_step: Step, _wires: Sequence[Wire], ends: Sequence[Ends]) -> Ends:
    return summed(ends[0], scaled(ends[1], -1))


def _truncate(step: Step, _wires: Sequence[Wire], ends: Sequence[Ends]) -> Ends:
    """⌊x/2^f⌋ or one more; with a short mask no more than rounding up, since nothing wraps (section 4)."""
    shift = step.integer("shift")
    low, high = ends[0]
    if shift == 0 and step.op == "truncate":
        return ends[0]
    return low >> shift, -(-high >> shift) if step.flag("short") else (high >> shift) + 1


def _pool_sums(step: Step, wires: Sequence[Wire], ends: Sequence[Ends]) -> Ends:
    size = zip(wires[0].shape[2:], step.pair("kernel"), strict=True)
    total = scaled(ends[0], prod(min(whole, kernel) for whole, kernel in size))
    return with_zero(total) if any(step.pair("padding")) else total


def _pool_spread(step: Step, _wires: Sequence[Wire], ends: Sequence[Ends]) -> Ends:
    return with_zero(scaled(ends[0], cover(step, step.pair("size"), step.pair("kernel"))))


def _window(step: Step, _wires: Sequence[Wire], ends: Sequence[Ends]) -> Ends:
    border = step.integer("border", 0)
    return hull((*ends[0], border)) if any(step.pair("padding")) else ends[0]


def _count(step: Step, wires: Sequence[Wire], _ends: Sequence[Ends]) -> Ends:
    slopes = step.integers("slopes")
    each = wires[0].size // len(slopes)
    negative, positive = (sum(slope for slope in slopes if (slope < 0) is sign) for sign in (True, False))
    return negative * each, positive * each


RULES: dict[str, Rule] = {
    **dict.fromkeys(("mask", "rescale", "reshape", "slice", "batch", "spread_rows"), _same),
    **dict.fromkeys(("product", "apply"), bilinear),
    **dict.fromkeys(("add", "add_channel"), _sum),
    **dict.fromkeys(("truncate", "truncate_local"), _truncate),
    **dict.fromkeys(("bit", "as_number"), lambda _step, _wires, _ends: (0, 1)),
    "subtract": _difference,
    "polynomial": lambda step, _wires, ends: polynomial_ends(step.integers("coefficients"), ends[0]),
    "reveal": lambda step, _wires, ends: summed(ends[0], (0, (1 << step.integer("drowned", 0)) - 1)),
    "times": lambda step, _wires, ends: scaled(ends[0], step.integer("factor")),
    "offset": lambda step, _wires, ends: moved(ends[0], step.integer("constant")),
    "concat": lambda _step, _wires, ends: hull(end for each in ends for end in each),
    "sum_to_channel": lambda _step, wires, ends: scaled(ends[0], wires[0].size // wires[0].shape[1]),
    "sum_rows": lambda _step, wires, ends: scaled(ends[0], wires[0].shape[1]),
    "unfold": lambda step, _wires, ends: with_zero(ends[0]) if any(step.pair("padding")) else ends[0],
    "unwindow": lambda _step, _wires, ends: with_zero(ends[0]),
    "pool_sums": _pool_sums,
    "pool_spread": _pool_spread,
    "window": _window,
    "count": _count,
}
