"""Training steps written by hand at stage `scaled`, small enough to count what has to be opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ppc.ir.graph import Attribute
from ppc.ir.types import Interval
from ppc.passes.choose_masks import ChooseMasks
from ppc.passes.fuse_kernels import FuseKernels
from ppc.passes.plan_base import PlanStep, steps
from ppc.passes.reuse_masks import ReuseMasks
from ppc.passes.schedule_rounds import ScheduleRounds
from ppc.plan.build import PlanBuilder
from ppc.plan.steps import Carry, Phase, Plan, Step
from ppc.plan.wires import Wire

BATCH, CHANNELS, SIZE, CLASSES = 2, 3, 4, 5
PIXELS = BATCH * SIZE * SIZE  # of the image, of one channel
POOLED = PIXELS // 4 * CHANNELS
FLAT = SIZE * SIZE // 4 * CHANNELS
WINDOWS: dict[str, Attribute] = {"stride": (1, 1), "padding": (1, 1), "groups": 1}
MULTIPLY: dict[str, Attribute] = {"map": "multiply"}
POOL: dict[str, Attribute] = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}


@dataclass
class Writing:
    """Writes one layer after another; a step is called after its value."""

    level: int
    field_name: str
    layer: str = ""
    phase: Phase = "forward"
    builder: PlanBuilder = field(init=False)

    def __post_init__(self) -> None:
        parties = ("client", "server")
        head = Plan(name="small", field=self.field_name, parties=parties, level=self.level, batch=BATCH)
        self.builder = PlanBuilder(head)

    def at(self, layer: str, phase: Phase = "forward") -> None:
        self.layer, self.phase = layer, phase

    def real(self, name: str, owner: str, *shape: int, low: float = -1.0, high: float = 1.0) -> None:
        wire = Wire(form="clear", at=owner, shape=shape, bounds=Interval(low, high))
        self.builder.add("given", attrs={"what": "data"}, name=name, wire=wire)

    def add(
        self,
        name: str,
        op: str,
        *inputs: str,
        shape: tuple[int, ...] | None = None,
        attrs: Mapping[str, Attribute] | None = None,
        **more: Attribute,
    ) -> str:
        attributes = {**(attrs or {}), **more}
        step = self.builder.add(op, inputs, attributes, name=name, layer=self.layer, phase=self.phase, shape=shape)
        return step.name

    def weight(self, name: str, *shape: int) -> None:
        """Carried; its first content is the server's."""
        self.builder.section = "setup"
        self.real(f"{name}.first", "server", *shape)
        first = self.add(f"{name}.encoded", "encode", f"{name}.first", scale=16, rounding="nearest")
        self.builder.section = "each"
        wire = Wire(form="shared", shape=shape, scale=16, low=-(2**18), high=2**18)
        self.builder.carry(Carry(name=name, first=first, then=f"{name}.updated", wire=wire))

    def updated(self, name: str, gradient: str) -> None:
        self.at(self.layer, "update")
        self.add(f"{name}.step", "rescale", gradient, to=16)
        self.add(f"{name}.updated", "subtract", name, f"{name}.step")

    def local(self, name: str, x: str, y: str, attrs: Mapping[str, Attribute]) -> str:
        """A product, truncated by each party alone."""
        product = self.add(f"{name}.wide", "product", x, y, attrs=attrs)
        return self.add(name, "truncate_local", product, shift=16)

    def loss(self) -> None:
        """The client reads the logits and gives the gradient."""
        self.at("dense", "output")
        self.add("opened", "reveal", "logits", to="client", grant="logits", drowned=8)
        self.at("dense", "backward")
        reals = Wire(form="clear", at="client", shape=(BATCH, CLASSES), bounds=Interval(-1.0, 1.0))
        self.add("seen", "decode", "opened")
        self.builder.add("compute", ("seen",), {"op": "loss_grad"}, name="slope", wire=reals)
        self.add("gradient", "encode", "slope", scale=16, rounding="stochastic")


