"""Small graphs for tests, built as the resolver builds them: layer names, parameter names, inferred types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from ppc.ir.graph import Attribute, Builder, Graph, Output
from ppc.ir.types import Interval, Type
from ppc.ir.verify import verify
from ppc.passes.infer_shapes import InferShapes
from ppc.weights import Weights, expected

UNIT = Interval(0.0, 1.0)
_SPELLED = {"conv2d": "conv"}


@dataclass
class Net:
    """Collects layers; each reads the one before unless `after` names another."""

    shape: tuple[int, ...]
    builder: Builder = field(default_factory=lambda: Builder("source"))
    counts: Counter[str] = field(default_factory=Counter[str])
    last: str = "image"

    def __post_init__(self) -> None:
        type_ = Type(shape=self.shape, bounds=UNIT)
        self.builder.add("input", name="image", attrs={"role": "data"}, type_=type_)

    def layer(
        self,
        op: str,
        *others: str,
        attrs: Mapping[str, Attribute] | None = None,
        roles: tuple[str, ...] = (),
        name: str = "",
        after: str = "",
    ) -> Self:
        stem = _SPELLED.get(op, op)
        self.counts[stem] += 1
        name = name or f"{stem}{self.counts[stem]}"
        parameters = [self.builder.add("parameter", name=f"{name}.{role}", attrs={"role": role}).name for role in roles]
        inputs = [after or self.last, *others, *parameters]
        self.last = self.builder.add(op, inputs, name=name, attrs=attrs).name
        return self

    def conv(
        self,
        channels: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        bias: bool = True,
        name: str = "",
        after: str = "",
    ) -> Self:
        attrs: dict[str, Attribute] = {
            "channels": channels,
            "kernel": (kernel, kernel),
            "stride": (stride, stride),
            "padding": (padding, padding),
            "groups": groups,
        }
        roles = ("weight", "bias") if bias else ("weight",)
        return self.layer("conv2d", attrs=attrs, roles=roles, name=name, after=after)

    def dense(self, features: int, *, bias: bool = True, name: str = "") -> Self:
        roles = ("weight", "bias") if bias else ("weight",)
        return self.layer("dense", attrs={"features": features}, roles=roles, name=name)

    def norm(self, *, name: str = "", epsilon: float = 1e-5) -> Self:
        attrs: dict[str, Attribute] = {"epsilon": epsilon, "momentum": 0.1}
        return self.layer("batch_norm", attrs=attrs, roles=("scale", "shift", "mean", "variance"), name=name)

    def dropout(self, *, name: str = "") -> Self:
        return self.layer("dropout", attrs={"rate": 0.5}, name=name)

    def pool(self, op: str = "max_pool", kernel: int = 2) -> Self:
        return self.layer(op, attrs={"kernel": (kernel, kernel), "stride": (kernel, kernel), "padding": (0, 0)})

    def typed(self, *, batch: int = 1, weights: Interval | None = None) -> Graph:
        """The graph after shape inference; its result is the last layer."""
        output = Output(name="result", value=self.last, to=("client",))
        graph = Graph(
            name="net", stage="named", parties=("client",), nodes=tuple(self.builder.nodes), outputs=(output,)
        )
        return verify(InferShapes(batch=batch, weight_bounds=weights).run(verify(graph)))


def random_weights(graph: Graph, generator: np.random.Generator) -> Weights:
    """Weights of a size as after training; variances are positive."""
    drawn = {p.name: generator.uniform(-1.0, 1.0, p.shape) for p in expected(graph)}
    return {name: np.abs(w) + 0.1 if name.endswith(".variance") else w for name, w in drawn.items()}
