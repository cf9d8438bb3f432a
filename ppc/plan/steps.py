"""The protocol program: frozen steps in order, in three sections, the middle one repeated.

    Plan    ::= name, stage, field, parties, level, Section*
    Section ::= setup | each | finish: Carry*, Step*, Result*
    Step    ::= name = op(inputs) {attrs} : wire ; round layer phase span
    Carry   ::= name = first, then next      a value that one iteration hands to the next

`setup` runs once (weights come in), `each` once a batch or iteration, `finish` once (a trained model goes out). `each`
reads what setup made and what it carries; `finish` reads setup and the carried values. All masks and other secrets of
the dealer are named in attributes (`SECRETS`); a name in `each` means another secret in every iteration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal, cast, get_args

from ppc.field import FIELDS, Field
from ppc.ir.graph import Attribute
from ppc.plan.wires import Wire
from ppc.source import START, Span

Phase = Literal["input", "forward", "backward", "update", "check", "output"]
PHASES: tuple[str, ...] = get_args(Phase)
SectionName = Literal["setup", "each", "finish"]
SECTIONS: tuple[SectionName, ...] = get_args(SectionName)
BOTH = "both"

Stage = Literal["lowered", "scaled", "masked", "scheduled"]
# lowered    what is computed, on real numbers: products and comparisons take any value, nothing is masked or truncated
# scaled     every joint value is an integer at a scale; truncations are in, comparisons and products as before
# masked     operands are opened under masks, comparisons are digits and bits, every secret of the dealer has a name
# scheduled  every opening has its round
STAGES: tuple[str, ...] = get_args(Stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation and the value it makes. `round` counts from 1 in its section; 0 is: no message before it."""

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    attrs: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    wire: Wire
    round: int = 0
    layer: str = ""
    phase: Phase = "forward"
    span: Span = START

    def __post_init__(self) -> None:
        object.__setattr__(self, "attrs", MappingProxyType(dict(self.attrs)))

    def integer(self, key: str, default: int | None = None) -> int:
        return cast(int, self.attrs[key] if default is None else self.attrs.get(key, default))

    def word(self, key: str) -> str:
        """An attribute that is a word; empty where it is not there."""
        return cast(str, self.attrs.get(key, ""))

    def flag(self, key: str) -> bool:
        return bool(self.attrs.get(key, False))

    def pair(self, key: str) -> tuple[int, int]:
        return cast(tuple[int, int], self.attrs[key])

    def integers(self, key: str) -> tuple[int, ...]:
        return cast(tuple[int, ...], self.attrs.get(key, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """A value with another content in each iteration: `first` is made in setup, `then` in the iteration before."""

    name: str
    first: str
    then: str
    wire: Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A value that leaves the plan: a step that is clear at `to`, or a carried or shared one with `to` empty."""

    name: str
    value: str
    to: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    name: SectionName
    carries: tuple[Carry, ...] = ()
    steps: tuple[Step, ...] = ()
    results: tuple[Result, ...] = ()

    @property
    def rounds(self) -> int:
        return max((step.round for step in self.steps), default=0)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A program for two parties and a dealer. `parties` are the client and the server, in this order."""

    name: str
    stage: Stage = "scheduled"
    source: str = ""
    field: str
    parties: tuple[str, str]
    level: int
    batch: int
    notes: tuple[str, ...] = ()  # why the compiler chose what it chose, for people
    sections: tuple[Section, ...] = ()

    @property
    def modulus_field(self) -> Field:
        return FIELDS[self.field]

    def section(self, name: str) -> Section:
        return next((s for s in self.sections if s.name == name), Section(name=cast(SectionName, name)))

    def steps(self) -> Iterator[Step]:
        for section in self.sections:
            yield from section.steps

    @cached_property
    def wires(self) -> Mapping[str, Wire]:
        """The wire of every value, carried ones included."""
        found = {step.name: step.wire for step in self.steps()}
        found.update({carry.name: carry.wire for section in self.sections for carry in section.carries})
        return found

    @cached_property
    def by_name(self) -> Mapping[str, Step]:
        return {step.name: step for step in self.steps()}

    def peer(self, party: str) -> str:
        return self.parties[1 - self.parties.index(party)]
