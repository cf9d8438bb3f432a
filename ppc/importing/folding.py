"""Constants of an ONNX graph, computed ahead: exporters spell out shapes and paddings as little programs.

Only operators of this list, on values that no data reaches, by onnx's own evaluator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.importing.network import Static
from ppc.importing.problems import RefusedError
from ppc.importing.reading import OnnxNode, require_onnx

_OPERATORS = (
    "Abs Add Cast CastLike Ceil Concat Constant ConstantOfShape Div Equal Expand Flatten Floor Gather Identity Max Min "
    "Mul Neg Not Pow Range Reciprocal ReduceProd Reshape Shape Size Slice Split Sqrt Squeeze Sub Transpose Unsqueeze "
    "Where"
)
FOLDED = frozenset(_OPERATORS.split())
LARGEST = 2**28  # elements; a few bytes of a file could ask for more than any memory holds


def folded(node: OnnxNode, inputs: Sequence[Static | None], *, opset: int) -> tuple[Static, ...]:
    """The outputs of a node whose inputs are all constants."""
    onnx = require_onnx()
    if node.op in ("Expand", "ConstantOfShape", "Range"):
        _check_size(node, inputs)
    given = {name: value.array for name, value in zip(node.inputs, inputs, strict=True) if value is not None}
    graph = onnx.helper.make_graph(
        [node.proto],
        "constant",
        [onnx.helper.make_value_info(name, _type(onnx, array)) for name, array in given.items()],
        [onnx.helper.make_empty_tensor_value_info(name) for name in node.outputs],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    try:
        found: list[NDArray[Any]] = onnx.reference.ReferenceEvaluator(model).run(None, given)
    except Exception as error:  # the evaluator raises whatever its numpy code meets
        raise RefusedError(f"its constant cannot be computed: {error}", rewrite="export the model again") from None
    return tuple(Static(array=np.asarray(array)) for array in found)


def _type(onnx: Any, array: NDArray[Any]) -> Any:
    element = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    return onnx.helper.make_tensor_type_proto(element, array.shape)


def _check_size(node: OnnxNode, inputs: Sequence[Static | None]) -> None:
    asked = [value.array for value in inputs if value is not None]
    if node.op == "Range":
        start, stop, step = (float(array) for array in asked)
        size = abs((stop - start) / step) if step else float("inf")
    else:
        size = float(np.prod(np.abs(asked[-1 if node.op == "Expand" else 0].astype(np.float64))))
    if not size <= LARGEST:
        raise RefusedError(f"its constant would have {size:,.0f} elements", rewrite="export the model again")
