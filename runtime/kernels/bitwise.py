"""Boolean programs on packed bits, 64 to a word: and, or, xor, not in one pass over memory.

Called by the workbench. Knows words only; every program's leaves are packed operands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ppc.errors import fail
from ppc.field import Words
from ppc.runtime.kernels.buffers import check_array, shares_memory, wrong
from ppc.runtime.kernels.emit import Function, Value, constant, module, vector_type
from ppc.runtime.kernels.expression import Program, Step
from ppc.runtime.kernels.library import Library
from ppc.runtime.kernels.threads import run_all, shares
from ppc.runtime.kernels.variants import Variant

_OPERATIONS = ("packed", "and", "or", "xor", "not")


@dataclass(frozen=True)
class BitwiseKernel:
    """void(ptr parameters): the number of words, then the addresses of operands and outputs."""

    program: Program

    @property
    def name(self) -> str:
        return "bitwise"

    def module(self, variant: Variant) -> str:
        f = Function(self.name, ("ptr",), exported=True)
        count = f.load(f.address(f.parameters[0], constant(0)), "i64")
        arrays = range(self.program.count("packed") + len(self.program.outputs))
        bases = [f.load(f.address(f.parameters[0], constant(1 + array)), "ptr") for array in arrays]
        whole = f.both(count, constant(-variant.lanes))
        f.repeat(whole, lambda index: self._words(f, bases, index, variant.lanes), step=variant.lanes)
        f.repeat(f.subtract(count, whole), lambda rest: self._words(f, bases, f.add(whole, rest), 1))
        return module([f], triple=variant.triple)

    def _words(self, f: Function, bases: Sequence[Value], index: Value, lanes: int) -> None:
        kind = vector_type(lanes)
        values: list[Value] = []
        for step in self.program.steps:
            if step.operation == "packed":
                values.append(f.load(f.address(bases[step.number], index), kind))
            else:
                values.append(_apply(f, step, [values[argument] for argument in step.arguments]))
        first_out = self.program.count("packed")
        for number, output in enumerate(self.program.outputs):
            f.store(values[output], f.address(bases[first_out + number], index))


def _apply(f: Function, step: Step, arguments: Sequence[Value]) -> Value:
    if step.operation == "not":
        return f.differ(arguments[0], constant(-1, arguments[0].type))
    return {"and": f.both, "or": f.either, "xor": f.differ}[step.operation](*arguments)


def check_bitwise(program: Program, packed: Sequence[Words], outs: Sequence[Words]) -> None:
    """All arrays have one shape and no gaps. An output may be an operand, or is apart from all arrays."""
    if not program.is_bit or not all(program.is_bit) or {step.operation for step in program.steps} - {*_OPERATIONS}:
        raise fail("PPC525", "A boolean program has bits only.", hint="Its leaves are `packed(i)`.")
    if (program.count("packed"), len(program.outputs)) != (len(packed), len(outs)):
        raise fail(
            "PPC522",
            f"The program has {program.count('packed')} operands and {len(program.outputs)} outputs; it was given "
            f"{len(packed)} and {len(outs)}.",
            hint="Give every operand the program counts.",
        )
    for name, group in (("packed", packed), ("outs", outs)):
        for number, array in enumerate(group):
            check_array(array, f"{name}[{number}]", np.dtype(np.uint64), written=name == "outs")
            if array.shape != packed[0].shape or not array.flags.c_contiguous:
                raise wrong(f"{name}[{number}]", f"has shape {array.shape}; {packed[0].shape} is needed", "No gaps.")
    for number, out in enumerate(outs):
        others = [*(array for array in packed if array.ctypes.data != out.ctypes.data), *outs[:number]]
        if any(shares_memory(out, other) for other in others):
            raise wrong(f"outs[{number}]", "overlaps another array", "An output is an operand, or apart from all.")


def bitwise(library: Library, program: Program, packed: Sequence[Words], outs: Sequence[Words], threads: int) -> None:
    kernel = library.kernel(BitwiseKernel(program))
    addresses = [array.ctypes.data for array in (*packed, *outs)]
    run_all(
        [
            partial(kernel, np.array([last - first, *(address + 8 * first for address in addresses)], np.int64))
            for first, last in shares(packed[0].size, threads, 64)
        ]
    )
