"""The verb key: makes the key that first weights are derived from, or says by which name packages know it."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from ppc.cli.options import Verbs, json_of, verb_of


def add(verbs: Verbs) -> None:
    verb = verb_of(verbs, "key", key, "make or show a key that a device derives its first weights from")
    verb.add_argument("action", choices=("new", "show"))
    verb.add_argument("file", type=Path, metavar="FILE", help="that only its owner may read")
    json_of(verb)


def key(arguments: Namespace) -> int:
    """A new key, or the name of one."""
    from ppc.distilled import secret

    new = arguments.action == "new"
    found = secret.write(arguments.file) if new else secret.read(arguments.file)
    if arguments.json:
        sys.stdout.write(json.dumps({"ok": True, "name": found.name, "file": str(arguments.file)}) + "\n")
    elif new:
        sys.stdout.write(f"wrote {arguments.file}: the key {found.name}\n")
        sys.stdout.write("Give it to the device over a channel that you trust: whoever has it opens the packages.\n")
    else:
        sys.stdout.write(f"the key {found.name}\n")
    return 0
