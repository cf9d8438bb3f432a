"""The weights that a split gives away, as one file: float32 in the form of safetensors, the same bytes everywhere.

Their owner makes it when the program is compiled; its hash is part of what all roles agree on. So a client with the
first half of one training never meets a server with the second half of another.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as from_safetensors
from safetensors.numpy import save as to_safetensors

from ppc.errors import PpcError, fail
from ppc.weights.expected import SomeWeights, Weights

FILE = "published.safetensors"
MOST_BYTES = 512_000_000
Shapes = Mapping[str, tuple[int, ...]]


def written(weights: SomeWeights, shapes: Shapes) -> bytes:
    """The file's bytes; of the weights only those that are named."""
    return to_safetensors({name: np.ascontiguousarray(weights[name], "<f4") for name in sorted(shapes)})


def read(data: bytes, shapes: Shapes) -> Weights:
    """What the file holds, which is exactly what the plan takes."""
    try:
        found = from_safetensors(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise _damaged(str(error)) from None
    if found.keys() != shapes.keys():
        raise _damaged(f"it holds {', '.join(sorted(found)) or 'nothing'}")
    for name, array in found.items():
        if array.shape != shapes[name] or array.dtype != np.float32 or not np.isfinite(array).all():
            raise _damaged(f"`{name}` is not float32 {list(shapes[name])} of finite numbers")
    return found


def _damaged(why: str) -> PpcError:
    return fail("PPC542", f"The bundle is damaged: {FILE}: {why}.", hint="Copy it again, or compile the program again.")
