"""fuse-kernels: local arithmetic between openings becomes few loops over memory.

Assumes and guarantees stage `scheduled`. An element-wise step whose result is read once, element by element, is marked
`inline`: it is computed inside the loop of its reader, and its result is never written to memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ppc.passes.plan_base import handed_on, users
from ppc.plan.steps import Plan, Section, Step

# Steps whose every element depends on one element of each operand, or on a public number.
ELEMENTWISE = frozenset(
    {
        "add",
        "subtract",
        "add_channel",
        "times",
        "offset",
        "rescale",
        "certified",
        "truncate",
        "truncate_local",
        "polynomial",
        "select",
    }
)
SENDING = frozenset({"mask", "reveal"})  # what is sent is the operand plus a mask, element by element
FIRST_ONLY = frozenset({"add_channel"})  # the second operand is smaller, and read again and again


@dataclass(frozen=True)
class FuseKernels:
    """Mark the steps that need no loop of their own."""

    name: ClassVar[str] = "fuse-kernels"

    def run(self, plan: Plan) -> Plan:
        readers, handed = users(plan), handed_on(plan)
        home = {step.name: section.name for section in plan.sections for step in section.steps}

        def fused(step: Step) -> Step:
            found = readers.get(step.name, ())
            once = len(found) == 1 and step.name not in handed and home[step.name] == home[found[0].name]
            inline = once and elementwise(step) and reads_by_element(found[0], step)
            return replace(step, attrs={**step.attrs, "inline": True}) if inline else step

        sections = tuple(
            replace(section, steps=tuple(fused(step) for step in section.steps)) for section in plan.sections
        )
        return replace(plan, sections=sections)


def elementwise(step: Step) -> bool:
    """Joint arithmetic only: what a party computes alone in reals has its own rules."""
    multiplied = step.op in ("product", "apply") and step.word("map") == "multiply"
    return (step.op in ELEMENTWISE or multiplied) and not step.wire.real


def reads_by_element(reader: Step, operand: Step) -> bool:
    first = reader.op not in FIRST_ONLY or reader.inputs[0] == operand.name
    return first and (elementwise(reader) or reader.op in SENDING) and reader.wire.shape == operand.wire.shape


def loops(section: Section) -> int:
    """How often local arithmetic and openings go over memory, element by element."""
    return sum(1 for step in section.steps if (elementwise(step) or step.op in SENDING) and not step.flag("inline"))
