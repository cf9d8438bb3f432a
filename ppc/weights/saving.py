"""Weights to disk: the same bytes for the same numbers, and never half a file.

A file is written beside its place and moved there whole, so that a crash leaves the old one.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from safetensors.numpy import save as safetensors_bytes

from ppc.errors import fail
from ppc.files import write_whole
from ppc.weights.expected import Array, SomeWeights, Weights

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date a zip can hold: the bytes must not tell when they were written


def save(path: str | Path, weights: SomeWeights, *, private: bool = False) -> None:
    """Write .safetensors, or .npz where the path says so; `private` to its owner."""
    path = Path(path)
    writers = {".safetensors": _safetensors, ".npz": _npz}
    if path.suffix.lower() not in writers:
        raise fail(
            "PPC509",
            f"`{path.name}` has no ending that ppc writes weights to.",
            hint="Weights are written as .safetensors or .npz.",
        )
    write_whole(
        path, writers[path.suffix.lower()]({name: _plain(weights[name]) for name in sorted(weights)}), private=private
    )


def _plain(values: Array) -> Array:
    """Contiguous and little-endian, which is what the formats hold."""
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).reshape(values.shape)


def _safetensors(weights: Weights) -> bytes:
    return safetensors_bytes(weights)


def _npz(weights: Weights) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, values in weights.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True) as member:
                npy.write_array(member, values, allow_pickle=False)
    return buffer.getvalue()
