"""What a training has opened and carried so far: rounds, mean losses, bytes beside those predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ppc.collaborative.host import Host, Sum


@dataclass
class Tally:
    """`losses` are means over the rounds of an epoch; None where none of its sums was opened."""

    rounds: int = 0
    predicted: int = 0
    losses: list[float | None] = field(default_factory=list[float | None])

    def over(self, host: Host, sums: Sequence[Sum]) -> dict[str, Any]:
        """What is told of an epoch that is over."""
        self.rounds, self.predicted = self.rounds + len(sums), self.predicted + sum(one.predicted for one in sums)
        opened = [one.opened / one.there for one in sums if one.opened is not None]
        self.losses.append(sum(opened) / len(opened) if opened else None)
        right = [told["accuracy"] for told in host.reports.values() if "accuracy" in told]
        return {
            "epoch": host.over,
            "loss": self.losses[-1],
            "accuracy": sum(right) / len(right) if right else None,
            "bytes": host.measured,
            "there": len(host.there),
        }

    def facts_of(self, host: Host) -> dict[str, Any]:
        """What is told at the end."""
        reports = {str(number): told for number, told in sorted(host.reports.items())}
        carried = {"bytes": host.measured, "predicted": self.predicted}
        return {"rounds": self.rounds, **carried, "losses": self.losses, "reports": reports, "there": len(host.there)}


def line(epochs: int, told: Mapping[str, Any]) -> str:
    """A row of the live table."""
    loss = "not opened" if told["loss"] is None else f"{told['loss']:.4f}"
    right = "" if told["accuracy"] is None else f"   accuracy {told['accuracy']:.4f}"
    return (
        f"epoch {told['epoch']:>4} of {epochs}   mean loss {loss}{right}   "
        f"{told['bytes']:>12,} B   there {told['there']}"
    )
