"""How many uploads a budget pays for. The accountant is asked, and its package needed, only where there is a budget."""

from __future__ import annotations

from ppc.ir.selective import Selective

MOST = 2**24


def allowed_uploads(facts: Selective) -> int | None:
    """None where nothing limits them."""
    if facts.budget is None:
        return None
    from ppc.selective.accountant import affordable

    return affordable(facts, MOST)
