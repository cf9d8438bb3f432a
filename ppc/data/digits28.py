"""Images shaped as MNIST's, 28×28, made from scikit-learn's digits: larger, moved, turned a little, noised. Any number.

Every image comes from one digit by a map of the plane in whole numbers, so that the same seed gives the same bytes on
every machine; PCG64's bits are the same in all versions of numpy (NEP 19). Images for testing come from digits of which
none is used for training.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ppc.data.digits import BRIGHTEST, CLASSES, PARTS, digits
from ppc.data.examples import Examples, checked_size

SIDE = 28
UNIT = 1024  # of a pixel of the source
SCALE = 205  # the source moves by so many units for half a pixel of the image: 8 pixels become 20
WIDER, TURN, MOVE = 10, 12, 200  # at most so much larger or smaller, turned and bent, and moved (half a pixel)
GAIN = (256, 360)  # of 255: strokes are as bright as those of pens
NOISE = 24  # at most, for a pixel
TOGETHER = 2048  # images made at a time

Whole = NDArray[np.int32]


def digits28(count: int, seed: int = 0, part: str = "train") -> Examples:
    """So many images and their labels. `part` names the digits that they are made from."""
    source = digits(part)
    assert source.labels is not None
    checked_size("digits28", (count, SIDE, SIDE))
    bits = np.random.PCG64(np.random.SeedSequence([seed, PARTS.index(part)]))
    padded = np.pad(source.images[:, 0].astype(np.int32), ((0, 0), (1, 1), (1, 1)))
    images = np.empty((count, 1, SIDE, SIDE), np.uint8)
    labels = np.empty(count, np.int64)
    for start in range(0, count, TOGETHER):
        size = min(TOGETHER, count - start)
        chosen = _upto(bits, size, len(source))
        images[start : start + size, 0] = _drawn(bits, padded[chosen])
        labels[start : start + size] = source.labels[chosen]
    name = f"digits28, {count:,} images of seed {seed}, {part}"
    return Examples(images=images, labels=labels, classes=CLASSES, name=name)


def _upto(bits: np.random.PCG64, count: int, end: int) -> Whole:
    """Whole numbers from 0 to below `end`."""
    return (bits.random_raw(count) % np.uint64(end)).astype(np.int32)


def _around(bits: np.random.PCG64, count: int, most: int) -> Whole:
    return (_upto(bits, count, 2 * most + 1) - most)[:, np.newaxis, np.newaxis]


def _drawn(bits: np.random.PCG64, sources: Whole) -> NDArray[np.uint8]:
    """One image of each source, which has an empty rim."""
    count, side = len(sources), sources.shape[1]
    # from the middle of the image, in half pixels
    across = (2 * np.arange(SIDE, dtype=np.int32) - SIDE + 1)[np.newaxis, np.newaxis, :]
    down = across.transpose(0, 2, 1)
    tall, wide = (SCALE + _around(bits, count, WIDER) for _ in range(2))
    bent, turned = (_around(bits, count, TURN) for _ in range(2))
    middle = (side - 1) * UNIT // 2
    rows = tall * down + bent * across + middle + _around(bits, count, MOVE)
    columns = wide * across + turned * down + middle + _around(bits, count, MOVE)
    low, high = GAIN
    gain = low + _upto(bits, count, high - low + 1)[:, np.newaxis, np.newaxis]
    ink = _between(sources, rows, columns) * gain // (BRIGHTEST * UNIT)
    return np.clip(ink + _noise(bits, count), 0, 255).astype(np.uint8)


def _between(sources: Whole, rows: Whole, columns: Whole) -> Whole:
    """What lies at places between pixels, weighed by nearness; beyond the rim nothing does. UNIT times a pixel."""
    end = (sources.shape[1] - 1) * UNIT - 1
    rows, columns = np.clip(rows, 0, end), np.clip(columns, 0, end)
    (top, above), (left, before) = np.divmod(rows, UNIT), np.divmod(columns, UNIT)
    side, flat = sources.shape[1], sources.reshape(-1)
    at = side * (side * np.arange(len(sources))[:, np.newaxis, np.newaxis] + top) + left
    upper = flat[at] * (UNIT - before) + flat[at + 1] * before
    lower = flat[at + side] * (UNIT - before) + flat[at + side + 1] * before
    return (upper * (UNIT - above) + lower * above) // UNIT


def _noise(bits: np.random.PCG64, count: int) -> Whole:
    """The sum of two bytes, around zero."""
    size = count * SIDE * SIDE * 2
    drawn = bits.random_raw(-(-size // 8)).astype("<u8").view(np.uint8)[:size]
    one, other = drawn.reshape(2, count, SIDE, SIDE).astype(np.int32)
    return (one + other - 255) * NOISE // 255
