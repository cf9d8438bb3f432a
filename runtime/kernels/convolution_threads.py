"""Shares the images of a convolution's batch among threads: each takes its images through all steps by itself.

Called by the workbench with checked arrays. The threads meet once, when all are done; meeting between the steps would
cost a small convolution more than it gains. A batch that does not part evenly is shared within each step instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from ppc.field import Field, Words
from ppc.runtime.kernels import convolution_run
from ppc.runtime.kernels.buffers import scratch
from ppc.runtime.kernels.convolution import Convolution, Layout
from ppc.runtime.kernels.expression import Program, operand, program
from ppc.runtime.kernels.library import Library
from ppc.runtime.kernels.matmul import axes, shape
from ppc.runtime.kernels.passes import Arrays, evaluate
from ppc.runtime.kernels.threads import run_all, shares

_EVEN = 8  # from this many images a thread on, one image more or less does not matter


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What does not depend on the arrays."""

    library: Library
    field: Field
    convolution: Convolution
    threads: int

    def layout(self, image: Words, weights: Words, result: Words) -> Layout:
        return Layout(self.field, self.convolution, *(axes(array, self.field) for array in (image, weights, result)))


def forward(setting: Setting, image: Words, weights: Words, out: Words, *, keep: bool, negate: bool) -> None:
    def run(part: slice, threads: int) -> None:
        layout, arrays = setting.layout(image[part], weights, out[part]), (image[part], weights, out[part])
        convolution_run.forward(setting.library, layout, *arrays, keep=keep, negate=negate, threads=threads)

    _share(setting, len(image), [run] * setting.threads)


def to_input(setting: Setting, gradient: Words, weights: Words, out: Words) -> None:
    def run(part: slice, threads: int) -> None:
        layout = setting.layout(out[part], weights, gradient[part])
        convolution_run.to_input(setting.library, layout, gradient[part], weights, out[part], threads=threads)

    _share(setting, len(out), [run] * setting.threads)


def to_weights(setting: Setting, image: Words, gradient: Words, out: Words, *, keep: bool, negate: bool) -> None:
    """Every thread but the first sums over its images in a room of its own."""

    def run(target: Words, part: slice, threads: int) -> None:
        layout, arrays = setting.layout(image[part], target, gradient[part]), (image[part], gradient[part], target)
        kept = keep and target is out
        convolution_run.to_weights(setting.library, layout, *arrays, keep=kept, negate=negate, threads=threads)

    targets = [out, *_rooms(setting, out)]
    used = _share(setting, len(image), [partial(run, target) for target in targets])
    for room in targets[1:used]:
        arrays = Arrays((out, room), (), (out,), ())
        evaluate(setting.library, setting.field, _sum(), arrays, shape(out, setting.field), threads=1)


def _share(setting: Setting, images: int, runs: list[Callable[[slice, int], None]]) -> int:
    """Each of the first runs gets its images and its number of threads; how many of them there were."""
    even = images % setting.threads == 0 or images >= _EVEN * setting.threads
    parts, threads = (shares(images, setting.threads), 1) if even else ([(0, images)], setting.threads)
    run_all([partial(run, slice(*part), threads) for run, part in zip(runs, parts, strict=False)])
    return len(parts)


def _rooms(setting: Setting, like: Words) -> list[Words]:
    """A room of this thread's for each other thread."""
    memory = scratch("weights", (setting.threads - 1) * like.size)
    return [memory[number * like.size :][: like.size].reshape(like.shape) for number in range(setting.threads - 1)]


@cache
def _sum() -> Program:
    return program([operand(0) + operand(1)])
