"""scikit-learn's 1,797 handwritten digits, 8×8 with pixels from 0 to 16, which come with the package.

Every fifth is for testing, the others for training.
"""

from __future__ import annotations

import numpy as np

from ppc.data.examples import Examples

BRIGHTEST = 16
FIFTH = 5
PARTS = ("all", "train", "test")
CLASSES = tuple(map(str, range(10)))


def digits(part: str = "all") -> Examples:
    """All of them, or one of the two parts."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = found.images.astype(np.uint8)[:, np.newaxis]
    labels = found.target.astype(np.int64)
    tested = np.arange(len(images)) % FIFTH == 0
    chosen = {"all": slice(None), "train": ~tested, "test": tested}[part]
    name = "digits" if part == "all" else f"digits, {part}"
    return Examples(images=images[chosen], labels=labels[chosen], classes=CLASSES, name=name, brightest=BRIGHTEST)
