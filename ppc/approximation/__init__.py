"""What stands in for functions that shares cannot compute: polynomials, and lines with bends, each with its error.

The coefficients are public. Knows no other room.
"""

from __future__ import annotations

from ppc.approximation.piecewise import PiecewiseLinear, piecewise_linear, slope_bits, softmax_error
from ppc.approximation.polynomials import DEFAULT_INTERVAL, fit, polynomial_error

__all__ = [
    "DEFAULT_INTERVAL",
    "PiecewiseLinear",
    "fit",
    "piecewise_linear",
    "polynomial_error",
    "slope_bits",
    "softmax_error",
]
