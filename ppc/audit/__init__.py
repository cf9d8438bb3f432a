"""Attacks on what ppc makes: what somebody who follows the protocol could still learn, measured, never called secure.

`finding` is what an attack says, `statistics` how sure it is, `show` how it is told. Each attack is a module of its own
and comes with a positive control: a target that is known to leak, so that a broken attack cannot report that nothing
leaks.
"""

from __future__ import annotations

from ppc.audit.finding import Attack, Finding, verdict
from ppc.audit.show import as_facts, table
from ppc.audit.statistics import Interval, mean_interval, share_interval

__all__ = ["Attack", "Finding", "Interval", "as_facts", "mean_interval", "share_interval", "table", "verdict"]
