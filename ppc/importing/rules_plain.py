"""Operators without weights: activations, and those that only give a value another shape."""

from __future__ import annotations

from math import prod

import numpy as np

from ppc.importing.call import Call, Rule
from ppc.importing.network import Flow, Shape, Static, Value
from ppc.importing.problems import RefusedError
from ppc.ir.graph import Attribute


def elementwise(op: str) -> Rule:
    """A rule for an activation that acts on every element alone."""

    def rule(call: Call) -> Value:
        x = call.flow()
        return call.layer(op, x, view=x.view)

    return rule


def clip(call: Call) -> Value:
    """Clip from 0 upwards is relu; with an upper end there is nothing like it."""
    x = call.flow()
    low = _end(call, 1, "min", -np.inf)
    high = _end(call, 2, "max", np.inf)
    if low != 0.0 or high < float(np.finfo(np.float32).max):
        raise RefusedError(
            f"it clips to {low:g}..{high:g}", rewrite="use Relu instead of ReLU6 or hardtanh", code="PPC601"
        )
    return call.layer("relu", x, view=x.view)


def _end(call: Call, index: int, name: str, default: float) -> float:
    if call.has(index):
        return float(np.ravel(call.static(index, name).array)[0])
    return float(call.attr(name, default))


def softmax(call: Call) -> Value:
    x = call.conversion.settled(call.flow())
    rank = len(x.view)
    axis = call.attr("axis", -1 if call.opset >= 13 else 1) % rank
    if axis != 1 or prod(x.view[2:]) != 1:
        raise RefusedError(f"it works along axis {axis} of {rank}", rewrite="use it on a row of classes: axis 1 of 2")
    return call.layer("softmax", x, view=x.view)


def argmax(call: Call) -> Value:
    x = call.flow()
    axis = call.attr("axis", 0) % len(x.view)
    if len(x.view) != 2 or axis != 1 or call.attr("select_last_index", 0):
        raise RefusedError(
            f"it works along axis {axis} of {len(x.view)}", rewrite="use it on a row of classes: axis 1 of 2"
        )
    view = (x.view[0], 1) if call.attr("keepdims", 1) else x.view[:1]
    return call.layer("argmax", call.conversion.settled(x), view=view)


def dropout(call: Call) -> Value:
    x = call.flow()
    if call.has(2) and call.static(2, "mode").array.any():
        raise RefusedError("it drops values", rewrite="export the model after `model.eval()`")
    rate = float(np.ravel(call.static(1, "ratio").array)[0]) if call.has(1) else float(call.attr("ratio", 0.5))
    rate = float(f"{rate:.6g}")
    if not 0.0 < rate < 1.0:
        return x
    attrs: dict[str, Attribute] = {"rate": rate}
    return call.layer("dropout", x, attrs=attrs, view=x.view)


def identity(call: Call) -> Value:
    return call.padded_flow()


def cast(call: Call) -> Value:
    """Between elements of real numbers a cast changes nothing here."""
    if call.attr("to") not in (1, 11):  # FLOAT, DOUBLE
        raise RefusedError("it leaves the real numbers", rewrite="keep the data float32", code="PPC601")
    return call.flow()


def cast_like(call: Call) -> Value:
    """A constant in the element of the data; here all elements are real numbers."""
    if isinstance(call.inputs[0], Static):
        return Static(array=call.inputs[0].array.astype(np.float32))
    return call.flow()


def shape_of(call: Call) -> Value:
    view = call.flow().view
    return Static(array=np.asarray(view[call.attr("start", 0) : call.attr("end", len(view))], np.int64))


def flatten(call: Call) -> Value:
    x = call.flow()
    if call.attr("axis", 1) % (len(x.view) + 1) != 1:
        raise RefusedError("it flattens the batch too", rewrite="flatten from axis 1 on")
    return _seen_as(x, (x.view[0], prod(x.view[1:])))


def reshape(call: Call) -> Value:
    x = call.flow()
    wanted = list(call.numbers(1, "shape") if call.has(1) else call.attr("shape", ()))
    if not call.attr("allowzero", 0):
        wanted = [x.view[axis] if size == 0 and axis < len(x.view) else size for axis, size in enumerate(wanted)]
    if -1 in wanted:
        known = prod(size for size in wanted if size != -1)
        wanted[wanted.index(-1)] = prod(x.view) // known if known else 0
    return _seen_as(x, tuple(wanted))


def squeeze(call: Call) -> Value:
    x = call.flow()
    rank = len(x.view)
    given = call.numbers(1, "axes") if call.has(1) else call.attr("axes")
    axes = {axis % rank for axis in given} if given else {axis for axis, size in enumerate(x.view) if size == 1}
    return _seen_as(x, tuple(size for axis, size in enumerate(x.view) if axis not in axes))


def unsqueeze(call: Call) -> Value:
    x = call.flow()
    given = call.numbers(1, "axes") if call.has(1) else call.attr("axes", ())
    rank = len(x.view) + len(given)
    rest = iter(x.view)
    axes = {axis % rank for axis in given}
    return _seen_as(x, tuple(1 if axis in axes else next(rest) for axis in range(rank)))


def transpose(call: Call) -> Value:
    """Only where sizes of one move: then the order of the numbers stays."""
    x = call.flow()
    order = tuple(call.attr("perm") or reversed(range(len(x.view))))
    moving = [axis for axis in order if x.view[axis] != 1]
    if moving != sorted(moving):
        raise RefusedError(
            f"it changes the order of the values ({list(order)})", rewrite="keep channels, height, width"
        )
    return _seen_as(x, tuple(x.view[axis] for axis in order))


def _seen_as(x: Flow, view: Shape) -> Flow:
    """The same numbers in the same order under another shape; examples must stay apart."""
    if len(view) < 2 or view[0] != x.view[0] or prod(view) != prod(x.view):
        raise RefusedError(
            f"it makes {list(view)} of {list(x.view)}: the batch does not stay the first size",
            rewrite="keep the batch first and as it is",
        )
    return Flow(key=x.key, view=view)
