"""One kernel of every kind, for tests that look at machine code."""

from __future__ import annotations

from collections.abc import Iterator

from ppc.field import Field
from ppc.runtime.kernels import constant, horner, operand, packed, program, select
from ppc.runtime.kernels.bitwise import BitwiseKernel
from ppc.runtime.kernels.comparison import DigitsKernel
from ppc.runtime.kernels.elementwise import ElementwiseKernel
from ppc.runtime.kernels.library import Description
from ppc.runtime.kernels.packing import PackKernel
from ppc.runtime.kernels.product import ProductKernel
from ppc.runtime.kernels.sampling import CutKernel
from ppc.runtime.kernels.windows import WindowKernel


def every_kernel(field: Field) -> Iterator[Description]:
    """All kernels of a field; the element-wise ones use every operation and every layout between them."""
    for columns in ("unit", "strided"):
        yield ProductKernel(field, columns)
        yield ProductKernel(field, columns, shallow=True)
        yield WindowKernel(field, columns)
    for side in ("left", "right"):
        for neighbours in ("lanes", "depths", "none"):
            yield PackKernel(field, side, neighbours)
    yield from elementwise_kernels(field)
    yield DigitsKernel(field, 1, 3)
    yield CutKernel(field)
    yield BitwiseKernel(program([(packed(0) & packed(1)) ^ ~(packed(2) | packed(0))]))


def elementwise_kernels(field: Field) -> Iterator[ElementwiseKernel]:
    x, y, z = operand(0), operand(1), operand(2)
    middle = field.modulus // 3
    everything = program(
        [
            x + y - z,
            x * y * z,
            horner(x, [3, y, middle, z]),
            ((x - y) >> 3) * 2**5 - x.low(7),
            select(x.below(middle) ^ packed(0), y * middle, -z),
            select(~(x.bit(2) & packed(1)) | y.bit(0), constant(1), x * y),
            (x * y).below(middle),
            packed(0) ^ z.bit(1),
        ]
    )
    yield ElementwiseKernel(field, everything, ("unit",) * 9)
    few = program([x * y + z])
    for inner in (("unit", "repeat", "step", "unit"), ("repeat", "step", "unit", "step")):
        yield ElementwiseKernel(field, few, inner)
