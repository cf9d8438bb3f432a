"""The front door: `ppc VERB …`. Prints, and turns errors into messages and exit codes.

0   done
1   the program has mistakes, or `fmt --check` would change something
2   the command line was not understood
3   a file, the data or the machine does not fit (codes PPC5xx and PPC307)
4   a model of another system was not imported (codes PPC6xx)
70  a mistake of ppc itself
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from ppc.cli.arguments import parser
from ppc.errors import InternalError, PpcError, fail, render

EXTRAS = {"lark": "compile", "networkx": "compile", "torch": "torch", "onnx": "onnx", "onnxscript": "torch-import"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except PpcError as error:
        return _report(error, as_json=getattr(arguments, "json", False))
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        return _report(_missing_package(error.name), as_json=getattr(arguments, "json", False))
    except InternalError as error:
        sys.stderr.write(
            f"This is a mistake of ppc, not of your program: {error}\nPlease report it with the program.\n"
        )
        return 70
    except BrokenPipeError:  # the reader of our output has left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


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
