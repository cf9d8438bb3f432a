"""What a training has carried and what it has cost so far: exchanges, bytes beside those predicted, epsilon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ppc.errors import fail
from ppc.ir.selective import Selective
from ppc.selective.adding import TAG, share_bytes
from ppc.selective.budget import allowed_uploads
from ppc.selective.host import Host
from ppc.selective.message import Sparse
from ppc.selective.rounds import Progress


@dataclass
class Tally:
    """Of a model with so many parameters."""

    facts: Selective
    parameters: int
    rows: list[Progress]

    @property
    def predicted(self) -> tuple[int, int]:
        """Bytes of one exchange, to an aggregator and back."""
        down = Sparse.predicted_bytes(self.facts.downloaded(self.parameters))
        if self.facts.aggregate == "additive":
            return share_bytes(self.facts.shared(self.parameters)), TAG + down
        return Sparse.predicted_bytes(self.facts.uploaded(self.parameters)), down

    @property
    def up(self) -> int:
        return sum(row.bytes_up for row in self.rows)

    def facts_of(self) -> dict[str, Any]:
        """The updates, as they were and as they were predicted: with a threshold fewer coordinates may be sent."""
        up, down = self.predicted
        count = len(self.rows)
        return {
            "exchanges": count,
            "up": self.up,
            "down": sum(row.bytes_down for row in self.rows),
            "predicted_up": count * up,
            "predicted_down": count * down,
            "staleness": sum(row.staleness for row in self.rows) / max(1, count),
        }

    def over(self, host: Host, rounds: int, accuracy: float | None) -> dict[str, Any]:
        """What is told of a round that is over; the accuracy is that of the server's model, where it has a test."""
        right = {} if accuracy is None else {"accuracy": accuracy}
        return {"round": rounds, "there": len(host.lines), **right, **self.facts_of(), **spent(host)}


def priced(host: Host) -> Iterator[str]:
    """What may not be stable, and the total epsilon, before anything is learned."""
    facts = host.facts
    yield from facts.warnings()
    if facts.noise.kind == "none":
        return
    from ppc.selective.accountant import planned

    yield from planned(facts, facts.rounds * max(host.exchanges.values()))
    paid(facts)


def paid(facts: Selective) -> None:
    """A budget that pays for nothing is refused before anything is learned."""
    if allowed_uploads(facts) == 0:
        message = "The budget does not pay for a single upload."
        raise fail("PPC685", message, span=facts.span, hint="Add more noise, or raise the budget.")


def spent(host: Host) -> dict[str, float]:
    """The epsilon of who has sent most."""
    if host.facts.noise.kind == "none":
        return {}
    from ppc.selective.accountant import delta_of, epsilon

    return {"epsilon": epsilon(host.facts, max(host.uploads.values(), default=0)), "delta": delta_of(host.facts)}


def line(rounds: int, told: Mapping[str, Any]) -> str:
    """A row of the live table."""
    worth = f"   epsilon {told['epsilon']:.2f}" if "epsilon" in told else ""
    right = f"accuracy {told['accuracy']:.4f}   " if "accuracy" in told else ""
    return (
        f"round {told['round']:>4} of {rounds}   {right}{told['exchanges']:>5} exchanges   "
        f"up {told['up']:>12,} B   down {told['down']:>12,} B   staleness {told['staleness']:.1f}   "
        f"there {told['there']}{worth}"
    )
