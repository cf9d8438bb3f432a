"""From a program to the bundles of its roles: the plans of several batch sizes, and what the weights' owner brings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ppc import __version__
from ppc.bundle import Program
from ppc.compiled import Compiled
from ppc.compiler import compile_program
from ppc.errors import fail
from ppc.ir.graph import Graph
from ppc.protocol import Lowered, lowered
from ppc.source import Source


def at_batches(
    source: str | Path | Source,
    *,
    model: str | None = None,
    as_: str | None = None,
    train: bool = False,
    batches: Sequence[int] = (),
    level: int = 2,
) -> tuple[Lowered, ...]:
    """A plan for each batch size, smallest first; of the program's own size, where none is named."""
    if train and len(set(batches)) > 1:
        raise fail(
            "PPC547",
            "Training has one batch size: its plan hands the weights, on shares, from each iteration to the next.",
            hint="Name one, as in `--batch 128`.",
        )
    sizes: list[int | None] = [*sorted(set(batches))] or [None]
    return tuple(
        lowered(compile_program(source, model=model, as_=as_, train=train, batch=size), level=level) for size in sizes
    )


def program(made: Sequence[Lowered]) -> Program:
    """What a bundle is written of: plans of one private block that differ in their batch size only."""
    compiled = made[0].compiled
    private = compiled.policy.name if compiled.policy else compiled.graph.name
    names = [step.name for step in compiled.steps]
    if compiled.training:
        original, folded = _before(compiled, names.index("differentiate")), None
    else:
        original, prepared = _before(compiled, names.index("prepare-inference")), compiled.after("prepare-inference")
        folded = None if _arrays(prepared) == _arrays(original) else prepared
    return Program(
        plans=tuple(one.plan for one in made),
        private=private,
        written=original,
        folded=folded,
        epochs=compiled.training.epochs if compiled.training else 0,
        ppc=__version__,
    )


def _before(compiled: Compiled, index: int) -> Graph:
    """The graph whose parameters a weights file holds: before batch norms are folded, with the complement in."""
    return compiled.steps[index - 1].graph


def _arrays(graph: Graph) -> list[str]:
    return [node.name for node in graph.parameters]
