"""What this machine takes for what roles do: kernels, random numbers, passes over memory, TLS. For `ppc calibrate`.

Everything is measured as roles do it: with their own kernels, on arrays as large as those of a batch, while all cores
work. Knows no plan and no bill; what comes out are seconds by name.
"""

from __future__ import annotations

from ppc.runtime.calibration.together import Measured, measured

__all__ = ["Measured", "measured"]
