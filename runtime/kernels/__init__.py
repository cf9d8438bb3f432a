"""Finite-field kernels at the speed of the machine: what a party computes locally. See README.md.

Called by the parties, the dealer and the session; they need this module's names only.
"""

from ppc.runtime.kernels.convolution import Convolution
from ppc.runtime.kernels.expression import (
    Bit,
    Expression,
    Program,
    constant,
    horner,
    operand,
    packed,
    program,
    select,
)
from ppc.runtime.kernels.sampling import CipherStream, Stream
from ppc.runtime.kernels.workbench import SlowKernelsWarning, Workbench

__all__ = [
    "Bit",
    "CipherStream",
    "Convolution",
    "Expression",
    "Program",
    "SlowKernelsWarning",
    "Stream",
    "Workbench",
    "constant",
    "horner",
    "operand",
    "packed",
    "program",
    "select",
]
