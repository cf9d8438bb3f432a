"""Where a training of all roles here keeps its checkpoints, and what its user is told of them when it ends early."""

from __future__ import annotations

import shutil
from argparse import Namespace
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from ppc.errors import Note, PpcError

OUT_OF_RANGE = "PPC656"
INTERRUPTED = ("PPC652", "PPC653")  # a role ended, or is silent


@contextmanager
def keeping(arguments: Namespace, here: Path) -> Generator[Path]:
    """The folder that was named; else one that goes with the run, but stays where weights have left their bounds."""
    named: Path | None = arguments.checkpoint
    folder = named or here / "kept"
    try:
        yield folder
    except PpcError as error:
        first, *rest = error.diagnostics
        if named is None and first.code == OUT_OF_RANGE and folder.is_dir():
            note = Note(text=f"the model as it was is kept on shares in `{_left(arguments, folder)}` (`--checkpoint`)")
            raise PpcError(replace(first, notes=(*first.notes, note)), *rest) from None
        if named is not None and first.code in INTERRUPTED and "--resume" not in first.hint:
            hint = f"{first.hint} Then go on with `--checkpoint {named} --resume`.".strip()
            raise PpcError(replace(first, hint=hint), *rest) from None
        raise


def _left(arguments: Namespace, folder: Path) -> Path:
    """Moved beside the output, or here, under a name that nothing has."""
    home: Path = (arguments.output or Path(arguments.program.name)).with_suffix("")
    names = (home.with_name(f"{home.name}{'' if turn == 1 else f'-{turn}'}.checkpoint") for turn in count(1))
    free = next(path for path in names if not path.exists())
    shutil.move(folder, free)
    return free
