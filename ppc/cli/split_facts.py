"""What is known of every place where a model can be cut: counted, measured on its layers, compiled, and trained.

`ppc explain MODEL.pnn --split all` shows it. For each k the program is compiled anew, as if it said `split at k`.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from ppc.bill.machine import Machine
from ppc.bill.network import Profile
from ppc.bill.rows import bill
from ppc.cli.split_policies import jointly, uncut
from ppc.compiler import compile_program
from ppc.cuts import Row, chosen, equations, front, rows
from ppc.cuts.choice import broken
from ppc.cuts.equations import Check
from ppc.cuts.rank import Rank, rank
from ppc.errors import PpcError, fail
from ppc.ir.layers import weighted
from ppc.ir.policy import Limits, Network, Policy
from ppc.ir.sent import Sent
from ppc.passes.split_at_layer import SplitAtLayer, signal_of
from ppc.protocol import lowered

if TYPE_CHECKING:
    from ppc.compiled import Compiled
    from ppc.data import Array
    from ppc.ir.graph import Graph, Node
    from ppc.weights import SomeWeights

SEED = 1  # of weights, where none are named


@dataclass(frozen=True, kw_only=True)
class Jointly:
    """What one example costs on shares."""

    sent: tuple[int, int]
    dealt: tuple[int, int]
    rounds: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Of one cut."""

    row: Row
    check: Check  # of the last layer in front of it
    rank: Rank
    joint: Jointly | None  # the rest, on shares
    refused: str  # or by which code it cannot be
    broken: tuple[str, ...]  # limits of the program's own `split auto`
    best: bool  # no other cut gives less, sends less and leaves the client less to do
    accuracy: float | None = None  # once it is trained with its signal


class _Joint(TypedDict):
    joint: Jointly | None
    refused: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """All cuts of a model."""

    name: str
    facts: tuple[Facts, ...]
    taken: int  # by the program, or by its `split auto`; 0 where it is not split
    limits: bool  # whether the program has any
    sent: Sent  # how numbers cross
    drawn: bool  # whether ranks are of weights that were drawn, and of none that are named
    net: Profile
    trained_on: str


def gathered(arguments: Namespace, net: Callable[[Compiled], Profile], machine: Machine) -> Table:
    """Everything about every cut."""
    program = Path(arguments.subject)
    compile_ = partial(compile_program, program, model=arguments.model, as_=arguments.as_)
    whole, policy = _written(compile_)
    if policy is None:
        hint = "Write who holds what: `private …`."
        raise fail("PPC509", "A model without a private block has nobody to be split between.", hint=hint)
    graph = whole.after("infer-shapes")
    found = rows(graph, signal_of(graph, policy.complement))
    limits = policy.cut.limits if policy.cut and policy.cut.limits else Limits()
    profile = net(whole)
    weights = _weights(arguments.weights, graph)
    line = Network(rtt=profile.rtt, bandwidth=profile.bandwidth)
    best = {row.layer for row in front(found)}
    facts = [
        Facts(
            row=row,
            check=equations.check(graph, layer),
            rank=rank(graph, layer, weights[layer.inputs[1]], _linear),
            **_jointly(compile_, row.layer, machine, profile),
            broken=broken(row, limits, line, policy.sent),
            best=row.layer in best,
        )
        for row, layer in zip(found, weighted(graph), strict=False)
    ]
    return Table(
        name=whole.graph.name,
        facts=_trained(arguments, tuple(facts)),
        taken=_taken(policy, found, graph, line),
        limits=limits != Limits(),
        sent=policy.sent,
        drawn=arguments.weights is None,
        net=profile,
        trained_on=str(arguments.data or ""),
    )


def _written(compile_: Callable[..., Compiled]) -> tuple[Compiled, Policy | None]:
    """The program without a cut, and its private block as it is written."""
    seen: list[Policy] = []

    def change(policy: Policy) -> Policy:
        seen.append(policy)
        return uncut(policy)

    whole = compile_(change=change)
    return whole, seen[0] if seen else None


def _taken(policy: Policy, found: tuple[Row, ...], graph: Graph, line: Network) -> int:
    """The cut that the program takes."""
    if policy.cut is None:
        return 0
    if policy.cut.limits is not None:
        if all(broken(row, policy.cut.limits, line, policy.sent) for row in found):
            return 0
        return chosen(found, policy.cut.limits, line, policy.cut.span, policy.sent).layer
    return SplitAtLayer(policy.cut, policy.client).layer(graph, policy.cut)


def _weights(path: Path | None, graph: Graph) -> SomeWeights:
    from ppc.weights import initial, load

    return initial(graph, SEED) if path is None else load(path, graph).weights


def _linear(layer: Node, values: Array, weight: Array) -> Array:
    from ppc.reference import EVALUATE

    return EVALUATE[layer.op](layer, [values, weight])


def _jointly(compile_: Callable[..., Compiled], layer: int, machine: Machine, net: Profile) -> _Joint:
    """The rest on shares; a model that does not fit says by which code."""

    try:
        found = bill(lowered(compile_(change=partial(jointly, layer=layer))).plan)
    except PpcError as error:
        return {"joint": None, "refused": error.diagnostics[0].code}
    total = next(total for total in found.totals if total.section == "each")
    took = found.times(total, machine, net).total
    return {"joint": Jointly(sent=total.sent, dealt=total.dealt, rounds=total.rounds, seconds=took), "refused": ""}


def _trained(arguments: Namespace, facts: tuple[Facts, ...]) -> tuple[Facts, ...]:
    if arguments.data is None:
        return facts
    from ppc.cli.split_accuracy import accuracies

    found: Mapping[int, float] = accuracies(arguments, [one.row.layer for one in facts if not one.row.joined_behind])
    return tuple(replace(one, accuracy=found.get(one.row.layer)) for one in facts)
