"""The analysis of machine code finds what it looks for, and acquits what is innocent."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppc.field import MERSENNE61
from ppc.runtime.kernels import llvm
from ppc.runtime.kernels.emit import Function, constant, module
from ppc.runtime.kernels.memory import load_columns
from ppc.runtime.kernels.variants import AVX2, IFMA, PLAIN, Variant
from tests.runtime.kernels.machine_code import disassemble, functions
from tests.runtime.kernels.secret_flow import Analysis
from tests.runtime.kernels.taint import PUBLIC, pointer

BLOCK = {0: pointer("data"), 1: pointer("table"), 2: PUBLIC, 3: PUBLIC}
CONTROL = """
target triple = "x86_64-unknown-linux-gnu"
define void @control(ptr %block) {{
  %data = load ptr, ptr %block
  %table.at = getelementptr i64, ptr %block, i64 1
  %table = load ptr, ptr %table.at
  %secret = load i64, ptr %data
  %public = load i64, ptr %table
  {body}
}}
"""
BRANCH = """
  %odd = trunc i64 %s to i1
  br i1 %odd, label %yes, label %no
yes:
  store volatile i64 1, ptr %data
  ret void
no:
  ret void"""
RETURN = """
  store volatile i64 %found, ptr %data
  ret void"""
CASES = "\n".join(f"c{n}:\n  store volatile i64 1{n}, ptr %data\n  ret void" for n in (0, 1, 2, 4))
GUILTY = {
    "branch": ("branch", "%s = add i64 %secret, 0" + BRANCH),
    "address": ("address", "%p = getelementptr i64, ptr %table, i64 %secret\n  %found = load i64, ptr %p" + RETURN),
    "division": ("division", "%found = udiv i64 12345678901, %secret" + RETURN),
    "division of vectors": (
        "unknown instruction",
        """%v = load <2 x double>, ptr %data, align 8
  %found = fdiv <2 x double> <double 1.0, double 2.0>, %v
  store volatile <2 x double> %found, ptr %data
  ret void""",
    ),
    "a lane of a vector on the stack": (
        "branch",
        """%room = alloca <4 x i64>, align 16
  %v = load <4 x i64>, ptr %data, align 8
  store volatile <4 x i64> %v, ptr %room
  %p = getelementptr i64, ptr %room, i64 1
  %s = load volatile i64, ptr %p"""
        + BRANCH,
    ),
    "somewhere on the stack": (
        "memory",
        """%room = alloca [4 x i64], align 16
  %at = getelementptr i64, ptr %room, i64 %public
  store volatile i64 %secret, ptr %at
  %p = getelementptr i64, ptr %room, i64 1
  %s = load volatile i64, ptr %p"""
        + BRANCH,
    ),
    "through a table": (
        "memory",
        "store volatile i64 %secret, ptr %table\n  %s = load volatile i64, ptr %table" + BRANCH,
    ),
    "through the block": (
        "memory",
        """%b = getelementptr i64, ptr %block, i64 2
  store volatile i64 %secret, ptr %b
  %s = load volatile i64, ptr %b"""
        + BRANCH,
    ),
    "one bit set, then an address": (
        "address",
        """%low = and i64 %secret, 63
  %bit = shl i64 1, %low
  %x = or i64 %public, %bit
  %p = getelementptr i64, ptr %table, i64 %x
  %found = load volatile i64, ptr %p"""
        + RETURN,
    ),
    "one bit set, then a branch": (
        "branch",
        """%low = and i64 %secret, 63
  %bit = shl i64 1, %low
  %x = or i64 %public, %bit
  %s = lshr i64 %x, 5"""
        + BRANCH,
    ),
    "behind a table of places": (
        "never reached",
        """switch i64 %public, label %no [i64 0, label %c0 i64 1, label %c1 i64 2, label %c2 i64 3, label %c3
    i64 4, label %c4]
