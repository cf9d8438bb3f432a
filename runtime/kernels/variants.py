"""Which instructions a kernel may use: AVX-512 IFMA, AVX2, or plain 64×64→128 multiplication.

Called by everything that makes or runs kernels. Knows the CPU's features, no field and no LLVM.
"""

from __future__ import annotations

from dataclasses import dataclass

X86 = "x86_64-unknown-linux-gnu"
X86_MACHINES = ("x86_64", "amd64")
ARM = "aarch64-unknown-linux-gnu"
ARM_MACHINES = ("aarch64", "arm64")

# What LLVM takes for granted on the processors x86-64-v3 and x86-64-v4.
_LEVEL_3 = (
    *("cx16", "sahf", "popcnt", "sse3", "ssse3", "sse4.1", "sse4.2"),
    *("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "xsave"),
)
_LEVEL_4 = (*_LEVEL_3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A set of instructions: `lanes` 64-bit numbers side by side, and `registers` to hold them."""

    name: str
    triple: str
    machines: tuple[str, ...]  # as Python names them
    lanes: int
    features: tuple[str, ...]
    processor: str
    multiplier: str  # which limb plans apply: "ifma", "narrow" (32×32→64) or "wide" (64×64→128)


IFMA = Variant(
    name="ifma",
    triple=X86,
    machines=X86_MACHINES,
    lanes=8,
    features=(*_LEVEL_4, "avx512ifma", "avx512bitalg", "avx512vbmi"),
    processor="x86-64-v4",
    multiplier="ifma",
)
AVX2 = Variant(
    name="avx2",
    triple=X86,
    machines=X86_MACHINES,
    lanes=4,
    features=_LEVEL_3,
    processor="x86-64-v3",
    multiplier="narrow",
)
PLAIN = Variant(
    name="plain",
    triple=X86,
    machines=X86_MACHINES,
    lanes=1,
    features=(),
    processor="x86-64",
    multiplier="wide",
)
ARM_PLAIN = Variant(
    name="plain-aarch64",
    triple=ARM,
    machines=ARM_MACHINES,
    lanes=1,
    features=(),
    processor="generic",
    multiplier="wide",
)

VARIANTS = (IFMA, AVX2, PLAIN)


def able(machine: str, available: frozenset[str]) -> list[Variant]:
    """The variants of this kind of machine whose every feature the host has, the fastest first."""
    return [
        variant
        for variant in (*VARIANTS, ARM_PLAIN)
        if machine in variant.machines and available.issuperset(variant.features)
    ]
