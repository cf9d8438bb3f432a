"""The verb audit: looks at what kind of thing it is given, and has the attacks on such things run on it.

A row of `KINDS` is a kind of artifact: how it is recognised, what it adds to the command line, and what attacks it. Its
attacks live in `ppc.audit`; the row's module in this room reads the files that they need. The first row that recognises
the artifact is taken.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from ppc.cli import audit_many, audit_split, audit_trained
from ppc.cli.audited import Audited, Kind
from ppc.errors import fail

NO_PICTURES = "of inputs that are no images, and of attacks that rebuild none, there are no pictures"
KINDS: tuple[Kind, ...] = (
    Kind(
        name="bundles",
        what="the bundles of a program",
        recognises=audit_split.recognises,
        audit=audit_split.audit,
        options=audit_split.options,
    ),
    Kind(
        name="trained model",
        what="a trained model (.safetensors)",
        recognises=audit_trained.recognises,
        audit=audit_trained.audit,
        options=audit_trained.options,
    ),
    Kind(
        name="many participants",
        what="a program with many participants (.pnn)",
        recognises=audit_many.recognises,
        audit=audit_many.audit,
    ),
)


def audit(arguments: Namespace) -> int:
    """Attack an artifact, and say what the attacks found."""
    kind = _kind(arguments.artifact)
    found = kind.audit(arguments)
    if arguments.output is not None and not found.pictures:
        found = replace(found, notes=[*found.notes, f"Nothing was written to `{arguments.output}`: {NO_PICTURES}."])
    if arguments.json:
        sys.stdout.write(json.dumps(_facts(kind, found), indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(found)))
    return 0


def _kind(artifact: Path) -> Kind:
    if not artifact.exists():
        raise fail("PPC501", f"`{artifact}` is not there.", hint="Name what is to be attacked.")
    for kind in KINDS:
        if kind.recognises(artifact):
            return kind
    known = ", ".join(kind.what for kind in KINDS)
    raise fail("PPC580", f"`{artifact}` is nothing that ppc can attack.", hint=f"It attacks {known or 'nothing yet'}.")


def _facts(kind: Kind, found: Audited) -> dict[str, object]:
    from ppc.audit import as_facts

    pictures = {what: str(path) for what, path in found.pictures.items()}
    return {
        "ok": True,
        "kind": kind.name,
        "findings": as_facts(found.findings),
        "notes": list(found.notes),
        "pictures": pictures,
    }


def _lines(found: Audited) -> list[str]:
    from ppc.audit import table

    pictures = [f"wrote {path}: {what}" for what, path in found.pictures.items()]
    return [*table(found.findings), *found.notes, *pictures]
