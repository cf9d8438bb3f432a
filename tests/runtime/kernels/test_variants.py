"""The choice of a variant, code for a machine that is not here, and life without llvmlite."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ppc.errors import InternalError, PpcError, render
from ppc.field import MERSENNE61, MERSENNE127, Field
from ppc.runtime.kernels import SlowKernelsWarning, Workbench, llvm, operand
from ppc.runtime.kernels.library import choose_variant
from ppc.runtime.kernels.sampling import CutKernel
from ppc.runtime.kernels.threads import run_all, shares
from ppc.runtime.kernels.variants import ARM_PLAIN, AVX2, IFMA, PLAIN, VARIANTS, able
from tests.elements import ALL_FIELDS, COMPILED, elements, integers, same
from tests.runtime.kernels.kernels import every_kernel


def test_the_best_variant_comes_first() -> None:
    everything = frozenset(name for variant in VARIANTS for name in variant.features)
    assert able("x86_64", everything) == [IFMA, AVX2, PLAIN]
    assert able("x86_64", everything - {"avx512ifma"}) == [AVX2, PLAIN]
    assert able("x86_64", everything - {"avx2"}) == [PLAIN]
    assert able("x86_64", everything - {"movbe"}) == [PLAIN]  # of which x86-64-v3 is sure
    assert able("amd64", frozenset()) == [PLAIN]
    assert able("aarch64", frozenset({"neon"})) == able("arm64", frozenset()) == [ARM_PLAIN]
    assert able("riscv64", everything) == able("AMD64", everything) == []


def test_all_variants_can_be_forced_here() -> None:
    assert [choose_variant(name).name for name in COMPILED] == COMPILED
    assert choose_variant().name == COMPILED[0]
    assert Workbench(MERSENNE61).variant == COMPILED[0]


def test_an_unknown_variant_and_a_lacking_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PpcError, match="PPC523"):
        Workbench(MERSENNE61, variant="sse9")
    monkeypatch.setattr(llvm, "host_features", lambda: frozenset(AVX2.features))
    with pytest.raises(PpcError) as caught:
        choose_variant("ifma")
    assert "It runs avx2, plain, slow." in render(caught.value)


@pytest.mark.parametrize("machine", ["aarch64", "arm64"])
def test_another_machine_gets_its_own_code(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert choose_variant() is choose_variant("plain") is choose_variant("plain-aarch64") is ARM_PLAIN
    with pytest.raises(PpcError, match="PPC523"):
        choose_variant("avx2")


def test_an_unknown_machine_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "ppc64le")
    with pytest.warns(SlowKernelsWarning, match="no kernels for this machine"):
        assert Workbench(MERSENNE61).variant == "slow"
    for name in (None, "plain"):
        with pytest.raises(PpcError, match="PPC523"):
            choose_variant(name)


def test_code_for_another_machine_is_never_loaded() -> None:
    kernel = CutKernel(MERSENNE61)
    image = llvm.compile_object(kernel.module(ARM_PLAIN), ARM_PLAIN)
    with pytest.raises(InternalError, match="aarch64"):
        llvm.Code(image, ARM_PLAIN)


@pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
def test_code_for_aarch64_is_made_and_verified(field: Field) -> None:
    """LLVM verifies each module and makes an object file; the multiplications are 64×64→128."""
    for kernel in every_kernel(field):
        text = kernel.module(ARM_PLAIN)
        assert llvm.compile_object(text, ARM_PLAIN)[:4] == b"\x7fELF"
        assembly = llvm.compile_assembly(text, ARM_PLAIN)
        assert f"{kernel.name}:" in assembly
        if kernel.name.startswith("product"):
            assert "umulh" in assembly or field.bits < 32


@pytest.mark.parametrize(("name", "instruction"), [("ifma", "vpmadd52luq"), ("avx2", "vpmuludq"), ("plain", "mulq")])
def test_each_variant_uses_its_multiplier(name: str, instruction: str) -> None:
    variant = {v.name: v for v in VARIANTS}[name]
    for field in (MERSENNE61, MERSENNE127):
        product = next(kernel for kernel in every_kernel(field) if kernel.name.startswith("product"))
        assembly = llvm.compile_assembly(product.module(variant), variant)
        assert re.search(rf"\t{instruction}", assembly)
        assert name == "ifma" or "vpmadd52" not in assembly
        assert name != "plain" or "ymm" not in assembly


def test_without_llvmlite_it_says_that_it_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llvm, "present", lambda: False)
    with pytest.warns(SlowKernelsWarning, match="slow"):
        bench = Workbench(MERSENNE61)
    assert bench.variant == "slow"
    with pytest.raises(PpcError, match="PPC523"):
        Workbench(MERSENNE61, variant="plain")
    left, right, out = elements(MERSENNE61, (4, 5), 1), elements(MERSENNE61, (5, 3), 2), MERSENNE61.empty(4, 3)
    bench.matmul(left, right, out)
    assert same(out, integers(left, MERSENNE61) @ integers(right, MERSENNE61), MERSENNE61)


_HIDDEN = """
import sys, warnings
for name in ("llvmlite", "lark", "torch", "networkx"):
    sys.modules[name] = None
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "llvmlite" else real(name, package)
warnings.simplefilter("ignore")
from ppc.field import MERSENNE127, from_integers, to_integers
from ppc.runtime.kernels import Workbench, operand
x, out = from_integers([2**120 + 1, -3], MERSENNE127), MERSENNE127.empty(2)
bench = Workbench(MERSENNE127)
bench.evaluate([operand(0) * operand(0)], [x], [out])
print(bench.variant, [int(v) for v in to_integers(out, MERSENNE127)])
"""


def test_a_machine_without_llvmlite() -> None:
    """In a process where importing llvmlite fails, and lark, torch and networkx too."""
    root = Path(__file__).parents[3]
    found = subprocess.run([sys.executable, "-c", _HIDDEN], cwd=root, capture_output=True, text=True, check=True)
    assert found.stdout.split(maxsplit=1) == ["slow", f"[{(2**120 + 1) ** 2 % (2**127 - 1)}, 9]\n"]


@pytest.mark.parametrize("variant", COMPILED)
def test_any_number_of_threads_gives_the_same(variant: str) -> None:
    field = MERSENNE127
    left, right = elements(field, (33, 40), 1), elements(field, (40, 29), 2)
    expected = integers(left, field) @ integers(right, field)
    for threads in (1, 2, 3, 7, 16):
        out = field.empty(33, 29)
        Workbench(field, variant=variant, threads=threads).matmul(left, right, out)
        assert same(out, expected, field)


def test_callers_may_be_threads_themselves() -> None:
    """Eight threads at once on one workbench: scratch memory is each thread's own."""
    field = MERSENNE61
    bench = Workbench(field, threads=2)
    pairs = [(elements(field, (40, 50), seed), elements(field, (50, 30), seed + 100)) for seed in range(8)]
    outs = [field.empty(40, 30) for _ in pairs]

    def work(number: int) -> None:
        for _ in range(20):
            bench.matmul(*pairs[number], outs[number])
            bench.evaluate([operand(0) + 0], [outs[number]], [outs[number]])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(pairs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (left, right), out in zip(pairs, outs, strict=True):
        assert same(out, integers(left, field) @ integers(right, field), field)


_FORKS = """
import os, signal
import numpy as np
from ppc.field import MERSENNE61
from ppc.runtime.kernels import Workbench
bench = Workbench(MERSENNE61, threads=2)
left, out = MERSENNE61.zeros(64, 64) + np.uint64(3), MERSENNE61.empty(64, 64)
bench.matmul(left, left, out)
out[...] = 0
child = os.fork()
if child == 0:
    signal.alarm(20)
    bench.matmul(left, left, out)
    os._exit(0 if (out == 576).all() else 1)
print(os.waitpid(child, 0)[1])
"""


def test_a_forked_process_has_threads_of_its_own() -> None:
    root = Path(__file__).parents[3]
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FORKS], cwd=root, capture_output=True, text=True, check=True
    )
    assert found.stdout == "0\n"