def cubic(level: int) -> Plan:
    """A convolution, a pool, x + x² + x³ and a dense layer, as they are multiplied at level 0 or 1."""
    w = Writing(level, "mersenne127")
    w.weight("w1", CHANNELS, 1, 3, 3)
    w.weight("w2", CLASSES, FLAT)
    w.at("conv")
    w.real("image", "client", BATCH, 1, SIZE, SIZE)
    w.add("x", "encode", "image", scale=16, rounding="nearest")
    convolve(w, level)
    w.at("pool")
    w.add("pooled", "pool_sums", "conv", attrs=POOL)
    w.at("relu")
    w.local("square", "pooled", "pooled", MULTIPLY)
    w.local("cube", "square", "pooled", MULTIPLY)
    w.add("powers", "add", w.add("some", "add", "pooled", "square"), "cube")
    w.at("dense")
    w.add("flat", "reshape", "powers", shape=(BATCH, FLAT))
    w.add("logits", "product", "flat", "w2", map="matmul", transpose_x=False, transpose_y=True)
    w.loss()
    w.add("to_w2", "product", "gradient", "flat", map="matmul", transpose_x=True, transpose_y=False)
    back = w.local("to_flat", "gradient", "w2", {"map": "matmul", "transpose_x": False, "transpose_y": False})
    w.updated("w2", "to_w2")
    w.at("relu", "backward")
    w.add("back", "reshape", back, shape=(BATCH, CHANNELS, SIZE // 2, SIZE // 2))
    square = "square" if level else w.local("square_again", "pooled", "pooled", MULTIPLY)
    linear = w.add("slope1", "times", "pooled", factor=2)
    quadratic = w.add("slope2", "times", square, factor=3)
    w.add("derivative", "add", linear, quadratic)
    w.local("through", "back", "derivative", MULTIPLY)
    w.at("conv", "backward")
    w.add("spread", "pool_spread", "through", attrs=POOL, size=(SIZE, SIZE))
    convolve_back(w, level)
    w.updated("w1", "to_w1")
    return w.builder.plan("scaled")


def convolve(w: Writing, level: int) -> None:
    if level:
        w.local("conv", "x", "w1", {"map": "conv2d", **WINDOWS})
        return
    w.add("windows", "unfold", "x", attrs=WINDOWS, kernel=(3, 3))
    w.local("conv", "windows", "w1", {"map": "unfolded_conv2d", "size": (SIZE, SIZE), **WINDOWS})


def convolve_back(w: Writing, level: int) -> None:
    x, name = ("x", "conv2d_grad_weight") if level else ("windows_again", "unfolded_grad_weight")
    if not level:
        w.add(x, "unfold", "x", attrs=WINDOWS, kernel=(3, 3))
    w.add("to_w1", "product", x, "spread", attrs=WINDOWS, map=name, kernel=(3, 3), size=(SIZE, SIZE))


def relu(level: int = 2, field_name: str = "mersenne61") -> Plan:
    """The same net with an exact ReLU: the pool is in the convolution, gradients are wide, dense weights truncated."""
    w = Writing(level, field_name)
    w.weight("w1", CHANNELS, 1, 3, 3)
    w.weight("w2", CLASSES, FLAT)
    w.at("conv")
    w.real("image", "client", BATCH, 1, SIZE, SIZE)
    w.add("x", "encode", "image", scale=16, rounding="nearest")
    w.add("conv.wide", "product", "x", "w1", attrs=WINDOWS, map="conv2d", pool=2)
    w.add("conv.pooled", "rescale", "conv.wide", to=34)
    w.add("conv", "truncate", "conv.pooled", shift=18)
    w.at("relu")
    w.add("bit", "compare", "conv", knots=(1,))
    w.add("positive", "select", "bit", "conv", slopes=(1,), knots=(0,))
    w.at("dense")
    w.add("flat", "reshape", "positive", shape=(BATCH, FLAT))
    w.add("w2.short", "truncate", "w2", shift=4)
    w.add("logits", "product", "flat", "w2.short", map="matmul", transpose_x=False, transpose_y=True)
    w.loss()
    w.add("to_w2", "product", "gradient", "flat", map="matmul", transpose_x=True, transpose_y=False)
    w.add("to_flat", "product", "gradient", "w2.short", map="matmul", transpose_x=False, transpose_y=False)
    w.updated("w2", "to_w2")
    w.at("relu", "backward")
    w.add("shaped", "reshape", "to_flat", shape=(BATCH, CHANNELS, SIZE // 2, SIZE // 2))
    w.add("back", "truncate", "shaped", shift=12)
    w.add("through", "select", "bit", "back", slopes=(1,), knots=(0,))
    w.at("conv", "backward")
    w.add("to_w1", "product", "x", "through", attrs=WINDOWS, map="conv2d_grad_weight", kernel=(3, 3), pool=2)
    w.updated("w1", "to_w1")
    return w.builder.plan("scaled")


PASSES = (ReuseMasks(), ChooseMasks(), ScheduleRounds(), FuseKernels())


def stages(plan: Plan) -> list[PlanStep]:
    return list(steps(plan, PASSES))


def finished(plan: Plan) -> Plan:
    return stages(plan)[-1].plan


def opened(plan: Plan, section: str = "each") -> list[Step]:
    return [step for step in plan.section(section).steps if step.op == "mask"]


def rows(plan: Plan) -> dict[str, int]:
    """Elements opened for products, by layer and pass, as the paper counts them."""
    found: dict[str, int] = {}
    for step in opened(plan):
        key = f"{step.layer} {step.phase}"
        found[key] = found.get(key, 0) + step.wire.size
    return found
