"""Every error code: its title, and what `ppc explain CODE` says about it.

    1xx language   2xx names and shapes   3xx numbers and ranges   4xx who may see what
    5xx files and machines   6xx import from other systems
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A title for the heading and a paragraph for the reader who wants to know more."""

    title: str
    explanation: str


CODES: dict[str, Code] = {
    "PPC501": Code(
        "file not readable",
        "The file is missing, may not be read, or ended before it should have. Check the path and its rights.",
    ),
    # 520-529: fields and kernels.
    "PPC520": Code(
        "value out of bounds",
        "A real number given to the encoder is outside the bounds the program declares for it, or is not a number. "
        "Ranges are proved from the bounds alone, so the encoder enforces them.",
    ),
    "PPC521": Code(
        "value too large for the field",
        "A real number, scaled by its fraction bits, does not fit the signed range of the field.",
    ),
    "PPC522": Code(
        "wrong buffer",
        "A kernel reads and writes arrays that its caller provides. One of them has the wrong type, shape or "
        "alignment, may not be written, or shares memory with an output.",
    ),
    "PPC523": Code(
        "CPU lacks instructions",
        "A kernel variant was asked for by name that this machine cannot run. Leave the choice to ppc, or name another.",
    ),
    "PPC524": Code(
        "kernel cache not private",
        "The folder of compiled kernels holds machine code that will be executed, so it must belong to you and be "
        "closed to everybody else (mode 0700), and its key likewise (0600).",
    ),
    "PPC525": Code(
        "impossible kernel",
        "A kernel was described that cannot exist: an operand that is not there, a constant outside the field, "
        "a bit beyond the last, a window larger than its image.",
    ),
}
