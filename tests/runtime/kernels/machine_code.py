"""Reads disassembled x86-64: functions, instructions, operands. Knows no meaning of any instruction."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_SIZES = {"BYTE": 1, "WORD": 2, "DWORD": 4, "QWORD": 8, "XMMWORD": 16, "YMMWORD": 32, "ZMMWORD": 64}
_NAMED = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "rip")
_PARTS = {
    **{name: name for name in _NAMED},
    **{"e" + name[1:]: name for name in _NAMED},
    **{name: f"r{name[0]}x" for letter in "abcd" for name in (f"{letter}x", f"{letter}l", f"{letter}h")},
    **{name: "r" + name[:2] for pair in ("si", "di", "bp", "sp") for name in (pair, f"{pair}l")},
    **{f"r{n}{part}": f"r{n}" for n in range(8, 16) for part in ("", "d", "w", "b")},
    **{f"{width}mm{n}": f"v{n}" for n in range(32) for width in "xyz"},
    **{f"k{n}": f"k{n}" for n in range(8)},
}
_WIDE = {*_NAMED, *(f"r{n}" for n in range(8, 16))}
_MEMORY = re.compile(r"(?:(\w+) (?:PTR|BCST) )?\[([^]]*)\]")


@dataclass(frozen=True)
class Operand:
    """A register, a number or a place in memory, as the listing writes it, and the mask that it is written under."""

    text: str

    @cached_property
    def plain(self) -> str:
        return re.sub(r"\{[^}]*\}", "", self.text).strip()

    @cached_property
    def masks(self) -> list[str]:
        return re.findall(r"\{(k\d)\}", self.text)

    @property
    def zeroing(self) -> bool:
        return "{z}" in self.text

    @cached_property
    def is_memory(self) -> bool:
        return not self.register and not self.is_number

    @cached_property
    def is_number(self) -> bool:
        return bool(re.fullmatch(r"-?(0x)?[0-9a-f]+", self.plain))

    @property
    def number(self) -> int:
        return int(self.plain, 16)

    @cached_property
    def register(self) -> str:
        """The whole register that a name is a part of; empty if it is none."""
        return _PARTS.get(self.plain, "")

    @cached_property
    def whole(self) -> bool:
        """Whether writing this register leaves nothing of what it held: bytes and 16-bit words do."""
        return self.plain in _WIDE or self.plain.startswith(("e", "x", "y", "z", "k")) or self.plain.endswith("d")

    @property
    def is_low(self) -> bool:
        """Whether it is a register's lowest byte."""
        return bool(re.fullmatch(r"[abcd]l|(si|di|bp|sp)l|r\d+b", self.plain))

    @property
    def is_full(self) -> bool:
        """Whether it is all 64 bits of a general register, or 8 bytes in memory."""
        return self.plain in _WIDE or self.size == 8

    @cached_property
    def size(self) -> int:
        """Bytes in memory; 0 if the listing does not say."""
        found = _MEMORY.fullmatch(self.plain)
        return _SIZES.get(found[1] or "", 0) if found else 0

    @cached_property
    def inside(self) -> tuple[list[str], int] | None:
        """The registers of an address and its displacement; None for what is no such address."""
        found = _MEMORY.fullmatch(self.plain)
        names: list[str] = []
        displacement = 0
        for sign, term in re.findall(r"([+-]?)([^+-]+)", found[2] if found else "?"):
            name, _, scale = term.partition("*")
            if name in _PARTS:
                names += [_PARTS[name]] * (1 if scale in ("", "1") else 2)  # twice: no longer the pointer itself
            elif re.fullmatch(r"0x[0-9a-f]+|\d+", term):
                displacement += int(sign + term, 16)
            else:
                return None
        return names, displacement


@dataclass(frozen=True)
class Instruction:
    address: int
    name: str
    operands: tuple[Operand, ...]
    section: str = ""  # what the linker fills in is an address there

    def __str__(self) -> str:
        return f"{self.address:x}: {self.name} {', '.join(operand.text for operand in self.operands)}"


@dataclass(frozen=True)
class Function:
    name: str
    instructions: tuple[Instruction, ...]


def disassemble(image: bytes, folder: Path) -> list[Function]:
    """The functions of an object file, by binutils."""
    return functions(_objdump(image, folder, "-d", "-r", "-M", "intel", "--no-show-raw-insn").splitlines())


def functions(listing: Iterable[str]) -> list[Function]:
    """A listing as objdump writes it: a line for each function, instruction, and address to be filled in."""
    bodies: dict[str, list[Instruction]] = {}
    body: list[Instruction] = []
    for line in listing:
        if head := re.match(r"[0-9a-f]+ <(.+)>:$", line):
            body = bodies.setdefault(head[1], [])
        elif found := re.match(r"\s+[0-9a-f]+: R_\S+\s+([^+-]+)", line):
            last = body.pop()
            body.append(Instruction(last.address, last.name, last.operands, found[1].strip()))
        elif found := re.match(r"\s+([0-9a-f]+):\t(.+)$", line):
            body.append(_instruction(int(found[1], 16), found[2]))
    return [Function(name, tuple(instructions)) for name, instructions in bodies.items()]


def undefined_symbols(image: bytes, folder: Path) -> list[str]:
    """What an object file would have to be linked with."""
    return [line.split()[-1] for line in _objdump(image, folder, "-t").splitlines() if "*UND*" in line]


def _objdump(image: bytes, folder: Path, *options: str) -> str:
    tool = shutil.which("objdump")
    assert tool is not None, "this test needs objdump (binutils)"
    path = folder / "kernel.o"
    path.write_bytes(image)
    return subprocess.run([tool, *options, str(path)], capture_output=True, text=True, check=True).stdout


def _instruction(address: int, text: str) -> Instruction:
    """A prefix that changes what an instruction does stays in its name, which is then an unknown one."""
    text = re.sub(r"<[^>]*>", "", text.split("#")[0]).strip()
    if re.fullmatch(r"((data16|cs) )*nop\b.*|xchg\s+ax,ax", text):
        return Instruction(address, "nop", ())
    name, _, rest = text.partition(" ")
    parts = [part.strip() for part in re.split(r",(?![^\[]*\])", rest) if part.strip()]
    return Instruction(address, name, tuple(Operand(part) for part in parts))
