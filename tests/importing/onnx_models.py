"""ONNX models for tests, made with onnx.helper: an operator a call, each with the spelling of its opset."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from onnx import FunctionProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference

from ppc.importing.reading import OnnxModel, read_proto


@dataclass
class Maker:
    """Collects nodes; each method returns the name of the value it makes."""

    shape: tuple[int | str, ...] = (1, 3, 8, 8)
    opset: int = 17
    nodes: list[NodeProto] = field(default_factory=list[NodeProto])
    constants: list[TensorProto] = field(default_factory=list[TensorProto])
    functions: list[FunctionProto] = field(default_factory=list[FunctionProto])
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def constant(self, array: object, name: str = "") -> str:
        name = name or f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def random(self, *shape: int, name: str = "", low: float = -0.5) -> str:
        return self.constant(self.generator.uniform(low, 0.5, shape).astype(np.float32), name)

    def op(self, kind: str, *inputs: str, name: str = "", **attrs: Any) -> str:
        output = name or f"/{kind}_{len(self.nodes)}_output"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=f"{kind}_{len(self.nodes)}", **attrs))
        return output

    def numbers(self, kind: str, x: str, attr: str, numbers: list[int], *, since: int, **attrs: Any) -> str:
        """An operator whose numbers were an attribute before opset `since`, and are an input from then on."""
        if self.opset < since:
            return self.op(kind, x, **{attr: numbers}, **attrs)
        return self.op(kind, x, self.constant(np.asarray(numbers, np.int64)), **attrs)

    def conv(self, x: str, made: int, taken: int, kernel: int = 3, *, name: str = "", **attrs: Any) -> str:
        weight = self.random(made, taken, kernel, kernel, name=f"{name}.weight" if name else "")
        bias = self.random(made, name=f"{name}.bias" if name else "")
        return self.op("Conv", x, weight, bias, **attrs)

    def norm(self, x: str, channels: int) -> str:
        rows = [self.random(channels) for _ in range(3)]
        return self.op("BatchNormalization", x, *rows, self.random(channels, low=0.1), epsilon=1e-3)

    def gemm(self, x: str, made: int, taken: int, *, name: str = "") -> str:
        weight = self.random(made, taken, name=f"{name}.weight" if name else "")
        return self.op("Gemm", x, weight, self.random(made, name=f"{name}.bias" if name else ""), transB=1)

    def proto(self, *outputs: str, element: int = TensorProto.FLOAT) -> ModelProto:
        """The model; its outputs are of a shape that onnx finds out."""
        graph = helper.make_graph(
            self.nodes,
            "g",
            [helper.make_tensor_value_info("data", element, self.shape)],
            [helper.make_empty_tensor_value_info(name) for name in outputs],
            self.constants,
        )
        opsets = [helper.make_opsetid("", self.opset), *(helper.make_opsetid(f.domain, 1) for f in self.functions)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=self.functions)
        model = shape_inference.infer_shapes(model)
        for value in model.graph.output:
            if not value.type.tensor_type.HasField("shape"):  # the format asks for one, be it an open one
                value.CopyFrom(helper.make_tensor_value_info(value.name, TensorProto.FLOAT, ["batch", "rest"]))
        return model

    def model(self, *outputs: str) -> OnnxModel:
        return read_proto(self.proto(*outputs), label="test.onnx")

    def write(self, path: Path, *outputs: str) -> Path:
        path.write_bytes(self.proto(*outputs).SerializeToString())
        return path


def lenet(opset: int = 17) -> Maker:
    """Conv, pool and dense layers, ending in `scores`; the batch is open."""
    make = Maker(shape=("N", 1, 28, 28), opset=opset)
    x = make.op("Relu", make.conv("data", 6, 1, 5, name="conv1", pads=[2, 2, 2, 2]))
    x = make.op("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = make.op("Relu", make.conv(x, 16, 6, 5, name="conv2"))
    x = make.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = make.op("Relu", make.gemm(make.op("Flatten", x), 120, 400, name="fc1"))
    make.op("Identity", make.gemm(x, 10, 120, name="fc2"), name="scores")
    return make


def residual(opset: int = 17) -> Maker:
    """Two blocks with batch norms, the second with a convolution on its shortcut, ending in `scores`."""
    make = Maker(opset=opset)
    x = make.op("Relu", make.norm(make.conv("data", 8, 3, name="stem", pads=[1, 1, 1, 1]), 8))
    y = make.norm(make.conv(x, 8, 8, pads=[1, 1, 1, 1]), 8)
    x = make.op("Relu", make.op("Add", y, x))
    y = make.norm(make.conv(x, 16, 8, pads=[1, 1, 1, 1], strides=[2, 2]), 16)
    short = make.conv(x, 16, 8, 1, strides=[2, 2])
    x = make.op("Relu", make.op("Add", y, short))
    x = make.op("Flatten", make.op("GlobalAveragePool", x))
    make.op("Identity", make.gemm(x, 10, 16, name="fc"), name="scores")
    return make
