"""compile for another engine than ppc's own: a Flower app."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from ppc.errors import fail


def write_app(arguments: Namespace) -> int:
    """Into a folder of its own."""
    from ppc.flower.app import write

    if arguments.output is None:
        raise fail("PPC509", "A Flower app is a folder, and none is named.", hint="Name it: `-o app/`.")
    written = write(arguments.program, Path(arguments.output))
    if arguments.json:
        sys.stdout.write(json.dumps({"ok": True, "engine": "flower", "written": list(map(str, written))}) + "\n")
    else:
        sys.stdout.write(f"wrote {arguments.output}: {len(written)} files\nrun it: docs/flower.md\n")
    return 0
