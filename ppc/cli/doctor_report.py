"""How the doctor tells what it found, and what it tells of this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from ppc.cli.machine import cores
from ppc.errors import PpcError

Check = Callable[[], str]


@dataclass(kw_only=True)
class Report:
    """Every check with what it found; those behind one that failed may have nothing to look at."""

    as_json: bool
    rows: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    errors: list[PpcError] = field(default_factory=list[PpcError])

    def check(self, name: str, act: Check) -> bool:
        try:
            found, code, hint = act(), "", ""
        except PpcError as error:
            one = error.diagnostics[0]
            found, code, hint = " ".join([one.message, *(note.text for note in one.notes)]), one.code, one.hint
            self.errors.append(error)
        self.rows.append({"check": name, "found": found, "code": code, "hint": hint})
        if not self.as_json:
            sys.stdout.write(f"{'FAIL' if code else 'ok':<5} {name:<18} {found}{f' ({code})' if code else ''}\n")
            sys.stdout.write(f"{'':<24} {hint}\n" if hint else "")
            sys.stdout.flush()
        return not code


def processor() -> str:
    from ppc.runtime.kernels import llvm
    from ppc.runtime.kernels.library import runnable

    variants = runnable()
    if not variants:
        return f"{cores()} cores; kernels are slow: without llvmlite, or made for no machine of this kind"
    return f"{cores()} cores, {llvm.host_name()}; kernels: {variants[0].name}"
