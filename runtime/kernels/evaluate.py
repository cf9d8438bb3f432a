"""Carries out a program's steps with any machine's operations: LLVM's vectors or numpy's arrays.

Called by the element-wise kernel's generator and by the slow path. Knows no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar, cast

from ppc.errors import fail
from ppc.runtime.kernels.arithmetic import Arithmetic, Element
from ppc.runtime.kernels.expression import Program, Step

T = TypeVar("T")


class Evaluator(Generic[T]):
    """One run over operands that are there as elements, and packed operands that are there as masks."""

    def __init__(self, arithmetic: Arithmetic[T], operands: Sequence[Element[T]], masks: Sequence[T]) -> None:
        self.arithmetic = arithmetic
        self.operands, self.masks = operands, masks
        self.values: list[Element[T] | T] = []
        self.constants: dict[int, int] = {}

    def run(self, program: Program) -> list[Element[T] | T]:
        """An element or a mask for each output."""
        for number, step in enumerate(program.steps):
            if step.operation == "constant":
                self.constants[number] = step.number % self.arithmetic.field.modulus
            self.values.append(self._step(step))
        return [self.values[output] for output in program.outputs]

    def _element(self, index: int) -> Element[T]:
        return cast("Element[T]", self.values[index])

    def _mask(self, index: int) -> T:
        return cast("T", self.values[index])

    def _step(self, step: Step) -> Element[T] | T:
        if step.operation in ("and", "or", "xor", "not", "packed"):
            return self._logic(step)
        arithmetic, arguments = self.arithmetic, step.arguments
        match step.operation:
            case "operand":
                return self.operands[step.number]
            case "constant":
                return arithmetic.constant(step.number)
            case "add":
                return arithmetic.add(self._element(arguments[0]), self._element(arguments[1]))
            case "subtract":
                return arithmetic.subtract(self._element(arguments[0]), self._element(arguments[1]))
            case "multiply":
                return self._multiply(*arguments)
            case "select":
                return arithmetic.select(self._mask(arguments[0]), *map(self._element, arguments[1:]))
            case _:
                return self._bits(step)

    def _logic(self, step: Step) -> T:
        operations = self.arithmetic.operations
        if step.operation == "packed":
            return self.masks[step.number]
        first = self._mask(step.arguments[0])
        if step.operation == "not":
            return operations.differ(first, operations.constant(-1))
        combine = {"and": operations.both, "or": operations.either, "xor": operations.differ}[step.operation]
        return combine(first, self._mask(step.arguments[1]))

    def _bits(self, step: Step) -> Element[T] | T:
        """Operations on the canonical representative."""
        arithmetic, argument = self.arithmetic, self._element(step.arguments[0])
        limits = {
            "shift": arithmetic.field.bits,
            "low": arithmetic.field.bits,
            "bit": arithmetic.field.bits - 1,
        }
        if step.number > limits.get(step.operation, arithmetic.field.modulus):
            raise fail(
                "PPC525",
                f"`{step.operation} {step.number}` exceeds {arithmetic.field.bits} bits of {arithmetic.field.name}.",
                hint="Bits count from 0.",
            )
        methods = {"shift": arithmetic.shift_right, "low": arithmetic.low_bits}
        if step.operation in methods:
            return methods[step.operation](argument, step.number)
        return {"below": arithmetic.below, "bit": arithmetic.bit}[step.operation](argument, step.number)

    def _multiply(self, left: int, right: int) -> Element[T]:
        """A power of two is a rotation, and minus one a negation."""
        for one, other in ((left, right), (right, left)):
            if one in self.constants:
                return self._multiply_constant(self._element(other), self.constants[one])
        return self.arithmetic.multiply(self._element(left), self._element(right))

    def _multiply_constant(self, element: Element[T], factor: int) -> Element[T]:
        arithmetic = self.arithmetic
        if factor.bit_count() == 1:
            return arithmetic.scale(element, factor.bit_length() - 1)
        opposite = arithmetic.field.modulus - factor
        if opposite.bit_count() == 1:
            return arithmetic.subtract(arithmetic.constant(0), arithmetic.scale(element, opposite.bit_length() - 1))
        return arithmetic.multiply(element, arithmetic.constant(factor))
