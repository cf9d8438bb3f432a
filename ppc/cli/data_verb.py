"""The verb data: what is in a set of images, and a set of images made or converted into one .npz."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.errors import fail
from ppc.files import write_whole

if TYPE_CHECKING:
    from ppc.data import Examples


def data(arguments: Namespace) -> int:
    """Show a set of images, or write it as a .npz."""
    from ppc.data import archive, examples

    if arguments.action == "make" and (arguments.output is None or arguments.output.suffix != ".npz"):
        raise fail("PPC509", "`ppc data make` writes a .npz.", hint="Name it: `-o FILE.npz`.")
    if arguments.action == "show" and arguments.output is not None:
        raise fail("PPC509", "`ppc data show` writes no file.", hint="`ppc data make DATA -o FILE.npz`")
    found = examples(arguments.source)
    found = found if arguments.examples is None else found.first(arguments.examples)
    if arguments.output is not None:
        written = archive.written(found) if arguments.yuv is None else archive.written_as(found, arguments.yuv)
        write_whole(arguments.output, written)
    if arguments.json:
        sys.stdout.write(json.dumps({"ok": True, **_facts(found, arguments.output)}, indent=2) + "\n")
    else:
        sys.stdout.write(_text(found, arguments.output))
    return 0


def _counts(found: Examples) -> dict[str, int]:
    import numpy as np

    if found.labels is None:
        return {}
    counts = np.bincount(found.labels, minlength=len(found.classes))
    return dict(zip(found.classes, map(int, counts), strict=True))


def _facts(found: Examples, written: Path | None) -> dict[str, object]:
    return {
        "name": found.name,
        "images": len(found),
        "shape": list(found.shape),
        "brightest": found.brightest,
        "classes": None if found.labels is None else _counts(found),
        "notes": list(found.notes),
        "written": None if written is None else str(written),
    }


def _text(found: Examples, written: Path | None) -> str:
    counts = _counts(found)
    lines = [
        found.name,
        f"  {len(found):,} images {'×'.join(map(str, found.shape))}, pixels 0 to {found.brightest}",
        "  " + (", ".join(f"{name}: {count:,}" for name, count in counts.items()) if counts else "no labels"),
        *(f"  {note}" for note in found.notes),
    ]
    if written is not None:
        lines.append(f"wrote {written}, {written.stat().st_size:,} bytes")
    return "\n".join(lines) + "\n"
