"""From a layer's arguments to the op and attributes of its node. Called by `bodies`."""

from __future__ import annotations

from typing import cast

from ppc.approximation import DEFAULT_INTERVAL, fit
from ppc.grammar.arguments import Reader
from ppc.grammar.layers import Layer
from ppc.ir.graph import Attribute
from ppc.ir.types import Interval
from ppc.source import Span


def attributes_of(
    layer: Layer, values: dict[str, object], span: Span, reader: Reader
) -> tuple[str | None, dict[str, Attribute]]:
    """The op, or None where the arguments do not fit together."""
    given = {k: v for k, v in values.items() if k not in ("value", "values", "bias", "poly", "over")}
    if layer.name == "conv2d" and given["padding"] == "same":
        padding = _same_padding(given, span, reader)
        if padding is None:
            return None, {}
        given["padding"] = padding
    if layer.name in ("avg_pool", "max_pool") and given["stride"] is None:
        given["stride"] = given["kernel"]
    if layer.name == "reshape":
        given = {"shape": given["sizes"]}
    if "poly" in values and values["poly"] is not None:
        return _polynomial(layer, values)
    if values.get("over") is not None:
        reader.blame(
            "PPC107",
            f"`{layer.name}(over=…)` needs `poly` too: it says where the polynomial fits.",
            span,
            hint=f"Write `{layer.name}(poly=3, over=-3..5)`, or `{layer.name}` for the exact function.",
        )
        return None, {}
    return layer.op, cast(dict[str, Attribute], given)


def _same_padding(values: dict[str, object], span: Span, reader: Reader) -> tuple[int, int] | None:
    kernel = cast(tuple[int, int], values["kernel"])
    if values["stride"] != (1, 1) or any(side % 2 == 0 for side in kernel):
        reader.blame(
            "PPC206",
            "`padding=same` needs stride 1 and an odd kernel: otherwise input and output cannot have one size.",
            span,
            hint="Write the padding as a number, for example `padding=1`.",
        )
        return None
    return kernel[0] // 2, kernel[1] // 2


def _polynomial(layer: Layer, values: dict[str, object]) -> tuple[str, dict[str, Attribute]]:
    degree, over = cast(int, values["poly"]), values["over"]
    low, high = (over.low, over.high) if isinstance(over, Interval) else DEFAULT_INTERVAL[layer.name]
    return "polynomial", {"coefficients": fit(layer.name, degree, low, high), "replaces": layer.name}
