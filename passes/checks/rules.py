"""The rules that a plan can break, by the names under which tests and users find them, and how a breach is told.

C0 to C9 are those of PROTOCOL.md, section 6. C5 (the same sample in a later epoch) has no words in a plan: what is
given in `each` is new in every iteration. C6 and C8 are about what a run is given and which segment of the dealer's
file it uses; the runtime holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol

from ppc.errors import InternalError
from ppc.plan.steps import Plan, Step
from ppc.source import Span


class Rule(StrEnum):
    """Every rule, by the check that holds it."""

    # ---- what a plan is at all ----
    HEAD = "a plan says where it stands"
    KNOWN = "only known ops and attributes"
    NAMES = "one name, one value"
    DEFINED = "a value is made before it is used"
    FORMS = "a form decides what may be done"
    SHAPES = "shapes fit"
    CARRIED = "a carried value keeps its type"
    RESULTS = "a result is there for whom it is"
    # ---- check-rounds ----
    ROUNDS = "a message is sent after what it is made of"
    MESSAGES = "what one party sends the other waits for"
    # ---- check-ranges ----
    STATED = "a stated range holds"
    FIELD = "every value fits the field"
    TRUNCATION = "a truncation has room"
    COMPARISON = "a comparison has room"
    SCALES = "scales agree"
    CERTIFIED = "a certificate says what was checked"
    # ---- check-masks ----
    ONE_EFFECT = "C0 an effect happens once"
    ONE_VALUE = "C1 one mask, one value"
    ONE_USE = "C2 one secret, one use"
    OWN_MASK = "C3 a truncation belongs to a mask"
    NEW_WEIGHTS = "C4 new weights, new mask"
    ONE_TRUNCATION = "C7 one secret is truncated once"
    DROWNED = "C7 a result shows no more than it says"
    MASKED = "C9 every message is masked"
    DEALER_CHOOSES = "C9 a product under a chosen mask is used under it only"
    SHORT = "C9 a short mask hides"
    UNIFORM = "only uniform shares are shifted one by one"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One breach of a rule, at a step; `step` is empty where the plan as a whole is at fault."""

    rule: Rule
    step: str
    message: str
    span: Span | None = None

    def __str__(self) -> str:
        return f"{self.rule}: {f'`{self.step}` ' if self.step else ''}{self.message}"


@dataclass
class Found:
    """The problems so far, each told once."""

    problems: list[Problem] = field(default_factory=list[Problem])
    told: set[tuple[Rule, str]] = field(default_factory=set[tuple[Rule, str]])

    def note(self, rule: Rule, step: Step | str, message: str) -> None:
        name, span = (step, None) if isinstance(step, str) else (step.name, step.span)
        problem = Problem(rule=rule, step=name, message=message, span=span)
        if (rule, name) not in self.told:
            self.told.add((rule, name))
            self.problems.append(problem)


class Check(Protocol):
    """A check of a plan: what is wrong with it, or the plan as it was."""

    name: ClassVar[str]

    def problems(self, plan: Plan) -> list[Problem]: ...

    def run(self, plan: Plan) -> Plan: ...


def kept(plan: Plan, problems: Iterable[Problem], *, place: str) -> Plan:
    """The plan, if there are none: a plan that our own passes made and that breaks a rule is a mistake of ours."""
    if told := "; ".join(_told(problems)):
        raise InternalError(told, place=place)
    return plan


def _told(problems: Iterable[Problem]) -> Iterator[str]:
    yield from (str(problem) for problem in problems)
