"""Clear evaluation: what every other way to run a graph must agree with.

Tests, `ppc run --mode clear` and the importer call it. Knows the graph and numpy; no pass, no party, no field.
"""

from __future__ import annotations

from ppc.reference.evaluate import evaluate, trace
from ppc.reference.given import outside
from ppc.reference.table import EVALUATE

__all__ = ["EVALUATE", "evaluate", "outside", "trace"]
