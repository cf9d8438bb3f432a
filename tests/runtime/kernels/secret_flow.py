"""Follows secrets through machine code: where do they reach a jump, an address, a division or public memory?

An abstract run of every function. Each register, the flags and each byte of the stack are public or secret, and a
public number carries what kinds of memory it may point to. What nobody has written is secret, memory behind a pointer
to data is secret, and whatever the analysis does not understand is a finding: an unknown instruction, a stack place
that is not known, an instruction that is never reached, a store to memory that should stay public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from tests.runtime.kernels.instruction_set import (
    ALL_FLAGS,
    COPIES,
    IDIOMS,
    JUMPS,
    LEGACY,
    NOTHING,
    PARTIAL,
    READ_FLAGS,
    SHIFTS,
    SOME_FLAGS,
    TESTS,
    UPDATES,
)
from tests.runtime.kernels.machine_code import Function, Instruction, Operand
from tests.runtime.kernels.taint import (
    PUBLIC,
    SECRET,
    Arguments,
    State,
    Taint,
    by_bytes,
    join,
    known,
    pointer,
    put,
    union,
)

_SECTIONS = {".text": "code", ".ltext": "code", ".lrodata": "code table", ".rodata": "constants"}
_KEPT = {"rbx", "rbp", "r12", "r13", "r14", "r15", "rsp"}  # by whoever is called
_ARGUMENT_BYTES = 16  # of the stack, that are the called function's to change


@dataclass
class Analysis:
    """One function that is called with `start`. `block` says what each number of a kernel's block is, by its place,
    and `calls` with what arguments the functions behind each kind of pointer may be called."""

    function: Function
    start: Arguments
    block: Mapping[int, Taint] = field(default_factory=dict[int, Taint])
    written: frozenset[int] = frozenset()  # numbers of the block that are the kernel's to write
    calls: Mapping[str, Arguments] = field(default_factory=dict[str, Arguments])
    findings: set[str] = field(default_factory=set[str])
    wide: bool = False  # whether registers of more than 128 bits are used

    def run(self) -> set[str]:
        code = {instruction.address: instruction for instruction in self.function.instructions}
        order = sorted(code)
        following = dict(pairwise(order))
        self.wide = any(o.plain[:3] in ("ymm", "zmm") for i in code.values() for o in i.operands)
        heads = {order[0]} | {t for i in code.values() if i.name in JUMPS or i.name == "jmp" for t in _target(i)}
        states: dict[int, State] = {order[0]: {"rsp": pointer("stack", 0), **by_bytes(self.start)}}
        reached: set[int] = set()
        waiting = [order[0]]
        while waiting:
            address = waiting.pop()
            state = dict(states[address])
            for target in self._straight(address, state, code, following, heads, reached):
                if target not in code:
                    self._find("jump", f"out of the function to {target:x}")
                    continue
                joined = join(states[target], state) if target in states else dict(state)
                if target not in states or joined != states[target]:
                    states[target] = joined
                    waiting.append(target)
        for address in order:
            if address not in reached and code[address].name != "nop":
                self._find("never reached", code[address])
        return self.findings

    def _straight(
        self,
        address: int,
        state: State,
        code: Mapping[int, Instruction],
        following: Mapping[int, int],
        heads: set[int],
        reached: set[int],
    ) -> list[int]:
        """Run from one head to the next jump or head; where it goes on."""
        while True:
            instruction = code[address]
            reached.add(address)
            self._step(state, instruction)
            if instruction.name in ("ret", "ud2"):
                return []
            if instruction.name == "jmp":
                return _target(instruction)
            after = following.get(address, -1)
            if instruction.name in JUMPS:
                return [*_target(instruction), after]
            if after in heads or after < 0:
                return [after]
            address = after

    def _find(self, kind: str, what: Instruction | str) -> None:
        self.findings.add(f"{kind} in {self.function.name} at {what}")

    def _step(self, state: State, instruction: Instruction) -> None:
        name, operands = instruction.name, instruction.operands
        for operand in operands:
            if operand.is_memory and name != "lea":
                self._check_address(state, instruction, operand)
        if name in NOTHING or name in ("ret", "ud2"):
            return
        if name in JUMPS or name == "jmp":
            if name in JUMPS and known(state, "flags").secret:
                self._find("branch", instruction)
            if not _target(instruction) or instruction.section:
                self._find("jump", instruction)
        elif name == "call":
            self._call(state, instruction)
        elif name in ("push", "pop"):
            self._push_or_pop(state, instruction)
        elif name in ("mul", "imul", "mulx", "div", "idiv", "cqo", "cdq", "cdqe", "xchg"):
            self._irregular(state, instruction)
        elif name in COPIES or name in UPDATES or name in TESTS:
            self._regular(state, instruction)
        else:
            self._find("unknown instruction", instruction)

    def _regular(self, state: State, instruction: Instruction) -> None:
        name, operands = instruction.name, instruction.operands
        first, sources = operands[0], operands if name in TESTS else operands[1:]
        inputs = [self._read(state, instruction, operand) for operand in sources]
        inputs += [known(state, mask) for operand in operands for mask in operand.masks]
        if name in READ_FLAGS:
            inputs.append(known(state, "flags"))
        if name in UPDATES or (first.masks and not first.zeroing):
            inputs.append(self._read(state, instruction, first))
        result = union(inputs)
        if _idiom(instruction) and not first.masks:
            result = PUBLIC
        elif name == "sbb" and operands[0] == operands[1]:
            result = known(state, "flags")
        elif instruction.section:
            result = self._linked(instruction)
        elif name == "lea":
            result |= self._address(state, operands[1])
        if name in ("mov", "lea", "add", "sub") and first.is_full:
            result = self._kept(state, instruction) or result
        if name not in TESTS:
            self._write(state, instruction, first, result)
        self._set_flags(state, instruction, result)

    def _kept(self, state: State, instruction: Instruction) -> Taint | None:
        """A pointer whose place is known, copied or moved by a constant."""
        name, (first, second) = instruction.name, instruction.operands
        if name == "mov" and (second.is_full or not second.is_number):
            return self._read(state, instruction, second)
        if name == "lea":
            return self._address(state, second)
        value = self._read(state, instruction, first)
        if name == "mov" or value.place is None or not second.is_number:
            return None
        return Taint(value.secret, value.points, value.place + (second.number if name == "add" else -second.number))

    def _set_flags(self, state: State, instruction: Instruction, result: Taint) -> None:
        """Some instructions keep some flags, and a shift by a register that holds zero keeps all."""
        name = instruction.name
        fixed = name in SHIFTS and (len(instruction.operands) < 2 or instruction.operands[1].is_number)
        if name in ALL_FLAGS or fixed:
            state["flags"] = Taint(result.secret)
        elif name in SOME_FLAGS or name in SHIFTS:
            state["flags"] = Taint(result.secret or known(state, "flags").secret)

    def _linked(self, instruction: Instruction) -> Taint:
        section = ".rodata" if instruction.section.startswith(".rodata") else instruction.section
        if section not in _SECTIONS or instruction.name != "movabs":
            self._find("unknown section", instruction)
        return pointer(_SECTIONS.get(section, "nothing"))

    def _irregular(self, state: State, instruction: Instruction) -> None:
        name, operands = instruction.name, instruction.operands
        values = [self._read(state, instruction, operand) for operand in operands]
        if name == "mulx":
            targets, inputs = [o.register for o in operands[:2]], [values[2], known(state, "rdx")]
        elif name == "xchg":
            targets, inputs = [o.register for o in operands], values
        elif name in ("cqo", "cdq", "cdqe"):
            targets, inputs = ["rax" if name == "cdqe" else "rdx"], [known(state, "rax")]
        elif name == "imul" and len(operands) > 1:
            targets, inputs = [operands[0].register], values[-2:]
        else:
            targets, inputs = ["rax", "rdx"], [*values, known(state, "rax"), known(state, "rdx")]
            inputs = inputs if "div" in name else inputs[:2]
        result = union(inputs)
        narrow = any(not o.whole for o in operands if o.register) or any(o.size in (1, 2) for o in operands)
        if narrow or "" in targets:
            self._find("unknown instruction", instruction)
        if "div" in name and result.secret:
            self._find("division", instruction)
        for target in targets:
            put(state, target, result)
        if name not in ("mulx", "xchg", "cqo", "cdq", "cdqe"):
            state["flags"] = Taint(result.secret)

    def _call(self, state: State, instruction: Instruction) -> None:
        """The arguments are what the other function's analysis starts from; afterwards little is known."""
        target = self._read(state, instruction, instruction.operands[0])
        (kind,) = target.points if len(target.points) == 1 else ("nothing",)
        depth = self._depth(state)
        if target.secret or kind not in self.calls or depth is None:
            self._find("unknown call", instruction)
            return
        arguments = by_bytes(self.calls[kind])
        for name, wanted in arguments.items():
            given = known(state, name if isinstance(name, str) else depth + name - 8)
            if given.secret or (wanted.points and given.points != wanted.points) or "stack" in given.points:
                self._find("argument", f"{instruction}: {name}")
        for name in list(state):
            lost = name < depth + _ARGUMENT_BYTES if isinstance(name, int) else name not in _KEPT
            if lost:
                del state[name]

    def _push_or_pop(self, state: State, instruction: Instruction) -> None:
        depth, operand = self._depth(state), instruction.operands[0]
        if depth is None or not (operand.register or operand.is_number or operand.size == 8):
            self._find("stack", instruction)
        elif instruction.name == "push":
            value = self._read(state, instruction, operand)
            state["rsp"] = pointer("stack", depth - 8)
            state.update(dict.fromkeys(range(depth - 8, depth), value))
        else:
            value = self._read(state, instruction, Operand("QWORD PTR [rsp]"))
            state["rsp"] = pointer("stack", depth + 8)
            self._write(state, instruction, operand, value)

    def _depth(self, state: State) -> int | None:
        return known(state, "rsp").place

    def _read(self, state: State, instruction: Instruction, operand: Operand) -> Taint:
        if operand.register:
            whole = known(state, operand.register)
            return state.get(f"{operand.register} low", whole) if operand.is_low else whole
        if operand.is_number or instruction.name == "lea":
            return PUBLIC
        where = self._address(state, operand)
        if where.only("stack") and where.place is not None and operand.size:
            values = {known(state, where.place + byte) for byte in range(operand.size)}
            whole = len(values) == 1 and operand.size == 8 and where.place % 8 == 0
            return values.pop() if whole else union(values)
        if where.only("block") and where.place is not None and operand.size:
            numbers = range(where.place // 8, (where.place + operand.size - 1) // 8 + 1)
            return union(self.block.get(number, SECRET) for number in numbers)
        if where.only("code table"):
            return pointer("code")
        return PUBLIC if where.points and where.points <= {"table", "constants"} else SECRET

    def _address(self, state: State, operand: Operand) -> Taint:
        """Where an operand points to; the place is known if it is one pointer and a displacement."""
        if operand.inside is None:
            return SECRET
        names, displacement = operand.inside
        if len(names) != 1:
            return union(known(state, name) for name in names)
        base = known(state, names[0])
        return base if base.place is None else Taint(base.secret, base.points, base.place + displacement)

    def _check_address(self, state: State, instruction: Instruction, operand: Operand) -> None:
        where = self._address(state, operand)
        if operand.inside is None:
            self._find("unknown instruction", instruction)
        elif where.secret:
            self._find("address", instruction)
        elif instruction.name not in NOTHING:
            unclear = where.points & {"stack", "block"} and (where.place is None or not operand.size)
            if unclear or not where.points or where.points & {"code", "nothing"}:
                self._find("memory", instruction)

    def _write(self, state: State, instruction: Instruction, target: Operand, value: Taint) -> None:
        if target.register:
            kept = not target.whole or (self.wide and instruction.name in LEGACY and target.register[0] == "v")
            put(state, target.register, union([value, known(state, target.register)]) if kept else value)
            if target.is_low:
                state[f"{target.register} low"] = value
            return
        where = self._address(state, target)
        if where.only("stack") and where.place is not None:
            partly = bool(target.masks) or instruction.name in PARTIAL
            stored = value if target.size == 8 and where.place % 8 == 0 else union([value])
            for byte in range(where.place, where.place + target.size):
                state[byte] = known(state, byte) | stored if partly else stored
        elif where.only("block") and where.place is not None and target.size == 8 and where.place % 8 == 0:
            if where.place // 8 not in self.written:
                self._find("memory", instruction)
        elif not where.only("data"):
            self._find("memory", instruction)


def _target(instruction: Instruction) -> list[int]:
    return [operand.number for operand in instruction.operands if operand.is_number]


def _idiom(instruction: Instruction) -> bool:
    """Whether the result is the same for all values of the sources."""
    texts = [operand.plain for operand in instruction.operands]
    if instruction.name.startswith("vpternlog") and texts[-1] == "0xff":
        return True
    return instruction.name in IDIOMS and len(texts) > 1 and texts[-1] == texts[-2] and "[" not in texts[-1]
