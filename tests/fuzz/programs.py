"""Random programs that mostly make sense: layers from the layer table, shapes followed, blocks by their rules.

A program is a function of its random generator alone, so that a seed is enough to see it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from ppc.grammar.layers import LAYERS, REQUIRED, Parameter
from ppc.ir.shapes import window_count

Shape = tuple[int, ...]
PARTIES = ("hospital", "lab", "clinic", "alice", "server_")
SHAPES: tuple[Shape, ...] = ((1, 8, 8), (1, 8, 8), (3, 6, 5), (3, 6, 5), (16,), (4,), ())
NAMES = ("skip", "hidden", "left", "right", "entry", "branch", "x1", "_y", "Seen", "from", "at", "auto")
ACTIVATIONS = ("relu", "sigmoid", "tanh", "dropout", "batch_norm")
UNBUILT = (
    "split auto",
    "split after hidden",
    "reuse inputs of 100",
    "reveal range of weights",
    "joint { security = malicious }",
)
LABELS = 'label pool by hospital {\n    teachers 20\n    votes noisy "laplace" -1e-3\n\n    public\n}\n'
COMMENTS = ("# a comment", "#", "## a { bracket ( in it", '# "quoted', "# ends with -> ", "# 100 % é ✓")


@dataclass
class Model:
    """A model while it is written: what came last, and what has a name."""

    random: Random
    name: str
    inputs: dict[str, Shape]
    current: Shape | None = None
    named: dict[str, Shape] = field(default_factory=dict[str, Shape])
    lines: list[str] = field(default_factory=list[str])
    weighted: int = 0

    def write(self) -> str:
        shapes = list(self.inputs.items())
        bounds = [f" in {self.random.choice(('0..1', '-1..1', '0..255', '-1e2..1e2'))}" for _ in shapes]
        head = ", ".join(f"{n}: {_type(s)}{b}" for (n, s), b in zip(shapes, bounds, strict=True))
        if len(shapes) == 1:
            self.current = shapes[0][1]
        else:
            self.join(*(name for name, _ in shapes))
        for _ in range(self.random.randint(0, 6)):
            self.line()
        if self.random.random() < 0.8:
            self.add_line("dense", "dense(10)", (10,))
        return f"model {self.name}({head}) -> {_type(self.current or ())} {{\n" + "".join(self.lines) + "}\n"

    def join(self, first: str, *others: str) -> None:
        """Begin a model of several inputs: flatten them and join them."""
        for name in others:
            self.lines.append(f"    {name}_row = {name} -> flatten\n")
        self.lines.append(f"    {first} -> flatten -> concat({', '.join(f'{name}_row' for name in others)})\n")
        self.current = (sum(_size(shape) for shape in self.inputs.values()),)

    def line(self) -> None:
        """One more line, and sometimes a name for it."""
        assert self.current is not None
        skips = [name for name, shape in self.named.items() if shape == self.current]
        if skips and self.random.random() < 0.4:
            self.add_line("add", f"add({self.random.choice(skips)})", self.current)
            return
        name, call, shape = self.layer(self.current)
        self.add_line(name, call, shape)

    def add_line(self, layer: str, call: str, shape: Shape) -> None:
        target, free = "", [name for name in NAMES if name not in self.named]
        if free and self.random.random() < 0.3:
            name = self.random.choice(free)
            self.named[name], target = shape, f"{name} = "
        follow = " -> relu" if self.random.random() < 0.1 else ""
        self.lines.append(f"    {target}{call}{follow}\n")
        self.weighted += layer in ("conv2d", "dense")
        self.current = shape

    def layer(self, shape: Shape) -> tuple[str, str, Shape]:
        """A layer that fits what came before: its name, its call, and the shape it makes."""
        pick = self.random.random()
        if len(shape) == 3 and pick < 0.3:
            channels, kernel = self.random.randint(1, 4), self.random.randint(1, min(4, *shape[1:]))
            stride = self.random.randint(1, 2)
            made = tuple(window_count(side, kernel, stride, 0) for side in shape[1:])
            call = f"conv2d({channels}, kernel={kernel}, stride={stride}{self.random.choice(('', ', bias=false'))})"
            return "conv2d", call, (channels, *made)
        if len(shape) == 3 and pick < 0.4 and min(shape[1:]) >= 2:
            made = tuple(window_count(side, 2, 2, 0) for side in shape[1:])
            return "pool", self.random.choice(("avg_pool(2)", "max_pool([2, 2])")), (shape[0], *made)
        if len(shape) == 3 and pick < 0.45:
            return "pool", "global_avg_pool", shape[:1]
        if pick < 0.55:
            return "flatten", "flatten", (_size(shape),)
        if pick < 0.65:
            features = self.random.randint(1, 12)
            return "dense", f"dense({features})", (features,)
        if pick < 0.7:
            return "reshape", f"reshape([{_size(shape)}, 1, 1])", (_size(shape), 1, 1)
        name = self.random.choice(ACTIVATIONS)
        return name, name + arguments(self.random, name), shape


def _type(shape: Shape) -> str:
    return f"real{list(shape)}" if shape else "real"


def _size(shape: Shape) -> int:
    size = 1
    for side in shape:
        size *= side
    return size


def arguments(random: Random, layer: str) -> str:
    """Brackets with some of a layer's arguments, by the kinds of the layer table."""
    row = LAYERS[layer]
    chosen = [p for p in row.parameters if p.default is REQUIRED or (random.random() < 0.3 and p.name != "over")]
    if any(p.name == "poly" for p in chosen) and random.random() < 0.5:
        chosen += [p for p in row.parameters if p.name == "over"]
    written = ", ".join(f"{p.name}={_value(random, p)}" for p in chosen)
    return f"({written}{random.choice(('', ', ')) if written else ''})" if written or random.random() < 0.1 else ""


