"""In which order the steps of a section run, and where values live: until their last use, or across iterations.

The parties, the dealer and the twin walk a plan in the same order. Knows steps and names, no values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from ppc.errors import InternalError
from ppc.plan.ops import OPENINGS
from ppc.plan.steps import Carry, Plan, Section, Step

V = TypeVar("V")


@dataclass(frozen=True)
class Round:
    """The openings of one round, and the local steps that follow."""

    number: int
    openings: tuple[Step, ...]
    local: tuple[Step, ...]


@dataclass(frozen=True)
class Schedule:
    """A section by rounds."""

    section: Section

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        steps = self.section.steps
        return tuple(
            Round(
                number,
                tuple(step for step in steps if step.round == number and step.op in OPENINGS),
                tuple(step for step in steps if step.round == number and step.op not in OPENINGS),
            )
            for number in range(self.section.rounds + 1)
        )

    @property
    def order(self) -> tuple[Step, ...]:
        return tuple(step for round_ in self.rounds for step in (*round_.openings, *round_.local))

    @cached_property
    def dying(self) -> dict[str, tuple[str, ...]]:
        """For each step the values that nothing in this section reads after it."""
        last: dict[str, str] = {}
        for step in self.order:
            last.update(dict.fromkeys((step.name, *step.inputs), step.name))
        kept = {carry.then for carry in self.section.carries} | {result.value for result in self.section.results}
        found: dict[str, list[str]] = {step.name: [] for step in self.section.steps}
        for value, step in last.items():
            if value not in kept:
                found[step].append(value)
        return {step: tuple(values) for step, values in found.items()}


class Scope(Generic[V]):
    """The values of a run by name. What setup made and what is carried stays; the rest goes after its last use."""

    def __init__(
        self, plan: Plan, carried: Callable[[Carry, V, str], V], *, begun: Mapping[str, V] | None = None
    ) -> None:
        """`carried` gives a value the form in which it is carried, from the value of another name. `begun` holds what
        an earlier run carried to here, where this one goes on from it."""
        self.plan, self._carried, self._begun = plan, carried, begun
        self._lasting: dict[str, V] = {}
        self._passing: dict[str, V] = {}
        self._carries = plan.section("each").carries
        self.schedules = {section.name: Schedule(section) for section in plan.sections}

    def __getitem__(self, name: str) -> V:
        if name in self._passing:
            return self._passing[name]
        if name not in self._lasting:
            raise InternalError(f"the value {name} is not there", place="run")
        return self._lasting[name]

    def __contains__(self, name: str) -> bool:
        return name in self._passing or name in self._lasting

    def put(self, step: Step, value: V) -> None:
        self._passing[step.name] = value

    def done(self, section: Section, step: Step) -> None:
        """Forget what nothing reads any more."""
        if section.name != "setup":
            for name in self.schedules[section.name].dying[step.name]:
                self._passing.pop(name, None)

    def enter(self, section: Section) -> None:
        """A section begins. Before the first iteration, what is carried is what setup made, or an earlier run."""
        self._passing = {}
        if section.name != "setup":
            self._begin()

    def _begin(self) -> None:
        for carry in self._carries:
            if carry.name in self._lasting:
                continue
            self._lasting[carry.name] = self._first(carry) if self._begun is None else self._begun[carry.name]

    def _first(self, carry: Carry) -> V:
        return self._carried(carry, self[carry.first], carry.first)

    @property
    def carried(self) -> dict[str, V]:
        """What the last iteration handed on."""
        return {carry.name: self._lasting[carry.name] for carry in self._carries}

    def leave(self, section: Section) -> None:
        if section.name == "setup":
            self._lasting.update(self._passing)
            self._begin()
        carries = {carry.name: self._carried(carry, self[carry.then], carry.then) for carry in section.carries}
        self._lasting.update(carries)
        self._passing = {}
