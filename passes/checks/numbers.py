"""Which values are the same, whatever they are called, in every iteration: value numbers over the unrolled schedule.

A value is a sum of atoms with coefficients and a constant. An atom is what was given, a random choice, a truncation, a
bit (all effects: each is new whenever it happens), or any other step on values that have numbers. Masks, reshapes,
other readings of the same integer, and certificates change no value; sums may be written in any order.

How far to unroll. Call a carried value handed on if nothing of the iteration is in it, and let there be h of those.
What was new in one iteration is read in the next, and in no more than h after that, or else it is as old as setup: that
is refused where it matters (`stale`). So equal values lie at most h + 1 iterations apart, and two carried values that
ever become equal do so within as many. h + 3 iterations show every such pair, and the loop goes on as it began.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ppc.plan.ops import PLAN_OPS
from ppc.plan.steps import Plan, Section, Step

NEVER = -1  # the iteration in which setup's values were new
Terms = tuple[tuple[int, int], ...]  # atoms with their coefficients, in order


@dataclass(frozen=True, slots=True)
class Value:
    """A value's number, and the wire that holds it: the step that made it, and in which iteration."""

    terms: Terms
    constant: int
    wire: tuple[str, int]
    newest: int = NEVER


@dataclass(frozen=True, slots=True)
class Piece:
    """Of a value of this shape a slice along axis 1."""

    shape: tuple[int, ...]
    start: int
    stop: int


Part = tuple[Value, Piece | None]  # a value, whole or a piece of it
Parts = Mapping[int, tuple[Part, ...]]  # of each atom whose elements are those of other values


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step of the unrolled schedule."""

    section: str
    iteration: int
    step: Step
    operands: tuple[Value, ...]

    @property
    def newest(self) -> int:
        """The iteration in which the newest thing in the operands was new."""
        return max((value.newest for value in self.operands), default=self.iteration)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Setup, as many iterations as tell, and finish; `last` is the last iteration."""

    events: tuple[Event, ...]
    last: int
    parts: Parts

    def stale(self, event: Event) -> bool:
        """Whether an operand in an iteration holds nothing that iterations renew."""
        return event.section == "each" and event.iteration == self.last and event.newest <= 0


def number(value: Value) -> tuple[Terms, int]:
    return value.terms, value.constant


def unrolled(plan: Plan) -> Schedule:
    numbers = _Numbers(plan)
    each = plan.section("each")
    setup: dict[str, Value] = {}
    numbers.section(plan.section("setup"), NEVER, setup)
    carried = {carry.name: setup[carry.first] for carry in each.carries}
    iteration, last = 0, 2
    while iteration <= last:
        known = setup | carried
        numbers.section(each, iteration, known)
        carried = {carry.name: known[carry.then] for carry in each.carries}
        if iteration == 0:
            last += sum(value.newest == NEVER for value in carried.values())
        iteration += 1
    numbers.section(plan.section("finish"), iteration, setup | carried)
    return Schedule(events=tuple(numbers.events), last=last, parts=numbers.parts)


# ops whose result is their operand's value
SAME = frozenset({"mask", "reshape", "rescale", "certified", "decode"})
# results that are new whenever the step runs
EFFECTS = frozenset({"given", "truncate", "truncate_local", "digits", "groups", "bit"})
# steps whose result has the elements of their operands, each once or several times, and public numbers
ARRANGED = frozenset({"concat", "slice", "spread_rows", "window", "unfold", "unwindow"})
ORDERLESS = frozenset({"multiply"})
# each element of the result is made of the elements in the same place, however they are arranged
ELEMENTWISE = frozenset({"multiply", "select", "polynomial"})


