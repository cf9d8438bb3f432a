"""A node's state between two letters, as bytes: they are in Flower's hands, in the memory of the node's SuperNode."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEAD = "head"
Arrays = dict[str, NDArray[Any]]


def held(head: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    file = BytesIO()
    text = np.frombuffer(json.dumps(head).encode(), np.uint8)
    np.savez(file, **{HEAD: text, **arrays})  # pyright: ignore[reportArgumentType]
    return file.getvalue()


def read(state: bytes) -> tuple[dict[str, Any], Arrays]:
    """Nothing, where there is nothing."""
    if not state:
        return {}, {}
    with np.load(BytesIO(state), allow_pickle=False) as file:
        arrays = {name: file[name].copy() for name in file.files}
    return json.loads(arrays.pop(HEAD).tobytes()), arrays
