"""A small problem to distil: which corner of a 4×4 image is bright."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ppc.distilled import Floats, Target
from ppc.distilling import Data, Task
from ppc.ir.distilled import Distilled, Images
from tests.distilled.made import KEY, target

FACTS = Distilled(
    model="small", key="device.key", samples=6, images=Images(), steps=2, epochs=30, batch=30, rate=0.05, lock=0.1
)
# Every kind of layer that has a gradient, in two models; and one with strides, padding and no bias.
GLOBAL = "conv2d(6, kernel=3)\n    tanh\n    global_avg_pool\n    dense(3)"
STRIDED = """conv2d(4, kernel=[3, 2], stride=[2, 1], padding=[2, 1], bias=false)
    batch_norm
    relu
    max_pool([2, 3], stride=[1, 2], padding=[0, 1])
    conv2d(2, kernel=2, bias=false)
    dropout(0.3)
    tanh
    avg_pool(2, stride=1, padding=1)
    dense(3, bias=false)"""
EVERY = """conv2d(4, kernel=3, padding=same)
    batch_norm
    skip = relu
    skip -> conv2d(4, kernel=1, groups=2) -> sigmoid -> add(skip)
    left = max_pool(2)
    skip -> avg_pool(2) -> concat(left)
    relu(poly=3, over=-3..5)
    dropout(0.5)
    reshape([8, 4, 1])
    tanh
    flatten
    dense(6)
    batch_norm
    softmax
    dense(3)"""


def corners(count: int, seed: int = 1) -> Data:
    numbers = np.random.default_rng(seed)
    classes = np.arange(count) % 3
    images = numbers.random((count, 1, 4, 4)) * 0.4
    for image, place in zip(images, classes, strict=True):
        image[0, place // 2 * 2 : place // 2 * 2 + 2, place % 2 * 2 : place % 2 * 2 + 2] += 0.5
    return Data.of(images, np.eye(3)[classes])


def task(of: Target | None = None, *, brought: Floats | None = None, **changed: object) -> Task:
    facts = replace(FACTS, **changed)  # pyright: ignore[reportArgumentType]
    return Task.of(facts, of or target(), KEY, corners(60), brought=brought, seed=0)


def doubled(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: values.to(torch.float64) for name, values in weights.items()}
