"""Checkpoints by round: one file for each who takes part and each round that is over, written whole."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail
from ppc.files import make_folder, remove_parts, write_whole

KEPT = 2  # rounds whose checkpoints are there: one who failed may be one behind


def keep(folder: Path, name: str, over: int, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """The state after so many rounds; those of long ago, and of rounds that are to be done again, are deleted."""
    held = BytesIO()
    np.savez(held, **arrays)  # pyright: ignore[reportArgumentType]
    make_folder(folder)
    write_whole(path(folder, name, over), held.getvalue(), private=True)
    for old in _rounds(folder, name):
        if old <= over - KEPT or old > over:
            path(folder, name, old).unlink(missing_ok=True)
    remove_parts(folder, f"{name}.")


def latest(folder: Path, name: str) -> int | None:
    """The last round of which there is a checkpoint."""
    return max(_rounds(folder, name), default=None)


def path(folder: Path, name: str, over: int) -> Path:
    return folder / f"{name}.{over}.npz"


def read(found: Path, names: tuple[str, ...]) -> dict[str, NDArray[np.generic]]:
    """These arrays of a checkpoint."""
    try:
        with np.load(found, allow_pickle=False) as held:
            return {name: held[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        raise fail(
            "PPC684", f"`{found}` is damaged.", hint="Delete it; the one of the round before may be there."
        ) from None


def _rounds(folder: Path, name: str) -> list[int]:
    ends = (one.name.removesuffix(".npz").rpartition(".")[2] for one in folder.glob(f"{name}.*.npz"))
    return [int(end) for end in ends if end.isdigit()]
