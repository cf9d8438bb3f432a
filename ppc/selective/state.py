"""Checkpoints by round: the server's vector, counts and version; a participant's own weights and how far it is.

Each is a file of its own, written whole. The server names the round that is over to everybody who comes; who has the
checkpoint of that round goes on from it, bit for bit as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from secrets import randbits

import numpy as np
import torch

from ppc.errors import fail
from ppc.files import make_folder, write_whole
from ppc.learning import kept
from ppc.selective.participant import Participant
from ppc.selective.remembered import Memory, Tags, last_exchange
from ppc.selective.server import ParameterServer

SEED_BITS = 40


def keep_server(folder: Path, server: ParameterServer, over: int) -> None:
    head = np.array([server.version, over], np.int64)
    kept.keep(folder, "server", over, {"vector": server.vector, "counts": server.counts, "head": head})


def tags_of(folder: Path | None, server: ParameterServer, resumed: bool) -> Tags:
    """Of the sums. A training that is ended in its first round can be taken up again, with the same tags."""
    tags = Tags.of(folder, resumed)
    if folder is not None and not resumed:
        keep_server(folder, server, 0)
    return tags


def resumed_server(folder: Path, server: ParameterServer) -> int:
    """The state after the last round that was kept; how many were over."""
    over = kept.latest(folder, "server")
    if over is None:
        raise fail("PPC684", f"`{folder}` has no checkpoint of a server.", hint="Leave `--resume` out to begin anew.")
    found = kept.read(kept.path(folder, "server", over), ("vector", "counts", "head"))
    if found["vector"].shape != server.vector.shape or found["counts"].shape != server.counts.shape:
        message = f"The checkpoint in `{folder}` is that of a model with {found['vector'].size:,} parameters."
        raise fail("PPC684", message, hint="Resume the program that wrote it.")
    server.vector[:], server.counts[:] = found["vector"], found["counts"]
    server.version = int(found["head"][0])
    return over


def keep_participant(folder: Path, participant: Participant, over: int) -> None:
    name = f"participant_{participant.number}"
    held = {key: tensor.numpy() for key, tensor in participant.weights.items()}
    held["head"] = np.array([participant.exchanges, participant.steps], np.int64)
    kept.keep(folder, name, over, held)


def resumed_participant(folder: Path, participant: Participant, over: int) -> bool:
    """The state after so many rounds, if it was kept."""
    path = kept.path(folder, f"participant_{participant.number}", over)
    if not path.exists():
        return False
    found = kept.read(path, (*participant.weights, "head"))
    if any(found[name].shape != tuple(tensor.shape) for name, tensor in participant.weights.items()):
        raise fail("PPC684", f"`{path}` is a checkpoint of another model.", hint="Resume the program that wrote it.")
    participant.weights = {name: torch.from_numpy(found[name].copy()) for name in participant.weights}
    participant.exchanges, participant.steps = (int(one) for one in found["head"])
    return True


def passed_over(folder: Path | None, participant: Participant, over: int, memory: Memory) -> None:
    """On shares, without a checkpoint of so many rounds: what was answered before is not made again."""
    missed = max(0, last_exchange(memory) - participant.exchanges)
    participant.exchanges += missed
    participant.steps += missed * participant.steps_each
    if folder is not None:
        keep_participant(folder, participant, over)


def participant_memory(folder: Path | None, number: int, lines: Iterable[tuple[str, str]] = ()) -> Memory:
    """Under which tag it has answered which exchange."""
    return Memory.of(folder, f"participant_{number}.tags", lines)


def order_seed(folder: Path | None, number: int) -> int:
    """Of the order of a participant's examples, drawn and kept: in a new training its updates are others."""
    path = None if folder is None else folder / f"participant_{number}.seed"
    if path is not None and path.exists():
        text = path.read_bytes()[:20].decode("ascii", "replace").strip()
        if not text.isdecimal() or int(text) >= 2**SEED_BITS:
            raise fail(
                "PPC684", f"`{path}` is damaged.", hint="Without it the training does not go on to the same end."
            )
        return int(text)
    drawn = randbits(SEED_BITS)
    if folder is not None and path is not None:
        make_folder(folder)
        write_whole(path, f"{drawn}\n".encode(), private=True)
    return drawn


def count_uploads(folder: Path, number: int, uploads: int) -> None:
    """Written before an upload: what was sent stays sent, whatever checkpoint a participant goes on from."""
    make_folder(folder)
    write_whole(folder / f"participant_{number}.uploads", f"{uploads}\n".encode())


def uploads_before(folder: Path, number: int) -> int:
    """Those that were counted."""
    path = folder / f"participant_{number}.uploads"
    if not path.exists():
        return 0
    text = path.read_bytes()[:20].decode("ascii", "replace").strip()
    if not text.isdecimal():
        raise fail("PPC684", f"`{path}` is damaged.", hint="Without it nobody knows what of the budget is spent.")
    return int(text)
