"""A worker's checkpoint after an epoch: its weights, and how many batches it has taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ppc.collaborative.worker import Worker
from ppc.errors import fail
from ppc.learning import kept


def keep_worker(folder: Path, worker: Worker, over: int) -> None:
    held = {name: tensor.detach().numpy() for name, tensor in worker.weights.items()}
    kept.keep(folder, f"worker_{worker.number + 1}", over, {**held, "head": np.array([worker.taken], np.int64)})


def resumed_worker(folder: Path, worker: Worker, over: int) -> bool:
    """The state after so many epochs, if it was kept."""
    path = kept.path(folder, f"worker_{worker.number + 1}", over)
    if not path.exists():
        return False
    found = kept.read(path, (*worker.weights, "head"))
    if any(found[name].shape != tuple(tensor.shape) for name, tensor in worker.weights.items()):
        raise fail("PPC684", f"`{path}` is a checkpoint of another model.", hint="Resume the program that wrote it.")
    worker.go_on({name: torch.from_numpy(found[name].copy()) for name in worker.weights}, int(found["head"][0]))
    return True


def keep_server(folder: Path, over: int) -> None:
    """The server has no state but how many epochs are over."""
    kept.keep(folder, "server", over, {"over": np.array([over], np.int64)})


def resumed_server(folder: Path) -> int:
    """How many epochs are over."""
    over = kept.latest(folder, "server")
    if over is None:
        raise fail("PPC684", f"`{folder}` has no checkpoint of a server.", hint="Leave `--resume` out to begin anew.")
    return over
