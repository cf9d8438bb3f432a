"""The walk over an ONNX graph: constants are computed, operators become layers, refusals are collected.

The rules for single operators stand in `rules_…`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ppc.errors import PpcError, fail
from ppc.importing.call import Call, Conversion, Rule
from ppc.importing.folding import FOLDED, folded
from ppc.importing.network import NO_PADDING, Flow, Layer, Network, Static, Value
from ppc.importing.problems import ANYTHING, REWRITES, RefusedError, raised
from ppc.importing.reading import OnnxModel, OnnxNode


def convert(model: OnnxModel, rules: Mapping[str, Rule]) -> Network:
    """The model as layers, or every reason why not."""
    conversion = Conversion(model=model)
    conversion.values.update({name: Static(array=array, stored=name) for name, array in model.constants.items()})
    for given in model.inputs:
        conversion.layers[given.name] = Layer(key=given.name, op="input", shape=given.shape, value=given.name)
        conversion.values[given.name] = Flow(key=given.name, view=given.shape)
    for node in model.nodes:
        try:
            _visit(conversion, node, rules)
        except RefusedError as refused:
            conversion.refuse(node, refused)
            conversion.stand_in(node)
    if conversion.problems:
        raise raised(conversion.problems)
    return _finished(conversion)


def _visit(conversion: Conversion, node: OnnxNode, rules: Mapping[str, Rule]) -> None:
    inputs = tuple(conversion.values.get(name) for name in node.inputs)
    constant = all(isinstance(value, Static) or not name for name, value in zip(node.inputs, inputs, strict=True))
    if node.op in FOLDED and constant:
        statics = [value if isinstance(value, Static) else None for value in inputs]
        made = folded(node, statics, opset=conversion.model.opset)
        conversion.values.update(zip(node.outputs, made, strict=False))
        return
    if node.op not in rules:
        raise RefusedError("", rewrite=REWRITES.get(node.op, ANYTHING), code="PPC601")
    if any(name and name not in conversion.values for name in node.inputs):
        return  # it hangs on a refused node of unknown shape
    call = Call(node=node, inputs=inputs, conversion=conversion)
    more = [name for name in node.outputs[1:] if name and conversion.model.uses[name]]
    if more and node.op != "Split":
        raise RefusedError(f"its second output `{more[0]}` is used", rewrite="use the first output only")
    conversion.values[node.outputs[0]] = _applied(rules[node.op], call)


def _applied(rule: Rule, call: Call) -> Value:
    """onnx's checker knows which attributes a node may have, but not whether their numbers fit its inputs."""
    try:
        return rule(call)
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise RefusedError(
            f"its inputs and attributes do not fit together ({error})", rewrite="export the model again"
        ) from error


def _finished(conversion: Conversion) -> Network:
    outputs = conversion.model.outputs
    result = conversion.values.get(outputs[0]) if len(outputs) == 1 else None
    if not isinstance(result, Flow) or result.padding != NO_PADDING:
        raise _no_result(outputs)
    result = conversion.settled(result)
    if conversion.layers[result.key].op == "input":
        raise _no_result(outputs)
    return Network(layers=_needed(conversion, result.key), output=result.key)


def _needed(conversion: Conversion, result: str) -> tuple[Layer, ...]:
    """Inputs, and the layers that the result depends on."""
    needed = {result}
    for layer in reversed(conversion.layers.values()):
        if layer.key in needed:
            needed.update(layer.inputs)
    return tuple(layer for layer in conversion.layers.values() if layer.key in needed)


def _no_result(outputs: Sequence[str]) -> PpcError:
    if len(outputs) == 1:
        return fail("PPC604", f"The output `{outputs[0]}` is not computed by a layer from the data.")
    return fail(
        "PPC604",
        f"The model has {len(outputs)} outputs ({', '.join(outputs)}); the language has one result.",
        hint="Export the output that the client is to receive, or join them with Concat.",
    )
