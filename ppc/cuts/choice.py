"""Which cut `split auto` takes, and which cuts no other one beats."""

from __future__ import annotations

from collections.abc import Sequence

from ppc.cost import Cost
from ppc.cuts.rows import Row
from ppc.errors import fail
from ppc.ir.policy import Limits, Network
from ppc.ir.sent import Sent, message_bytes
from ppc.source import Span

PRODUCTS = 4e9  # multiply-adds that one core is assumed to do in a second, at the client and at the server
LOCAL = Network(rtt=0.5e-3, bandwidth=1e9)


def transfer(row: Row, network: Network, sent: Sent = "float32") -> float:
    """Seconds that the values of one example are on their way."""
    return network.rtt / 2 + 8 * message_bytes(row.crossing, sent) / network.bandwidth


def seconds(cost: Cost) -> float:
    return cost.multiply_adds / PRODUCTS


def whole(row: Row, network: Network, sent: Sent = "float32") -> float:
    """Seconds from the input to the server's result."""
    return seconds(row.head) + transfer(row, network, sent) + seconds(row.tail)


def broken(row: Row, limits: Limits, network: Network, sent: Sent = "float32") -> tuple[str, ...]:
    """Which limits a row breaks, in words; and that no signal reaches its layer, where it is so."""
    measured = (
        ("weights", row.weights, limits.weights, ""),
        ("bytes", message_bytes(row.crossing, sent), limits.bytes, ""),
        ("time", transfer(row, network, sent) * 1e3, limits.time * 1e3, " ms"),
        ("density", row.density, limits.density, ""),
    )
    behind = (f"the signal joins layer {row.joined_behind}, behind the cut",) if row.joined_behind else ()
    return behind + tuple(
        f"{name} {_number(value)}{unit} > {_number(limit)}{unit}"
        for name, value, limit, unit in measured
        if value > limit
    )


def _number(value: float) -> str:
    """Whole numbers in full, others to three figures."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3g}"


def front(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows that can be and are beaten by no other: fewer weights given, fewer numbers sent, less computed at the
    client."""
    able = [row for row in rows if not row.joined_behind]
    return tuple(row for row in able if not any(_beats(other, row) for other in able))


def _beats(one: Row, other: Row) -> bool:
    mine, theirs = _goods(one), _goods(other)
    return mine != theirs and all(a <= b for a, b in zip(mine, theirs, strict=True))


def _goods(row: Row) -> tuple[int, int, int]:
    return row.weights, row.crossing, row.head.multiply_adds


def chosen(rows: Sequence[Row], limits: Limits, network: Network | None, span: Span, sent: Sent = "float32") -> Row:
    """Of the rows within all limits and on the front the one that answers soonest; of equal ones the first."""
    net = network or LOCAL
    within = [row for row in rows if not broken(row, limits, net, sent)]
    if not within:
        listed = "; ".join(f"at {row.layer}: {', '.join(broken(row, limits, net, sent))}" for row in rows)
        raise fail(
            "PPC223",
            "No split keeps within the limits." if rows else "A model of one layer cannot be split.",
            span=span,
            hint=f"What each would break: {listed}." if rows else "Leave the line out.",
        )
    return min(front(within), key=lambda row: whole(row, net, sent))
