"""What is advised where a program overflows: fraction bits with which it is sure to fit, because that was tried.

Fewer fraction bits than the program's; if none of those tried fits, they are no advice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ppc.errors import PpcError
from ppc.passes.choose_scales import FRACTIONS

OVERFLOW = "PPC303"


def advised(error: PpcError, fraction: int, attempt: Callable[[int], object]) -> PpcError:
    """The mistakes, those of overflow with a number of fraction bits that `attempt` compiles with."""
    if not any(diagnostic.code == OVERFLOW for diagnostic in error.diagnostics):
        return error
    fewer = next((bits for bits in FRACTIONS if bits < fraction and _works(attempt, bits)), None)
    if fewer is None:
        return error
    return PpcError(
        *(
            replace(diagnostic, hint=f"{diagnostic.hint.removesuffix('.')}, or `fraction = {fewer}`.")
            if diagnostic.code == OVERFLOW
            else diagnostic
            for diagnostic in error.diagnostics
        ),
        source=error.source,
    )


def _works(attempt: Callable[[int], object], bits: int) -> bool:
    try:
        attempt(bits)
    except PpcError:
        return False
    return True
