"""Random models for tests: a pure function of a `random.Random`.

Graphs at stage `named`, as the language would give them, with odd sizes, strides, groups, skips and several inputs.
With `complement` a signal joins in, which a user's graph receives only later, by `complement_inputs`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from random import Random

from ppc.ir.graph import Attribute, Builder, Graph, Node, Output
from ppc.ir.shapes import SHAPES, window_count
from ppc.ir.types import Interval, Type
from ppc.source import Span

Shape = tuple[int, ...]  # of one example
LARGEST = 400  # values of one example: keeps a whole suite of models quick
PARAMETERS = {
    "conv2d": ("weight", "bias"),
    "dense": ("weight", "bias"),
    "batch_norm": ("scale", "shift", "mean", "variance"),
}


def random_model(random: Random, *, complement: bool = False, ending: str = "", pooled_norm: bool = False) -> Graph:
    """A model of 3 to 12 layers, skips counted as one; `ending` is an op that it closes with.

    With `pooled_norm` a convolution, its pooling and a batch norm come first.
    """
    writer = _Writer(random)
    images = [writer.image(), writer.image(), writer.image()]
    x = writer.input("x", random.choice([*images, writer.image() if pooled_norm else (random.randint(4, 12),)]))
    if pooled_norm:
        x = _pooled_norm(writer, x)
    if complement:
        x = writer.join_signal(x)
    for _ in range(random.randint(3, 12)):
        x = writer.layer(x)
    x = writer.join_spare(x)
    x = writer.end(x, ending)
    output = Output(name="result", value=x, span=Span(writer.line + 1, 1, writer.line + 1, 9))
    return Graph(name="random", stage="named", source="random.pnn", nodes=tuple(writer.nodes), outputs=(output,))


@dataclass
class _Writer:
    """Adds layers that fit, and remembers every value's shape."""

    random: Random
    builder: Builder = field(default_factory=lambda: Builder("source"))
    shapes: dict[str, Shape] = field(default_factory=dict[str, Shape])
    spare: list[str] = field(default_factory=list[str])  # inputs that no layer reads yet
    line: int = 0

    @property
    def nodes(self) -> list[Node]:
        return self.builder.nodes

    def image(self) -> Shape:
        return (self.random.randint(1, 4), self.random.randint(4, 9), self.random.randint(4, 9))

    def input(self, name: str, shape: Shape, *, role: str = "data", high: float = 1.0) -> str:
        bounds = Interval(self.random.choice([0.0, -1.0, 0.25]) if role == "data" else 0.0, high)
        element = "real" if role == "data" else "index"
        type_ = Type(shape=shape, element=element, bounds=bounds)
        node = self.builder.add("input", name=name, attrs={"role": role}, type_=type_, span=self.span())
        self.shapes[node.name] = shape
        return node.name

    def span(self) -> Span:
        self.line += 1
        return Span(self.line, 5, self.line, 9)

    def op(self, op: str, *operands: str, **attrs: Attribute) -> str:
        """One line of the model: the op and its parameters."""
        span, name = self.span(), self.builder.fresh(f"{op}1")
        bias = self.random.random() < 0.8
        roles = [role for role in PARAMETERS.get(op, ()) if role != "bias" or bias]
        given = [
            self.builder.add("parameter", name=f"{name}.{role}", attrs={"role": role}, span=span).name for role in roles
        ]
        node = self.builder.add(op, [*operands, *given], name=name, attrs=attrs, span=span)
        self.shapes[name] = SHAPES[op](node, [(1, *self.shapes[operand]) for operand in operands])[1:]
        return name

    def layer(self, x: str) -> str:
        """One more layer on `x`, out of those that fit its shape."""
        rank = len(self.shapes[x])
        kinds = [*_ANY, *(_IMAGE if rank == 3 else _ROW)]
        return self.random.choice(kinds)(self, x)

    def end(self, x: str, ending: str) -> str:
        if ending == "" and self.random.random() < 0.3:
            return x
        x = self.op("dense", x, features=self.random.randint(2, 5))
        if ending == "uncomplement":
            how = self.random.choice(["roll", "flip", "negate"])
            high = 1.0 if how != "roll" else self.shapes[x][0] - 1.0
            return self.op("uncomplement", x, self.input("offset", (), role="signal", high=high), how=how)
        return self.op(ending, x) if ending else x

    def join_signal(self, x: str) -> str:
        shape = self.shapes[x]
        if len(shape) != 3:
            return x
        classes = self.random.randint(2, 4)
        signal = self.input("signal", (), role="signal", high=classes - 1.0)
        if self.random.random() < 0.3:
            size = self.pair(2, 9)
            planes = self.op("signal_planes", signal, classes=classes, size=size)
            return self.op("concat", x, self.op("resize", planes, size=shape[1:]))
        return self.op("concat", x, self.op("signal_planes", signal, classes=classes, size=shape[1:]))

    def join_spare(self, x: str) -> str:
        for name in self.spare:
            if self.shapes[x] == self.shapes[name]:
                x = self.op("add", x, name)
            else:
                x = self.op("concat", self.flat(x), self.flat(name))
        return x

    def flat(self, x: str) -> str:
        return x if len(self.shapes[x]) == 1 else self.op("flatten", x)

    def pair(self, low: int, high: int) -> tuple[int, int]:
        return self.random.randint(low, high), self.random.randint(low, high)


