"""What a plan needs from outside of a run beside examples and weights: a dealer, and what a split gave away."""

from __future__ import annotations

from ppc.plan.ops import SECRETS
from ppc.plan.steps import Plan, Step

PUBLISHED = "published"  # what of a given value: weights that their owner gave to another party, as a file
SPLIT = "split"  # the line that allows it


def is_published(step: Step) -> bool:
    return step.op == "given" and step.word("what") == PUBLISHED


def published(plan: Plan) -> dict[str, tuple[int, ...]]:
    """The weights that the client was given before the run, with their shapes."""
    return {step.name: step.wire.shape for step in plan.steps() if is_published(step)}


def needs_dealer(plan: Plan) -> bool:
    """Whether anything is computed on shares."""
    shared = any(step.wire.form not in ("clear", "public") for step in plan.steps())
    return shared or any(step.word(secret) for step in plan.steps() for secret in SECRETS)
