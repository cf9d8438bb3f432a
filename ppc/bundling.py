"""From a program to the bundles of its roles: the plans of several batch sizes, and what the weights' owner brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ppc import __version__
from ppc.bundle import Program
from ppc.compiled import Compiled
from ppc.compiler import compile_program
from ppc.errors import fail
from ppc.ir.graph import Graph
from ppc.ir.policy import Training
from ppc.plan.kept import kept as kept_by
from ppc.plan.needs import published
from ppc.plan.wires import Wire
from ppc.protocol import Lowered, lowered
from ppc.source import Source
from ppc.weights import SomeWeights
from ppc.weights.published import written

Owned = Callable[[Compiled], SomeWeights]  # the weights of a program, batch norms folded, as their owner has them


def at_batches(
    source: str | Path | Source,
    *,
    model: str | None = None,
    as_: str | None = None,
    train: bool = False,
    batches: Sequence[int] = (),
    level: int = 2,
    kept: Mapping[str, Wire] | None = None,
    field: str = "",
    evaluate: bool = False,
) -> tuple[Lowered, ...]:
    """A plan for each batch size, smallest first; of the program's own size, where none is named.

    All are in one field: the compiler's choice for the largest, where the program leaves it open, or that of what is
    `kept` on shares.
    """
    sizes: list[int | None] = [*sizes_of(batches, train=train or evaluate)] or [None]
    compiled = [
        compile_program(source, model=model, as_=as_, train=train, batch=size, kept=kept, evaluate=evaluate)
        for size in sizes
    ]
    largest = lowered(compiled[-1], level=level, field=field)
    smaller = (lowered(one, level=level, field=largest.plan.field) for one in compiled[:-1])
    return (*smaller, largest)


def sizes_of(batches: Sequence[int], *, train: bool) -> tuple[int, ...]:
    """The batch sizes that were asked for, smallest first, each once."""
    if train and len(set(batches)) > 1:
        raise fail(
            "PPC547",
            "Training has one batch size: its plan hands the weights, on shares, from each iteration to the next.",
            hint="Name one, as in `--batch 128`.",
        )
    return tuple(sorted(set(batches)))


def program(made: Sequence[Lowered], weights: Owned | None = None) -> Program:
    """What a bundle is written of: plans of one private block that differ in their batch size only.

    A split gives the client its layers, so that their weights have to be there when it is compiled.
    """
    compiled = made[0].compiled
    private = compiled.policy.name if compiled.policy else compiled.graph.name
    names = [step.name for step in compiled.steps]
    if compiled.training and not compiled.evaluation:
        original, folded = _before(compiled, names.index("differentiate")), None
    else:
        original, prepared = _before(compiled, names.index("prepare-inference")), compiled.after("prepare-inference")
        folded = None if _arrays(prepared) == _arrays(original) else prepared
    return Program(
        plans=tuple(one.plan for one in made),
        private=private,
        written=original,
        folded=folded,
        training=_facts(compiled.training) if compiled.training and not compiled.evaluation else None,
        published=_published(made[0], weights),
        ppc=__version__,
    )


def _published(lowered: Lowered, weights: Owned | None) -> bytes:
    shapes = published(lowered.plan)
    if not shapes:
        return b""
    if weights is None:
        client = lowered.plan.parties[0]
        raise fail(
            "PPC501",
            f"The split gives {client} the weights of its layers, and no weights are named.",
            hint="Name them: `--weights FILE`.",
        )
    return written(weights(lowered.compiled), shapes)


def evaluating(source: str | Path | Source, trained: Lowered) -> tuple[Lowered, ...]:
    """What measures a training while it goes on: right answers of the weights that its iterations hand on. Empty,
    where the program asks for none."""
    compiled = trained.compiled
    if compiled.training is None or compiled.training.evaluation is None:
        return ()
    private = compiled.policy.name if compiled.policy else None
    return at_batches(
        source,
        model=compiled.graph.name,
        as_=private,
        level=trained.level,
        kept=kept_by(trained.plan),
        field=trained.plan.field,
        evaluate=True,
    )


def _facts(training: Training) -> dict[str, object]:
    every = training.evaluation.every if training.evaluation else 0
    facts: dict[str, object] = {
        "epochs": training.epochs,
        "order": training.order or "open",
        "seed": training.seed,
        "every": every,
    }
    return {**facts, "turns": list(training.turns)} if training.turns else facts


def _before(compiled: Compiled, index: int) -> Graph:
    """The graph whose parameters a weights file holds: before batch norms are folded, with the complement in."""
    return compiled.steps[index - 1].graph


def _arrays(graph: Graph) -> list[str]:
    return [node.name for node in graph.parameters]
