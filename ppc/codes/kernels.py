"""52x: fields and kernels."""

from __future__ import annotations

from ppc.codes.base import codes

KERNELS = codes(
    PPC520=(
        "value out of bounds",
        """A real number given to the encoder is outside the bounds that the program declares for it, or is not a
        number. Ranges are proved from the bounds alone, so the encoder enforces them.""",
    ),
    PPC521=(
        "value too large for the field",
        """A real number, scaled by its fraction bits, does not fit the signed range of the field. Use fewer fraction
        bits, smaller bounds or a larger field.""",
    ),
    PPC522=(
        "wrong buffer",
        """A kernel reads and writes arrays that its caller provides. One of them has the wrong type, shape or
        alignment, may not be written, or shares memory with an output. Nothing was computed.""",
    ),
    PPC523=(
        "CPU lacks instructions",
        """A kernel variant was asked for by name that this machine cannot run. Leave the choice to ppc, or name one
        of those that the message lists.""",
    ),
    PPC524=(
        "kernel cache not private",
        """The folder of compiled kernels holds machine code that will be executed, so it must belong to you and be
        closed to everybody else (mode 0700). Remove it, or set PPC_KERNEL_CACHE to a path of your own.""",
    ),
    PPC525=(
        "impossible kernel",
        """A kernel was described that cannot exist: a bit beyond the field's last, a window larger than its image,
        a convolution without channels, a boolean program with elements in it, a number that is not whole.""",
    ),
    PPC526=(
        "no profile of a machine",
        """`ppc calibrate` measures what this machine takes for products, passes over memory, random numbers and TLS,
        and keeps it in a file that `ppc explain` predicts times from. This file was cut off, changed, or written by
        another version.""",
    ),
)
