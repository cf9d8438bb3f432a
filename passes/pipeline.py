"""The compiler's pipeline, from a graph as written to one that may be lowered."""

from __future__ import annotations

from collections.abc import Mapping

from ppc.ir.policy import Evaluation, Policy, PublicLayer, Training
from ppc.ir.types import Type
from ppc.passes.base import Pass
from ppc.passes.check_flow import CheckFlow
from ppc.passes.complement_inputs import ComplementInputs
from ppc.passes.differentiate import Differentiate
from ppc.passes.fit_ranges import FitRanges
from ppc.passes.infer_shapes import InferShapes
from ppc.passes.place import Place
from ppc.passes.prepare_inference import PrepareInference
from ppc.passes.score import Score
from ppc.passes.split_at_layer import SplitAtLayer
from ppc.source import Span


def pipeline(
    policy: Policy,
    training: Training | None,
    *,
    batch: int,
    promise: Type | None,
    promise_span: Span,
    evaluation: Evaluation | None = None,
) -> tuple[Pass, ...]:
    """All passes for one private block, in order; with a training, for one step of it, or for its evaluation."""
    layers = policy.public_layers
    public = {name: layer.bounds for name, layer in layers.items() if layer.bounds is not None}
    bounds = {**public, **policy.layer_bounds}
    return (
        InferShapes(batch, policy.weight_bounds, promise, promise_span, bounds),
        SplitAtLayer(policy.cut, policy.client, policy.complement, policy.network, policy.sent),
        ComplementInputs(policy.complement, policy.client),
        *_prepared(training, evaluation, layers),
        Place(policy, training),
        CheckFlow(policy, training),
        FitRanges(policy.joint),
    )


def _prepared(
    training: Training | None, evaluation: Evaluation | None, layers: Mapping[str, PublicLayer]
) -> tuple[Pass, ...]:
    if training is None:
        return (PrepareInference(layers),)
    if evaluation is None:
        return (Differentiate(training=training, frozen_layers=frozenset(layers)),)
    return (PrepareInference(layers), Score(training=training, evaluation=evaluation))
