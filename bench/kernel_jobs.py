"""The workloads of the kernel benchmark: products, convolutions and passes of the example networks, batch 128."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from ppc.field import MERSENNE61, Field, Words
from ppc.runtime.kernels import Convolution, Expression, Workbench, operand, packed, select
from ppc.runtime.kernels.buffers import aligned
from ppc.runtime.kernels.comparison import planes
from ppc.runtime.kernels.library import default_library
from ppc.runtime.kernels.product import RegisterLoop, tile_rows

BATCH = 128
VALUES = BATCH * 32 * 14 * 14  # of the ReLU layer of shallow training
LOOP_DEPTH, LOOP_REPEATS = 48, 4000  # both packed operands stay in the nearest cache


@dataclass(frozen=True)
class Job:
    """Something to time, and how much work one run is (products, bytes or cycles)."""

    name: str
    run: Callable[[], object]
    work: float


def elements(field: Field, *shape: int, seed: int = 1) -> Words:
    """Uniform elements at the border of a cache line."""
    array = aligned(prod(field.shape(*shape))).reshape(field.shape(*shape))
    array[...] = np.random.default_rng(seed).integers(0, 2**64, array.shape, dtype=np.uint64)
    array &= np.array([field.modulus >> 64 * word & (2**64 - 1) for word in range(field.words)], np.uint64)
    return array


def loop_job(field: Field) -> Job:
    library = default_library()
    left, right, out = aligned(1 << 13), aligned(1 << 13), aligned(1 << 12)
    left[...] = right[...] = 123_456_789
    block = np.array([left.ctypes.data, right.ctypes.data, LOOP_DEPTH, LOOP_REPEATS, out.ctypes.data], np.int64)
    kernel = library.kernel(RegisterLoop(field))

    def run(held: tuple[Words, ...] = (left, right, out)) -> int:
        kernel(block)
        return len(held)

    tile = tile_rows(field, library.variant) * library.variant.lanes
    return Job(f"loop {field.name}", run, LOOP_DEPTH * LOOP_REPEATS * tile)


def copy_job(count: int) -> Job:
    """numpy's copy of words, at one of several sizes: the best of them is the machine's bandwidth."""
    source, target = aligned(count), aligned(count)
    source[...] = 1
    return Job(f"copy {count}", partial(np.copyto, target, source), 2 * source.nbytes)


def matmul_job(field: Field, shape: tuple[int, int, int], *, threads: int = 1, variant: str | None = None) -> Job:
    rows, depth, columns = shape
    bench = Workbench(field, threads=threads, variant=variant)
    left, right = elements(field, rows, depth), elements(field, depth, columns, seed=2)
    run = partial(bench.matmul, left, right, elements(field, rows, columns))
    return Job(f"ppc {field.name}" + (f" {threads} threads" if threads > 1 else ""), run, rows * depth * columns)


def torch_matmul(shape: tuple[int, int, int]) -> list[Job]:
    """Floating-point products of the same shape, by torch (where it is installed) and numpy."""
    rows, depth, columns = shape
    generator = np.random.default_rng(1)
    left, right = generator.random((rows, depth)), generator.random((depth, columns))
    work = rows * depth * columns
    jobs = [Job("numpy float64", partial(np.matmul, left, right), work)]
    try:
        import torch
    except ImportError:
        print("torch is absent")
        return jobs
    torch.set_num_threads(1)
    for kind in (torch.float64, torch.float32):
        a, b = torch.from_numpy(left).to(kind), torch.from_numpy(right).to(kind)  # pyright: ignore[reportUnknownMemberType]
        out = torch.empty((rows, columns), dtype=kind)
        jobs.append(Job(str(kind).replace("torch.", "torch "), partial(torch.mm, a, b, out=out), work))
    return jobs


def conv_jobs(field: Field, *, threads: int = 1) -> list[Job]:
    """The convolutions of shallow and deep training, each with the average pool that follows it."""
    fused = Convolution(padding=1, pool=2)
    bench = Workbench(field, threads=threads)
    jobs: list[Job] = []
    for name, image_shape, weight_shape in (
        ("conv1", (BATCH, 1, 28, 28), (32, 1, 3, 3)),
        ("conv2", (BATCH, 32, 14, 14), (32, 32, 3, 3)),
    ):
        image, weights = elements(field, *image_shape), elements(field, *weight_shape)
        shape = fused.out_shape(image_shape, weight_shape)
        out, work = elements(field, *shape), prod(shape) * prod(weight_shape[1:])
        jobs.append(Job(f"{name} forward", partial(bench.convolve, image, weights, out, fused), work))
        to_weights = partial(bench.convolve_to_weights, image, out, weights.copy(), fused)
        jobs.append(Job(f"{name} to weights", to_weights, work))
        if name == "conv2":
            to_input = partial(bench.convolve_to_input, out, weights, image.copy(), fused)
            jobs.append(Job(f"{name} to input", to_input, work))
    return jobs


def truncation(field: Field, fraction: int = 16) -> Expression:
    """The local part of a truncation (form C): opened value, shares of R and of the wrap bit."""
    e, share, wrap = operand(0), operand(1), operand(2)
    return (e >> fraction) - share + select(e.below(1 << (field.bits - 1)), wrap * 2 ** (field.bits - fraction), 0)


def elementwise_jobs(field: Field) -> list[Job]:
    """Passes of the ReLU layer of shallow training: 128·32·14·14 values."""
    count = VALUES
    bench = Workbench(field)
    x, y, z, w = (elements(field, count, seed=seed) for seed in range(4))
    out = elements(field, count, seed=9)
    bits = np.random.default_rng(5).integers(0, 2**64, -(-count // 64), dtype=np.uint64)
    size = x.nbytes

    def job(name: str, expression: Expression, operands: list[Words], given: list[Words] | None = None) -> Job:
        masks = given or []
        run = partial(bench.evaluate, [expression], operands, [out], packed=masks)
        return Job(name, run, size * (len(operands) + 1) + sum(mask.nbytes for mask in masks))

    opened = select(packed(0), operand(0) - operand(1), operand(1))
    return [
        job("mask: x + y", operand(0) + operand(1), [x, y]),
        job("product: x·y + z", operand(0) * operand(1) + operand(2), [x, y, z]),
        job("truncation", truncation(field), [x, y, z]),
        job("select by an opened bit", opened * 3 + operand(2), [x, y, z], [bits]),
        job("Horner, degree 3", ((operand(0) * operand(1) + 5) * operand(1) + operand(2)) * operand(1) + operand(3),
            [x, y, z, w]),
    ]  # fmt: skip


def deep_training() -> None:
    """Run each kernel of a deep training step once, on small arrays: the layouts are those of the real ones."""
    field = MERSENNE61
    bench, fused = Workbench(field), Convolution(padding=1, pool=2)
    for channels, size in ((1, 28), (4, 14)):
        image, weights = elements(field, 2, channels, size, size), elements(field, 4, channels, 3, 3)
        out = elements(field, 2, 4, size // 2, size // 2)
        bench.convolve(image, weights, out, fused)
        bench.convolve_to_weights(image, out, weights.copy(), fused)
        bench.convolve_to_input(out, weights, image.copy(), fused)
    bench.pool_sums(elements(field, 1, 4, 7, 7), elements(field, 1, 4, 1, 1), 7)
    a, b = elements(field, 16, 20), elements(field, 20, 10)
    bench.matmul(a, b, elements(field, 16, 10))
    bench.matmul(elements(field, 16, 10), b.T, elements(field, 16, 20))
    bench.matmul(a.T, elements(field, 16, 10), elements(field, 20, 10))
    _deep_passes(bench)
    bench.uniform(_Zeros, elements(field, 100))


def _deep_passes(bench: Workbench) -> None:
    field = bench.field
    x, y, z, w = (elements(field, 4, 6, 49, seed=seed) for seed in range(4))
    bias, rate = elements(field, 6, 1), elements(field, 1)
    outs, bits = [elements(field, 4, 6, 49)], np.zeros(19, np.uint64)
    a, b, c, d = (operand(number) for number in range(4))
    bench.evaluate([a + b], [x, bias], outs)
    bench.evaluate([a + b], [x, y], outs)
    bench.evaluate([a - b], [x, y], outs)
    bench.evaluate([a - b + c], [x, y, z], outs)
    bench.evaluate([a * b + c], [x, y, z], outs)
    bench.evaluate([a * b - c], [x, rate, z], outs)
    bench.evaluate([truncation(field)], [x, y, z], outs)
    bench.evaluate([truncation(field, 18)], [x, y, z], outs)
    flat = [array.reshape(-1) for array in (x, y, z, w)]
    flat_outs = [outs[0].reshape(-1)]
    bench.evaluate([select(packed(0), a - b, b) + c], flat[:3], flat_outs, packed=[bits])
    bench.evaluate([select(packed(0), a * b, c) + d, a.bit(40)], flat, flat_outs, packed=[bits], bit_outs=[bits.copy()])
    monomials, masks = np.zeros((6, flat[0].shape[0]), np.uint16), np.zeros((planes(6), 19), np.uint64)
    bench.comparison_digits(flat[0], monomials, masks, masks.copy(), shift=16, digits=6)
    p, q, r = (packed(number) for number in range(3))
    bench.bitwise([p ^ q], [bits, bits.copy()], [bits.copy()])
    bench.bitwise([(p & q) ^ r], [bits, bits.copy(), bits.copy()], [bits.copy()])


class _Zeros:
    """A stream of zeros: only the kernels are of interest here."""

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt

    def fill(self, out: Words, first: int = 0) -> None:
        out[...] = first * 0
