"""Large matrix products with fewer products: Strassen's recursion in Winograd's form.

Called by the workbench. A field's arithmetic is exact, so the recursion loses nothing (unlike with floating point):
each level does seven products of half the size and fifteen sums where the schoolbook does eight. The sums are three
fused passes over memory. Which levels are used depends on the shape alone. Threads take whole products of the seven,
as many each, and share what is left over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product as pairs

from ppc.field import Field, Words
from ppc.runtime.kernels.buffers import scratch
from ppc.runtime.kernels.expression import Expression, Program, operand, program
from ppc.runtime.kernels.library import Library
from ppc.runtime.kernels.matmul import matmul, shape
from ppc.runtime.kernels.passes import Arrays, evaluate
from ppc.runtime.kernels.threads import run_all, shares

_PIECE = 1024  # larger matrices are cut into pieces of at most this, which bounds the scratch memory


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What stays the same down the recursion."""

    library: Library
    field: Field
    threads: int

    @property
    def smallest(self) -> int:
        """Matrices below this are multiplied directly: there the sums cost more than they save."""
        cheap = self.field.words == 1 and self.library.variant.multiplier == "ifma"
        return 512 if cheap else 256


def product(setting: Setting, left: Words, right: Words, out: Words, *, keep: bool, negate: bool) -> None:
    """out (+)= ± left · right, for checked arrays; batches and small matrices go straight to the kernel."""
    sizes = (*shape(left, setting.field)[-2:], shape(right, setting.field)[-1])
    flat = len(shape(out, setting.field)) == 2
    if not flat or min(sizes) < setting.smallest:
        _direct(setting, left, right, out, keep=keep, negate=negate)
        return
    rows, depths, columns = (_pieces(size) for size in sizes)
    for row, column in pairs(rows, columns):
        for number, depth in enumerate(depths):
            factors = left[row, depth], right[depth, column], out[row, column]
            _halve(setting, *factors, keep=keep or number > 0, negate=negate, level=0)


def _direct(setting: Setting, left: Words, right: Words, out: Words, *, keep: bool, negate: bool) -> None:
    threads = setting.threads
    matmul(setting.library, setting.field, left, right, out, keep=keep, negate=negate, threads=threads)


def _pieces(size: int) -> list[slice]:
    count = -(-size // _PIECE)
    return [slice(size * number // count, size * (number + 1) // count) for number in range(count)]


def _halve(setting: Setting, left: Words, right: Words, out: Words, *, keep: bool, negate: bool, level: int) -> None:
    """The even part by seven products, the last row, column and depth of odd sizes by themselves."""
    rows, depth, columns = left.shape[0], left.shape[1], right.shape[1]
    if min(rows, depth, columns) < setting.smallest:
        _direct(setting, left, right, out, keep=keep, negate=negate)
        return
    m, k, n = rows // 2, depth // 2, columns // 2
    core = out[: 2 * m, : 2 * n]
    _seven(setting, left[: 2 * m, : 2 * k], right[: 2 * k, : 2 * n], core, keep=keep, negate=negate, level=level)
    if depth % 2:
        _direct(setting, left[: 2 * m, 2 * k :], right[2 * k :, : 2 * n], core, keep=True, negate=negate)
    if columns % 2:
        _direct(setting, left, right[:, 2 * n :], out[:, 2 * n :], keep=keep, negate=negate)
    if rows % 2:
        _direct(setting, left[2 * m :], right[:, : 2 * n], out[2 * m :, : 2 * n], keep=keep, negate=negate)


def _seven(setting: Setting, left: Words, right: Words, out: Words, *, keep: bool, negate: bool, level: int) -> None:
    a11, a12, a21, a22 = _quarters(left)
    b11, b12, b21, b22 = _quarters(right)
    s1, s2, s3, s4 = s = _rooms(setting, f"left sums {level}", a11, 4)
    t1, t2, t3, t4 = t = _rooms(setting, f"right sums {level}", b11, 4)
    _pass(setting, _left_sums(), (a11, a12, a21, a22), s)
    _pass(setting, _right_sums(), (b11, b12, b21, b22), t)
    quarters = _quarters(out)
    results = _rooms(setting, f"products {level}", quarters[0], 7)
    factors = ((a11, b11), (a12, b21), (s4, b22), (a22, t4), (s1, t1), (s2, t2), (s3, t3))
    _products(setting, [(*pair, result) for pair, result in zip(factors, results, strict=True)], level + 1)
    old = quarters if keep else ()
    _pass(setting, _join(keep=keep, negate=negate), (*results, *old), quarters)


def _products(setting: Setting, products: list[tuple[Words, Words, Words]], level: int) -> None:
    """Each thread multiplies by itself down the whole recursion, so that threads seldom wait for each other."""
    even = len(products) // setting.threads * setting.threads
    alone = replace(setting, threads=1)
    run_all([partial(_each, alone, products[first:last], level) for first, last in shares(even, setting.threads)])
    _each(setting, products[even:], level)


def _each(setting: Setting, products: list[tuple[Words, Words, Words]], level: int) -> None:
    for left, right, out in products:
        _halve(setting, left, right, out, keep=False, negate=False, level=level)


def _quarters(matrix: Words) -> tuple[Words, Words, Words, Words]:
    m, n = matrix.shape[0] // 2, matrix.shape[1] // 2
    return matrix[:m, :n], matrix[:m, n:], matrix[m:, :n], matrix[m:, n:]


def _rooms(setting: Setting, name: str, like: Words, count: int) -> tuple[Words, ...]:
    """This thread's own matrices of one shape; every level of the recursion has its own."""
    size = like.shape[0] * like.shape[1] * setting.field.words
    memory = scratch(name, count * size)
    return tuple(memory[number * size : (number + 1) * size].reshape(like.shape) for number in range(count))


def _pass(setting: Setting, steps: Program, operands: tuple[Words, ...], outs: tuple[Words, ...]) -> None:
    common = shape(outs[0], setting.field)
    evaluate(setting.library, setting.field, steps, Arrays(operands, (), outs, ()), common, setting.threads)


@cache
def _left_sums() -> Program:
    a11, a12, a21, a22 = (operand(number) for number in range(4))
    s1 = a21 + a22
    s2 = s1 - a11
    return program([s1, s2, a11 - a21, a12 - s2])


@cache
def _right_sums() -> Program:
    b11, b12, b21, b22 = (operand(number) for number in range(4))
    t1 = b12 - b11
    t2 = b22 - t1
    return program([t1, t2, b22 - b12, t2 - b21])


@cache
def _join(*, keep: bool, negate: bool) -> Program:
    p1, p2, p3, p4, p5, p6, p7 = (operand(number) for number in range(7))
    u = p1 + p6
    sums: list[Expression] = [p1 + p2, u + p5 + p3, u + p7 - p4, u + p7 + p5]
    if negate:
        sums = [-total for total in sums]
    if keep:
        sums = [operand(7 + number) + total for number, total in enumerate(sums)]
    return program(sums)
