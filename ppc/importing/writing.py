"""An imported network as the text of a program, as a person would have written it."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, log2, prod
from typing import cast

import numpy as np

from ppc.grammar.format import format_source
from ppc.importing.names import Names, first_operand, named, operands_by_name
from ppc.importing.network import Layer, Network
from ppc.ir.types import Interval
from ppc.source import Source
from ppc.weights import SomeWeights, Weights


def weights_of(network: Network) -> Weights:
    """The numbers of the network, under the names that its program will give them."""
    called = named(network).called
    return {
        f"{called[layer.key]}.{role}": np.ascontiguousarray(array)
        for layer in network.body
        for role, array in layer.weights.items()
    }


def smallest_bound(weights: SomeWeights) -> float:
    """The smallest power of two that holds all of them."""
    largest = max((float(np.abs(values).max(initial=0.0)) for values in weights.values()), default=0.0)
    return 2.0 ** ceil(log2(largest)) if largest > 0 else 1.0


def program(network: Network, *, name: str, origin: str, bounds: Interval, weight_bound: float, file: str) -> str:
    """The whole program, laid out as `ppc fmt` does."""
    lines = [
        *_heading(network, origin, file),
        "party client, server",
        "",
        *_model(network, name, bounds),
        "",
        *_private(network, name, weight_bound),
    ]
    return format_source(Source(name=f"{name}.pnn", text="\n".join(lines) + "\n"))


def _heading(network: Network, origin: str, file: str) -> Iterator[str]:
    arrays = [array for layer in network.body for array in layer.weights.values()]
    yield f"# Imported from {_one_line(origin)}."
    if arrays:
        yield f"# Its {sum(array.size for array in arrays):,} weights in {len(arrays)} arrays are in {_one_line(file)}."


def _one_line(name: str) -> str:
    """A file's name as a comment may hold it: a line break in it would begin a line of the program."""
    return "".join(character if character.isprintable() else "?" for character in name)


def _model(network: Network, name: str, bounds: Interval) -> Iterator[str]:
    names = named(network)
    given = ", ".join(
        f"{names.called[i.key]}: {_type(i.sizes)} in {number(bounds.low)}..{number(bounds.high)}"
        for i in network.inputs
    )
    result = network[network.output]
    promise = "index" if result.op == "argmax" else _type(result.sizes)
    yield f"model {name}({given}) -> {promise} {{"
    before = network.inputs[0].key if len(network.inputs) == 1 else ""
    for layer in network.body:
        yield _line(names, layer, before) + _comment(network, layer)
        before = layer.key
    yield "}"


def _type(sizes: tuple[int, ...]) -> str:
    return f"real[{', '.join(map(str, sizes))}]"


def _line(names: Names, layer: Layer, before: str) -> str:
    first = first_operand(layer, before)
    start = "" if first == before else f"{names.called[first]} -> "
    target = f"{names.called[layer.key]} = " if layer.key in names.written else ""
    others = operands_by_name(layer, before)[0 if first == before else 1 :]
    return f"{target}{start}{_step(layer, [names.called[key] for key in others])}"


def _step(layer: Layer, others: list[str]) -> str:
    arguments = [*_arguments(layer), *others]
    return f"{layer.op}({', '.join(arguments)})" if arguments else layer.op


def _arguments(layer: Layer) -> Iterator[str]:
    """What differs from the defaults of the language."""
    attrs = layer.attrs
    match layer.op:
        case "conv2d":
            yield str(attrs["channels"])
            yield f"kernel={_size(attrs['kernel'])}"
            yield from _unless(attrs["stride"] == (1, 1), f"stride={_size(attrs['stride'])}")
            yield from _unless(attrs["padding"] == (0, 0), f"padding={_size(attrs['padding'])}")
            yield from _unless(attrs["groups"] == 1, f"groups={attrs['groups']}")
            yield from _unless("bias" in layer.weights, "bias=false")
        case "dense":
            yield str(attrs["features"])
            yield from _unless("bias" in layer.weights, "bias=false")
        case "max_pool" | "avg_pool":
            yield _size(attrs["kernel"])
            yield from _unless(attrs["stride"] == attrs["kernel"], f"stride={_size(attrs['stride'])}")
            yield from _unless(attrs["padding"] == (0, 0), f"padding={_size(attrs['padding'])}")
        case "batch_norm":
            yield from _unless(attrs["epsilon"] == 1e-5, f"epsilon={number(attrs['epsilon'])}")
            yield from _unless(attrs["momentum"] == 0.1, f"momentum={number(attrs['momentum'])}")
        case "dropout":
            yield number(attrs["rate"])
        case "reshape":
            yield f"[{', '.join(map(str, layer.sizes))}]"
        case _:
            pass


def _unless(usual: bool, text: str) -> Iterator[str]:
    if not usual:
        yield text


def _size(pair: object) -> str:
    """3 for [3, 3]."""
    height, width = cast(tuple[int, int], pair)
    return str(height) if height == width else f"[{height}, {width}]"


def number(value: object) -> str:
    """A number as the language reads it, with no digit lost."""
    assert isinstance(value, float | int)
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _comment(network: Network, layer: Layer) -> str:
    """The shape, where height and width change and where an image becomes a row."""
    before = network[layer.inputs[0]].sizes
    if layer.op == "dense" and len(before) > 1:
        return f"  # takes {prod(before):,} values"
    if layer.op != "dense" and layer.sizes[1:] != before[1:] and layer.sizes:
        return f"  # {_type(layer.sizes)}"
    return ""


def _private(network: Network, name: str, weight_bound: float) -> Iterator[str]:
    called = named(network).called
    yield f"private {name} {{"
    for given in network.inputs:
        yield f"{called[given.key]} from client"
    if any(layer.weights for layer in network.body):
        yield "# The smallest power of two that holds the weights. A bound taken from weights tells the client"
        yield "# something of their range, so the program says so; a bound chosen without looking needs no such line."
        yield f"weights from server in {number(-weight_bound)}..{number(weight_bound)}"
        yield "reveal range of weights"
    else:
        yield "weights from server"
    yield "result to client"
    yield "joint { field = mersenne61, fraction = 16 }"
    yield "}"
