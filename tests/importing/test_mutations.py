"""Models with random damage: an import ends with a coded error or with a program that agrees, never otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import AttributeProto, ModelProto, NodeProto, numpy_helper

from ppc.errors import PpcError
from ppc.importing import import_model
from tests.importing.onnx_models import Maker, lenet, residual
from tests.importing.test_operators import CASES

Mutation = Callable[[ModelProto, NodeProto, np.random.Generator], None]
OTHER_OPERATORS = ("Relu", "Add", "Flatten", "Concat", "Softmax", "MaxPool", "Squeeze", "Transpose", "MatMul", "Gelu")


def models() -> list[ModelProto]:
    """The models of the operator tests."""
    found = [make.proto("scores") for opset in (7, 11, 13, 18) for make in (lenet(opset), residual(opset))]
    for build, _ in CASES.values():
        make = Maker(opset=17)
        found.append(make.proto(build(make)))
    return found


def change_attribute(_model: ModelProto, node: NodeProto, generator: np.random.Generator) -> None:
    """Another number, one more, one less, or none."""
    if not node.attribute:
        return
    attr = node.attribute[int(generator.integers(len(node.attribute)))]
    number = int(generator.choice([-3, -1, 0, 1, 2, 3, 100, 2**40]))
    if attr.type == AttributeProto.INTS and attr.ints:
        match int(generator.integers(3)):
            case 0:
                attr.ints[int(generator.integers(len(attr.ints)))] = number
            case 1:
                del attr.ints[-1:]
            case _:
                attr.ints.append(number)
    elif attr.type == AttributeProto.INT:
        attr.i = number
    elif attr.type == AttributeProto.FLOAT:
        attr.f = float(generator.choice([0.0, -1.0, 2.0, np.nan, np.inf]))
    else:
        node.attribute.remove(attr)


def change_input(model: ModelProto, node: NodeProto, generator: np.random.Generator) -> None:
    names = [name for other in model.graph.node for name in other.output]
    names += [tensor.name for tensor in model.graph.initializer] + ["data", ""]
    if node.input:
        node.input[int(generator.integers(len(node.input)))] = names[int(generator.integers(len(names)))]


def drop_input(_model: ModelProto, node: NodeProto, _generator: np.random.Generator) -> None:
    del node.input[-1:]


def change_operator(_model: ModelProto, node: NodeProto, generator: np.random.Generator) -> None:
    node.op_type = str(generator.choice(OTHER_OPERATORS))
    del node.attribute[:]


def change_constant(model: ModelProto, _node: NodeProto, generator: np.random.Generator) -> None:
    """Other shapes, other elements, no element."""
    if not model.graph.initializer:
        return
    tensor = model.graph.initializer[int(generator.integers(len(model.graph.initializer)))]
    array = np.atleast_1d(numpy_helper.to_array(tensor))
    choices = (array.reshape(-1), array[..., :0], array[None], array.astype(np.int32), -array, array[..., :1])
    tensor.CopyFrom(numpy_helper.from_array(choices[int(generator.integers(len(choices)))], tensor.name))


MUTATIONS: tuple[Mutation, ...] = (
    change_attribute,
    change_attribute,
    change_input,
    drop_input,
    change_operator,
    change_constant,
)


def outcomes(folder: Path, seed: int, count: int) -> Counter[str]:
    generator = np.random.default_rng(seed)
    whole, found = models(), Counter[str]()
    for _ in range(count):
        model = ModelProto()
        model.CopyFrom(whole[int(generator.integers(len(whole)))])
        for _ in range(int(generator.integers(1, 3))):
            node = model.graph.node[int(generator.integers(len(model.graph.node)))]
            MUTATIONS[int(generator.integers(len(MUTATIONS)))](model, node, generator)
        (folder / "m.onnx").write_bytes(model.SerializeToString())
        try:
            import_model(str(folder / "m.onnx"), output=folder / "m.pnn")
            found["imported"] += 1
        except PpcError as error:
            found.update({diagnostic.code for diagnostic in error.diagnostics})
    return found


def test_damage_is_told_in_codes(tmp_path: Path) -> None:
    found = outcomes(tmp_path, 1, 400)

    assert found["imported"] > 20
    assert found["PPC602"] + found["PPC604"] > 100
    assert set(found) <= {"imported", "PPC505", "PPC506", "PPC601", "PPC602", "PPC603", "PPC604"}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 10))
def test_much_damage_is_told_in_codes(tmp_path: Path, seed: int) -> None:
    assert outcomes(tmp_path, seed, 5_000)["imported"] > 200
