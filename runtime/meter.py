"""What was really carried: by section, step, layer, phase and direction, in the words of `ppc.plan.messages`.

A party counts what it puts into its frames; the plan's prediction must be the same to the byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ppc.plan.messages import HEADER, Message
from ppc.plan.steps import Plan, Step


class Meter:
    """Messages and frames that were sent, and how often."""

    def __init__(self) -> None:
        self.messages: Counter[tuple[str, Message]] = Counter()
        self.frames: Counter[tuple[str, int, str]] = Counter()  # section, round, sender

    def message(self, section: str, step: Step, sender: str, size: int) -> None:
        row = Message(step=step.name, sender=sender, round=step.round, layer=step.layer, phase=step.phase, bytes=size)
        self.messages[section, row] += 1

    def frame(self, section: str, round_: int, sender: str) -> None:
        self.frames[section, round_, sender] += 1

    def merge(self, other: Meter) -> None:
        self.messages.update(other.messages)
        self.frames.update(other.frames)

    def bytes_sent(self, sender: str, section: str = "") -> int:
        """Everything that a party sent, headers included; in one section, where it is named."""
        payload = sum(
            row.bytes * times
            for (home, row), times in self.messages.items()
            if row.sender == sender and section in ("", home)
        )
        frames = sum(
            times for (home, _, party), times in self.frames.items() if party == sender and section in ("", home)
        )
        return payload + HEADER * frames

    def rows(self, plan: Plan, section: str) -> Iterator[tuple[Message, int]]:
        """The messages of a section in the order of its steps, and how often each was sent."""
        found = {
            (row.step, row.sender): (row, times) for (home, row), times in self.messages.items() if home == section
        }
        for step in plan.section(section).steps:
            for party in plan.parties:
                if (step.name, party) in found:
                    yield found[step.name, party]
