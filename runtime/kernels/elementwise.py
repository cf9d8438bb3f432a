"""Element-wise kernels: a program of expressions in one pass over memory.

Called by the workbench through `Elementwise`. Arrays broadcast as numpy's do; axes that can be walked as one are
merged first, so that the kernel sees at most two outer axes and an inner one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppc.field import Field
from ppc.runtime.kernels.arithmetic import Arithmetic, Element
from ppc.runtime.kernels.emit import Function, Value, constant, constants, module, vector_type
from ppc.runtime.kernels.evaluate import Evaluator
from ppc.runtime.kernels.expression import Program
from ppc.runtime.kernels.lanes import LaneOperations
from ppc.runtime.kernels.limbs import plan
from ppc.runtime.kernels.memory import load_columns, load_whole, store_columns, store_whole
from ppc.runtime.kernels.variants import PLAIN, Variant

GROUP = 8  # elements a step: the packed bits of a step are a byte
COUNTS = 3  # parameters: the lengths of the axes
PER_ARRAY = 4  # then for each array its address and its steps along the axes


@dataclass(frozen=True)
class ElementwiseKernel:
    """`inner` says of each array, operands first, how it lies along the inner axis: "unit", "repeat" or "step"."""

    field: Field
    program: Program
    inner: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"elementwise_{self.field.name}"

    def module(self, variant: Variant) -> str:
        """void(ptr parameters): COUNTS lengths, PER_ARRAY numbers an array, then the addresses of the packed bits."""
        return module([_Pass(self, variant).function()], triple=variant.triple)


class _Pass:
    def __init__(self, kernel: ElementwiseKernel, variant: Variant) -> None:
        self.kernel, self.variant, self.program = kernel, variant, kernel.program
        self.f = Function(kernel.name, ("ptr",), exported=True)
        self.operands = kernel.program.count("operand")
        self.outs = kernel.program.results(bits=False)
        self.packed = kernel.program.count("packed")
        self.bit_outs = kernel.program.results(bits=True)
        self.lengths = [self._parameter(number) for number in range(COUNTS)]

    def _parameter(self, number: int, kind: str = "i64") -> Value:
        return self.f.load(self.f.address(self.f.parameters[0], constant(number)), kind)

    def function(self) -> Function:
        f = self.f
        arrays = range(self.operands + len(self.outs))
        first = [self._parameter(COUNTS + PER_ARRAY * array, "ptr") for array in arrays]
        steps = [[self._parameter(COUNTS + PER_ARRAY * array + axis) for axis in (1, 2, 3)] for array in arrays]
        bits_at = COUNTS + PER_ARRAY * len(first)
        bits = [self._parameter(bits_at + number, "ptr") for number in range(self.packed + len(self.bit_outs))]

        def outer(i: Value) -> None:
            lines = [f.address(base, f.multiply(i, step[0])) for base, step in zip(first, steps, strict=True)]

            def middle(j: Value) -> None:
                rows = [f.address(base, f.multiply(j, step[1])) for base, step in zip(lines, steps, strict=True)]
                self._row(rows, [step[2] for step in steps], bits)

            f.repeat(self.lengths[1], middle)

        f.repeat(self.lengths[0], outer)
        return f

    def _row(self, rows: list[Value], steps: list[Value], bits: list[Value]) -> None:
        """Groups of eight, then what is left one by one."""
        f = self.f
        whole = f.both(self.lengths[2], constant(-GROUP))
        groups = _Walk(self, self.variant, rows, steps, bits)
        f.repeat(whole, lambda index: groups.step(index, GROUP // self.variant.lanes), step=GROUP)
        singles = _Walk(self, PLAIN, rows, steps, bits)
        f.repeat(f.subtract(self.lengths[2], whole), lambda rest: singles.step(f.add(whole, rest), 1))


class _Walk:
    """One way along the inner axis: in vectors, or one by one."""

    def __init__(
        self, owner: _Pass, variant: Variant, rows: list[Value], steps: list[Value], bits: list[Value]
    ) -> None:
        self.owner, self.variant, self.rows, self.steps, self.bits = owner, variant, rows, steps, bits
        self.f, self.field, self.inner = owner.f, owner.kernel.field, owner.kernel.inner
        self.operations = LaneOperations(self.f, variant.lanes, variant.multiplier)
        self.arithmetic = Arithmetic(self.field, self.operations, plan(self.field, variant.multiplier))
        self.repeated = {
            array: self._repeated(rows[array]) for array in range(owner.operands) if self.inner[array] == "repeat"
        }

    def _repeated(self, row: Value) -> Element[Value]:
        """An operand that is the same along the whole row is loaded before it."""
        words = [
            self.f.splat(self.f.load(self.f.address(row, constant(word)), "i64"), self.variant.lanes)
            for word in range(self.field.words)
        ]
        return self.arithmetic.unpack(words)

    def step(self, index: Value, parts: int) -> None:
        """`parts` vectors from an index on; together they fill a byte of bits, or are a single element."""
        single = parts * self.variant.lanes == 1
        collected: list[list[Value]] = []
        for part in range(parts):
            here = self.f.add(index, constant(part * self.variant.lanes))
            operands = [self._load(array, here) for array in range(self.owner.operands)]
            masks = [self._mask(number, index, part, single) for number in range(self.owner.packed)]
            results = Evaluator(self.arithmetic, operands, masks).run(self.owner.program)
            for place, number in enumerate(self.owner.outs):
                result = results[number]
                assert isinstance(result, list)
                self._store(self.owner.operands + place, here, result)
            collected.append([value for value in results if isinstance(value, Value)])
        for number in range(len(self.owner.bit_outs)):
            self._store_bits(number, index, [masks[number] for masks in collected], single)

    def _place(self, array: int, index: Value) -> Value:
        unit = self.steps[array] if self.inner[array] == "step" else constant(self.field.words)
        return self.f.address(self.rows[array], self.f.multiply(index, unit))

    def _load(self, array: int, index: Value) -> Element[Value]:
        if array in self.repeated:
            return self.repeated[array]
        place, lanes = self._place(array, index), constant(self.variant.lanes)
        if self.inner[array] == "step":
            words = load_columns(self.f, self.variant, self.field, place, lanes, 0, self.steps[array])
        else:
            words = load_whole(self.f, self.variant, self.field, place)
        return self.arithmetic.unpack(words)

    def _store(self, array: int, index: Value, element: Element[Value]) -> None:
        words, place = self.arithmetic.pack(element), self._place(array, index)
        if self.inner[array] == "step":
            lanes = constant(self.variant.lanes)
            store_columns(self.f, self.variant, self.field, place, lanes, words, self.steps[array])
        else:
            store_whole(self.f, self.variant, place, words)

    def _byte(self, number: int, index: Value) -> Value:
        return self.f.address(self.bits[number], self.f.shift("lshr", index, 3), "i8")

    def _mask(self, number: int, index: Value, part: int, single: bool) -> Value:
        """All ones in each lane whose bit is set."""
        f, lanes = self.f, self.variant.lanes
        byte = f.convert("zext", f.load(self._byte(number, index), "i8", 1), "i64")
        if lanes == 1:
            place = f.both(index, constant(GROUP - 1)) if single else constant(part)
            bit = f.both(f.binary("lshr", byte, place), constant(1))
            return f.subtract(constant(0), bit)
        chosen = f.both(f.splat(byte, lanes), constants([1 << (part * lanes + lane) for lane in range(lanes)]))
        return f.convert("sext", f.compare("ne", chosen, self.operations.constant(0)), vector_type(lanes))

    def _store_bits(self, number: int, index: Value, masks: Sequence[Value], single: bool) -> None:
        f, lanes = self.f, self.variant.lanes
        address = self._byte(self.owner.packed + number, index)
        if single:
            bit = f.binary("shl", f.both(masks[0], constant(1)), f.both(index, constant(GROUP - 1)))
            old = f.convert("zext", f.load(address, "i8", 1), "i64")
            f.store(f.convert("trunc", f.either(old, bit), "i8"), address, 1)
            return
        total = constant(0)
        for part, mask in enumerate(masks):
            total = f.either(total, f.shift("shl", self._gathered(mask), part * lanes))
        f.store(f.convert("trunc", total, "i8"), address, 1)

    def _gathered(self, mask: Value) -> Value:
        """The lanes' bits side by side in a number."""
        f, lanes = self.f, self.variant.lanes
        if lanes == 1:
            return f.both(mask, constant(1))
        bits = f.compare("slt", mask, self.operations.constant(0))
        return f.convert("zext", f.convert("bitcast", bits, f"i{lanes}"), "i64")
