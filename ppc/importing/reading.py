"""An ONNX file as plain Python: nodes, constants, and the shapes of its inputs. The one door to protobuf.

Reads the file only; nothing of it is run. Needs the package `onnx`, which is an extra.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

# What the tests of this package have seen. An operator may change its meaning with the opset.
OLDEST, NEWEST = 7, 28
MOST_NODES = 2_000  # ResNet-152 has about 500
MOST_VALUES = 2**25  # of one input: it is evaluated several times, by two evaluators


@dataclass(frozen=True, kw_only=True)
class OnnxNode:
    """One operator. An input that is left out is the empty name."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attrs: Mapping[str, Any]
    proto: NodeProto


@dataclass(frozen=True, kw_only=True)
class OnnxInput:
    """What the model is given: a shape that starts with the batch."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, kw_only=True)
class OnnxModel:
    """A model file. `label` is how its user knows it."""

    label: str
    opset: int
    nodes: tuple[OnnxNode, ...]
    constants: Mapping[str, NDArray[Any]]
    inputs: tuple[OnnxInput, ...]
    outputs: tuple[str, ...]
    proto: ModelProto

    @cached_property
    def uses(self) -> Counter[str]:
        """How often each value is read, as an input of a node or as an output of the model."""
        return Counter([name for node in self.nodes for name in node.inputs] + list(self.outputs))

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """What onnx itself infers, where that is a number of each size. Only needed to go on after a refusal."""
        graph = require_onnx().shape_inference.infer_shapes(self.proto).graph
        found: dict[str, tuple[int, ...]] = {}
        for value in (*graph.value_info, *graph.output):
            sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            sizes[:1] = [max(size, 1) for size in sizes[:1]]  # an open batch is one example
            if sizes and all(sizes):
                found[value.name] = tuple(sizes)
        return found


def read_file(path: Path) -> OnnxModel:
    """The model in a file."""
    onnx = require_onnx()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise fail("PPC501", f"`{path}` cannot be read: {error.strerror or error}.") from None
    try:
        proto = onnx.load_model_from_string(data)
        onnx.external_data_helper.load_external_data_for_model(proto, str(path.parent))
    except Exception as error:  # protobuf and onnx raise many kinds on damaged bytes
        raise _damaged(path.name, error) from None
    return read_proto(proto, label=path.name)


def require_onnx() -> Any:
    """The package, or advice how to install it."""
    try:
        onnx = import_module("onnx")
        for part in ("onnx.external_data_helper", "onnx.inliner", "onnx.reference.op_run", "onnx.shape_inference"):
            import_module(part)
    except ImportError:
        raise fail(
            "PPC507",
            "Reading ONNX needs the package onnx, which is not installed here.",
            hint="Install it with `pip install 'ppc[onnx]'`.",
        ) from None
    return onnx


def read_proto(proto: ModelProto, *, label: str) -> OnnxModel:
    """A model that is in memory already."""
    onnx = require_onnx()
    opset = _opset(proto, label)
    _check_length(proto, label)
    try:
        onnx.checker.check_model(proto)
        proto = onnx.inliner.inline_local_functions(proto) if proto.functions else proto
        constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    except Exception as error:
        raise _damaged(label, error) from None
    graph = proto.graph
    nodes = tuple(_node(onnx, node, number) for number, node in enumerate(graph.node))
    return OnnxModel(
        label=label,
        opset=opset,
        nodes=nodes,
        constants=constants,
        inputs=_inputs([value for value in graph.input if value.name not in constants], onnx),
        outputs=tuple(value.name for value in graph.output),
        proto=proto,
    )


def _check_length(proto: ModelProto, label: str) -> None:
    """Functions that call functions can make a short file a long program: count before they are written out."""
    known: dict[tuple[str, str], int] = {}
    waiting = {(function.domain, function.name): function for function in proto.functions}
    for _ in range(len(waiting) + 1):  # each round counts the functions whose calls are all counted
        for key in [key for key, function in waiting.items() if not _calls(function.node) & waiting.keys() - {key}]:
            known[key] = _length(waiting.pop(key).node, known)
    nodes = _length(proto.graph.node, known)
    if nodes > MOST_NODES:
        raise fail(
            "PPC604",
            f"`{label}` has {nodes:,} nodes, its functions written out; ppc imports up to {MOST_NODES:,}.",
            hint="Import the part of the model that is to be private.",
        )


def _calls(nodes: Sequence[NodeProto]) -> set[tuple[str, str]]:
    return {(node.domain, node.op_type) for node in nodes}


def _length(nodes: Sequence[NodeProto], known: Mapping[tuple[str, str], int]) -> int:
    return sum(known.get((node.domain, node.op_type), 1) for node in nodes)


def _damaged(label: str, error: Exception) -> PpcError:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return fail(
        "PPC602",
        f"`{label}` is damaged, or no ONNX model: {reason}",
        hint="Export it again, and compare its size with the original.",
    )


def _opset(proto: ModelProto, label: str) -> int:
    """The version of the standard operators; operators of other makers are refused one by one later."""
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    if not proto.graph.node or not versions:
        raise _damaged(label, ValueError("it holds no nodes of the standard operators"))
    if not OLDEST <= versions[0] <= NEWEST:
        raise fail(
            "PPC605",
            f"`{label}` uses opset {versions[0]}; ppc reads {OLDEST} to {NEWEST}.",
            hint=f"Export it again with `opset_version={min(max(versions[0], 17), 20)}`.",
        )
    return versions[0]


def _node(onnx: Any, node: NodeProto, number: int) -> OnnxNode:
    attrs = {attr.name: onnx.helper.get_attribute_value(attr) for attr in node.attribute}
    domain = "" if node.domain in ("", "ai.onnx") else f"{node.domain}."
    return OnnxNode(
        op=domain + _text(node.op_type),
        name=_text(node.name or (node.output[0] if node.output else f"number {number}")),
        inputs=tuple(_text(name) for name in node.input),
        outputs=tuple(_text(name) for name in node.output),
        attrs={_text(key): _text(value) if isinstance(value, bytes) else value for key, value in attrs.items()},
        proto=node,
    )


def _text(name: str | bytes) -> str:
    """protobuf gives bytes where a damaged file holds no valid text."""
    return name if isinstance(name, str) else name.decode(errors="replace")


def _inputs(values: Sequence[ValueInfoProto], onnx: Any) -> tuple[OnnxInput, ...]:
    """A batch that the file leaves open is one example here; every other size must be a number."""
    found: list[OnnxInput] = []
    for value in values:
        tensor = value.type.tensor_type
        sizes = [dim.dim_value if dim.HasField("dim_value") else 0 for dim in tensor.shape.dim]
        dtype = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.DOUBLE: "float64"}.get(tensor.elem_type, "other")
        if dtype == "other" or len(sizes) < 2 or any(size <= 0 for size in sizes[1:]):
            shown = ", ".join(str(size) if size > 0 else "?" for size in sizes)
            raise fail(
                "PPC604",
                f"The input `{value.name}` is [{shown}] of {dtype} elements; every size but the batch must be a "
                "number, and the elements float32 or float64.",
                hint="Export the model with a fixed input, for example float32[1, 3, 32, 32].",
            )
        shape = (max(sizes[0], 1), *sizes[1:])
        if prod(shape) > MOST_VALUES:
            raise fail(
                "PPC604",
                f"The input `{value.name}` holds {prod(shape):,} values; ppc imports up to {MOST_VALUES:,}.",
                hint="Export the model with a batch of one.",
            )
        found.append(OnnxInput(name=value.name, shape=shape, dtype=dtype))
    if not found:
        raise fail("PPC604", "The model has no input.", hint="Export it with the data as its input.")
    return tuple(found)
