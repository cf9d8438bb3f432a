"""Reads disassembled x86-64 and follows secrets through it: where do they reach a jump, an address or a division?

An abstract run of every function: each register, flag and stack slot is public or secret, and a public pointer
carries what kind of memory it points to. Memory behind a pointer to data is secret, behind a table public.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

_SMALL = {
    "eax": "rax",
    "ebx": "rbx",
    "ecx": "rcx",
    "edx": "rdx",
    "esi": "rsi",
    "edi": "rdi",
    "ebp": "rbp",
    "esp": "rsp",
}
_LETTERS = {letter: f"r{letter}x" for letter in "abcd"}
_NO_TARGET = (
    "cmp",
    "test",
    "bt",
    "vptest",
    "vtest",
    "kortest",
    "ktest",
    "ucomi",
    "vucomi",
    "comi",
    "prefetch",
    "nop",
    "vzero",
)
_OVERWRITES = (
    *("mov", "lea", "set", "pshuf", "pop", "rorx", "shlx", "shrx", "sarx", "andn", "pext", "pdep", "bzhi", "bextr"),
    *("lzcnt", "tzcnt", "bls", "v", "k"),
)
_MERGES = ("vpmadd52", "vpternlog", "vpermt2", "vpermi2", "vpgather", "vfmadd", "vpdp")
_SETS_FLAGS = (
    *(
        "cmp",
        "test",
        "add",
        "sub",
        "and",
        "or",
        "xor",
        "inc",
        "dec",
        "neg",
        "sh",
        "sa",
        "imul",
        "mul",
        "adc",
        "sbb",
        "bt",
    ),
    *("popcnt", "lzcnt", "tzcnt", "andn", "bls", "bzhi", "kortest", "ktest", "vptest", "ucomi", "vucomi", "comi"),
)
_KEEPS_FLAGS = ("shlx", "shrx", "sarx", "mulx")
_READS_FLAGS = ("adc", "sbb", "set", "cmov", "rcl", "rcr")
_ZEROES = ("xor", "sub", "pxor", "xorp", "vpxor", "vxorp", "vpcmpeq", "pcmpeq", "kxnor", "kxor", "vpandn")


@dataclass(frozen=True)
class Taint:
    """Secret or not; and for a public pointer, the kinds of memory it may point to."""

    secret: bool = False
    points: frozenset[str] = frozenset()

    def __or__(self, other: Taint) -> Taint:
        return Taint(self.secret or other.secret, self.points | other.points)


PUBLIC, SECRET = Taint(), Taint(secret=True)
UNKNOWN_SLOT = Taint(points=frozenset({"data"}))  # an argument on the stack: at worst a pointer to secrets


@dataclass(frozen=True)
class Instruction:
    address: int
    name: str
    operands: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.address:x}: {self.name} {', '.join(self.operands)}"


@dataclass(frozen=True)
class Function:
    name: str
    instructions: tuple[Instruction, ...]


State = dict[str, Taint]


def disassemble(image: bytes, folder: Path) -> list[Function]:
    """The functions of an object file, by binutils."""
    tool = shutil.which("objdump")
    assert tool is not None, "this test needs objdump (binutils)"
    path = folder / "kernel.o"
    path.write_bytes(image)
    text = subprocess.run([tool, "-d", "--no-show-raw-insn", str(path)], capture_output=True, text=True, check=True)
    bodies: dict[str, list[Instruction]] = {}
    body: list[Instruction] = []
    for line in text.stdout.splitlines():
        if head := re.match(r"[0-9a-f]+ <(.+)>:$", line):
            body = bodies.setdefault(head[1], [])
        elif found := re.match(r"\s+([0-9a-f]+):\t(.+)$", line):
            body.append(_instruction(int(found[1], 16), found[2]))
    return [Function(name, tuple(instructions)) for name, instructions in bodies.items()]


def undefined_symbols(image: bytes, folder: Path) -> list[str]:
    """What an object file would have to be linked with."""
    path = folder / "kernel.o"
    path.write_bytes(image)
    text = subprocess.run(["objdump", "-t", str(path)], capture_output=True, text=True, check=True).stdout
    return [line.split()[-1] for line in text.splitlines() if "*UND*" in line]


def _instruction(address: int, text: str) -> Instruction:
    text = text.split("#")[0].strip()
    words = text.split(maxsplit=1)
    while words[0] in ("rep", "repz", "lock", "data16", "cs", "ds", "notrack", "bnd") and len(words) > 1:
        words = words[1].split(maxsplit=1)
    rest = words[1] if len(words) > 1 else ""
    rest = re.sub(r"<[^>]*>", "", rest)
    return Instruction(
        address, words[0], tuple(part.strip() for part in re.split(r",(?![^(]*\))", rest) if part.strip())
    )


def register(name: str) -> str:
    """The whole register that a name is a part of."""
    name = name.lstrip("*%")
    if found := re.fullmatch(r"[xyz]mm(\d+)", name):
        return f"v{found[1]}"
    if name in _SMALL:
        return _SMALL[name]
    if found := re.fullmatch(r"(r\d+)[dwb]?", name):
        return found[1]
    if found := re.fullmatch(r"([abcd])[xlh]", name):
        return _LETTERS[found[1]]
    if found := re.fullmatch(r"(si|di|bp|sp)l?", name):
        return "r" + found[1]
    return name


def registers(text: str) -> list[str]:
    return [register(name) for name in re.findall(r"%[a-z0-9]+", text)]


def is_memory(operand: str) -> bool:
    return "(" in operand or bool(re.match(r"(\*)?(%fs:|%gs:)?-?(0x)?[0-9a-f]+$", operand))


@dataclass
class Analysis:
    """One function. `block` says what each parameter of a kernel's block points to, by its place."""

    function: Function
    start: Mapping[str, Taint]
    block: Mapping[int, str] = field(default_factory=dict[int, str])
    findings: set[str] = field(default_factory=set[str])
    depth: int = 0  # of the stack where the instruction at hand stands

    def run(self) -> set[str]:
        code = {instruction.address: instruction for instruction in self.function.instructions}
        order = sorted(code)
        following = dict(pairwise(order))
        entry: State = {"rsp": Taint(points=frozenset({"stack"})), "flags": SECRET, **self.start}
        states: dict[int, State] = {order[0]: entry}
        depths = {order[0]: 0}
        waiting = [order[0]]
        while waiting:
            address = waiting.pop()
            self.depth = depths[address]
            after = self._step(dict(states[address]), code[address])
            for target in self._targets(code[address], following):
                depths[target] = self.depth + _pushed(code[address])
                joined = _join(states[target], after) if target in states else after
                if target not in states or joined != states[target]:
                    states[target] = joined
                    waiting.append(target)
        return self.findings

    def _targets(self, instruction: Instruction, following: Mapping[int, int]) -> Iterable[int]:
        if instruction.name.startswith("ret") or instruction.name == "ud2":
            return []
        next_one = [following[instruction.address]] if instruction.address in following else []
        if not instruction.name.startswith("j"):
            return next_one
        if instruction.operands[0].startswith("*"):
            return []  # a jump to another function
        target = int(instruction.operands[0], 16)
        return [target] if instruction.name == "jmp" else [target, *next_one]

    def _step(self, state: State, instruction: Instruction) -> State:
        name, operands = instruction.name, instruction.operands
        for operand in operands:
            if is_memory(operand) and not name.startswith(("lea", "nop")):
                self._check_address(state, instruction, operand)
        if name.startswith(("j", "call")):
            return self._jump(state, instruction)
        if name.startswith("nop"):
            return state
        sources = [self._read(state, operand, instruction) for operand in self._sources(instruction)]
        if name.startswith(_READS_FLAGS):
            sources.append(state["flags"])
        result = _union(sources)
        if name.startswith(("div", "idiv")) and result.secret:
            self.findings.add(f"division by a secret in {self.function.name} at {instruction}")
        if name.startswith(_ZEROES) and len(set(operands[-3:])) == 1 and len(operands) > 1:
            result = PUBLIC
        elif name.startswith("sbb") and len(set(operands)) == 1:
            result = state["flags"]
        self._write_targets(state, instruction, result)
        if name.startswith(_SETS_FLAGS) and not name.startswith(_KEEPS_FLAGS):
            state["flags"] = result
        return state

    def _sources(self, instruction: Instruction) -> list[str]:
        name, operands = instruction.name, instruction.operands
        if name.startswith(_NO_TARGET):
            return list(operands)
        if name.startswith("mulx"):
            return [operands[0], "%rdx"]
        if re.fullmatch(r"(mul|imul|div|idiv)[bwlq]?", name) and len(operands) == 1:
            return [operands[0], "%rax", *(["%rdx"] if "div" in name else [])]
        if name in ("cqto", "cltd", "cltq", "cwtl"):
            return ["%rax"]
        if name.startswith(("pop", "set")) or not operands:
            return []
        merging = name.startswith(_MERGES) or ("{%k" in operands[-1] and "{z}" not in operands[-1])
        overwritten = name.startswith(_OVERWRITES) or (name.startswith("imul") and len(operands) == 3)
        masks = re.findall(r"\{(%k\d)\}", operands[-1]) if operands else []
        kept = [operands[-1]] if operands and (merging or not overwritten or len(operands) == 1) else []
        return [*operands[:-1], *masks, *kept]

    def _write_targets(self, state: State, instruction: Instruction, result: Taint) -> None:
        name, operands = instruction.name, instruction.operands
        if name.startswith(_NO_TARGET) or name.startswith(("push", "ret")) or not operands:
            if name in ("cqto", "cltd"):
                state["rdx"] = result
            return
        if name.startswith("mulx"):
            for operand in operands[1:]:
                state[registers(operand)[0]] = result
        elif re.fullmatch(r"(mul|imul|div|idiv)[bwlq]?", name) and len(operands) == 1:
            state["rax"] = state["rdx"] = result
        elif name.startswith("pop"):
            state[register(operands[0])] = UNKNOWN_SLOT
        elif is_memory(operands[-1]):
            self._store(state, operands[-1], result)
        else:
            target = registers(operands[-1])[0]
            if name.startswith("lea"):
                result = _union(state.get(r, PUBLIC) for r in registers(operands[0]))
            if target != "rsp":
                state[target] = result

    def _read(self, state: State, operand: str, instruction: Instruction) -> Taint:
        if operand.startswith("$"):
            return PUBLIC
        if not is_memory(operand):
            return state.get(registers(operand)[0], PUBLIC) if registers(operand) else PUBLIC
        if instruction.name.startswith("lea"):
            return _union(state.get(r, PUBLIC) for r in registers(operand))
        return self._load(state, operand)

    def _load(self, state: State, operand: str) -> Taint:
        inside = re.sub(r"\{[^}]*\}", "", operand)
        names = [name for name in registers(inside) if name != "rip"]
        points = _union(state.get(name, PUBLIC) for name in names).points
        if "stack" in points:
            return state.get(self._slot(inside), UNKNOWN_SLOT) if len(names) == 1 else SECRET
        if "data" in points:
            return SECRET
        if "block" in points:
            displacement = re.match(r"(-?0x[0-9a-f]+)?\(", inside)
            if len(names) != 1 or displacement is None:
                return UNKNOWN_SLOT
            kind = self.block.get(int(displacement[1] or "0", 16) // 8)
            return Taint(points=frozenset({kind} if kind else ()))
        return PUBLIC

    def _store(self, state: State, operand: str, result: Taint) -> None:
        inside = re.sub(r"\{[^}]*\}", "", operand)
        names = registers(inside)
        if "stack" in _union(state.get(name, PUBLIC) for name in names).points and len(names) == 1:
            state[self._slot(inside)] = result

    def _slot(self, inside: str) -> str:
        """One name for one place, also while arguments are pushed."""
        if found := re.fullmatch(r"(-?0x[0-9a-f]+)?\(%rsp\)", inside):
            return f"slot {int(found[1] or '0', 16) - self.depth}"
        return f"slot {inside}"

    def _jump(self, state: State, instruction: Instruction) -> State:
        if instruction.operands and instruction.operands[0].startswith("*"):
            for name in registers(instruction.operands[0]):
                self._check(state, instruction, name, "address")
        elif instruction.name.startswith("j") and instruction.name != "jmp":
            self._check(state, instruction, "flags", "branch")
        if instruction.name.startswith("call"):
            clobbered = ("rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "flags")
            state |= dict.fromkeys((*clobbered, *(f"v{n}" for n in range(32)), *(f"k{n}" for n in range(8))), SECRET)
        return state

    def _check_address(self, state: State, instruction: Instruction, operand: str) -> None:
        for name in registers(re.sub(r"\{[^}]*\}", "", operand)):
            self._check(state, instruction, name, "address")

    def _check(self, state: State, instruction: Instruction, name: str, kind: str) -> None:
        if state.get(name, PUBLIC).secret:
            self.findings.add(f"{kind} by a secret in {self.function.name} at {instruction}")


def _pushed(instruction: Instruction) -> int:
    """By how many bytes the stack grows."""
    name, operands = instruction.name, instruction.operands
    if name.startswith(("push", "pop")):
        return 8 if name.startswith("push") else -8
    if name.startswith(("add", "sub")) and operands[1:] == ("%rsp",) and operands[0].startswith("$"):
        return int(operands[0][1:], 16) * (1 if name.startswith("sub") else -1)
    return 0


def _union(taints: Iterable[Taint]) -> Taint:
    total = PUBLIC
    for taint in taints:
        total |= taint
    return total


def _join(left: State, right: State) -> State:
    names = left.keys() | right.keys()
    return {name: left.get(name, _absent(name)) | right.get(name, _absent(name)) for name in names}


def _absent(name: str) -> Taint:
    return UNKNOWN_SLOT if name.startswith("slot") else PUBLIC