c3:
  store volatile i64 13, ptr %data
  %s = add i64 %secret, 0"""
        + BRANCH
        + "\n"
        + CASES,
    ),
    "a pointer out of a table": (
        "memory",
        "%q = load ptr, ptr %table\n  %s = load volatile i64, ptr %q" + BRANCH,
    ),
}
INNOCENT = """%place = getelementptr i64, ptr %data, i64 %public
  %found = load i64, ptr %place
  %room = alloca [4 x i64], align 16
  %kept = getelementptr i64, ptr %room, i64 1
  store volatile i64 %secret, ptr %room
  store volatile i64 %public, ptr %kept
  %again = load volatile i64, ptr %kept
  %hidden = load volatile i64, ptr %room
  %sum = add i64 %found, %hidden
  store i64 %sum, ptr %data
  %go = icmp slt i64 %again, 7
  br i1 %go, label %yes, label %no
yes:
  store volatile i64 1, ptr %data
  ret void
no:
  ret void"""


def findings(text: str, variant: Variant, folder: Path) -> set[str]:
    image = llvm.compile_object(text, variant)
    found: set[str] = set()
    for function in disassemble(image, folder):
        found |= Analysis(function, {"rdi": pointer("block", 0)}, BLOCK).run()
    return found


@pytest.mark.parametrize("variant", [PLAIN, AVX2], ids=lambda variant: variant.name)
@pytest.mark.parametrize("case", GUILTY)
def test_the_analysis_finds_what_it_looks_for(case: str, variant: Variant, tmp_path: Path) -> None:
    kind, body = GUILTY[case]
    found = findings(CONTROL.format(body=body), variant, tmp_path)
    assert any(finding.startswith(kind) for finding in found), found


@pytest.mark.parametrize("variant", [PLAIN, AVX2], ids=lambda variant: variant.name)
def test_the_analysis_acquits_public_control(variant: Variant, tmp_path: Path) -> None:
    assert findings(CONTROL.format(body=INNOCENT), variant, tmp_path) == set()


@pytest.mark.parametrize("variant", [IFMA, AVX2], ids=lambda variant: variant.name)
def test_what_a_strided_load_brings_is_secret(variant: Variant, tmp_path: Path) -> None:
    f = Function("leak", ("ptr",), exported=True)
    data, count, step = (
        f.load(f.address(f.parameters[0], constant(number)), kind)
        for number, kind in ((0, "ptr"), (2, "i64"), (3, "i64"))
    )
    lane = f.lane(load_columns(f, variant, MERSENNE61, data, count, 0, step)[0], 0)
    f.line(f"br i1 {f.compare('eq', lane, constant(7)).text}, label %yes, label %no")
    f.line(f"br label %no\nyes:\n  store volatile i64 1, ptr {data.text}\n  br label %no\nno:".split("\n", 1)[1])
    found = findings(module([f], triple=variant.triple), variant, tmp_path)
    assert any(finding.startswith("branch") for finding in found), found


# What LLVM could write, as it is listed: rsi is public, rdi points to secrets, rdx to public numbers.
LISTED = {
    "branch": [
        ["mov rax,QWORD PTR [rdi]", "xor ecx,ecx", "bts rcx,rax", "test rcx,rcx", "je 0", "ret"],
        ["mov rax,QWORD PTR [rdi]", "btr rsi,rax", "test rsi,rsi", "je 0", "ret"],
        ["mov rax,QWORD PTR [rdi]", "btc rsi,rax", "test rsi,rsi", "je 0", "ret"],
        ["mov rax,QWORD PTR [rdi]", "test rsi,rsi", "bt rax,0x5", "jb 0", "ret"],
        ["test rsi,rsi", "mov rax,QWORD PTR [rdi]", "rol rax,0x3", "jb 0", "ret"],
        ["mov rax,QWORD PTR [rdi]", "push rax", "pop rcx", "test rcx,rcx", "je 0", "ret"],
        ["push QWORD PTR [rdi]", "mov eax,DWORD PTR [rsp+0x4]", "pop rcx", "test eax,eax", "je 0", "ret"],
        ["movdqu xmm0,XMMWORD PTR [rdi]", "movdqu XMMWORD PTR [rsp-0x18],xmm0", "cmp QWORD PTR [rsp-0x10],rsi", "je 0"],
        ["cmp QWORD PTR [rsp-0x10],rsi", "je 0", "ret"],
        ["test rbx,rbx", "je 0", "ret"],
        ["mov rax,QWORD PTR [rdi]", "mov al,0x1", "test rax,rax", "je 0", "ret"],
        ["vmovdqu ymm0,YMMWORD PTR [rdi]", "pxor xmm0,xmm0", "vptest ymm0,ymm0", "je 0", "ret"],
        ["mov rax,QWORD PTR [rdi]", "xor al,al", "test rax,rax", "je 0", "ret"],
    ],
    "unknown instruction": [
        ["movupd xmm0,XMMWORD PTR [rdi]", "cmpeqpd xmm0,xmm0", "ret"],
        ["mov rax,QWORD PTR [rdi]", "bsf rcx,rax", "je 0", "ret"],
        ["mov rcx,QWORD PTR [rdi]", "jrcxz 0", "ret"],
        ["mov rcx,QWORD PTR [rdi]", "loop 0", "ret"],
        ["mov rcx,QWORD PTR [rdi]", "rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]", "ret"],
        ["lock xadd QWORD PTR [rdi],rax", "ret"],
        ["vdivpd ymm0,ymm1,ymm2", "ret"],
        ["mov rax,QWORD PTR fs:0x28", "ret"],
        ["vsqrtsd xmm0,xmm1,xmm2", "ret"],
    ],
    "address": [
        ["mov rax,QWORD PTR [rdi]", "mov rcx,QWORD PTR [rdx+rax*8]", "ret"],
        ["vmovdqu ymm1,YMMWORD PTR [rdi]", "vpgatherqq ymm0,QWORD PTR [rdx+ymm1*8],ymm2", "ret"],
        ["mov rax,QWORD PTR [rdi]", "prefetcht0 BYTE PTR [rdx+rax*8]", "ret"],
    ],
    "memory": [
        ["mov QWORD PTR [rdx],rsi", "ret"],
        ["and rsp,0xffffffffffffffe0", "mov QWORD PTR [rsp],rsi", "ret"],
        ["mov QWORD PTR [rsp+rsi*8-0x40],rsi", "ret"],
        ["mov rax,QWORD PTR [rsi]", "ret"],
    ],
    "jump": [["jmp rsi"], ["jmp QWORD PTR [rdx+rsi*8]"], ["jmp 1234"]],
    "unknown call": [["call rsi", "ret"], ["call 0", "ret"]],
    "never reached": [["ret", "mov rax,rsi", "ret"]],
}
HARMLESS = [
    ["mov rax,QWORD PTR [rdi]", "push rax", "push rsi", "pop rcx", "pop rax", "test rcx,rcx", "je 0", "ret"],
    ["mov rax,QWORD PTR [rdi]", "test rsi,rsi", "sete al", "test al,al", "je 0", "ret"],
    ["mov rax,QWORD PTR [rdi]", "xor eax,eax", "test rax,rax", "je 0", "ret"],
    ["mov rax,QWORD PTR [rdx+rsi*8]", "mov QWORD PTR [rdi+rax*8],rcx", "nop", "ret", "xchg ax,ax"],
]


def listed(lines: list[str]) -> set[str]:
    (function,) = functions(["0 <listed>:", *(f"  {number:x}:\t{line}" for number, line in enumerate(lines))])
    return Analysis(function, {"rdi": pointer("data"), "rsi": PUBLIC, "rdx": pointer("table")}).run()


@pytest.mark.parametrize(("kind", "lines"), [(kind, lines) for kind, listing in LISTED.items() for lines in listing])
def test_the_analysis_knows_instructions(kind: str, lines: list[str]) -> None:
    found = listed(lines)
    assert any(finding.startswith(kind) for finding in found), found


@pytest.mark.parametrize("lines", HARMLESS)
def test_the_analysis_acquits_the_harmless(lines: list[str]) -> None:
    assert listed(lines) == set()
