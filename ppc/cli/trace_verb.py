"""The verb trace: puts the traces of a run's roles, each written on its machine, on one axis for Perfetto."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.cli.options import Verbs, json_of, verb_of
from ppc.errors import fail

if TYPE_CHECKING:
    from ppc.runtime.roles.axis import Apart, Side


def add(verbs: Verbs) -> None:
    verb = verb_of(verbs, "trace", trace, "put the traces of several machines on one axis")
    verb.add_argument("files", type=Path, nargs="+", metavar="FILE.json", help="of `--trace`, one of each role")
    verb.add_argument("-o", dest="output", type=Path, required=True, metavar="FILE.json", help="all of them together")
    json_of(verb)


def trace(arguments: Namespace) -> int:
    """One file of several; how far the clocks are apart."""
    from ppc.files import write_whole
    from ppc.runtime.roles.axis import together

    events, clocks = together([_read(path) for path in arguments.files])
    write_whole(arguments.output, json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}).encode())
    if arguments.json:
        facts = {name: {"ahead": one.ahead, "within": one.within} for name, one in clocks.items()}
        sys.stdout.write(json.dumps({"ok": True, "written": str(arguments.output), "microseconds": facts}) + "\n")
    else:
        sys.stdout.write("".join(f"{_said(name, one)}\n" for name, one in clocks.items()))
    return 0


def _said(name: str, clock: Apart) -> str:
    way = "ahead" if clock.ahead >= 0 else "behind"
    known = "moved only as far as it must" if clock.within is None else f"to within {clock.within / 1e3:.3f} ms"
    return f"{name}: its clock is {abs(clock.ahead) / 1e3:.3f} ms {way}, {known}"


def _read(path: Path) -> Side:
    from ppc.runtime.roles.axis import side

    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise fail("PPC501", f"`{path}` cannot be read: {error.strerror}.", hint="Check the path.") from None
    except ValueError:
        text = ""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return side(found, str(path))
