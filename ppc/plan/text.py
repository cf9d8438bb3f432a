"""The plan as text, and back: `parse(show(plan)) == plan`.

    plan digits {
      stage masked
      source "digits.pnn"
      field mersenne61
      parties hospital, lab
      level 2
      batch 128
      setup {
        image = given() {"what": "data"} : clear[128, 1, 28, 28] at hospital ; round 0 conv1 input 3:14-3:46
      }
      each {
        carry w = w0 then w2 : shared[10, 64] @32 in -4..4
        e = mask(image) {"mask": "m1"} : masked[128, 1, 28, 28] @16 in 0..65536 ; round 1 conv1 forward 4:5-4:30
        result result = out to hospital
      }
    }

The parser knows the grammar only. Whether a plan keeps the rules of the protocol is said by the checks alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from ppc.errors import PpcError, fail
from ppc.field import FIELDS
from ppc.ir.graph import Attribute
from ppc.ir.types import Interval
from ppc.plan.steps import PHASES, SECTIONS, STAGES, Carry, Phase, Plan, Result, Section, Stage, Step
from ppc.plan.wires import FORMS, Form, Wire
from ppc.source import Span

HEADS = ("stage", "source", "field", "parties", "level", "batch")


def show(plan: Plan) -> str:
    """The plan as text, ending in a newline."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"plan {plan.name} {{"
    heads = (plan.stage, json.dumps(plan.source), plan.field, ", ".join(plan.parties), plan.level, plan.batch)
    yield from (f"  {word} {value}" for word, value in zip(HEADS, heads, strict=True))
    yield from (f"  note {json.dumps(note)}" for note in plan.notes)
    for section in plan.sections:
        yield f"  {section.name} {{"
        yield from (f"    carry {c.name} = {c.first} then {c.then} : {c.wire}" for c in section.carries)
        yield from (f"    {show_step(step)}" for step in section.steps)
        for result in section.results:
            yield f"    result {result.name} = {result.value}" + (f" to {result.to}" if result.to else "")
        yield "  }"
    yield "}"


def show_step(step: Step) -> str:
    """One step on one line."""
    attrs = f" {json.dumps(dict(sorted(step.attrs.items())))}" if step.attrs else ""
    where = f"round {step.round} {step.layer or '-'} {step.phase} {step.span}"
    return f"{step.name} = {step.op}({', '.join(step.inputs)}){attrs} : {step.wire} ; {where}"


_NUMBER = re.compile(r"[0-9]{1,9}")
_WORD = r"[A-Za-z_][\w.]*"
_REAL = r"[-+]?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?"
_WIRE = (
    r"(?P<form>\w+)\[(?P<shape>(?:[0-9]{1,12}(?:, [0-9]{1,12}){0,15})?)\](?: @(?P<scale>-?[0-9]{1,4}))?"
    r"(?: in (?P<low>-?[0-9]{1,80})\.\.(?P<high>-?[0-9]{1,80}))?"
    rf"(?: within (?P<from>{_REAL})\.\.(?P<upto>{_REAL}))?(?: at (?P<at>\w+))?"
)
_STEP = re.compile(
    rf"(?P<name>{_WORD}) = (?P<op>\w+)\((?P<inputs>[\w., ]*)\)(?: (?P<attrs>\{{.*\}}))? : {_WIRE}"
    r" ; round (?P<round>[0-9]{1,6}) (?P<layer>[\w.-]+) (?P<phase>\w+)"
    r" (?P<span>[0-9]{1,9}:[0-9]{1,9}-[0-9]{1,9}:[0-9]{1,9})"
)
_CARRY = re.compile(rf"carry (?P<name>{_WORD}) = (?P<first>{_WORD}) then (?P<then>{_WORD}) : {_WIRE}")
_RESULT = re.compile(rf"result (?P<name>{_WORD}) = (?P<value>{_WORD})(?: to (?P<to>\w+))?")


def parse(text: str) -> Plan:
    """The plan that `show` wrote. A text that it could not have written is refused with its line."""
    return _Reader(text).plan()


class _Reader:
    def __init__(self, text: str) -> None:
        self.lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        self.place = 0

    def bad(self, needed: str, *, back: int = 0) -> PpcError:
        """The mistake in the line at hand, or in the one that was taken `back` lines ago."""
        self.place = max(0, self.place - back)
        number = self.lines[min(self.place, len(self.lines) - 1)][0] if self.lines else 1
        hint = "Write it with `ppc compile --emit=plan`."
        return fail("PPC510", f"Line {number} is no plan text: {needed}.", hint=hint)

    def peek(self) -> str:
        return self.lines[self.place][1] if self.place < len(self.lines) else ""

    def take(self) -> str:
        line = self.peek()
        if not line:
            raise self.bad("the text ends too early")
        self.place += 1
        return line

    def plan(self) -> Plan:
        name = self.opened("plan ")
        stage, source, field, parties, level, batch = (self.head(word) for word in HEADS)
        names = tuple(part.strip() for part in parties.split(","))
        if (
            stage not in STAGES
            or field not in FIELDS
            or len(names) != 2
            or not (_NUMBER.fullmatch(level) and _NUMBER.fullmatch(batch))
        ):
            raise self.bad("a plan has a known stage and field, two parties, a level and a batch")
        notes: list[str] = []
        while self.peek().startswith("note "):
            notes.append(str(self.json(self.head("note"))))
        sections: list[Section] = []
        while self.peek() != "}":
            sections.append(self.section())
        self.place += 1
        if self.peek():
            raise self.bad("nothing stands behind the plan")
        return Plan(
            name=name,
            stage=cast(Stage, stage),
            source=str(self.json(source)),
            field=field,
            parties=(names[0], names[1]),
            level=int(level),
            batch=int(batch),
            notes=tuple(notes),
            sections=tuple(sections),
        )

    def opened(self, word: str) -> str:
        line = self.take()
        if not (line.startswith(word) and line.endswith("{")):
            raise self.bad(f"`{word}NAME {{` stands here", back=1)
        return line[len(word) : -1].strip()

    def head(self, word: str) -> str:
        line = self.take()
        if line.split(" ", 1)[0] != word:
            raise self.bad(f"`{word} …` stands here", back=1)
        return line[len(word) :].strip()

    def json(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise self.bad("the text between braces or quotes is no JSON", back=1) from None

    def section(self) -> Section:
        name = self.opened("")
        if name not in SECTIONS:
            raise self.bad(f"the sections are {', '.join(SECTIONS)}", back=1)
        carries: list[Carry] = []
        steps: list[Step] = []
        results: list[Result] = []
        while (line := self.take()) != "}":
            if match := _CARRY.fullmatch(line):
                carries.append(
                    Carry(name=match["name"], first=match["first"], then=match["then"], wire=self.wire(match))
                )
            elif match := _RESULT.fullmatch(line):
                results.append(Result(name=match["name"], value=match["value"], to=match["to"] or ""))
            else:
                steps.append(self.step(line))
        return Section(name=name, carries=tuple(carries), steps=tuple(steps), results=tuple(results))

    def step(self, line: str) -> Step:
        match = _STEP.fullmatch(line)
        if match is None or match["phase"] not in PHASES:
            raise self.bad("a step is `name = op(inputs) {attrs} : form[shape] ; round N layer phase span`", back=1)
        attrs = cast(dict[str, Any], self.json(match["attrs"])) if match["attrs"] else {}
        line_, column, end_line, end_column = (int(part) for part in re.split("[:-]", match["span"]))
        return Step(
            name=match["name"],
            op=match["op"],
            inputs=tuple(part.strip() for part in match["inputs"].split(",") if part.strip()),
            attrs={key: self.attribute(value) for key, value in attrs.items()},
            wire=self.wire(match),
            round=int(match["round"]),
            layer="" if match["layer"] == "-" else match["layer"],
            phase=cast(Phase, match["phase"]),
            span=Span(line_, column, end_line, end_column),
        )

    def attribute(self, value: Any) -> Attribute:
        if isinstance(value, list):
            items = cast(list[Any], value)
            if all(type(item) in (int, float) for item in items):
                return tuple(items)
        elif isinstance(value, bool | int | float | str):
            return value
        raise self.bad("an attribute is a flag, a number, a word, or a list of numbers", back=1)

    def wire(self, match: re.Match[str]) -> Wire:
        if match["form"] not in FORMS:
            raise self.bad(f"the forms are {', '.join(FORMS)}", back=1)
        shape = tuple(int(part) for part in match["shape"].split(",") if part.strip())
        low, high, scale = (None if match[key] is None else int(match[key]) for key in ("low", "high", "scale"))
        bounds = Interval(float(match["from"]), float(match["upto"])) if match["from"] else None
        form, at = cast(Form, match["form"]), match["at"] or ""
        return Wire(form=form, shape=shape, scale=scale, low=low, high=high, at=at, bounds=bounds)
