"""Random numbers of several laws from the operating system's generator: for noise that protects.

Named as numpy's generator names them, so that a test can give a seeded one. Only for noise: first weights and data of
nobody come from numpy. Uniform numbers have 53 bits, so that a Gaussian ends at 8.6 deviations and an exponential at 37
of its scale; either would be passed in less than one of 10^16 draws.
"""

from __future__ import annotations

import secrets
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Size = int | tuple[int, ...]


class Coins(Protocol):
    """What noise is drawn from."""

    def normal(self, loc: float, scale: float, size: Any) -> Reals: ...
    def laplace(self, loc: float, scale: float, size: Any) -> Reals: ...
    def permutation(self, x: int) -> NDArray[Any]: ...


class SystemCoins:
    """Every number from bytes of its own of the operating system."""

    def uniform(self, size: Size) -> Reals:
        """Between 0 and 1, neither of them."""
        words = np.frombuffer(secrets.token_bytes(8 * int(np.prod(size))), np.uint64)
        return ((words >> np.uint64(11)).astype(np.float64) + 0.5).reshape(size) * 2.0**-53

    def normal(self, loc: float, scale: float, size: Size) -> Reals:
        """Box and Muller 1958."""
        return loc + scale * np.sqrt(-2 * np.log(self.uniform(size))) * np.cos(2 * np.pi * self.uniform(size))

    def laplace(self, loc: float, scale: float, size: Size) -> Reals:
        """The difference of two exponentials."""
        return loc + scale * (np.log(self.uniform(size)) - np.log(self.uniform(size)))

    def gamma(self, shape: float, scale: float, size: Size) -> Reals:
        """Marsaglia and Tsang 2000: drawn for a shape larger by 1, and again where it is refused."""
        middle = shape + 2 / 3
        found = np.zeros(size)
        missing = np.ones(size, np.bool_)
        while count := int(missing.sum()):
            drawn = self.normal(0.0, 1.0, count)
            cubed = (1 + drawn / np.sqrt(9 * middle)) ** 3
            heights = 0.5 * drawn**2 + middle * (1 - cubed + np.log(np.maximum(cubed, 1e-300)))
            taken = (cubed > 0) & (np.log(self.uniform(count)) < heights)
            places = np.flatnonzero(missing)[taken]
            found.flat[places] = middle * cubed[taken]
            missing.flat[places] = False
        return scale * found * self.uniform(size) ** (1 / shape)

    def permutation(self, x: int) -> NDArray[np.int64]:
        """By sorting words of 64 bits; two that are equal would tell nothing."""
        return np.argsort(np.frombuffer(secrets.token_bytes(8 * x), np.uint64), kind="stable")