def test_the_gil_is_released() -> None:
    """While a kernel runs, another thread of Python makes progress."""
    field = MERSENNE127
    bench, size = Workbench(field, variant="plain"), 400
    left, out = elements(field, (size, size), 1, extreme=0), field.empty(size, size)
    bench.matmul(left, left, out)
    running, counted = threading.Event(), [0]

    def count() -> None:
        while running.is_set():
            counted[0] += 1

    running.set()
    other = threading.Thread(target=count)
    other.start()
    before = counted[0]
    bench.matmul(left, left, out)
    after = counted[0]
    running.clear()
    other.join()
    assert after - before > 1000


def test_work_is_shared_without_gaps() -> None:
    for count, threads, unit in ((0, 3, 1), (1, 4, 1), (10, 3, 1), (1000, 3, 64), (5, 2, 64), (4096, 4, 512)):
        parts = shares(count, threads, unit)
        assert parts[0][0] == 0
        assert parts[-1][1] == count
        assert all(a[1] == b[0] for a, b in pairwise(parts))
        assert all(first % unit == 0 for first, _ in parts)


def test_an_error_in_a_thread_is_raised() -> None:
    done: list[int] = []

    def fails() -> None:
        raise ValueError("in a thread")

    with pytest.raises(ValueError, match="in a thread"):
        run_all([lambda: done.append(0), fails, lambda: done.append(2)])
    assert sorted(done) == [0, 2]


def test_empty_arrays() -> None:
    field = MERSENNE61
    for variant in (*COMPILED, "slow"):
        bench = Workbench(field, variant=variant)
        bench.evaluate([operand(0) * 3], [field.empty(0)], [field.empty(0)])
        bench.evaluate([operand(0).bit(0)], [field.empty(0)], bit_outs=[np.empty(0, np.uint64)])
        bench.matmul(field.empty(3, 0), field.empty(0, 2), out := field.empty(3, 2))
        assert not out.any()
        out[...] = 5
        bench.matmul(field.empty(3, 0), field.empty(0, 2), out, add=True)
        assert (out == 5).all()
