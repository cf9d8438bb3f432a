"""The plans of the workloads, from masked inputs to a masked result: what is timed and counted on our side.

The programs are ordinary ones and every pass of the compiler runs on them, its checks too. What differs from a run of
`ppc` is the end: the result is truncated and masked, as a further step would want it. A reveal stands behind that, so
that it can be compared; it is counted apart, as is the masking of inputs. Training keeps its form: it begins with
weights on shares and leaves them so, and its images are masked once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from ppc.compiled import Compiled
from ppc.compiler import compile_program
from ppc.ir.graph import JOINT, Graph
from ppc.ir.policy import Policy
from ppc.ir.types import NOBODY
from ppc.passes import base, plan_base
from ppc.passes.plan_base import PlanPass
from ppc.passes.plan_pipeline import graph_passes, lowering, plan_passes
from ppc.plan.build import begun
from ppc.plan.steps import Plan, Result
from ppc.reference import evaluate
from ppc.reference.windows import Array
from ppc.source import Source

RESULT = "result"
FRACTION = 16
LEVEL = 2

_CONV = "    conv2d(32, kernel=3, padding=same)\n    avg_pool(2)\n    {act}\n"
TRAINED = """
train net {
    labels from client
    logits to   client
    model  to   server
    loss = softmax_cross_entropy
    sgd(rate=0.01, batch=128, epochs=1)
    reuse inputs of 128
}
"""


def program(shape: str, bounds: str, body: str, result: str, weights: str = "-1..1", train: str = "") -> str:
    """A program of two parties: the client's input, the server's weights."""
    return f"""party client, server

model net(x: real[{shape}] in {bounds}) -> real[{result}] {{
{body}}}

private net {{
    x       from client
    weights from server in {weights}
    result  to   client
    joint {{ field = mersenne61, fraction = {FRACTION} }}
}}
{train}"""


def network(*, deep: bool, act: str = "relu", train: str = "") -> str:
    layers = _CONV.format(act=act) * (2 if deep else 1)
    return program("1, 28, 28", "0..1", f"{layers}    dense(10)\n", "10", train=train)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A row of the table: its program, how many examples, and whether an iteration trains."""

    name: str
    text: str
    batch: int
    train: bool = False


ELEMENTS = 1_000_000
WORKLOADS = (
    Workload(name="W1", text=program("1024", "-4..4", "    dense(1024, bias=false)\n", "1024", "-4..4"), batch=1024),
    Workload(name="W1b", text=program("6272", "-4..4", "    dense(10, bias=false)\n", "10", "-4..4"), batch=128),
    Workload(name="W2", text=network(deep=False), batch=128),
    Workload(name="W2p", text=network(deep=False, act="relu(poly=3)"), batch=128),
    Workload(name="W3", text=network(deep=True), batch=128),
    Workload(name="W4s", text=network(deep=False, train=TRAINED), batch=128, train=True),
    Workload(name="W4d", text=network(deep=True, train=TRAINED), batch=128, train=True),
    Workload(name="W5", text=program(f"{ELEMENTS}", "-24..24", "    relu\n", f"{ELEMENTS}"), batch=1),
    Workload(name="W6", text=program(f"{ELEMENTS}", "-24..24", "    sigmoid\n", f"{ELEMENTS}"), batch=1),
)
BY_NAME = {workload.name: workload for workload in WORKLOADS}


def plan_of(workload: Workload) -> Plan:
    """Scheduled and checked."""
    compiled = compiled_of(workload)
    assert compiled.policy is not None
    graph = compiled.graph if workload.train else jointly(compiled.graph)
    for step in base.steps(graph, graph_passes(LEVEL)):
        graph = step.graph
    plan = lowering(compiled.policy, compiled.training, level=LEVEL, batch=workload.batch).run(graph)
    for step in plan_base.steps(plan, tuple(passes(compiled.policy, ends=not workload.train))):
        plan = step.plan
    return plan


def in_float(workload: Workload, values: Mapping[str, object]) -> dict[str, Array]:
    """What the outputs come to in float64, by their names in the plan."""
    return evaluate(compiled_of(workload).graph, values)


def compiled_of(workload: Workload) -> Compiled:
    source = Source(f"{workload.name}.pnn", workload.text)
    return compile_program(source, train=workload.train, batch=workload.batch)


def passes(policy: Policy, *, ends: bool) -> Iterator[PlanPass]:
    """The compiler's, and between them those that move the ends of a batch."""
    after: dict[str, PlanPass] = {"choose-scales": AtOneScale(), "reuse-masks": MaskedResult(to=policy.client)}
    if ends:
        yield OnShares()
    for one in plan_passes(policy, level=LEVEL):
        yield one
        if ends and one.name in after:
            yield after[one.name]


def jointly(graph: Graph) -> Graph:
    """Everything computed on shares, also what the client could do alone."""
    nodes = tuple(
        node
        if node.op in ("input", "parameter", "reveal")
        else replace(node, place=JOINT, type=node.typed.seen_by(NOBODY))
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes)


@dataclass(frozen=True)
class OnShares:
    """On a lowered plan: the result is revealed to nobody."""

    name: ClassVar[str] = "on-shares"

    def run(self, plan: Plan) -> Plan:
        each = plan.section("each")
        left = tuple(step for step in each.steps if step.op not in ("decode", "reveal"))
        results = (Result(name=RESULT, value=left[-1].name),)
        return replace(plan, sections=(*plan.sections[:-1], replace(each, steps=left, results=results)))


@dataclass(frozen=True)
class AtOneScale:
    """On a scaled plan: a result with the bits of a product is truncated, as the peers do."""

    name: ClassVar[str] = "at-one-scale"

    def run(self, plan: Plan) -> Plan:
        builder = begun(plan)
        for section in plan.sections:
            builder.section = section.name
            for step in section.steps:
                builder.put(step)
        (result,) = plan.section("each").results
        made = builder.by_name[result.value]
        if (made.wire.scale or 0) <= FRACTION:
            return plan
        builder.section = "each"
        shift = (made.wire.scale or 0) - FRACTION
        truncated = builder.add("truncate", (made.name,), {"shift": shift}, like=made)
        builder.results["each"] = [replace(result, value=truncated.name)]
        return builder.plan()


@dataclass(frozen=True, kw_only=True)
class MaskedResult:
    """On a masked plan: the result is opened under a mask of its own, and then shown to one party."""

    name: ClassVar[str] = "masked-result"
    to: str

    def run(self, plan: Plan) -> Plan:
        builder = begun(plan)
        for section in plan.sections:
            builder.section = section.name
            for step in section.steps:
                builder.put(step)
        (result,) = plan.section("each").results
        made = builder.by_name[result.value]
        builder.section = "each"
        masked = builder.add("mask", (made.name,), {"mask": "m.result"}, name=MASKED, like=made)
        shown = builder.add(
            "reveal", (masked.name,), {"to": self.to, "grant": "result"}, phase="output", layer="result"
        )
        decoded = builder.add("decode", (shown.name,), phase="output", layer="result")
        builder.results["each"] = [replace(result, value=decoded.name, to=self.to)]
        return builder.plan()


MASKED = "result.masked"
