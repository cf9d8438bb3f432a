"""The programs, data and float trainings of the measurements: the examples, with other epochs and rates.

Float learns with PyTorch from the same weights, in the same batches, in the same order, always with the exact ReLU.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ppc.compiler import compile_program
from ppc.data import Examples, examples
from ppc.data.archive import written
from ppc.ir.graph import Graph
from ppc.learning import Network
from ppc.runtime.roles.lessons import drawn

ROOT = Path(__file__).parents[1]
TESTS = 1000
HIDDEN = "    dense(64)\n    relu\n    dense(10)\n"


@dataclass(frozen=True, kw_only=True)
class Course:
    """A net, what it learns from, and how."""

    name: str
    example: str  # whose program it is
    exact: str = ""  # that of its exact ReLU, where it has another
    images: int
    size: int  # pixels of a side
    rate: float = 0.01
    batch: int = 128
    epochs: int
    momentum: float = 0.0
    seeds: tuple[int, ...] = (1, 2, 3)
    changes: tuple[tuple[str, str], ...] = field(default=())  # of the program's text

    def text(self, *, exact: bool = False) -> str:
        """The program, measured behind each epoch by whoever holds the labels."""
        found = (ROOT / "examples" / f"{(self.exact if exact else '') or self.example}.pnn").read_text("utf-8")
        for old, new in self.changes:
            assert old in found
            found = found.replace(old, new)
        owner = re.search(r"labels from (\w+)", found)
        assert owner is not None
        rule = f"sgd(rate={self.rate}, batch={self.batch}, epochs={self.epochs}, momentum={self.momentum})"
        return re.sub(r"sgd\(.*\)", f"evaluate accuracy to {owner[1]}\n    {rule}", found)

    @property
    def sets(self) -> tuple[Examples, Examples]:
        """For training, and for testing."""
        if self.size == 28:
            return examples(f"digits28:{self.images},part=train"), examples(f"digits28:{TESTS},part=test")
        whole = examples("digits")
        order = drawn(bytes(range(32)), 0, len(whole))
        held, rest = order[:TESTS], order[TESTS : TESTS + self.images]
        return _part(whole, rest), _part(whole, held)


COURSES = (
    Course(name="logistic", example="logistic", images=797, size=8, rate=0.1, batch=32, epochs=6, momentum=0.9),
    Course(
        name="mlp",
        example="logistic",
        images=797,
        size=8,
        rate=0.05,
        batch=32,
        epochs=8,
        momentum=0.9,
        changes=(
            ("    dense(10)\n", HIDDEN),
            ("-4..4", "-1.5..1.5"),
            ("    model", "    logits to   clinic\n    model"),
        ),
    ),
    Course(name="shallow", example="shallow_train", images=2560, size=28, epochs=8),
    Course(name="deep", example="deep_train", images=1280, size=28, epochs=5),
    Course(name="deep, rate 0.05", example="deep_train", images=2560, size=28, rate=0.05, epochs=6),
    Course(
        name="shallow, relu(poly=3)",
        example="shallow_cubic",
        exact="shallow_train",
        images=2560,
        size=28,
        epochs=16,
    ),
)


def _part(whole: Examples, places: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Examples:
    assert whole.labels is not None
    return Examples(
        images=whole.images[places],
        labels=whole.labels[places],
        classes=whole.classes,
        name=whole.name,
        brightest=whole.brightest,
    )


def saved(path: Path, found: Examples) -> Path:
    """As a file that `--data` takes."""
    path.write_bytes(written(found))
    return path


@lru_cache(maxsize=2)
def learned(text: str) -> Graph:
    """The network of a program that trains."""
    compiled = compile_program(text, train=True)
    names = [step.name for step in compiled.steps]
    return compiled.steps[names.index("differentiate") - 1].graph


def in_float(course: Course, seed: int) -> Iterator[float]:
    """Accuracy behind each epoch, before the first one too."""
    network = Network(learned(course.text(exact=True)))
    (images, labels), (tests, answers) = (tensors(network, found) for found in course.sets)
    weights = {name: tensor.requires_grad_() for name, tensor in network.initial(seed).items()}
    rule = torch.optim.SGD(list(weights.values()), lr=course.rate, momentum=course.momentum)
    order = sha256(f"ppc/v1|order|{seed}".encode()).digest()
    for epoch in range(course.epochs):
        places = torch.from_numpy(drawn(order, epoch, len(images)).copy())
        for turn in range(len(images) // course.batch):
            chosen = places[turn * course.batch : (turn + 1) * course.batch]
            rule.zero_grad()
            scores = network.forward(weights, {network.data: images[chosen]}, training=True)
            functional.cross_entropy(scores, labels[chosen]).backward()
            rule.step()
        yield network.accuracy(weights, tests, answers)


def tensors(network: Network, found: Examples) -> tuple[torch.Tensor, torch.Tensor]:
    """Images as the network takes them, and labels."""
    shape = next(node.shape[1:] for node in network.inputs if node.name == network.data)
    assert found.labels is not None
    images = torch.from_numpy(found.scaled().astype(np.float32)).reshape(len(found), *shape)
    return images, torch.from_numpy(found.labels)
