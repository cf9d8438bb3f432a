# The one call that ppc/data/digits.py makes.

from typing import Any

from numpy.typing import NDArray

class Bunch:
    images: NDArray[Any]
    target: NDArray[Any]

def load_digits() -> Bunch: ...
