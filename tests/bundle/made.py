"""Bundles for tests: of a small program, and of that program changed by somebody who can work out hashes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from ppc import bundle, bundling
from ppc.bundle.canonical import digest, sha256, written
from ppc.passes.checks.verdict import accepted

SMALL = """\
party hospital, lab

model small(image: real[1, 6, 6] in 0..1) -> real[3] {
    conv2d(2, kernel=3)
    batch_norm
    relu
    dense(3)
}

private small {
    image   from hospital
    weights from lab in -2..2
    result  to   hospital
    joint
}

private small as turned {
    image   from lab
    weights from lab in -2..2
    result  to   hospital
    joint
}

model other(image: real[1, 6, 6] in 0..1) -> real[3] {
    dense(3)
}

private other {
    image   from hospital
    weights from lab in -2..2
    result  to   hospital
    joint
}

train other {
    labels from hospital
    logits to   hospital
    model  to   lab
    loss   = softmax_cross_entropy
    sgd(rate=0.01, batch=4, epochs=3)
}
"""
SIZES = (1, 4, 8)
Manifest = dict[str, Any]


@cache
def program(model: str = "small", private: str = "", *, train: bool = False, level: int = 2) -> bundle.Program:
    sizes = () if train else SIZES
    made = bundling.at_batches(SMALL, model=model, as_=private or None, train=train, batches=sizes, level=level)
    return bundling.program(made)


def build(folder: Path, model: str = "small", private: str = "", *, train: bool = False) -> Path:
    """The bundles of the program; the folder with the roles' folders in it."""
    return bundle.write(program(model, private, train=train), folder)


def verify(home: Path) -> tuple[bundle.Bundle, ...]:
    return bundle.verify(home, accepted)


def manifest(folder: Path) -> Manifest:
    return json.loads((folder / "manifest.json").read_bytes())


def change(folder: Path, changed: Callable[[Manifest], object]) -> None:
    """Change the manifest, and write it as ppc does, its own hash included."""
    found = manifest(folder)
    changed(found)
    if isinstance(found.get("schedule"), dict):
        found["schedule_hash"] = digest(found["schedule"])
    (folder / "manifest.json").write_bytes(written(found))


def replace_file(folder: Path, name: str, data: bytes) -> None:
    """Change a file and every hash of it."""
    (folder / name).write_bytes(data)

    def changed(found: Manifest) -> None:
        found["files"][name] = {"bytes": len(data), "sha256": sha256(data)}
        for batch in found["schedule"]["batches"]:
            if batch["plan"] == name:
                batch["sha256"] = sha256(data)

    change(folder, changed)


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Change a text in a file and every hash of it."""
    text = (folder / name).read_text("utf-8")
    assert old in text
    replace_file(folder, name, text.replace(old, new, 1).encode())
