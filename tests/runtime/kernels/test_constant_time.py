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
from ppc.runtime.kernels.counter import CIPHER, CounterKernel
from ppc.runtime.kernels.elementwise import COUNTS, PER_ARRAY, ElementwiseKernel
from ppc.runtime.kernels.library import Description
from ppc.runtime.kernels.packing import PackKernel
from ppc.runtime.kernels.product import PARAMETERS as PRODUCT_PARAMETERS
from ppc.runtime.kernels.product import ProductKernel
from ppc.runtime.kernels.sampling import CutKernel
from ppc.runtime.kernels.variants import VARIANTS, Variant
from ppc.runtime.kernels.windows import PARAMETERS as WINDOW_PARAMETERS
from ppc.runtime.kernels.windows import WindowKernel
from tests.elements import ALL_FIELDS
from tests.runtime.kernels.kernels import every_kernel
from tests.runtime.kernels.machine_code import Function, disassemble, undefined_symbols
from tests.runtime.kernels.secret_flow import Analysis
from tests.runtime.kernels.taint import PUBLIC, Arguments, Taint, pointer

DATA, TABLE, BLOCK = pointer("data"), pointer("table"), pointer("block", 0)
SECRETS = {"left", "right", "out", "left_room", "right_room", "source", "target", "elements", "monomials", "masks"}
TABLES = {
    *(f"{side}_{what}" for side in ("left", "right", "out") for what in ("lanes", "depths", "batches")),
    *(f"{side}_{what}" for side in ("row", "column") for what in ("counts", "places", "masks")),
    *("source_planes", "target_planes", "counts"),
}
PACK: Arguments = {
    "rdi": DATA,
    "rsi": TABLE,
    "rdx": PUBLIC,
    "rcx": TABLE,
    "r8": TABLE,
    "r9": PUBLIC,
    8: DATA,
    16: PUBLIC,
}


def tile(kernel: ProductKernel, variant: Variant) -> Arguments:
    """LLVM leaves out what a tile does not read: the count and the step of a single column, or what to keep."""
    arguments: dict[str | int, Taint] = {"rdi": DATA, "rsi": DATA, "rdx": PUBLIC, "rcx": DATA, "r8": TABLE}
    arguments |= {"r9": PUBLIC} if variant.lanes > 1 else {}
    arguments |= {} if kernel.shallow else {8: PUBLIC}
    return arguments | ({16: PUBLIC} if variant.lanes > 1 and kernel.columns == "strided" else {})


def numbers(kernel: Description) -> Mapping[int, Taint]:
    """What each number of a kernel's block is. Even what the protocol opens counts as secret here."""
    if isinstance(kernel, ElementwiseKernel):
        arrays = len(kernel.inner)
        bits = COUNTS + PER_ARRAY * arrays
        places = {COUNTS + PER_ARRAY * number for number in range(arrays)} | set(range(bits, bits + 16))
        return {number: DATA if number in places else PUBLIC for number in range(bits + 16)}
    if isinstance(kernel, BitwiseKernel):
        return {0: PUBLIC} | {1 + number: DATA for number in range(8)}
    if isinstance(kernel, CutKernel):
        return {0: DATA, 1: PUBLIC}
    names: dict[type, tuple[str, ...]] = {
        ProductKernel: PRODUCT_PARAMETERS,
        WindowKernel: WINDOW_PARAMETERS,
        DigitsKernel: DIGIT_PARAMETERS,
    }
    return {number: _number(name) for number, name in enumerate(names[type(kernel)])}


def _number(name: str) -> Taint:
    if name in ("left_pack", "right_pack"):
        return pointer("pack")
    return DATA if name in SECRETS else TABLE if name in TABLES else PUBLIC


def findings(kernel: Description, variant: Variant, functions: list[Function]) -> set[str]:
    return {finding for function in functions for finding in analysis(kernel, variant, function).run()}


def analysis(kernel: Description, variant: Variant, function: Function) -> Analysis:
    if isinstance(kernel, PackKernel):
        return Analysis(function, PACK)
    if isinstance(kernel, ProductKernel) and function.name.startswith("tile_"):
        return Analysis(function, tile(kernel, variant))
    calls = {"pack": PACK, "code": tile(kernel, variant)} if isinstance(kernel, ProductKernel) else {}
    count = frozenset({2} if isinstance(kernel, CutKernel) else ())
    return Analysis(function, {"rdi": BLOCK}, numbers(kernel), count, calls)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
def test_nothing_depends_on_data(field: Field, variant: Variant, tmp_path: Path) -> None:
    for kernel in every_kernel(field):
        image = llvm.compile_object(kernel.module(variant), variant)
        functions = disassemble(image, tmp_path)
        assert any(function.name == kernel.name and len(function.instructions) > 10 for function in functions)
        assert findings(kernel, variant, functions) == set()
        assert undefined_symbols(image, tmp_path) == []


def test_the_cipher_depends_on_no_key(tmp_path: Path) -> None:
    kernel = CounterKernel()
    image = llvm.compile_object(kernel.module(CIPHER), CIPHER)
    (function,) = disassemble(image, tmp_path)

    assert {"vaesenc", "vaesenclast", "vaeskeygenassist"} <= {one.name for one in function.instructions}
    assert Analysis(function, {"rdi": BLOCK}, {0: DATA, 1: DATA, 2: PUBLIC, 3: PUBLIC}).run() == set()
    assert undefined_symbols(image, tmp_path) == []


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
