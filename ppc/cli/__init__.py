"""The front door: `ppc VERB …`. Prints, and turns errors into messages and exit codes.

0   done
1   the program has mistakes, `fmt --check` would change something, or `diff` found a value beyond its bound
2   the command line was not understood
3   a file, the data or the machine does not fit (codes PPC5xx and PPC307)
4   a model of another system was not imported (codes PPC60x to PPC64x)
5   a run ended early, or the other machine was not reached or refused (codes PPC65x to PPC68x)
70  a mistake of ppc itself
130 stopped by the user
"""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from ppc.cli.arguments import parser
from ppc.cli.machine import no_core_files
from ppc.errors import InternalError, PpcError, fail, render

EXTRAS = {
    **dict.fromkeys(("lark", "networkx"), "compile"),
    **dict.fromkeys(("PIL", "scipy", "sklearn"), "data"),
    "dp_accounting": "privacy",
    "torch": "torch",
    "onnx": "onnx",
    "onnxscript": "torch-import",
}

REPORT = "Please report it with the program. PPC_TRACE=1 shows the way to it."

# Files are opened where their errors are told; these come from the standard output.
OUTPUT_ERRORS = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without `×` shows `?`, and is no reason to fail
    arguments = parser().parse_args(argv)
    arguments.words = tuple(sys.argv[1:] if argv is None else argv)
    as_json: bool = getattr(arguments, "json", False)
    no_core_files()
    try:
        code = _run(arguments, as_json=as_json)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of our output has left, as `| head` does
        _forget_output()
        return 0
    except OSError as error:
        failed = fail("PPC509", f"The output cannot be written: {error.strerror}.")
        if as_json:  # perhaps it was another output
            _print_object(as_dictionary(failed))
        _forget_output()
        return _report(failed, as_json=False)
    except KeyboardInterrupt:
        if as_json:
            _print_object(_without_code("It was stopped."))
        return 130


def _forget_output() -> None:
    """What is still buffered has nowhere to go; without this, Python would try again when it ends, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: Namespace, *, as_json: bool) -> int:
    try:
        return int(arguments.run(arguments))
    except PpcError as error:
        return _report(error, as_json=as_json)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            return _our_mistake(error, as_json=as_json)
        return _report(_missing_package(error.name), as_json=as_json)
    except OSError as error:
        if error.errno in OUTPUT_ERRORS:
            raise
        return _our_mistake(error, as_json=as_json)
    except Exception as error:  # whatever it is, the user did not cause it and needs no traceback
        return _our_mistake(error, as_json=as_json)


def _our_mistake(error: Exception, *, as_json: bool) -> int:
    """A mistake of ppc: what, and where it was noticed; the whole trace for whoever looks for it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    what = str(error) if isinstance(error, InternalError) else f"{type(error).__name__}: {error}"
    where = f"{Path(last.filename).name}:{last.lineno}"
    sys.stderr.write(f"This is a mistake of ppc, not of your program: {what} ({where})\n")
    sys.stderr.write(f"{REPORT}\n")
    if os.environ.get("PPC_TRACE"):
        traceback.print_exception(error)
    if as_json:
        _print_object(_without_code(f"This is a mistake of ppc, not of your program: {what} ({where})", REPORT))
    return 70


def _print_object(found: dict[str, object]) -> None:
    try:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        sys.stdout.flush()
    except OSError:  # nobody reads it; the exit code still says what happened
        _forget_output()


def _without_code(message: str, hint: str = "") -> dict[str, object]:
    """What `--json` prints where no code stands for what happened."""
    told: dict[str, object] = {"code": None, "message": message, "file": None, "span": None, "notes": [], "hint": hint}
    return {"ok": False, "diagnostics": [told]}


def _missing_package(name: str) -> PpcError:
    extra = EXTRAS[name]
    return fail(
        "PPC507", f"This needs the package `{name}`, which is not installed.", hint=f"pip install 'ppc[{extra}]'"
    )


def _report(error: PpcError, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps(as_dictionary(error), indent=2) + "\n")
    else:
        sys.stderr.write(render(error))
    return exit_code(error)


def exit_code(error: PpcError) -> int:
    """The code of the gravest mistake: the program's before the files'."""
    kinds = {_kind(diagnostic.code) for diagnostic in error.diagnostics}
    return min(kinds, default=1)


def _kind(code: str) -> int:
    if code.startswith("PPC5") or code == "PPC307":
        return 3
    if code.startswith(("PPC65", "PPC66", "PPC67", "PPC68")):
        return 5
    return 4 if code.startswith("PPC6") else 1


def as_dictionary(error: PpcError) -> dict[str, object]:
    """What `--json` prints for mistakes."""
    file = error.source.name if error.source else None
    return {
        "ok": False,
        "diagnostics": [
            {
                "code": diagnostic.code,
                "message": diagnostic.message,
                "file": file,
                "span": _span(diagnostic.span),
                "notes": [{"text": note.text, "span": _span(note.span)} for note in diagnostic.notes],
                "hint": diagnostic.hint,
            }
            for diagnostic in error.diagnostics
        ],
    }


def _span(span: object) -> str | None:
    return None if span is None else str(span)
