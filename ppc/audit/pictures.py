"""Pictures of what attacks made, beside what they were made of. With pillow, which is an optional package."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail
from ppc.files import write_whole

Array = NDArray[Any]
SIDE = 64  # pixels of an image in the picture, at least
GAP = 2
NAME = "inputs-and-inversions.png"


def side_by_side(rows: Mapping[str, Array], folder: Path) -> dict[str, Path]:
    """A picture with a row for each name, of images between 0 and 1; of what is no image, none."""
    if any(array.ndim != 4 or array.shape[1] not in (1, 3) for array in rows.values()):
        return {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise fail("PPC509", f"`{folder}` cannot be made: {error.strerror}.", hint="Name another folder.") from None
    write_whole(folder / NAME, _png(_grid(list(rows.values()))))
    return {f"{', '.join(rows)}, from top to bottom": folder / NAME}


def _grid(rows: list[Array]) -> Array:
    """All images beside and below each other, enlarged, with white between."""
    height, width = rows[0].shape[2:]
    factor = max(1, SIDE // max(height, width))
    tall, wide = factor * height + GAP, factor * width + GAP
    found = np.full((tall * len(rows) + GAP, wide * len(rows[0]) + GAP, 3), 255, np.uint8)
    for down, images in enumerate(rows):
        for across, image in enumerate(images):
            pixels = np.kron(image, np.ones((1, factor, factor))).transpose(1, 2, 0)
            top, left = GAP + tall * down, GAP + wide * across
            area = (pixels.clip(0, 1) * 255).round().astype(np.uint8)
            found[top : top + tall - GAP, left : left + wide - GAP] = area
    return found


def _png(pixels: Array) -> bytes:
    from PIL import Image

    held = BytesIO()
    Image.fromarray(pixels).save(held, format="PNG")
    return held.getvalue()
