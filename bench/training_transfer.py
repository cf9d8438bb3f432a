"""What a transfer reaches: convolutions that were trained in the clear on some digits, dense layers that two parties
train on shares on the others, with `examples/transfer.pnn` (paper 004, Table 1). Called by bench.training.

Float learns the same dense layers behind the same convolutions: from the same weights, in the same batches, with the
same dropped values, and with the exact sigmoid.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bench.training_accuracy import ppc
from bench.training_programs import ROOT, TESTS, saved
from ppc.bundling import at_batches
from ppc.compiler import compile_program
from ppc.data import Examples, examples
from ppc.plan.steps import Plan
from ppc.runtime.keys import artifact_hash
from ppc.runtime.roles.coins import MASK, dropout_mask
from ppc.runtime.roles.lessons import drawn
from ppc.weights import initial, save
from ppc.weights.stored import stored

PUBLIC, PRIVATE = (ROOT / "examples" / f"{name}.pnn" for name in ("transfer_public", "transfer"))
CLASSES = 5
PRETRAINED, IMAGES, BATCH, EPOCHS, RATE = 1920, 1280, 32, 8, 0.05  # the last three as the program has them

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Transferred:
    """What was right of the tests behind each epoch; before it, in the clear, of the digits that were held out."""

    seed: int
    pretrained: float
    private: list[float]
    float32: list[float]
    seconds: float  # of a step, median of the server's
    megabytes: float  # of a step in all
    exact_bytes: bool


def transfer(seed: int) -> Transferred:
    """All of it, with three processes."""
    own, tests = _digits(IMAGES, CLASSES, f"part=train,seed={seed}"), _digits(TESTS, CLASSES, "part=test")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        public = folder / "public.safetensors"
        data = saved(folder / "public.npz", _digits(PRETRAINED, 0, "part=train"))
        clear = ppc("train", PUBLIC, "--data", data, "--start", "he", "--seed", seed, "-o", public, "--json")
        first = _first(public, seed)
        save(folder / "first.safetensors", first)
        sets = [saved(folder / f"{part}.npz", found) for part, found in (("own", own), ("tests", tests))]
        line = ["train", PRIVATE, "--data", sets[0], "--test", sets[1], "--weights", folder / "first.safetensors"]
        facts = ppc(*line, "--order", seed, "--json")
    steps, counts = EPOCHS * (IMAGES // BATCH), facts["measured"]
    return Transferred(
        seed=seed,
        pretrained=clear["accuracy"],
        private=facts["accuracy"],
        float32=list(_in_float(first, own, tests, seed)),
        seconds=median(facts["seconds"]["server"]),
        megabytes=(sum(counts["sent"]) + sum(counts["dealt"])) / steps / 1e6,
        exact_bytes=facts["predicted"] == counts,
    )


def told(found: Transferred) -> Iterator[str]:
    yield f"digits 0 to 4 in the clear: {found.pretrained:.3f} right of those that were held out; then digits 5 to 9"
    for name, values in (("private", found.private), ("float", found.float32)):
        yield f"{name:<10}" + " ".join(f"{value:.3f}" for value in values) + f"   of {TESTS:,} tests, by epoch"
    exact = "as predicted" if found.exact_bytes else "NOT as predicted"
    yield f"{found.seconds:.2f} s and {found.megabytes:.1f} MB a step in all, bytes {exact}"


# ---- what is learned from ----


def _digits(count: int, low: int, options: str) -> Examples:
    """Images of five digits, which are classes 0 to 4."""
    whole = examples(f"digits28:{3 * count},{options}")
    assert whole.labels is not None
    places = np.flatnonzero((whole.labels >= low) & (whole.labels < low + CLASSES))[:count]
    classes = tuple(str(low + number) for number in range(CLASSES))
    return Examples(images=whole.images[places], labels=whole.labels[places] - low, classes=classes, name=whole.name)


def _first(public: Path, seed: int) -> dict[str, Any]:
    """The published convolutions, and dense layers that are seeded."""
    weights = initial(compile_program(PRIVATE).after("infer-shapes"), seed)
    with stored(public) as arrays:
        kept = {array.name: array.read() for array in arrays if array.name.startswith("conv")}
    return {**weights, **kept}


# ---- in float ----


def _in_float(first: Mapping[str, Any], own: Examples, tests: Examples, seed: int) -> Iterator[float]:
    weights = {name: torch.from_numpy(np.array(values)) for name, values in first.items()}
    learned = [weights[name].requires_grad_() for name in weights if name.startswith("dense")]
    rule, plan = torch.optim.SGD(learned, lr=RATE), at_batches(PRIVATE, train=True)[0].plan
    (features, labels), (held, answers) = _features(weights, own), _features(weights, tests)
    order = sha256(f"ppc/v1|order|{seed}".encode()).digest()
    for epoch in range(EPOCHS):
        places = torch.from_numpy(drawn(order, epoch, len(labels)).copy())
        for turn in range(len(labels) // BATCH):
            chosen = places[turn * BATCH : (turn + 1) * BATCH]
            rule.zero_grad()
            scores = _scores(weights, features[chosen], _masks(plan, epoch * (len(labels) // BATCH) + turn))
            functional.cross_entropy(scores, labels[chosen]).backward()
            rule.step()
        with torch.no_grad():
            yield float((_scores(weights, held).argmax(1) == answers).double().mean())


@torch.no_grad()
def _features(weights: Tensors, found: Examples) -> tuple[Tensor, Tensor]:
    """Behind the convolutions, which no step changes."""
    assert found.labels is not None
    values = torch.from_numpy(found.scaled().astype(np.float32))
    for layer in ("conv1", "conv2"):
        values = functional.conv2d(values, weights[f"{layer}.weight"], weights[f"{layer}.bias"], padding=1).sigmoid()
    return functional.avg_pool2d(values, 2), torch.from_numpy(found.labels)


def _masks(plan: Plan, iteration: int) -> list[Tensor]:
    """What the private run drops, which is public."""
    steps = [step for step in plan.section("each").steps if step.op == "given" and step.word("what") == MASK]
    masks = {step.name: dropout_mask(step, artifact_hash(plan), iteration) for step in steps}
    return [torch.from_numpy(masks[name].astype(np.float32)) for name in sorted(masks)]


def _scores(weights: Tensors, features: Tensor, masks: list[Tensor] | None = None) -> Tensor:
    first, second = masks or (torch.ones(()), torch.ones(()))
    values = functional.linear((features * first).flatten(1), weights["dense1.weight"], weights["dense1.bias"])
    return functional.linear(values.sigmoid() * second, weights["dense2.weight"], weights["dense2.bias"])
