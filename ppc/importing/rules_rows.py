"""Operators with weights on rows, and those that join values: Gemm, MatMul, Add, Concat, BatchNormalization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite

import numpy as np

from ppc.importing.call import Call
from ppc.importing.network import Flow, Layer, Static, Value
from ppc.importing.problems import RefusedError
from ppc.importing.rules_windows import title_of
from ppc.weights import Array


def gemm(call: Call) -> Value:
    x, weight = call.flow(), call.weight(1, "weight")
    if call.attr("transA", 0) or len(x.view) != 2 or weight.ndim != 2:
        raise RefusedError(
            "it is not a row of values times a matrix of weights", rewrite="flatten each example to one row"
        )
    weight = weight if call.attr("transB", 0) else weight.T
    weights = {"weight": _times(weight, call.attr("alpha", 1.0))}
    if call.has(2):
        bias = call.static(2, "bias")
        zero = not bias.stored and not bias.array.any()
        weights |= {} if zero else {"bias": _times(_bias(call.weight(2, "bias"), len(weight)), call.attr("beta", 1.0))}
    return _dense(call, x, weights)


def matmul(call: Call) -> Value:
    x, weight = call.flow(), call.weight(1, "second factor")
    if len(x.view) != 2 or weight.ndim != 2:
        raise RefusedError(
            "it is not a row of values times a matrix of weights", rewrite="flatten each example to one row"
        )
    return _dense(call, x, {"weight": weight.T})


def _dense(call: Call, x: Flow, weights: Mapping[str, Array]) -> Flow:
    features = len(weights["weight"])
    plain = {role: np.ascontiguousarray(array) for role, array in weights.items()}
    return call.layer("dense", x, attrs={"features": features}, weights=plain, title=title_of(call))


def _times(array: Array, factor: float) -> Array:
    if factor == 1.0:
        return array
    if not (isfinite(factor) and np.isfinite(array).all()):
        raise RefusedError("it multiplies numbers that are not finite", rewrite="export a model that was trained well")
    return array * array.dtype.type(factor)


def _bias(bias: Array, features: int) -> Array:
    if bias.size in (1, features) and bias.shape[-1:] in ((), (1,), (features,)):
        return np.broadcast_to(bias.reshape(-1), (features,))
    raise RefusedError(f"its bias has shape {list(bias.shape)}", rewrite="use one bias for each feature")


def add(call: Call) -> Value:
    """Two values of one shape, or a constant that is the bias of the layer before."""
    first, second = call.inputs
    if isinstance(first, Static) or isinstance(second, Static):
        return _biased(call, *((1, 0) if isinstance(first, Static) else (0, 1)))
    x, y = (call.conversion.settled(call.flow(index)) for index in (0, 1))
    if x.view != y.view or call.conversion.layers[x.key].shape != call.conversion.layers[y.key].shape:
        raise RefusedError(
            f"it adds values of shapes {list(x.view[1:])} and {list(y.view[1:])}",
            rewrite="bring both to one shape with a Conv or Gemm",
        )
    return call.layer("add", x, y, view=x.view)


def _biased(call: Call, data: int, constant: int) -> Flow:
    flow, numbers = call.flow(data), call.weight(constant, "constant")
    if not numbers.any() and np.broadcast_shapes(flow.view, numbers.shape) == flow.view:
        return flow
    layer = call.conversion.layers[flow.key]
    name = call.node.inputs[data]
    channels = layer.shape[1] if len(layer.shape) > 1 else 0
    row = _per_channel(numbers, len(flow.view), channels)
    alone = layer.value == name and call.conversion.model.uses[name] == 1 and layer.shape == flow.view
    if layer.op not in ("conv2d", "dense") or not alone or row is None:
        raise RefusedError(
            "it adds a constant that is no bias of the layer before",
            rewrite="add one constant for each channel, directly after a Conv, Gemm or MatMul",
            code="PPC601",
        )
    bias = layer.weights["bias"] + row if "bias" in layer.weights else row
    weights = {"weight": layer.weights["weight"], "bias": bias}
    changed: Layer = replace(layer, weights=weights, value=call.node.outputs[0])
    call.conversion.layers[layer.key] = changed
    return flow


def _per_channel(numbers: Array, rank: int, channels: int) -> Array | None:
    """The constant as one number for each channel, if it is that."""
    aligned = numbers.reshape((1,) * (rank - numbers.ndim) + numbers.shape) if numbers.ndim <= rank else numbers
    others = (size for axis, size in enumerate(aligned.shape) if axis != 1)
    if aligned.ndim != rank or any(size != 1 for size in others) or aligned.shape[1] not in (1, channels):
        return None
    return np.ascontiguousarray(np.broadcast_to(aligned.reshape(-1), (channels,)))


def concat(call: Call) -> Value:
    flows = [call.conversion.settled(call.flow(index)) for index in range(len(call.inputs))]
    rank = len(flows[0].view)
    if call.attr("axis", 1) % rank != 1:
        raise RefusedError(f"it joins along axis {call.attr('axis')}", rewrite="join along the channels: axis 1")
    ranks = {len(call.conversion.layers[flow.key].shape) for flow in flows}
    if len(ranks) > 1:
        flows = [call.conversion.reshaped(flow) for flow in flows]
    if len(flows) == 1:
        return flows[0]
    channels = sum(flow.view[1] for flow in flows)
    return call.layer("concat", *flows, view=(flows[0].view[0], channels, *flows[0].view[2:]))


def batch_norm(call: Call) -> Value:
    x = call.conversion.settled(call.flow())
    if call.attr("training_mode", 0) or not call.attr("spatial", 1):
        raise RefusedError(
            "it is not the batch norm of a trained model", rewrite="export the model after `model.eval()`"
        )
    roles = ("scale", "shift", "mean", "variance")
    weights = {role: call.weight(index, role) for index, role in enumerate(roles, 1)}
    attrs = {
        "epsilon": _plain(call.attr("epsilon", 1e-5)),
        "momentum": _plain(
            1.0 - call.attr("momentum", 0.9)
        ),  # ONNX keeps that much of the old, PyTorch takes of the new
    }
    if not (1e-12 <= attrs["epsilon"] < 1.0 and 0.0 <= attrs["momentum"] < 1.0):
        raise RefusedError(f"its epsilon is {attrs['epsilon']:g}", rewrite="use an epsilon from 1e-12 to below 1")
    return call.layer("batch_norm", x, attrs=attrs, weights=weights, title=title_of(call), view=x.view)


def _plain(number: float) -> float:
    """1e-5 is stored as the float32 9.99999974e-06; a person wrote 1e-5."""
    return float(f"{number:.6g}")
