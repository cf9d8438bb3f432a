"""Largest values by comparison in pairs, and which of them it was: max pooling, argmax, and the way back.

A later value replaces an earlier one only if it is greater, so of equal ones the first wins, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from ppc.ir.graph import Attribute, Node
from ppc.passes.lowering.context import Lowering, Rule, Value


@dataclass(frozen=True)
class Match:
    """One comparison of a tournament: the later side's bit, and what stood on both sides (matches or places)."""

    bit: Value
    left: Match | int
    right: Match | int


def winner(lowering: Lowering, values: Sequence[Value]) -> tuple[Value, Match | int]:
    """The element-wise largest of values of one shape, and the matches that found it."""
    standing: list[tuple[Value, Match | int]] = [(value, place) for place, value in enumerate(values)]
    while len(standing) > 1:
        pairs = zip(standing[::2], standing[1::2], strict=False)
        rest = standing[len(standing) // 2 * 2 :]
        standing = [_match(lowering, *pair) for pair in pairs] + rest
    return standing[0]


def _match(
    lowering: Lowering, left: tuple[Value, Match | int], right: tuple[Value, Match | int]
) -> tuple[Value, Match | int]:
    ahead = lowering.add("subtract", right[0], left[0])
    bit = lowering.above(ahead, (0.0,))
    best = lowering.add("add", left[0], lowering.chosen(bit, ahead))
    return best, Match(bit, left[1], right[1])


def place_of(lowering: Lowering, match: Match | int) -> Value | int:
    """The number of the winning place: a constant, or a value."""
    if isinstance(match, int):
        return match
    left, right = place_of(lowering, match.left), place_of(lowering, match.right)
    if isinstance(left, int) and isinstance(right, int):
        number = lowering.add("as_number", match.bit, attrs={"threshold": 0}, shape=lowering.shape(match.bit))
        return lowering.add("offset", lowering.times(number, float(right - left)), attrs={"by": float(left)})
    if isinstance(right, int):
        ahead = lowering.add("offset", lowering.times(str(left), -1.0), attrs={"by": float(right)})
    else:
        ahead = _difference(lowering, right, left)
    moved = lowering.chosen(match.bit, ahead)
    return _sum(lowering, moved, left)


def _difference(lowering: Lowering, right: Value, left: Value | int) -> Value:
    if isinstance(left, int):
        return lowering.add("offset", right, attrs={"by": -float(left)})
    return lowering.add("subtract", right, left)


def _sum(lowering: Lowering, moved: Value, left: Value | int) -> Value:
    if isinstance(left, int):
        return lowering.add("offset", moved, attrs={"by": float(left)})
    return lowering.add("add", moved, left)


def shares_of(lowering: Lowering, match: Match | int, gradient: Value) -> dict[int, Value]:
    """The gradient of the largest value, handed back to the place that it came from."""
    if isinstance(match, int):
        return {match: gradient}
    right = lowering.chosen(match.bit, gradient)
    left = lowering.add("subtract", gradient, right)
    return shares_of(lowering, match.left, left) | shares_of(lowering, match.right, right)


# ---- the ops ----


def _max_pool(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    """Every place of the windows is a value; outside of the image nothing can win."""
    bounds = lowering.graph[node.inputs[0]].typed.bounds
    border = bounds.low if bounds else 0.0
    kernel, x = node.pair("kernel"), lowering.settled(operands[0])
    values = [
        lowering.add("window", x, attrs={**node.window, "place": place, "border": border})
        for place in product(*map(range, kernel))
    ]
    best, match = winner(lowering, values)
    lowering.routes[_route(node)] = match
    return best


def _route(node: Node) -> str:
    """One value may be pooled in several ways."""
    return f"{node.inputs[0]} {node.window}"


def _max_pool_grad(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    match = lowering.routes[_route(node)]
    assert isinstance(match, Match | int)  # the forward rule of the same node left it
    places = list(product(*map(range, node.pair("kernel"))))
    size: Attribute = node.shape[2:]
    total = ""
    for place, share in shares_of(lowering, match, operands[1]).items():
        spread = lowering.add("unwindow", share, attrs={**node.window, "place": places[place], "size": size})
        total = lowering.add("add", total, spread) if total else spread
    return total


def columns(lowering: Lowering, x: Value) -> list[Value]:
    """The columns of a matrix, each a matrix of one."""
    return [_part(lowering, x, place, place + 1) for place in range(lowering.shape(x)[1])]


def largest_of_row(lowering: Lowering, x: Value) -> Value:
    """The largest value of each row, by comparing its halves: few steps, whatever its length."""
    width = lowering.shape(x)[1]
    if width == 1:
        return x
    half = width // 2
    left, right = _part(lowering, x, 0, half), _part(lowering, x, half, 2 * half)
    best, _ = _match(lowering, (left, 0), (right, 1))
    if width % 2:
        best = lowering.add("concat", best, _part(lowering, x, width - 1, width))
    return largest_of_row(lowering, best)


def _part(lowering: Lowering, x: Value, start: int, stop: int) -> Value:
    return lowering.add("slice", x, attrs={"start": start, "stop": stop})


def _argmax(lowering: Lowering, node: Node, operands: Sequence[Value]) -> Value:
    _, match = winner(lowering, columns(lowering, lowering.settled(operands[0])))
    place = place_of(lowering, match)
    return lowering.add("reshape", str(place), shape=node.shape)


TOURNAMENTS: dict[str, Rule] = {
    "max_pool": _max_pool,
    "max_pool_grad": _max_pool_grad,
    "argmax": _argmax,
}
