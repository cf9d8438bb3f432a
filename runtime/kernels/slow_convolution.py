"""Convolution and its gradients by numpy: filter, product by the kernels' own index maps, transposed filter.

Called by the workbench where llvmlite is absent.
"""

from __future__ import annotations

from itertools import product as pairs

import numpy as np

from ppc.field import Field, Words
from ppc.runtime.kernels import slow
from ppc.runtime.kernels.convolution import Convolution, Layout
from ppc.runtime.kernels.convolution_maps import ConvolutionMaps
from ppc.runtime.kernels.matmul import axes, matrix_maps


def matmul(field: Field, left: Words, right: Words, out: Words, *, keep: bool, negate: bool) -> None:
    factors = [np.ascontiguousarray(array) for array in (left, right, out)]
    maps = matrix_maps(*(axes(array, field) for array in factors))
    slow.multiply(field, maps, *(array.reshape(-1) for array in factors), keep=keep, negate=negate)
    out[...] = factors[2]


class SlowConvolution:
    """One convolution of arrays without gaps."""

    def __init__(self, field: Field, convolution: Convolution, image: Words, weights: Words, result: Words) -> None:
        self.field = field
        layout = Layout(field, convolution, axes(image, field), axes(weights, field), axes(result, field))
        self.maps = ConvolutionMaps(layout, slow.LANES)
        self.image, self.weights, self.result = image, weights, result

    def forward(self, *, keep: bool, negate: bool) -> None:
        factors = (self._flat(self.weights), self._filtered(), self._flat(self.result))
        slow.multiply(self.field, self.maps.forward_maps(), *factors, keep=keep, negate=negate)

    def to_weights(self, *, keep: bool, negate: bool) -> None:
        maps, swapped = self.maps.weight_maps()
        factors = [self._flat(self.result), self._filtered()]
        left, right = reversed(factors) if swapped else factors
        slow.multiply(self.field, maps, left, right, self._flat(self.weights), keep=keep, negate=negate)

    def to_input(self) -> None:
        vertical, horizontal = self.maps.lines
        padded = slow.windows(self.field, vertical.padded_out(), horizontal.padded_out(), self.result)
        target = self.maps.packed_boxed
        boxed = self.field.zeros(*(length for length, _ in target))
        phases = pairs(range(min(vertical.step, vertical.kernel)), range(min(horizontal.step, horizontal.kernel)))
        for phase in phases:
            start = phase[0] * target[2][1] + phase[1] * target[3][1]
            factors = (self._flat(self.weights), self._flat(padded), self._flat(boxed)[start:])
            slow.multiply(self.field, self.maps.input_maps(target, phase), *factors, keep=False, negate=False)
        self.image[...] = slow.windows(self.field, vertical.unbox(), horizontal.unbox(), boxed)

    def _flat(self, array: Words) -> Words:
        return np.ascontiguousarray(array).reshape(-1)

    def _filtered(self) -> Words:
        if self.maps.direct:
            return self._flat(self.image)
        vertical, horizontal = self.maps.lines
        return self._flat(slow.windows(self.field, vertical.box(), horizontal.box(), self.image))


def convolve(
    field: Field,
    convolution: Convolution,
    image: Words,
    weights: Words,
    result: Words,
    written: str,
    *,
    keep: bool,
    negate: bool,
) -> None:
    """`written` says which of the three is computed from the other two."""
    arrays = {"image": image, "weights": weights, "result": result}
    own = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    job = SlowConvolution(field, convolution, own["image"], own["weights"], own["result"])
    if written == "image":
        job.to_input()
    elif written == "weights":
        job.to_weights(keep=keep, negate=negate)
    else:
        job.forward(keep=keep, negate=negate)
    arrays[written][...] = own[written]
