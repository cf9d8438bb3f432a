"""The device's side: the fixed steps that make a trained model out of a package and a key.

No torch: the steps are the graph that `differentiate` makes, evaluated by `ppc.reference` in float64. All checks come
before the first step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ppc.distilled.package import Package, tag, unpack
from ppc.distilled.samples import Floats, Samples
from ppc.distilled.secret import Key
from ppc.distilled.start import fingerprint, first_weights, same
from ppc.distilled.target import Target
from ppc.errors import PpcError, fail
from ppc.ir.graph import Graph
from ppc.reference import evaluate
from ppc.weights import Array, Weights

AT_ONCE = 500  # examples that are evaluated together


def opened(data: bytes, key: Key, graph: Graph) -> tuple[Package, Target, Weights]:
    """A package that was built for this key and this network, its target, and the weights to start from."""
    package = unpack(data, key)
    samples = package.samples
    target = Target(graph, package.loss, package.spread)
    if not same(package.target, tag(key, target.architecture)):
        raise _another("another network than this program describes", target)
    if samples.images.shape[1:] != target.image or samples.labels.shape[1] != target.classes:
        raise _another("images or classes of other sizes", target)
    weights = first_weights(key, target)
    if not same(package.start, fingerprint(weights.values())):
        raise _another("other first weights than this machine derives from the key", target)
    return package, target, weights


def _another(what: str, target: Target) -> PpcError:
    hint = "Give the program that it was built with: layers and their sizes must be the same."
    return fail("PPC594", f"The package is for {what}.", span=target.data.span, hint=hint)


def steps(target: Target, samples: Samples, weights: Mapping[str, Array]) -> Iterator[Weights]:
    """The weights after each step, in float64."""
    now = {name: values.astype(np.float64) for name, values in weights.items()}
    for place, rate in enumerate(samples.rates, 1):
        graph = target.step(len(samples), rate)
        with np.errstate(all="ignore"):  # reported below, with the step
            found = evaluate(graph, {**now, **_given(graph, target, samples)})
        now = {name: found.get(name, values) for name, values in now.items()}
        if not all(np.isfinite(values).all() for values in now.values()):
            hint = "The samples do not belong to these weights, or the learning diverged."
            raise fail("PPC597", f"Step {place} of {len(samples.rates)} leaves weights that are no numbers.", hint=hint)
        yield now


def _given(graph: Graph, target: Target, samples: Samples) -> dict[str, Floats]:
    """What a step is given. Dropout drops nothing: the steps are the same every time."""
    given: dict[str, Floats] = {target.data.name: samples.images}
    for node in graph.inputs:
        match node.word("role"):
            case "label":
                given[node.name] = samples.labels
            case "mask":
                given[node.name] = np.ones(node.shape)
            case _:
                pass
    return given


def trained(target: Target, samples: Samples, weights: Mapping[str, Array]) -> Weights:
    """The weights after the last step, as float32."""
    *_, last = steps(target, samples, weights)
    return {name: values.astype(np.float32) for name, values in last.items()}


def accuracy(target: Target, weights: Mapping[str, Array], images: Floats, labels: Floats) -> float:
    """The share of examples whose largest score is at their class; labels are rows with a 1 there."""
    result = target.graph.output("result").name
    right = 0
    for start in range(0, len(images), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        scores = evaluate(target.unbounded, {**weights, target.data.name: images[part]})[result]
        right += int((scores.argmax(axis=1) == labels[part].argmax(axis=1)).sum())
    return right / len(images)
