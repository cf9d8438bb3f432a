"""6xx: models of other systems."""

from __future__ import annotations

from ppc.codes.base import codes

IMPORTS = codes()
