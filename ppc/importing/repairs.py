"""Two operators of old opsets that onnx's own evaluator computes as newer ones; here they follow their text.

Without them no model of those opsets with a batch norm could be compared, and so none could be imported.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ppc.importing.reading import require_onnx


def repairs(opset: int) -> list[type]:
    """Operators for the evaluator to use in place of its own."""
    base = require_onnx().reference.op_run.OpRun
    found: list[type] = []
    if opset < 14:
        found.append(type("BatchNormalization", (base,), {"op_domain": "", "_run": _batch_norm}))
    if opset < 13:
        found.append(type("Softmax", (base,), {"op_domain": "", "_run": _softmax}))
    return found


def _batch_norm(_self: object, x: Any, *rows: Any, epsilon: float, **_options: Any) -> tuple[Any]:
    """With one output it is that of a trained model; the evaluator takes it for one in training."""
    scale, shift, mean, variance = (row.reshape(-1, *[1] * (x.ndim - 2)) for row in rows)
    return (((x - mean) * scale / np.sqrt(variance + epsilon) + shift).astype(x.dtype),)


def _softmax(self: Any, x: Any, axis: int) -> tuple[Any]:
    """It sees two sizes: what is before the axis (1 if none is given) and the rest. The evaluator sees one axis."""
    before = axis % x.ndim if self.onnx_node.attribute else 1
    rows = x.reshape(prod(x.shape[:before]), -1)
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    return ((powers / powers.sum(axis=1, keepdims=True)).reshape(x.shape),)
