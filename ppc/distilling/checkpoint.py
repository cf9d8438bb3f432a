"""Checkpoints of the owner's learning: all that the next epoch depends on, in one .safetensors, never half there.

Its name is bound to what is learned, by a hash of facts, first weights and data. It holds what the package will hold,
and is not encrypted: it stays with the owner, who alone may read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppc.distilled import fingerprint
from ppc.distilling.learner import Learner
from ppc.distilling.task import Task
from ppc.errors import PpcError, fail
from ppc.files import make_folder, remove_parts
from ppc.source import START
from ppc.weights import save
from ppc.weights.stored import stored

MOMENTS = ("exp_avg", "exp_avg_sq")
EPOCHS = "epochs"


def place(folder: Path, task: Task) -> Path:
    """Where the checkpoint of a task is."""
    facts = replace(task.facts, key="", requirements=(), span=START)  # none of these changes what is learned
    digest = sha256(f"ppc/distilled/v1|checkpoint|{facts}|{task.seed}".encode())
    digest.update(fingerprint(values.numpy() for values in task.start.values()).encode())
    for values in (task.data.images, task.data.classes, task.brought):
        if values is not None:
            digest.update(values.contiguous().numpy().tobytes())
    return folder / f"distilled-{digest.hexdigest()[:16]}.safetensors"


def check_new(folder: Path, task: Task) -> None:
    """A learning that begins overwrites none that is there; of other learnings it leaves what is kept."""
    if place(folder, task).exists():
        hint = "Go on with it by `--resume`, or name another folder."
        raise fail("PPC574", f"`{folder}` has a checkpoint of this program, key and data already.", hint=hint)


def keep(folder: Path, learner: Learner) -> None:
    """Write the state as it is now."""
    make_folder(folder, private=True)
    arrays: dict[str, NDArray[Any]] = {name: values.detach().numpy() for name, values in _state(learner).items()}
    path = place(folder, learner.task)
    save(path, {**arrays, EPOCHS: np.array([learner.epochs], np.float64)}, private=True)
    remove_parts(folder, path.name)


def go_on(folder: Path, task: Task) -> Learner:
    """A learner as it was kept."""
    path = place(folder, task)
    if not path.exists():
        others = sorted(other.name for other in folder.glob("distilled-*.safetensors"))
        found = f"it has those of others: {', '.join(others)}" if others else "it has none"
        raise _misfit(f"`{folder}` has no checkpoint of this program, key and data; {found}")
    learner = Learner(task)
    _prepare(learner)
    state = _state(learner)
    wanted = {name: (tuple(values.shape), values.detach().numpy().dtype.name) for name, values in state.items()}
    with stored(path) as arrays:
        if {array.name: (array.shape, array.element) for array in arrays} != {**wanted, EPOCHS: ((1,), "float64")}:
            raise _misfit(f"`{path}` holds other arrays than this learning has")
        found = {array.name: np.array(array.read()) for array in arrays}
    epochs = float(found[EPOCHS][0])
    if not all(np.isfinite(values).all() for values in found.values()):
        raise _misfit(f"`{path}` holds something that is no number")
    if not epochs.is_integer() or not 0 <= epochs <= task.facts.epochs:
        raise _misfit(f"`{path}` says that it was kept after epoch {epochs:g} of {task.facts.epochs}")
    _restore(learner, state, found)
    return learner


def _state(learner: Learner) -> dict[str, Tensor]:
    """The tensors themselves, by name."""
    found = {"images": learner.images, "labels": learner.labels, "sizes": learner.sizes}
    for name, values in list(found.items()):
        moments = learner.optimizer.state.get(values, {})
        found |= {f"{name}.{moment}": moments[moment] for moment in MOMENTS if moment in moments}
    return found


def _prepare(learner: Learner) -> None:
    """Give the optimizer the moments that it would make in its first step."""
    for values in learner.learned:
        learner.optimizer.state[values] = {
            "step": torch.zeros(()),
            **{moment: torch.zeros_like(values) for moment in MOMENTS},
        }


def _restore(learner: Learner, state: Mapping[str, Tensor], found: Mapping[str, NDArray[Any]]) -> None:
    learner.epochs = int(found[EPOCHS][0])
    with torch.no_grad():
        for name, values in state.items():
            values.copy_(torch.from_numpy(found[name]))
    for values in learner.learned:
        learner.optimizer.state[values]["step"].fill_(learner.epochs * learner.steps_an_epoch)


def _misfit(why: str) -> PpcError:
    hint = "Begin anew without `--resume`, or name the folder that was named when it began."
    return fail("PPC598", f"{why}.", hint=hint)
