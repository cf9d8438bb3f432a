"""What explain says of several batch sizes: a request is padded up to the next one, and pays for it.

The bill itself is that of the largest size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ppc.bill.tables import count, table
from ppc.bundle.batches import spans

if TYPE_CHECKING:
    from ppc.bill.rows import Bill, Total


def rows(bills: Sequence[Bill]) -> list[dict[str, object]]:
    """By size: the requests that run in it, and what one batch costs."""
    by_size = {bill.plan.batch: bill for bill in bills}
    return [
        {"batch": size, "requests": [low, high], "padding": size - low, **_cost(by_size[size])}
        for low, high, size in spans(list(by_size))
    ]


def _cost(bill: Bill) -> dict[str, object]:
    total = _each(bill)
    return {"sent": total.sent, "dealt": total.dealt, "rounds": total.rounds}


def _each(bill: Bill) -> Total:
    return next(total for total in bill.totals if total.section == "each")


def text(bills: Sequence[Bill]) -> str:
    """The same as a table; nothing where there is one size."""
    if not bills:
        return ""
    client, server = bills[0].plan.parties
    heads = ("request", "batch", "padded by", f"{client}→{server}", f"{server}→{client}", f"dealer→{server}", "rounds")
    by_size = {bill.plan.batch: _each(bill) for bill in bills}
    cells: list[tuple[str, ...]] = []
    for low, high, size in spans(list(by_size)):
        total = by_size[size]
        requests = str(low) if low == high else f"{low} to {high}"
        padding = "0" if low == high else f"0 to {size - low}"
        cells.append((requests, str(size), padding, *map(count, (*total.sent, total.dealt[1])), str(total.rounds)))
    largest = max(by_size)
    last = f"  larger requests run in batches of {largest}, the rest padded up; what is padded costs as examples do"
    title = "what a request costs in a bundle of these batch sizes, in examples and bytes"
    return "\n" + "\n".join([title, *table(heads, cells, words=1, indent=2), last]) + "\n"
