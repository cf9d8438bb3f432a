"""Every kernel, disassembled: no jump, address or division depends on data. Loops count by shapes alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ppc.field import MERSENNE61, Field
from ppc.runtime.kernels import llvm
from ppc.runtime.kernels.bitwise import BitwiseKernel
from ppc.runtime.kernels.comparison import PARAMETERS as DIGIT_PARAMETERS
from ppc.runtime.kernels.comparison import DigitsKernel
from ppc.runtime.kernels.elementwise import COUNTS, PER_ARRAY, ElementwiseKernel
from ppc.runtime.kernels.library import Description
from ppc.runtime.kernels.packing import PackKernel
from ppc.runtime.kernels.product import PARAMETERS as PRODUCT_PARAMETERS
from ppc.runtime.kernels.product import ProductKernel
from ppc.runtime.kernels.sampling import CutKernel
from ppc.runtime.kernels.variants import PLAIN, VARIANTS, Variant
from ppc.runtime.kernels.windows import PARAMETERS as WINDOW_PARAMETERS
from ppc.runtime.kernels.windows import WindowKernel
from tests.elements import ALL_FIELDS
from tests.runtime.kernels.kernels import every_kernel
from tests.runtime.kernels.machine_code import Analysis, Function, Taint, disassemble, undefined_symbols

DATA, TABLE, BLOCK = (Taint(points=frozenset({kind})) for kind in ("data", "table", "block"))
SECRETS = {"left", "right", "out", "left_room", "right_room", "source", "target", "elements", "monomials", "masks"}
PACK = {"rdi": DATA, "rsi": TABLE, "rcx": TABLE, "r8": TABLE}
TILE = {"rdi": DATA, "rsi": DATA, "rcx": DATA, "r8": TABLE}


def pointers(kernel: Description) -> Mapping[int, str]:
    """What each parameter of a kernel's block points to. Even what the protocol opens counts as secret here."""
    if isinstance(kernel, ElementwiseKernel):
        arrays = len(kernel.inner)
        bits = COUNTS + PER_ARRAY * arrays
        return {COUNTS + PER_ARRAY * n: "data" for n in range(arrays)} | {bits + n: "data" for n in range(16)}
    if isinstance(kernel, BitwiseKernel):
        return {1 + number: "data" for number in range(8)}
    if isinstance(kernel, CutKernel):
        return {0: "data"}
    tables: dict[type, tuple[str, ...]] = {
        ProductKernel: PRODUCT_PARAMETERS,
        WindowKernel: WINDOW_PARAMETERS,
        DigitsKernel: DIGIT_PARAMETERS,
    }
    names = tables[type(kernel)]
    return {number: "data" if name in SECRETS else "table" for number, name in enumerate(names)}


def findings(kernel: Description, functions: list[Function]) -> set[str]:
    found: set[str] = set()
    for function in functions:
        if isinstance(kernel, PackKernel):
            found |= Analysis(function, PACK).run()
        elif function.name.startswith("tile_"):
            found |= Analysis(function, TILE).run()
        else:
            found |= Analysis(function, {"rdi": BLOCK}, pointers(kernel)).run()
    return found


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
def test_nothing_depends_on_data(field: Field, variant: Variant, tmp_path: Path) -> None:
    for kernel in every_kernel(field):
        image = llvm.compile_object(kernel.module(variant), variant)
        functions = disassemble(image, tmp_path)
        assert any(function.name == kernel.name and len(function.instructions) > 10 for function in functions)
        assert findings(kernel, functions) == set()
        assert undefined_symbols(image, tmp_path) == []


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
GUILTY = {
    "branch": """%odd = trunc i64 %secret to i1
  br i1 %odd, label %yes, label %no
yes:
  store volatile i64 1, ptr %data
  ret void
no:
  ret void""",
    "address": """%place = getelementptr i64, ptr %table, i64 %secret
  %found = load i64, ptr %place
  store i64 %found, ptr %data
  ret void""",
    "division": """%quotient = udiv i64 12345678901, %secret
  store i64 %quotient, ptr %data
  ret void""",
}
INNOCENT = """%place = getelementptr i64, ptr %data, i64 %public
  %found = load i64, ptr %place
  %sum = add i64 %found, %secret
  store i64 %sum, ptr %data
  %go = icmp slt i64 %public, 7
  br i1 %go, label %yes, label %no
yes:
  store volatile i64 1, ptr %data
  ret void
no:
  ret void"""


def control(body: str, folder: Path) -> set[str]:
    image = llvm.compile_object(CONTROL.format(body=body), PLAIN)
    found: set[str] = set()
    for function in disassemble(image, folder):
        found |= Analysis(function, {"rdi": BLOCK}, {0: "data", 1: "table"}).run()
    return found


@pytest.mark.parametrize("kind", GUILTY)
def test_the_analysis_finds_what_it_looks_for(kind: str, tmp_path: Path) -> None:
    assert any(finding.startswith(kind) for finding in control(GUILTY[kind], tmp_path))


def test_the_analysis_acquits_public_control(tmp_path: Path) -> None:
    assert control(INNOCENT, tmp_path) == set()


def test_loops_are_the_only_jumps_a_generator_can_write() -> None:
    """Each conditional branch in a kernel's text belongs to a loop's head and compares its counter."""
    for variant in VARIANTS:
        for kernel in every_kernel(MERSENNE61):
            text = kernel.module(variant)
            branches = [line.split() for line in text.splitlines() if line.strip().startswith("br i1")]
            assert branches
            assert all(words[2].endswith(".go,") for words in branches)
            assert text.count(" = icmp slt i64 %") == len(branches)
            assert " switch " not in text
            assert "indirectbr" not in text
