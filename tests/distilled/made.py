"""Small targets, keys and packages for the tests of distilled training."""

from __future__ import annotations

import numpy as np

from ppc.compiler import compile_program
from ppc.distilled import Key, Package, Samples, Target, fingerprint, first_weights, pack, tag
from ppc.ir.policy import Loss
from ppc.source import Source

KEY = Key(bytes(range(32)))
OTHER = Key(bytes(range(1, 33)))
DENSE = "dense(12)\n    tanh\n    dense(3)"


def target(body: str = DENSE, shape: str = "1, 4, 4", *, loss: Loss = "softmax_cross_entropy") -> Target:
    text = f"model small(image: real[{shape}] in 0..1) -> real[3] {{\n    {body}\n}}\n"
    return Target(compile_program(Source("small.pnn", text)).after("source"), loss)


def samples(of: Target, *, count: int = 5, rates: tuple[float, ...] = (0.1, 0.25), seed: int = 0) -> Samples:
    numbers = np.random.default_rng(seed)
    return Samples(
        images=numbers.standard_normal((count, *of.image)),
        labels=numbers.standard_normal((count, of.classes)),
        rates=rates,
    ).halved()


def package(of: Target, key: Key = KEY) -> Package:
    return Package(
        samples=samples(of),
        loss=of.loss,
        spread=of.spread,
        target=tag(key, of.architecture),
        start=fingerprint(first_weights(key, of).values()),
    )


def packed(of: Target, *, bare: bool = False) -> bytes:
    return pack(package(of), KEY, bare=bare)
