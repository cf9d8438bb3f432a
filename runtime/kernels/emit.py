"""Writes one LLVM function as text in SSA form: values, vectors, counted loops.

Called by the kernel generators. Knows LLVM's language, but neither llvmlite nor any field.
The only conditional jump it can write is a loop counter's, so no kernel can branch on a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Value:
    """An SSA name or a constant, with its LLVM type."""

    text: str
    type: str

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


def vector_type(lanes: int, scalar: str = "i64") -> str:
    """The type of `lanes` scalars side by side; one lane is a plain scalar."""
    return scalar if lanes == 1 else f"<{lanes} x {scalar}>"


def lanes_of(type_text: str) -> int:
    """How many scalars a type holds."""
    return int(type_text[1:].split(" x ")[0]) if type_text.startswith("<") else 1


def scalar_of(type_text: str) -> str:
    """The type of one lane."""
    return type_text[1:-1].split(" x ")[1] if type_text.startswith("<") else type_text


def constant(value: int, type_text: str = "i64") -> Value:
    """The same number in every lane."""
    lanes, scalar = lanes_of(type_text), scalar_of(type_text)
    bits = int(scalar[1:])
    signed = value % (1 << bits)
    signed -= (signed >> (bits - 1)) << bits if bits > 1 else 0
    if lanes == 1:
        return Value(str(signed), type_text)
    return Value("<" + ", ".join([f"{scalar} {signed}"] * lanes) + ">", type_text)


def constants(values: Sequence[int], scalar: str = "i64") -> Value:
    """One number per lane."""
    if len(values) == 1:
        return constant(values[0], scalar)
    return Value("<" + ", ".join(str(constant(value, scalar)) for value in values) + ">", f"<{len(values)} x {scalar}>")


class Function:
    """The body of one function while it is being written."""

    def __init__(self, name: str, parameters: Sequence[str], *, exported: bool) -> None:
        self.name = name
        self.parameters = [Value(f"%a{i}", kind) for i, kind in enumerate(parameters)]
        self.declarations: dict[str, str] = {}
        self._exported = exported
        self._lines: list[str] = []
        self._count = 0
        self._block = "entry"

    def fresh(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def line(self, text: str) -> None:
        self._lines.append("  " + text)

    def emit(self, text: str, type_text: str) -> Value:
        name = self.fresh()
        self._lines.append(f"  {name} = {text}")
        return Value(name, type_text)

    # Arithmetic: both operands have the same type.

    def binary(self, operation: str, left: Value, right: Value) -> Value:
        return self.emit(f"{operation} {left}, {right.text}", left.type)

    def add(self, left: Value, right: Value) -> Value:
        return self.binary("add", left, right)

    def subtract(self, left: Value, right: Value) -> Value:
        return self.binary("sub", left, right)

    def multiply(self, left: Value, right: Value) -> Value:
        return self.binary("mul", left, right)

    def both(self, left: Value, right: Value) -> Value:
        return self.binary("and", left, right)

    def either(self, left: Value, right: Value) -> Value:
        return self.binary("or", left, right)

    def differ(self, left: Value, right: Value) -> Value:
        return self.binary("xor", left, right)

    def shift(self, operation: str, value: Value, count: int) -> Value:
        return self.binary(operation, value, constant(count, value.type)) if count else value

    def compare(self, predicate: str, left: Value, right: Value) -> Value:
        return self.emit(f"icmp {predicate} {left}, {right.text}", vector_type(lanes_of(left.type), "i1"))

    def select(self, condition: Value, yes: Value, no: Value) -> Value:
        return self.emit(f"select {condition}, {yes}, {no}", yes.type)

    def convert(self, operation: str, value: Value, type_text: str) -> Value:
        return self.emit(f"{operation} {value} to {type_text}", type_text)

    def call(self, callee: str, result: str, arguments: Sequence[Value]) -> Value:
        """A call of an intrinsic or of a function of the same module."""
        if callee.startswith("@llvm."):
            kinds = ", ".join(argument.type for argument in arguments)
            self.declarations[callee] = f"declare {result} {callee}({kinds})"
        text = f"call {result} {callee}({', '.join(str(argument) for argument in arguments)})"
        if result == "void":
            self.line(text)
            return Value("", "void")
        return self.emit(text, result)

    # Lanes.

    def splat(self, value: Value, lanes: int) -> Value:
        if lanes == 1:
            return value
        kind = vector_type(lanes, value.type)
        first = self.emit(f"insertelement {kind} poison, {value}, i64 0", kind)
        return self.emit(f"shufflevector {first}, {kind} poison, <{lanes} x i32> zeroinitializer", kind)

    def shuffle(self, left: Value, right: Value, order: Sequence[int]) -> Value:
        mask = ", ".join(f"i32 {index}" for index in order)
        return self.emit(
            f"shufflevector {left}, {right}, <{len(order)} x i32> <{mask}>",
            vector_type(len(order), scalar_of(left.type)),
        )

    def lane(self, value: Value, index: int) -> Value:
        if lanes_of(value.type) == 1:
            return value
        return self.emit(f"extractelement {value}, i64 {index}", scalar_of(value.type))

    # Memory: addresses count in elements of `scalar`.

    def address(self, base: Value, index: Value, scalar: str = "i64") -> Value:
        kind = "ptr" if lanes_of(index.type) == 1 else f"<{lanes_of(index.type)} x ptr>"
        return self.emit(f"getelementptr {scalar}, {base}, {index}", kind)

    def load(self, address: Value, type_text: str, alignment: int = 8) -> Value:
        return self.emit(f"load {type_text}, {address}, align {alignment}", type_text)

    def store(self, value: Value, address: Value, alignment: int = 8) -> None:
        self.line(f"store {value}, {address}, align {alignment}")

    # Control: counted loops and nothing else.

    def loop(
        self,
        count: Value,
        carried: Sequence[Value],
        body: Callable[[Value, list[Value]], Sequence[Value]],
        *,
        start: int = 0,
        step: int | Value = 1,
    ) -> list[Value]:
        """Run `body` for start, start+step, … below `count`; what it returns is carried on."""
        label = f"l{self._count}"
        self._count += 1
        before = self._block
        index, after = self.fresh(), self.fresh()
        names = [self.fresh() for _ in carried]
        self.line(f"br label %{label}.head")
        self._lines.append(f"{label}.head:")
        place = len(self._lines)
        self.line(f"{after}.go = icmp slt i64 {index}, {count.text}")
        self.line(f"br i1 {after}.go, label %{label}.body, label %{label}.exit")
        self._open(f"{label}.body")
        results = body(
            Value(index, "i64"), [Value(name, value.type) for name, value in zip(names, carried, strict=True)]
        )
        self.line(f"{after} = add i64 {index}, {step.text if isinstance(step, Value) else step}")
        self.line(f"br label %{label}.head")
        phis = [f"  {index} = phi i64 [ {start}, %{before} ], [ {after}, %{self._block} ]"]
        for name, first, result in zip(names, carried, results, strict=True):
            phis.append(f"  {name} = phi {first.type} [ {first.text}, %{before} ], [ {result.text}, %{self._block} ]")
        self._lines[place:place] = phis
        self._open(f"{label}.exit")
        return [Value(name, value.type) for name, value in zip(names, carried, strict=True)]

    def repeat(self, count: Value, body: Callable[[Value], None], *, step: int | Value = 1) -> None:
        """A loop that carries nothing."""

        def run(index: Value, _: list[Value]) -> Sequence[Value]:
            body(index)
            return ()

        self.loop(count, (), run, step=step)

    def _open(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label

    def text(self) -> str:
        """The whole function. Pointers never alias: the callers' checks see to it."""
        kinds = ", ".join(str(parameter) for parameter in self.parameters)
        scope = "" if self._exported else "internal "
        body = "\n".join(self._lines)
        return f"define {scope}void @{self.name}({kinds}) #0 {{\nentry:\n{body}\n  ret void\n}}\n"


def module(functions: Sequence[Function], *, triple: str, extra: str = "") -> str:
    """A module's text: the functions, and the intrinsics they use."""
    declarations = {name: text for function in functions for name, text in function.declarations.items()}
    parts = [f'target triple = "{triple}"', extra, *declarations.values()]
    parts += [function.text() for function in functions]
    parts += ['attributes #0 = { nounwind "min-legal-vector-width"="512" "prefer-vector-width"="512" }']
    return "\n".join(part for part in parts if part) + "\n"
