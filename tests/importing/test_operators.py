"""Every operator that an import knows, in the spelling of old and new opsets: the lines it becomes, and agreement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ppc.grammar.format import format_source
from ppc.importing.agreement import check_agreement
from ppc.importing.commands import import_network
from ppc.importing.rules import RULES
from ppc.source import Source
from tests.importing.onnx_models import Maker, lenet, residual

OPSETS = (7, 9, 10, 11, 12, 13, 14, 15, 17, 18, 20, 21, 22, 24, 26, 28)


def lines(make: Maker, output: str) -> list[str]:
    """The body of the program that a model becomes, after it was compared and found stable under `fmt`."""
    imported = import_network(make.model(output), name="net")
    assert check_agreement(imported) < 1e-5
    assert format_source(Source("net.pnn", imported.text)) == imported.text
    body = imported.text.partition("-> ")[2].partition("{\n")[2].partition("}\n")[0]
    return [line.partition("  #")[0].strip() for line in body.splitlines()]


@pytest.mark.parametrize("opset", OPSETS)
def test_lenet(opset: int) -> None:
    assert lines(lenet(opset), "scores") == [
        "conv2d(6, kernel=5, padding=2)",
        "relu",
        "avg_pool(2)",
        "conv2d(16, kernel=5)",
        "relu",
        "max_pool(2)",
        "fc1 = dense(120)",
        "relu",
        "fc2 = dense(10)",
    ]


@pytest.mark.parametrize("opset", OPSETS)
def test_a_residual_net(opset: int) -> None:
    assert lines(residual(opset), "scores") == [
        "stem = conv2d(8, kernel=3, padding=1)",
        "batch_norm(epsilon=0.001)",
        "skip = relu",
        "conv2d(8, kernel=3, padding=1)",
        "batch_norm(epsilon=0.001)",
        "add(skip)",
        "branch = relu",
        "conv2d(16, kernel=3, stride=2, padding=1)",
        "skip2 = batch_norm(epsilon=0.001)",
        "branch -> conv2d(16, kernel=1, stride=2)",
        "add(skip2)",
        "relu",
        "global_avg_pool",
        "fc = dense(10)",
    ]


@pytest.mark.parametrize("opset", OPSETS)
def test_spellings_that_changed(opset: int) -> None:
    """Pad, Clip, ReduceMean, Squeeze, Unsqueeze and Dropout took attributes once and take inputs now."""
    make = Maker(opset=opset)
    x = make.numbers("Pad", "data", "pads", [0, 0, 1, 2, 0, 0, 1, 2], since=11)
    x = make.conv(x, 4, 3, 5)
    x = make.op("Clip", x, min=0.0) if opset < 11 else make.op("Clip", x, make.constant(np.float32(0)))
    x = make.op("Dropout", x, ratio=0.25) if opset < 12 else make.op("Dropout", x, make.constant(np.float32(0.25)))
    x = make.numbers("ReduceMean", x, "axes", [2, 3], since=18, keepdims=1)
    x = make.numbers("Squeeze", x, "axes", [2, 3], since=13)
    x = make.numbers("Unsqueeze", x, "axes", [2], since=13)
    x = make.op("Reshape", x, make.constant(np.asarray([0, -1])))
    x = make.op("Softmax", x, axis=1)

    assert lines(make, x) == [
        "conv2d(4, kernel=5, padding=[1, 2])",
        "relu",
        "dropout(0.25)",
        "global_avg_pool",
        "softmax",
    ]


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("given", [True, False])
def test_softmax_after_a_global_pool(opset: int, *, given: bool) -> None:
    """Its axis is 1 by default in old opsets, and the last one since opset 13: with four sizes these differ."""
    make = Maker(opset=opset)
    x = make.op("GlobalAveragePool", "data")
    x = make.op("Softmax", x, axis=1) if given else make.op("Softmax", x if opset < 13 else make.op("Flatten", x))

    assert lines(make, x) == ["global_avg_pool", "softmax"]


Build = Callable[[Maker], str]
CASES: dict[str, tuple[Build, list[str]]] = {
    "groups, stride and an uneven kernel": (
        lambda m: m.op("Conv", "data", m.random(6, 1, 3, 1), group=3, strides=[2, 1], pads=[1, 0, 1, 0]),
        ["conv2d(6, kernel=[3, 1], stride=[2, 1], padding=[1, 0], groups=3, bias=false)"],
    ),
    "auto_pad that is symmetric": (
        lambda m: m.conv("data", 4, 3, auto_pad="SAME_UPPER"),
        ["conv2d(4, kernel=3, padding=1)"],
    ),
    "auto_pad VALID": (lambda m: m.conv("data", 4, 3, auto_pad="VALID"), ["conv2d(4, kernel=3)"]),
    "two halves of a padding": (
        lambda m: m.conv(
            m.op("Pad", "data", m.constant(np.asarray([0, 0, 1, 1, 0, 0, 0, 0]))), 4, 3, pads=[0, 0, 1, 1]
        ),
        ["conv2d(4, kernel=3, padding=1)"],
    ),
    "Pad before AveragePool": (
        lambda m: m.op(
            "AveragePool",
            m.op("Pad", "data", m.constant(np.asarray([0, 0, 1, 1, 0, 0, 1, 1]))),
            kernel_shape=[2, 2],
            strides=[2, 2],
        ),
        ["avg_pool(2, padding=1)"],
    ),
    "a pool with overlap": (
        lambda m: m.op("MaxPool", "data", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        ["max_pool(3, stride=2, padding=1)"],
    ),
    "ceil_mode that changes nothing": (
        lambda m: m.op("MaxPool", "data", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        ["max_pool(2)"],
    ),
    "a pool that does nothing": (
        lambda m: m.op("Relu", m.op("AveragePool", "data", kernel_shape=[1, 1], strides=[1, 1])),
        ["relu"],
    ),
    "padding that counts": (
        lambda m: m.op(
            "AveragePool", "data", kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1
        ),
        ["avg_pool(2, padding=1)"],
    ),
    "MatMul and Add": (
        lambda m: m.op("Add", m.random(5), m.op("MatMul", m.op("Flatten", "data"), m.random(192, 5))),
        ["dense(5)"],
    ),
    "MatMul alone": (
        lambda m: m.op("MatMul", m.op("Flatten", "data"), m.random(192, 5)),
        ["dense(5, bias=false)"],
    ),
    "Gemm with factors": (
        lambda m: m.op("Gemm", m.op("Flatten", "data"), m.random(192, 5), m.random(1, 5), alpha=0.5, beta=2.0),
        ["dense(5)"],
    ),
    "Conv and Add of a constant": (
        lambda m: m.op("Add", m.conv("data", 4, 3), m.random(4, 1, 1)),
        ["conv2d(4, kernel=3)"],
    ),
    "Add of zeros": (
        lambda m: m.op("Relu", m.op("Add", "data", m.constant(np.zeros((1, 3, 8, 8), np.float32)))),
        ["relu"],
    ),
    "Sigmoid and Tanh": (lambda m: m.op("Tanh", m.op("Sigmoid", "data")), ["sigmoid", "tanh"]),
    "a value added to itself": (
        lambda m: (lambda x: m.op("Add", x, x))(m.op("Relu", "data")),
        ["skip = relu", "add(skip)"],
    ),
    "the input as a skip": (
        lambda m: m.op("Add", m.conv("data", 3, 3, pads=[1, 1, 1, 1]), "data"),
        ["conv2d(3, kernel=3, padding=1)", "add(data)"],
    ),
    "concat in the other order": (
        lambda m: (lambda x: (lambda a, b: m.op("Concat", b, a, axis=1))(m.conv(x, 2, 3), m.conv(x, 4, 3)))(
            m.op("Relu", "data")
        ),
        ["branch = relu", "branch2 = conv2d(2, kernel=3)", "branch -> conv2d(4, kernel=3)", "concat(branch2)"],
    ),
    "concat that starts elsewhere": (
        lambda m: (lambda x: (lambda a, b: m.op("Concat", a, b, axis=1))(m.conv(x, 2, 3), m.conv(x, 4, 3)))(
            m.op("Relu", "data")
        ),
        [
            "branch = relu",
            "branch2 = conv2d(2, kernel=3)",
            "branch3 = branch -> conv2d(4, kernel=3)",
            "branch2 -> concat(branch3)",
        ],
    ),
    "an image again after a row": (
        lambda m: m.conv(m.op("Reshape", m.op("Flatten", "data"), m.constant(np.asarray([-1, 12, 4, 4]))), 2, 12),
        ["reshape([12, 4, 4])", "conv2d(2, kernel=3)"],
    ),
    "squeeze and excite without the product": (
        lambda m: m.conv(m.op("GlobalAveragePool", "data"), 2, 3, 1),
        ["global_avg_pool", "reshape([3, 1, 1])", "conv2d(2, kernel=1)"],
    ),
    "a transpose that moves nothing": (
        lambda m: m.gemm(
            m.op("Flatten", m.op("Transpose", m.op("GlobalAveragePool", "data"), perm=[0, 2, 3, 1])), 4, 3
        ),
        ["global_avg_pool", "dense(4)"],
    ),
    "flatten before relu": (
        lambda m: m.op("Softmax", m.op("Relu", m.op("Flatten", "data"))),
        ["relu", "flatten", "softmax"],
    ),
    "argmax": (
        lambda m: m.op("ArgMax", m.gemm(m.op("Flatten", "data"), 4, 192), axis=1, keepdims=0),
        ["dense(4)", "argmax"],
    ),
    "argmax that keeps its axis": (
        lambda m: m.op("ArgMax", m.gemm(m.op("Flatten", "data"), 4, 192), axis=-1, keepdims=1),
        ["dense(4)", "argmax"],
    ),
    "a batch norm alone": (
        lambda m: m.norm(m.op("Cast", "data", to=1), 3),
        ["batch_norm(epsilon=0.001)"],
    ),
    "the shape as a little program": (
        lambda m: m.op("Reshape", "data", m.op("Concat", batch_of(m, "data"), m.constant(np.asarray([-1])), axis=0)),
        ["flatten"],
    ),
    "a bias that the exporter computes": (
        lambda m: m.op(
            "Conv",
            "data",
            m.random(4, 3, 3, 3),
            m.op("Expand", m.op("CastLike", m.constant(np.zeros(1)), "data"), m.constant(np.asarray([4]))),
        ),
        ["conv2d(4, kernel=3, bias=false)"],
    ),
    "dense on what is no row yet": (
        lambda m: m.op("Gemm", m.op("Flatten", "data"), m.constant(np.ones((192, 2)).astype(np.float32))),
        ["dense(2, bias=false)"],
    ),
}


def batch_of(make: Maker, x: str) -> str:
    """The batch, as exporters of old spell it."""
    size = make.op("Gather", make.op("Shape", x), make.constant(np.asarray(0)), axis=0)
    return make.op("Unsqueeze", size, make.constant(np.asarray([0])))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("batch", [1, "N", 3])
def test_a_form(case: str, batch: int | str) -> None:
    build, expected = CASES[case]
    make = Maker(shape=(batch, 3, 8, 8), opset=17)

    assert lines(make, build(make)) == expected


def test_every_rule_is_used_here() -> None:
    makers = [lenet(), residual(), *(Maker(opset=17) for _ in CASES)]
    for make, (build, _) in zip(makers[2:], CASES.values(), strict=True):
        build(make)
    changed = {"Clip", "Dropout", "ReduceMean", "Squeeze", "Unsqueeze"}  # test_spellings_that_changed

    assert {node.op_type for make in makers for node in make.nodes} | changed >= set(RULES)
