"""Bundles: how the plans of a program are stored for its roles, read, and verified. README.md is the format.

Called by the front door, which gives the checks of a plan, and by the runtime, which is given bundles that were read.
Knows no pass and no runtime: what is read here is believed because of its hashes and what can be worked out from it.
"""

from ppc.bundle.batches import padded
from ppc.bundle.manifest import ROLES, VERSION
from ppc.bundle.parameters import Needed
from ppc.bundle.reading import Bundle, Check, locate, read, same_schedule, verify
from ppc.bundle.writing import Program, role_files, write

__all__ = [
    "ROLES",
    "VERSION",
    "Bundle",
    "Check",
    "Needed",
    "Program",
    "locate",
    "padded",
    "read",
    "role_files",
    "same_schedule",
    "verify",
    "write",
]
