"""Everything a party computes locally, for one field: the one door to the kernels.

Called by the parties and the dealer. Arrays are the caller's; results are exact and canonical, the same on every
variant and on the slow path. Every call checks its arrays first, and no call keeps them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from ppc.errors import fail
from ppc.field import Field, Words
from ppc.runtime.kernels import convolution_threads, llvm, sampling, slow, slow_convolution, strassen
from ppc.runtime.kernels.bitwise import bitwise, check_bitwise
from ppc.runtime.kernels.buffers import check_elements, wrong
from ppc.runtime.kernels.comparison import DigitsKernel, Monomials, check_digits, comparison_digits
from ppc.runtime.kernels.convolution import Convolution, check_convolution
from ppc.runtime.kernels.expression import Bit, Expression, Program, program
from ppc.runtime.kernels.library import Library, default_library, runnable
from ppc.runtime.kernels.matmul import check_matmul
from ppc.runtime.kernels.passes import Arrays, check_arrays, evaluate
from ppc.runtime.kernels.pooling import check_pooling, pool_spread, pool_sums, spread_axis, sum_axis


class SlowKernelsWarning(UserWarning):
    """There is no llvmlite for this machine, so kernels run as numpy code: the same results, many times slower."""


class Workbench:
    """A field's kernels on this machine. `variant` forces "ifma", "avx2", "plain" or "slow"; None takes the best."""

    def __init__(self, field: Field, *, variant: str | None = None, threads: int = 1) -> None:
        if type(threads) is not int or threads < 1:
            raise fail("PPC525", f"There are no {threads} threads.", hint="Use 1 or more.")
        self.field = field
        self.threads = threads
        if variant is None and not runnable():
            reason = "there are no kernels for this machine" if llvm.present() else "llvmlite is not installed"
            warnings.warn(f"{reason}: all is computed by slow numpy code.", SlowKernelsWarning, stacklevel=2)
            variant = "slow"
        self._library: Library | None = None if variant == "slow" else default_library(variant)

    @property
    def variant(self) -> str:
        return self._library.variant.name if self._library else "slow"

    @property
    def recursion_starts(self) -> int | None:
        """Matrices whose sizes are all at least this are multiplied by Strassen's recursion."""
        return self._setting(self._library).smallest if self._library else None

    def matmul(self, left: Words, right: Words, out: Words, *, add: bool = False, negate: bool = False) -> None:
        """out = left · right; `add`: added to out, `negate`: with a minus. Leading axes are a batch and broadcast."""
        check_matmul(self.field, left, right, out)
        if self._library:
            strassen.product(self._setting(self._library), left, right, out, keep=add, negate=negate)
        else:
            slow_convolution.matmul(self.field, left, right, out, keep=add, negate=negate)

    def convolve(
        self,
        image: Words,
        weights: Words,
        out: Words,
        convolution: Convolution = Convolution(),  # noqa: B008 (frozen)
        *,
        add: bool = False,
        negate: bool = False,
    ) -> None:
        """out [n, o, h', w'] from image [n, c, h, w] and weights [o, c / groups, kh, kw]."""
        check_convolution(self.field, convolution, image, weights, out, written="result")
        if out.size == 0:
            return
        if self._library:
            setting = self._convolution(self._library, convolution)
            convolution_threads.forward(setting, image, weights, out, keep=add, negate=negate)
        else:
            slow_convolution.convolve(self.field, convolution, image, weights, out, "result", keep=add, negate=negate)

    def convolve_to_weights(
        self,
        image: Words,
        gradient: Words,
        out: Words,
        convolution: Convolution = Convolution(),  # noqa: B008 (frozen)
        *,
        add: bool = False,
        negate: bool = False,
    ) -> None:
        """The gradient of the weights, from the image and the gradient of the result."""
        check_convolution(self.field, convolution, image, out, gradient, written="weights")
        if image.size == 0:
            if not add:
                out[...] = 0
            return
        if self._library:
            setting = self._convolution(self._library, convolution)
            convolution_threads.to_weights(setting, image, gradient, out, keep=add, negate=negate)
        else:
            slow_convolution.convolve(self.field, convolution, image, out, gradient, "weights", keep=add, negate=negate)

    def convolve_to_input(
        self,
        gradient: Words,
        weights: Words,
        out: Words,
        convolution: Convolution = Convolution(),  # noqa: B008 (frozen)
    ) -> None:
        """The gradient of the image, from the weights and the gradient of the result."""
        check_convolution(self.field, convolution, out, weights, gradient, written="image")
        if out.size == 0:
            return
        if self._library:
            convolution_threads.to_input(self._convolution(self._library, convolution), gradient, weights, out)
        else:
            slow_convolution.convolve(
                self.field, convolution, out, weights, gradient, "image", keep=False, negate=False
            )

    def pool_sums(self, image: Words, out: Words, window: int) -> None:
        """Sums over window × window pixels."""
        check_pooling(self.field, image, out, window, written="small")
        if out.size == 0:
            return
        if self._library:
            pool_sums(self._library, self.field, image, out, window, self.threads)
        else:
            rows, columns = (sum_axis(length, window) for length in image.shape[2:4])
            out[...] = slow.windows(self.field, rows, columns, image)

    def pool_spread(self, gradient: Words, out: Words, window: int) -> None:
        """The backward of pool_sums: every pixel of a window gets its gradient."""
        check_pooling(self.field, out, gradient, window, written="large")
        if out.size == 0:
            return
        if self._library:
            pool_spread(self._library, self.field, gradient, out, window, self.threads)
        else:
            rows, columns = (spread_axis(length, window) for length in out.shape[2:4])
            out[...] = slow.windows(self.field, rows, columns, gradient)

    def evaluate(
        self,
        outputs: Sequence[Expression | Bit] | Program,
        operands: Sequence[Words],
        outs: Sequence[Words] = (),
        *,
        packed: Sequence[Words] = (),
        bit_outs: Sequence[Words] = (),
    ) -> None:
        """Expressions of every element in one pass. Operands broadcast to the outputs' shape."""
        steps = outputs if isinstance(outputs, Program) else program(outputs)
        arrays = Arrays(tuple(operands), tuple(packed), tuple(outs), tuple(bit_outs))
        common = check_arrays(self.field, steps, arrays)
        if self._library:
            evaluate(self._library, self.field, steps, arrays, common, self.threads)
        else:
            slow.evaluate(self.field, steps, operands, packed, outs, bit_outs, common)

    def bitwise(self, outputs: Sequence[Bit] | Program, packed: Sequence[Words], outs: Sequence[Words]) -> None:
        """Boolean expressions on packed bits, 64 at a time."""
        steps = outputs if isinstance(outputs, Program) else program(outputs)
        check_bitwise(steps, packed, outs)
        if self._library:
            bitwise(self._library, steps, packed, outs, self.threads)
        else:
            slow.bitwise(steps, packed, outs)

    def comparison_digits(
        self, elements: Words, monomials: Monomials, masks: Words, out: Words, *, shift: int, digits: int
    ) -> None:
        """Shares of 1{c < a} and 1{c = a} for every four-bit digit, masked: see comparison.py."""
        check_digits(self.field, elements, monomials, masks, out, shift=shift, digits=digits)
        kernel = DigitsKernel(self.field, shift, digits)
        if self._library:
            comparison_digits(self._library, kernel, elements, monomials, masks, out, threads=self.threads)
        else:
            slow.comparison_digits(kernel, elements, monomials, masks, out)

    def uniform(self, streams: sampling.Streams, out: Words, *, first: int = 0) -> None:
        """Elements first, first + 1, … of the sequence that the streams define."""
        check_elements(out, "out", self.field, written=True)
        if first < 0:
            raise fail("PPC525", f"There is no element {first} of a stream.", hint="Elements count from 0.")
        if not out.flags.c_contiguous:
            raise wrong("out", "has gaps", "A stream fills memory without gaps.")
        if sampling.draw(self._library, self.field, streams(0), out.reshape(-1), first * self.field.words):
            sampling.replace(self.field, out, streams, first)

    def _setting(self, library: Library) -> strassen.Setting:
        return strassen.Setting(library=library, field=self.field, threads=self.threads)

    def _convolution(self, library: Library, convolution: Convolution) -> convolution_threads.Setting:
        return convolution_threads.Setting(
            library=library, field=self.field, convolution=convolution, threads=self.threads
        )
