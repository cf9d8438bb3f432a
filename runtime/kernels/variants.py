"""Which instructions a kernel may use: AVX-512 IFMA, AVX2, or plain 64×64→128 multiplication.

Called by everything that makes or runs kernels. Knows the CPU's features, no field and no LLVM.
"""

from __future__ import annotations

from dataclasses import dataclass

X86 = "x86_64-unknown-linux-gnu"
ARM = "aarch64-unknown-linux-gnu"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A set of instructions: `lanes` 64-bit numbers side by side, and `registers` to hold them."""

    name: str
    triple: str
    lanes: int
    features: tuple[str, ...]
    processor: str
    multiplier: str  # which limb plans apply: "ifma", "narrow" (32×32→64) or "wide" (64×64→128)


IFMA = Variant(
    name="ifma",
    triple=X86,
    lanes=8,
    features=(
        *("avx2", "bmi2", "avx512f", "avx512dq", "avx512bw", "avx512vl"),
        *("avx512ifma", "avx512bitalg", "avx512vbmi"),
    ),
    processor="x86-64-v4",
    multiplier="ifma",
)
AVX2 = Variant(name="avx2", triple=X86, lanes=4, features=("avx2", "bmi2"), processor="x86-64-v3", multiplier="narrow")
PLAIN = Variant(name="plain", triple=X86, lanes=1, features=(), processor="x86-64", multiplier="wide")
ARM_PLAIN = Variant(name="plain-aarch64", triple=ARM, lanes=1, features=(), processor="generic", multiplier="wide")

VARIANTS = (IFMA, AVX2, PLAIN)


def best(machine: str, available: frozenset[str]) -> Variant:
    """The fastest variant whose every feature the host has."""
    if machine == "aarch64":
        return ARM_PLAIN
    return next(variant for variant in VARIANTS if available.issuperset(variant.features))
