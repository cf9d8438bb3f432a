"""What an import makes of a model: layers of the language, in order, each with its numbers.

A `Flow` is an ONNX value while it is converted. ONNX reshapes where the language need not (`dense` flattens by
itself, `global_avg_pool` gives a row), so a flow knows two shapes: that of its layer, and the one ONNX sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from ppc.ir.graph import Attribute
from ppc.weights import Array

Shape = tuple[int, ...]
NO_PADDING = (0, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer, or an input (whose op is `input`). Its key is the ONNX value that it computes first."""

    key: str
    op: str
    inputs: tuple[str, ...] = ()
    attrs: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    weights: Mapping[str, Array] = field(default_factory=dict[str, Array])
    shape: Shape
    title: str = ""
    value: str

    @property
    def sizes(self) -> Shape:
        """The shape without the batch."""
        return self.shape[1:]


@dataclass(frozen=True, kw_only=True)
class Network:
    """The model in the language's terms."""

    layers: tuple[Layer, ...]
    output: str

    def __getitem__(self, key: str) -> Layer:
        return next(layer for layer in self.layers if layer.key == key)

    @property
    def inputs(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if layer.op == "input")

    @property
    def body(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if layer.op != "input")


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A value that depends on the data. `padding` is a Pad that waits for a window: top, left, bottom, right."""

    key: str
    view: Shape
    padding: tuple[int, int, int, int] = NO_PADDING


@dataclass(frozen=True, kw_only=True)
class Static:
    """A value that is the same for all data. `stored` is its name in the file, where it stands there as it is."""

    array: NDArray[Any]
    stored: str = ""


Value = Flow | Static