def _value(random: Random, parameter: Parameter) -> str:
    match parameter.kind:
        case "count" | "size" | "pad":
            return str(random.randint(int(parameter.low), int(parameter.low) + 3))
        case "flag":
            return random.choice(("true", "false"))
        case "share":
            return random.choice(("0.5", "25%", "1e-3"))
        case "interval":
            return random.choice(("-3..5", "0..1", "-0.5..+0.5"))
        case "sizes":
            return "[1, 2, 2]"
        case "value" | "values":
            return random.choice(NAMES)


def program(random: Random) -> str:
    """A whole program: parties, a model or two, private and train blocks."""
    parties: list[str] = random.sample(PARTIES, random.choice((2, 2, 2, 3)))
    models = [_model(random, name) for name in random.sample(("net", "digits", "risk"), random.choice((1, 1, 1, 2)))]
    parts = [f"party {', '.join(parties)}\n", *(model.write() for model in models)]
    for model in models:
        ways = random.choice(((), ("",), ("",), ("", " as other")))
        parts += [_private(random, model, parties, alias) for alias in ways]
        if random.random() < 0.4:
            parts.append(_train(random, model, parties))
    if random.random() < 0.05:
        parts.append(LABELS)
    return _dressed(random, "\n".join(parts))


def _model(random: Random, name: str) -> Model:
    count = random.choice((1, 1, 1, 2))
    inputs: dict[str, Shape] = {
        name: random.choice(SHAPES) for name in random.sample(("image", "pixels", "age", "data"), count)
    }
    return Model(random, name, inputs)


def _private(random: Random, model: Model, parties: list[str], alias: str) -> str:
    lines = [f"{name} from {random.choice(parties[:2])}" for name in model.inputs]
    bounds = random.choice((" in -1..1", " in -0.25..0.25"))
    lines.append(random.choice((f"weights from {parties[1]}{bounds}", f"weights public{bounds}")))
    lines.append(f"result to {', '.join(random.sample(parties[:2], random.choice((1, 1, 2))))}")
    if model.weighted > 1 and random.random() < 0.5:
        lines.append(f"split at {random.randint(1, model.weighted - 1)}")
        lines += random.choice(([], [], ["complement"], ["complement offset"]))
        lines.append(random.choice(("server clear", "joint")))
    else:
        options = ("joint", "joint { field = mersenne127 }", "joint {\n fraction = 12\n security = semi_honest\n}")
        lines.append(random.choice(options))
    lines += random.choice(([], ["network { rtt = 40ms, bandwidth = 100M }"], ["network { bandwidth = 1G, }"]))
    if random.random() < 0.1:
        lines.append(random.choice(UNBUILT))
    random.shuffle(lines)
    return f"private {model.name}{alias} {{\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def _train(random: Random, model: Model, parties: list[str]) -> str:
    owner = random.choice(parties[:2])
    lines = [f"labels from {owner}", f"loss = {random.choice(('softmax_cross_entropy', 'mse'))}"]
    lines += random.choice(([], [f"logits to {owner}"], ["model kept shared"], [f"model to {', '.join(parties[:2])}"]))
    lines.append(f"sgd(rate=0.1, batch={random.choice(('2', '3'))}{random.choice(('', ', momentum=90%, epochs=4'))})")
    lines += random.choice(([], [], ["step(factor=50%, every=2)"], ["cosine(lowest=1e-3)", "shuffle = public"]))
    lines += random.choice(([], [], [f"evaluate accuracy to {owner}", "shuffle = private"]))
    random.shuffle(lines)
    by = random.choice(("", " by joint", " by clear"))
    if random.random() < 0.1:
        by, lines = " by selective", [*lines, "upload 10% largest", 'clip -3.5 "each" value']
    return f"train {model.name}{by} {{\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def _dressed(random: Random, text: str) -> str:
    """The same program in somebody's own layout: comments, blank lines, indents, line ends."""
    dressed: list[str] = []
    for line in text.splitlines():
        if random.random() < 0.05:
            dressed.append(" " * random.randint(0, 6) + random.choice(COMMENTS))
        if random.random() < 0.05:
            dressed.append("")
        if random.random() < 0.1:
            line = line.replace(" -> ", random.choice((" ->\n", "\n  -> ", "->")))
        if random.random() < 0.05:
            line = line.replace(", ", random.choice((" ,\n", ",", ",  # here\n")))
        dressed.append(line + (f"  {random.choice(COMMENTS)}" if random.random() < 0.05 else ""))
    ends = random.choice(("\n", "\n", "\n", "\r\n"))
    return "\n".join(dressed).replace("\n", ends) + random.choice((ends, ends, "", ends * 3))
