"""Operators that slide a window: Conv, MaxPool, AveragePool, and the Pad that goes into one of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ppc.importing.call import Call
from ppc.importing.network import NO_PADDING, Flow, Value
from ppc.importing.problems import RefusedError
from ppc.ir.graph import Attribute
from ppc.ir.shapes import window_count
from ppc.weights import Array

Padding = tuple[int, int, int, int]


def conv(call: Call) -> Value:
    x, weight = call.image(), call.weight(1, "weight")
    if weight.ndim != 4:
        raise RefusedError("its weight is not of two dimensions", rewrite="use a convolution of height and width")
    kernel = (int(weight.shape[2]), int(weight.shape[3]))
    stride = _pair(call, "strides", 1)
    attrs: dict[str, Attribute] = {
        "channels": int(weight.shape[0]),
        "kernel": kernel,
        "stride": stride,
        "padding": _padding(call, x, kernel, stride),
        "groups": int(call.attr("group", 1)),
    }
    weights = {"weight": weight, **bias_of(call)}
    return call.layer("conv2d", x, attrs=attrs, weights=weights, title=title_of(call))


def bias_of(call: Call) -> dict[str, Array]:
    """The third input. Exporters write zeros for a layer without bias; a trained bias of zeros stays."""
    if not call.has(2):
        return {}
    bias = call.static(2, "bias")
    return {} if not bias.stored and not bias.array.any() else {"bias": call.weight(2, "bias")}


def title_of(call: Call) -> str:
    """What the exporter's user called this layer: `fc.weight` and `/fc/Gemm` are both about fc."""
    weight = call.static(1, "weight").stored
    if weight.endswith(".weight"):
        return weight.removesuffix(".weight")
    name = call.node.name if call.node.proto.name else ""
    if name.startswith("/"):
        return name.strip("/").rpartition("/")[0]
    return "" if re.fullmatch(rf"node_.*|{re.escape(call.node.op)}_?\d*", name) else name


def max_pool(call: Call) -> Value:
    x = call.image()
    if x.padding != NO_PADDING:
        raise RefusedError(
            "a Pad with zeros before a MaxPool is no padding of the pool", rewrite="use the pool's own pads"
        )
    return _pool(call, "max_pool", x)


def average_pool(call: Call) -> Value:
    x = call.image()
    own = any(call.attr("pads", ())) or call.attr("auto_pad", "NOTSET").startswith("SAME")
    if own and not call.attr("count_include_pad", 0):
        raise RefusedError(
            "it leaves its padding out of the average", rewrite="export with count_include_pad=True, PyTorch's default"
        )
    return _pool(call, "avg_pool", x)


def _pool(call: Call, op: str, x: Flow) -> Value:
    kernel = _pair(call, "kernel_shape", 0)
    stride = _pair(call, "strides", 1)
    padding = _padding(call, x, kernel, stride)
    if call.attr("ceil_mode", 0):
        _check_ceiling(x, kernel, stride, padding)
    if (kernel, stride, padding) == ((1, 1), (1, 1), (0, 0)):
        return Flow(key=x.key, view=x.view)  # exporters write such pools for an adaptive pool that has nothing to do
    attrs: dict[str, Attribute] = {"kernel": kernel, "stride": stride, "padding": padding}
    return call.layer(op, Flow(key=x.key, view=x.view), attrs=attrs)


def _check_ceiling(x: Flow, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]) -> None:
    for size, window, step, pad in zip(x.view[2:], kernel, stride, padding, strict=True):
        if (size + 2 * pad - window) % step:
            count = window_count(size, window, step, pad)
            raise RefusedError(
                f"it rounds its size up, to {count + 1}; the language rounds down, to {count}",
                rewrite="export with ceil_mode=False",
            )


def global_average_pool(call: Call) -> Value:
    call.flow()  # no Pad may wait here
    x = call.image()
    return call.layer("global_avg_pool", x, view=(*x.view[:2], 1, 1))


