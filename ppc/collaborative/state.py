"""A worker's checkpoint after an epoch: its weights, how many batches it has taken, and its seed. Beside it the votes
that it, or the server, has taken part in: a vote costs privacy whether or not anybody remembers it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ppc.collaborative.worker import Worker
from ppc.errors import fail
from ppc.files import make_folder, write_whole
from ppc.learning import kept
from ppc.runtime.wire.words import from_json

SEED_BITS = 48  # of a seed that a worker draws for itself: with it no loss of another training comes again


@dataclass(frozen=True)
class Spent:
    """Votes and the examples that were asked in them, on disk before anything of a vote is sent: of all trainings with
    this folder, gone on with or begun anew. Without a folder nowhere."""

    path: Path | None = None

    @staticmethod
    def of(folder: Path | None, name: str) -> Spent:
        return Spent(folder / f"{name}.votes.json" if folder else None)

    def read(self) -> tuple[int, int]:
        if self.path is None or not self.path.exists():
            return 0, 0
        found = from_json(self.path.read_bytes()) or {}
        if sorted(found) != ["queried", "voted"] or not all(type(one) is int and one >= 0 for one in found.values()):
            hint = (
                "It says what privacy was spent: another training takes another folder, and its epsilon adds to this."
            )
            raise fail("PPC684", f"`{self.path}` is damaged.", hint=hint)
        return found["voted"], found["queried"]

    def write(self, voted: int, queried: int) -> None:
        if self.path is not None:
            make_folder(self.path.parent)
            write_whole(self.path, json.dumps({"voted": voted, "queried": queried}).encode(), private=True)


def keep_worker(folder: Path, worker: Worker, over: int) -> None:
    held = {name: tensor.detach().numpy() for name, tensor in worker.weights.items()}
    kept.keep(
        folder, f"worker_{worker.number + 1}", over, {**held, "head": np.array([worker.taken, worker.seed], np.int64)}
    )


def resumed_worker(folder: Path, worker: Worker, over: int) -> bool:
    """The state after so many epochs, if it was kept."""
    path = kept.path(folder, f"worker_{worker.number + 1}", over)
    if not path.exists():
        return False
    found = kept.read(path, (*worker.weights, "head"))
    if any(found[name].shape != tuple(tensor.shape) for name, tensor in worker.weights.items()):
        raise fail("PPC684", f"`{path}` is a checkpoint of another model.", hint="Resume the program that wrote it.")
    taken, *seed = (int(one) for one in found["head"])
    worker.seed = seed[0] if seed else worker.seed  # the order of its batches goes on, whatever it was started with
    worker.go_on({name: torch.from_numpy(found[name].copy()) for name in worker.weights}, taken)
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
