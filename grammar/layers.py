"""The layers a model can be made of, one row each: the arguments they take and the op they become.

To add a layer: a row here, and rows for its op in the tables of `ppc.ir`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# count  a whole number from `low` to `high`       size    a count, or [height, width]
# pad    a size, or the word `same`                flag    true or false
# share  a real from `low` to below `high`         values  names of earlier values
# sizes  [c, h, w]                                 value   the name of an earlier value
# interval  low..high
Kind = Literal["count", "size", "pad", "flag", "share", "value", "values", "sizes", "interval"]
REQUIRED = object()


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One argument of a layer."""

    name: str
    kind: Kind
    default: object = REQUIRED
    low: float = 1
    high: float = 1_000_000
    by_name: bool = False  # never by its place: PyTorch has another argument there


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A row. `weights` are the roles of its parameters in the graph."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    op: str
    prefix: str
    weights: tuple[str, ...] = ()


_KERNEL = Parameter(name="kernel", kind="size", high=10_000)
_POOL = (
    _KERNEL,
    Parameter(name="stride", kind="size", default=None, high=10_000),
    Parameter(name="padding", kind="size", default=(0, 0), low=0, high=10_000),
)
_BIAS = Parameter(name="bias", kind="flag", default=True, by_name=True)
_APPROXIMATION = (
    Parameter(name="poly", kind="count", default=None, high=15),
    Parameter(name="over", kind="interval", default=None, low=-1000, high=1000),
)


def _layer(name: str, *parameters: Parameter, op: str = "", prefix: str = "", weights: tuple[str, ...] = ()) -> Layer:
    return Layer(name=name, parameters=parameters, op=op or name, prefix=prefix or name, weights=weights)


_ROWS = (
    _layer(
        "conv2d",
        Parameter(name="channels", kind="count"),
        _KERNEL,
        Parameter(name="stride", kind="size", default=(1, 1), high=10_000, by_name=True),
        Parameter(name="padding", kind="pad", default=(0, 0), low=0, high=10_000, by_name=True),
        Parameter(name="groups", kind="count", default=1, by_name=True),
        _BIAS,
        prefix="conv",
        weights=("weight", "bias"),
    ),
    _layer("dense", Parameter(name="features", kind="count"), _BIAS, weights=("weight", "bias")),
    _layer("avg_pool", *_POOL),
    _layer("max_pool", *_POOL),
    _layer("global_avg_pool"),
    _layer("relu", *_APPROXIMATION),
    _layer("sigmoid", *_APPROXIMATION),
    _layer("tanh", *_APPROXIMATION),
    _layer("softmax"),
    _layer("argmax"),
    _layer(
        "batch_norm",
        Parameter(name="epsilon", kind="share", default=1e-5, low=1e-12, high=1),
        Parameter(name="momentum", kind="share", default=0.1, low=0, high=1),
        weights=("scale", "shift", "mean", "variance"),
    ),
    _layer("flatten"),
    _layer("reshape", Parameter(name="sizes", kind="sizes")),
    _layer("add", Parameter(name="value", kind="value")),
    _layer("concat", Parameter(name="values", kind="values")),
    _layer("dropout", Parameter(name="rate", kind="share", default=0.5, low=0, high=1)),
)

LAYERS: Mapping[str, Layer] = {layer.name: layer for layer in _ROWS}

# What people who come from other systems write, in lower case.
SYNONYMS: Mapping[str, str] = {
    "adaptiveavgpool2d": "global_avg_pool",
    "cat": "concat",
    "conv": "conv2d",
    "fc": "dense",
    "fully_connected": "dense",
    "linear": "dense",
    "view": "reshape",
}