def reduce_mean(call: Call) -> Value:
    """A mean over height and width is a global average pool."""
    x = call.flow()
    axes = call.numbers(1, "axes") if call.has(1) else tuple(call.attr("axes") or ())
    if len(x.view) != 4 or {axis % 4 for axis in axes} != {2, 3}:
        raise RefusedError(f"it reduces the axes {list(axes)}", rewrite="reduce height and width only: axes [2, 3]")
    view = (*x.view[:2], 1, 1) if call.attr("keepdims", 1) else x.view[:2]
    return call.layer("global_avg_pool", call.image(), view=view)


def pad(call: Call) -> Value:
    """Zeros around height and width wait for the window that they belong to."""
    x = call.padded_flow()
    before, after = _pads(call, len(x.view))
    if not any((*before, *after)):
        return x
    rewrite = "pad height and width with the constant 0, or use the padding of the next Conv"
    if call.attr("mode", "constant") != "constant" or _pad_value(call) != 0.0:
        raise RefusedError("it does not pad with zeros", rewrite=rewrite)
    if len(x.view) != 4 or any((*before[:2], *after[:2])) or min((*before, *after)) < 0:
        raise RefusedError("it pads something else than height and width", rewrite=rewrite)
    top, left, bottom, right = x.padding
    padding = (top + before[2], left + before[3], bottom + after[2], right + after[3])
    return Flow(key=x.key, view=x.view, padding=padding)


def _pads(call: Call, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if not call.has(1):
        pads = tuple(int(number) for number in call.attr("pads", ()))
        return pads[:rank], pads[rank:]
    pads = call.numbers(1, "pads")
    axes = [axis % rank for axis in call.numbers(3, "axes")] if call.has(3) else list(range(rank))
    before, after = [0] * rank, [0] * rank
    for place, axis in enumerate(axes):
        before[axis], after[axis] = pads[place], pads[len(axes) + place]
    return tuple(before), tuple(after)


def _pad_value(call: Call) -> float:
    return float(np.ravel(call.static(2, "value").array)[0]) if call.has(2) else float(call.attr("value", 0.0))


def _pair(call: Call, name: str, default: int) -> tuple[int, int]:
    numbers: Any = call.attr(name) or (default, default)
    if len(numbers) != 2 or min(numbers) < 1:
        raise RefusedError(f"its {name} is {list(numbers)}", rewrite="use two numbers from 1 on, for height and width")
    return int(numbers[0]), int(numbers[1])


def _padding(call: Call, x: Flow, kernel: tuple[int, int], stride: tuple[int, int]) -> tuple[int, int]:
    """The operator's own padding and that of a Pad before it, which must be alike on both sides."""
    if set(_pair(call, "dilations", 1)) != {1}:
        raise RefusedError("its window is dilated", rewrite="use a larger kernel, or two layers")
    pads = _own_pads(call, x, kernel, stride)
    top, left, bottom, right = (own + waiting for own, waiting in zip(pads, x.padding, strict=True))
    if (top, left) != (bottom, right):
        raise RefusedError(
            f"its padding is not alike on both sides (top {top}, bottom {bottom}, left {left}, right {right})",
            rewrite="use symmetric padding, with a kernel of odd size",
        )
    return top, left


def _own_pads(call: Call, x: Flow, kernel: tuple[int, int], stride: tuple[int, int]) -> Padding:
    mode = call.attr("auto_pad", "NOTSET")
    if mode == "VALID":
        return NO_PADDING
    if mode == "NOTSET":
        pads: Any = call.attr("pads") or NO_PADDING
        if len(pads) != 4 or min(pads) < 0:
            raise RefusedError(f"its pads are {list(pads)}", rewrite="pad height and width, with numbers from 0 on")
        return int(pads[0]), int(pads[1]), int(pads[2]), int(pads[3])
    rows, columns = (
        max((-(-size // step) - 1) * step + window - size, 0)
        for size, step, window in zip(x.view[2:], stride, kernel, strict=True)
    )
    small = (rows // 2, columns // 2)
    large = (rows - small[0], columns - small[1])
    return (*small, *large) if mode == "SAME_UPPER" else (*large, *small)
