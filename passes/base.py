"""What a pass is, and how a list of passes is run.

A pass is a frozen dataclass: its fields are its options, `run` takes a graph and returns a new one. It may take
for granted that the graph is valid; the runner verifies after every pass and names the one at fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import ClassVar, Protocol

from ppc.ir.graph import Graph
from ppc.ir.verify import verify


class Pass(Protocol):
    """One step of the compiler."""

    name: ClassVar[str]

    def run(self, graph: Graph) -> Graph: ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """What the runner did: the pass, what came out, and how long it took."""

    name: str
    graph: Graph
    seconds: float


def steps(graph: Graph, passes: Sequence[Pass]) -> Iterator[Step]:
    """Run the passes one by one; every graph that leaves here is verified."""
    for one in passes:
        start = perf_counter()
        graph = verify(one.run(graph), after=one.name)
        yield Step(name=one.name, graph=graph, seconds=perf_counter() - start)
