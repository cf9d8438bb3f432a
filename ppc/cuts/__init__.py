"""Every place where a model can be cut in two: what the client is given, what crosses, what each side computes.

    rows        one row for each k, worked out from the typed graph
    choice      the row that `split auto` takes, and those that no other row beats
    equations   the counting of equations in the paper of complement and partitioning, put right
    rank        how many of an input's numbers the values that cross determine

Called by the passes, which choose, and by the front door, which shows. Knows the graph; no policy beyond limits, no
party, no plan.
"""

from __future__ import annotations

from ppc.cuts.choice import chosen, front
from ppc.cuts.rows import Row, Signal, rows

__all__ = ["Row", "Signal", "chosen", "front", "rows"]