def _conv2d(writer: _Writer, x: str) -> str:
    channels, *size = writer.shapes[x]
    random = writer.random
    groups = random.choice([g for g in (1, 1, 2, channels) if channels % g == 0])
    kernel = (random.randint(1, min(4, size[0])), random.randint(1, min(4, size[1])))
    stride, padding = writer.pair(1, 2), writer.pair(0, 2)
    rows, across = (window_count(*side) for side in zip(size, kernel, stride, padding, strict=True))
    made = groups * random.randint(1, max(1, 4 // groups))
    if made * rows * across > LARGEST:
        padding = (0, 0)
    return writer.op("conv2d", x, channels=made, kernel=kernel, stride=stride, padding=padding, groups=groups)


def _pool(op: str) -> Callable[[_Writer, str], str]:
    def pool(writer: _Writer, x: str) -> str:
        random, (_, height, width) = writer.random, writer.shapes[x]
        kernel = (random.randint(1, min(3, height)), random.randint(1, min(3, width)))
        padding = (random.randint(0, kernel[0] // 2), random.randint(0, kernel[1] // 2))
        return writer.op(op, x, kernel=kernel, stride=writer.pair(1, 2), padding=padding)

    return pool


def _pooled_norm(writer: _Writer, x: str) -> str:
    same = {"kernel": (3, 3), "stride": (1, 1), "padding": (1, 1), "groups": 1}
    x = writer.op("conv2d", x, channels=writer.random.randint(1, 4), **same)
    x = writer.op("avg_pool", x, kernel=(2, 2), stride=(2, 2), padding=(0, 0))
    return _batch_norm(writer, x)


def _plain(op: str) -> Callable[[_Writer, str], str]:
    return lambda writer, x: writer.op(op, x)


def _polynomial(writer: _Writer, x: str) -> str:
    degree = writer.random.randint(0, 3)
    coefficients = tuple(writer.random.uniform(-0.5, 0.5) for _ in range(degree + 1))
    return writer.op("polynomial", x, coefficients=coefficients, replaces="relu")


def _batch_norm(writer: _Writer, x: str) -> str:
    momentum = writer.random.choice([0.1, 0.3, 1.0])
    return writer.op("batch_norm", x, epsilon=writer.random.choice([1e-5, 1e-3]), momentum=momentum)


def _dropout(writer: _Writer, x: str) -> str:
    return writer.op("dropout", x, rate=writer.random.choice([0.0, 0.25, 0.5]))


def _dense(writer: _Writer, x: str) -> str:
    return writer.op("dense", x, features=writer.random.randint(1, 8))


def _reshape(writer: _Writer, x: str) -> str:
    """A row becomes an image, an image another one."""
    size = prod(writer.shapes[x])
    height = writer.random.choice([d for d in range(1, size + 1) if size % d == 0])
    width = writer.random.choice([d for d in range(1, size // height + 1) if (size // height) % d == 0])
    return writer.op("reshape", x, shape=(size // height // width, height, width))


def _branch(writer: _Writer, x: str) -> str:
    """A path of its own beside x, of the same shape."""
    way = writer.random.choice(["relu", "tanh", "sigmoid", "conv2d" if len(writer.shapes[x]) == 3 else "dense"])
    if way == "dense":
        return writer.op("dense", x, features=writer.shapes[x][0])
    if way == "conv2d":
        same = {"kernel": (3, 3), "stride": (1, 1), "padding": (1, 1), "groups": 1}
        return writer.op("conv2d", x, channels=writer.shapes[x][0], **same)
    return writer.op(way, x)


def _skip(writer: _Writer, x: str) -> str:
    return writer.op("add", _branch(writer, x), x)


def _concat(writer: _Writer, x: str) -> str:
    branches = writer.random.randint(1, 2)
    if prod(writer.shapes[x]) * (branches + 1) > LARGEST:
        return _skip(writer, x)
    return writer.op("concat", x, *(_branch(writer, x) for _ in range(branches)))


def _second_input(writer: _Writer, x: str) -> str:
    """Another input: added here if it is the first, joined at the end otherwise."""
    name = writer.input("y", writer.shapes[x])
    if writer.random.random() < 0.5:
        return writer.op("add", x, name)
    writer.spare.append(name)
    return writer.op("relu", x)


_ANY = (
    *(_plain("relu"), _plain("sigmoid"), _plain("tanh"), _polynomial, _batch_norm, _dropout),
    *(_skip, _concat, _reshape, _second_input),
)
_IMAGE = (
    *(_conv2d, _conv2d, _conv2d, _pool("avg_pool"), _pool("avg_pool"), _pool("max_pool"), _pool("max_pool")),
    *(_plain("global_avg_pool"), _plain("flatten")),
)
_ROW = (_dense, _dense, _plain("softmax"), _plain("softmax"), _plain("flatten"))
