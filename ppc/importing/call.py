"""What a rule for an operator sees: the node, its inputs, and the words to make layers with.

`Conversion` is the state of a walk over the graph (`convert` walks); `Call` is one node within it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ppc.importing.network import NO_PADDING, Flow, Layer, Shape, Static, Value
from ppc.importing.problems import Problem, RefusedError
from ppc.importing.reading import OnnxModel, OnnxNode
from ppc.ir.graph import Attribute, Node
from ppc.ir.shapes import SHAPES, ShapeError, parameter_shapes
from ppc.weights import Array


@dataclass(kw_only=True)
class Conversion:
    """The state of one walk."""

    model: OnnxModel
    values: dict[str, Value] = field(default_factory=dict[str, Value])
    layers: dict[str, Layer] = field(default_factory=dict[str, Layer])
    problems: list[Problem] = field(default_factory=list[Problem])

    def refuse(self, node: OnnxNode, refused: RefusedError) -> None:
        self.problems.append(
            Problem(
                node=node.name,
                op=node.op,
                opset=self.model.opset,
                code=refused.code,
                message=refused.message,
                rewrite=refused.rewrite,
            )
        )

    def stand_in(self, node: OnnxNode) -> None:
        """Something of the right shape in place of a refused node, so that what follows it is looked at too."""
        for name in node.outputs:
            if name in self.model.shapes:
                shape = self.model.shapes[name]
                self.layers[name] = Layer(key=name, op="input", shape=shape, value=name)
                self.values[name] = Flow(key=name, view=shape)

    def emit(
        self,
        key: str,
        op: str,
        inputs: Sequence[str],
        *,
        attrs: Mapping[str, Attribute] | None = None,
        weights: Mapping[str, Array] | None = None,
        title: str = "",
    ) -> Layer:
        """Add a layer; its shape comes from the rules of the language, its weights must fit them."""
        node = Node(name=key, op=op, attrs=attrs or {})
        shapes = [self.layers[name].shape for name in inputs]
        try:
            shape = SHAPES[op](node, shapes)
        except ShapeError as error:
            raise RefusedError(error.message, rewrite=error.hint.rstrip(".") or "change the sizes") from None
        flat = (shapes[0][0], int(np.prod(shapes[0][1:])))
        needed = parameter_shapes(node, flat if op == "dense" else shapes[0])
        for role, array in (weights or {}).items():
            if array.shape != needed[role]:
                raise RefusedError(
                    f"its {role} has shape {list(array.shape)} and needs {list(needed[role])}",
                    rewrite="export the model again",
                )
        if min((*shape, *(size for array in (weights or {}).values() for size in array.shape)), default=1) < 1:
            raise RefusedError("it has weights or values without any element", rewrite="use sizes from 1 on")
        layer = Layer(
            key=key,
            op=op,
            inputs=tuple(inputs),
            attrs=attrs or {},
            weights=weights or {},
            shape=shape,
            title=title,
            value=key,
        )
        self.layers[key] = layer
        return layer

    def settled(self, flow: Flow) -> Flow:
        """The flow with its layer's shape as ONNX sees it, but for sizes of one at the end."""
        real = self.layers[flow.key].shape
        trailing = flow.view[len(real) :]
        if flow.view[: len(real)] == real and all(size == 1 for size in trailing):
            return flow
        return self.reshaped(flow)

    def reshaped(self, flow: Flow) -> Flow:
        """The flow with exactly the shape that ONNX sees, by a layer of its own where it needs one."""
        if self.layers[flow.key].shape == flow.view:
            return flow
        key = f"{flow.key}:{'x'.join(map(str, flow.view))}"
        if key not in self.layers and len(flow.view) == 2:
            self.emit(key, "flatten", [flow.key])
        elif key not in self.layers:
            self.emit(key, "reshape", [flow.key], attrs={"shape": flow.view[1:]})
        return Flow(key=key, view=flow.view)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One node and its inputs, with the words in which rules are written."""

    node: OnnxNode
    inputs: tuple[Value | None, ...]
    conversion: Conversion

    @property
    def opset(self) -> int:
        return self.conversion.model.opset

    def attr(self, name: str, default: Any = None) -> Any:
        return self.node.attrs.get(name, default)

    def has(self, index: int) -> bool:
        return index < len(self.inputs) and self.inputs[index] is not None

    def padded_flow(self, index: int = 0) -> Flow:
        """An input that depends on the data; a padding may wait on it."""
        value = self.inputs[index]
        if not isinstance(value, Flow):
            raise RefusedError("it works on a constant where data is expected", rewrite="let it work on the data")
        return value

    def flow(self, index: int = 0) -> Flow:
        """An input that depends on the data."""
        flow = self.padded_flow(index)
        if flow.padding != NO_PADDING:
            raise RefusedError(
                "the Pad before it cannot become part of it", rewrite="pad before a Conv or an AveragePool only"
            )
        return flow

    def image(self) -> Flow:
        """The first input, as channels, height, width."""
        flow = self.padded_flow()
        if len(flow.view) != 4:
            raise RefusedError(
                f"it works on a value of {len(flow.view) - 1} sizes; an image has channels, height and width",
                rewrite="use the operator for images of two dimensions",
            )
        exact = self.conversion.reshaped(Flow(key=flow.key, view=flow.view))
        return Flow(key=exact.key, view=exact.view, padding=flow.padding)

    def static(self, index: int, what: str) -> Static:
        """An input that must be known now."""
        value = self.inputs[index]
        if not isinstance(value, Static):
            raise RefusedError(f"its {what} depends on the data", rewrite=f"make its {what} a constant", code="PPC601")
        return value

    def numbers(self, index: int, what: str) -> tuple[int, ...]:
        return tuple(int(number) for number in np.ravel(self.static(index, what).array))

    def weight(self, index: int, what: str) -> Array:
        array = self.static(index, what).array
        return array.astype(np.float64 if array.dtype == np.float64 else np.float32)

    def layer(
        self,
        op: str,
        *flows: Flow,
        attrs: Mapping[str, Attribute] | None = None,
        weights: Mapping[str, Array] | None = None,
        title: str = "",
        view: Shape | None = None,
    ) -> Flow:
        """A new layer on these flows. ONNX sees its result as `view`, or as the layer's own shape."""
        keys = [flow.key for flow in flows]
        made = self.conversion.emit(self.node.outputs[0], op, keys, attrs=attrs, weights=weights, title=title)
        return Flow(key=made.key, view=view or made.shape)


Rule = Callable[[Call], Value]