@dataclass
class _Numbers:
    plan: Plan
    atoms: dict[tuple[object, ...], int] = field(default_factory=dict[tuple[object, ...], int])
    events: list[Event] = field(default_factory=list[Event])
    parts: dict[int, tuple[Part, ...]] = field(default_factory=dict[int, "tuple[Part, ...]"])

    def section(self, section: Section, iteration: int, known: dict[str, Value]) -> None:
        for step in section.steps:
            operands = tuple(known[name] for name in step.inputs)
            known[step.name] = self.value(step, operands, iteration)
            self.events.append(Event(section=section.name, iteration=iteration, step=step, operands=operands))

    def value(self, step: Step, operands: Sequence[Value], iteration: int) -> Value:
        wire = (step.name, iteration)
        newest = max((value.newest for value in operands), default=NEVER)
        if self.is_effect(step):
            return Value(((self.atom(("effect", *wire)), 1),), 0, wire, max(iteration, newest))
        match step.op:
            case "add":
                return combined(operands, (1, 1), wire)
            case "subtract":
                return combined(operands, (1, -1), wire)
            case "times":
                return combined(operands, (step.integer("factor"),), wire)
            case "offset":
                (x,) = operands
                return Value(x.terms, x.constant + step.integer("constant"), wire, x.newest)
            case "batch":  # rows come again only as an earlier epoch's, and each epoch does its work anew
                key = (step.op, iteration, *self.described(step), *self.ordered(step, operands))
                return Value(((self.atom(key), 1),), 0, wire, max(iteration, newest))
            case op if op in SAME or op == "reveal" or self.whole(step):
                return combined(operands, (1,), wire)
            case "slice" if piece := self.sliced(step, operands[0]):
                return combined([piece], (1,), wire)
            case _:
                key = (step.op, *self.described(step), *self.ordered(step, operands))
                atom = self.atom(key)
                if step.op in ARRANGED:
                    self.parts[atom] = tuple((operand, self.piece(step)) for operand in operands)
                return Value(((atom, 1),), 0, wire, newest)

    def piece(self, step: Step) -> Piece | None:
        shape = self.plan.wires[step.inputs[0]].shape
        return Piece(shape, step.integer("start"), step.integer("stop")) if step.op == "slice" else None

    def sliced(self, step: Step, x: Value) -> Value | None:
        """What was joined and is taken apart again."""
        joined = self.plan.by_name.get(step.inputs[0])
        while joined is not None and joined.op in SAME - {"reshape"}:
            joined = self.plan.by_name.get(joined.inputs[0])
        if joined is None or joined.op != "concat" or len(x.terms) != 1 or x.terms[0][0] not in self.parts:
            return None
        start = 0
        for name, (part, _) in zip(joined.inputs, self.parts[x.terms[0][0]], strict=True):
            stop = start + self.plan.wires[name].shape[1]
            if (start, stop) == (step.integer("start"), step.integer("stop")):
                return part
            start = stop
        return None

    def is_effect(self, step: Step) -> bool:
        random = step.op == "encode" and step.word("rounding") == "stochastic"
        return step.op in EFFECTS or random or (step.op == "reveal" and step.integer("drowned", 0) > 0)

    def whole(self, step: Step) -> bool:
        """A slice of everything, a joining of one."""
        if step.op == "slice":
            return step.wire.shape == self.plan.wires[step.inputs[0]].shape
        return step.op == "concat" and len(step.inputs) == 1

    def described(self, step: Step) -> tuple[object, ...]:
        """The attributes that say what is computed."""
        hidden = {*PLAN_OPS[step.op].secrets, "into", "error"}
        elementwise = not ELEMENTWISE.isdisjoint((step.op, step.word("map")))
        shape = () if elementwise else step.wire.shape
        return (shape, *sorted((key, value) for key, value in step.attrs.items() if key not in hidden))

    def ordered(self, step: Step, operands: Sequence[Value]) -> list[tuple[Terms, int]]:
        numbers = [number(value) for value in operands]
        return sorted(numbers) if step.word("map") in ORDERLESS else numbers

    def atom(self, key: tuple[object, ...]) -> int:
        return self.atoms.setdefault(key, len(self.atoms))


def combined(operands: Sequence[Value], factors: Sequence[int], wire: tuple[str, int]) -> Value:
    """Σ factor·operand, equal atoms taken together."""
    total: dict[int, int] = {}
    for value, factor in zip(operands, factors, strict=True):
        for atom, coefficient in value.terms:
            total[atom] = total.get(atom, 0) + factor * coefficient
    terms = tuple(sorted((atom, coefficient) for atom, coefficient in total.items() if coefficient))
    constant = sum(value.constant * factor for value, factor in zip(operands, factors, strict=True))
    return Value(terms, constant, wire, max((value.newest for value in operands), default=NEVER))
