"""The table of clear evaluation: one row per op, except for inputs and parameters, which are given."""

from __future__ import annotations

from ppc.reference.layers import LAYERS, Rule
from ppc.reference.training import TRAINING

EVALUATE: dict[str, Rule] = {**LAYERS, **TRAINING}
