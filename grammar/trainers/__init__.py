"""Trainers by name: what the word behind `by` makes of a train block.

`joint` and `clear` are steps of gradient descent and become a `Training` (`grammar.lessons`). Every other trainer
speaks in phrases (`phrases`) and has a module here, which resolves its block into frozen facts of `ppc.ir`. A new
trainer is such a module, a row in the table, and its facts in `Lessons`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ppc.grammar import syntax
from ppc.grammar.arguments import Reader, nearest
from ppc.grammar.lessons import resolve_training
from ppc.grammar.trainers.collaborative import resolve_collaborative
from ppc.grammar.trainers.distilled import resolve_distilled
from ppc.grammar.trainers.selective import resolve_selective
from ppc.ir.collaborative import Collaborative
from ppc.ir.distilled import Distilled
from ppc.ir.policy import Training
from ppc.ir.selective import Selective

Lessons = Collaborative | Distilled | Selective  # what a trainer that speaks in phrases is told
Resolve = Callable[[syntax.Train, tuple[str, ...], Reader], Training | Lessons | None]

TRAINERS: Mapping[str, Resolve] = {
    "joint": resolve_training,
    "clear": resolve_training,
    "collaborative": resolve_collaborative,
    "distilled": resolve_distilled,
    "selective": resolve_selective,
}


def resolve_train(block: syntax.Train, parties: tuple[str, ...], reader: Reader) -> Training | Lessons | None:
    """What a train block states, or None where it has mistakes."""
    name = block.by.text if block.by else "joint"
    if name in TRAINERS:
        return TRAINERS[name](block, parties, reader)
    span = block.by.span if block.by else block.span
    reader.blame("PPC114", f"There is no trainer `{name}`.", span, hint=nearest(name, list(TRAINERS)))
    return None
