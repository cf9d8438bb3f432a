"""What the machine itself can do: its clock, its multiplier, its copy bandwidth. The kernels are held against these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppc.field import Words
from ppc.runtime.kernels.buffers import aligned
from ppc.runtime.kernels.emit import Function, Value, constant, module, vector_type
from ppc.runtime.kernels.lanes import LaneOperations
from ppc.runtime.kernels.library import Block
from ppc.runtime.kernels.variants import Variant

CHAIN_CYCLES = 6  # two dependent 64-bit multiplications of three cycles each, on Intel since Nehalem and on AMD's Zen
MULTIPLIERS = 20


@dataclass(frozen=True)
class ClockLoop:
    """A chain of dependent multiplications: time tells the clock."""

    @property
    def name(self) -> str:
        return "clock_loop"

    def module(self, variant: Variant) -> str:
        """void(ptr parameters): repeats, out"""
        f = Function(self.name, ("ptr",), exported=True)
        repeats = f.load(f.parameters[0], "i64")
        out = f.load(f.address(f.parameters[0], constant(1)), "ptr")

        def step(index: Value, carried: list[Value]) -> list[Value]:
            odd = f.either(index, constant(1))
            return [f.multiply(f.multiply(carried[0], odd), f.differ(odd, constant(6)))]

        (chain,) = f.loop(repeats, [constant(3)], step)
        f.store(chain, out)
        return module([f], triple=variant.triple)


def independent(variant: Variant) -> int:
    """How many accumulators keep the multiplier busy: more than latency times throughput."""
    return MULTIPLIERS if variant.multiplier == "ifma" else 4


@dataclass(frozen=True)
class MultiplierLoop:
    """Independent multiply-adds on registers alone: what the multiplier lets through."""

    @property
    def name(self) -> str:
        return "multiplier_loop"

    def module(self, variant: Variant) -> str:
        """void(ptr parameters): repeats, factors, out"""
        f = Function(self.name, ("ptr",), exported=True)
        operations = LaneOperations(f, variant.lanes, variant.multiplier)
        part = {"ifma": "low", "narrow": "low", "wide": "full"}[variant.multiplier]
        count = independent(variant)
        repeats = f.load(f.parameters[0], "i64")
        factors, out = (f.load(f.address(f.parameters[0], constant(number)), "ptr") for number in (1, 2))
        kind = vector_type(variant.lanes)
        left, right = f.load(factors, kind), f.load(f.address(factors, constant(8)), kind)

        def step(_: Value, totals: list[Value]) -> list[Value]:
            return [operations.multiply_add(total, left, right, part) for total in totals]

        totals = f.loop(repeats, [operations.accumulator(number) for number in range(count)], step)
        for number, total in enumerate(totals):
            f.store(total, f.address(out, constant(number), total.type))
        return module([f], triple=variant.triple)


def clock_block(repeats: int) -> tuple[Block, list[Words]]:
    """Parameters of the clock's loop, and the memory they point to."""
    out = aligned(8)
    return np.array([repeats, out.ctypes.data], np.int64), [out]


def multiplier_block(repeats: int) -> tuple[Block, list[Words]]:
    factors, out = aligned(64), aligned(1024)
    factors[...] = 12345
    return np.array([repeats, factors.ctypes.data, out.ctypes.data], np.int64), [factors, out]
