"""The counts of paper 004: values masked and opened for products in one training iteration, row by row, from shapes.

The rows are worked out here from layer sizes alone, and compared with the plan's openings, layer by layer, forward
and backward apart. The paper counts no opening for a truncation, no revealed logit, and no check of ranges.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ppc.compiler import compile_program
from ppc.plan.steps import Plan
from ppc.protocol import lowered

Row = tuple[str, str]  # layer, phase


@dataclass(frozen=True)
class Net:
    """Convolutions of 3x3 with pools of 2 and cubic activations, then a dense layer."""

    size: int
    channels: tuple[int, ...]  # of the input, then of each convolution
    classes: int
    batch: int

    @property
    def program(self) -> str:
        layers = [
            f"    conv2d({c}, kernel=3, padding=same)\n    avg_pool(2)\n    relu(poly=3)" for c in self.channels[1:]
        ]
        return f"""party hospital, lab

model net(image: real[{self.channels[0]}, {self.size}, {self.size}] in 0..1) -> real[{self.classes}] {{
{chr(10).join(layers)}
    dense({self.classes})
}}

private net {{
    image   from hospital
    weights from lab in -0.03..0.03
    result  to   hospital
    joint {{ field = mersenne127, fraction = 16, truncation = local }}
}}

train net {{
    labels from hospital
    logits to   hospital
    model  to   lab
    loss = softmax_cross_entropy
    sgd(rate=0.01, batch={self.batch}, epochs=1)
}}
"""


def rows(net: Net, level: int) -> dict[Row, int]:
    """What the paper's rules give."""
    found: dict[Row, int] = {}
    size, batch = net.size, net.batch
    for number, (read, made) in enumerate(zip(net.channels[:-1], net.channels[1:], strict=True), 1):
        pixels, weights = batch * size * size, made * read * 9
        pooled = batch * made * (size // 2) ** 2
        windows, image, gradient = pixels * read * 9, pixels * read, pixels * made
        conv, relu = f"conv{number}", f"relu{number}"
        if level == 0:
            found[conv, "forward"] = windows + weights
            found[conv, "backward"] = windows + gradient + (gradient + weights if number > 1 else 0)
            found[relu, "forward"] = found[relu, "backward"] = 4 * pooled
        else:
            found[conv, "forward"] = image + weights
            found[conv, "backward"] = pooled
            found[relu, "forward"], found[relu, "backward"] = 2 * pooled, pooled
        size //= 2
    values, weights, scores = (
        batch * net.channels[-1] * size * size,
        net.channels[-1] * size * size,
        batch * net.classes,
    )
    weights *= net.classes
    found["dense1", "forward"] = values + weights
    found["dense1", "backward"] = scores if level else values + scores + scores + weights
    return found


def openings(plan: Plan) -> dict[Row, int]:
    """Values that a party opens for the products of one iteration, by the layer and phase that first asks for them."""
    asked: set[str] = set()
    for step in reversed(plan.section("each").steps):
        if step.op in ("product", "polynomial") or (step.name in asked and step.op != "mask"):
            asked.update(step.inputs)
    found: Counter[Row] = Counter()
    for step in plan.section("each").steps:
        if step.op == "mask" and step.name in asked:
            found[step.layer, step.phase] += step.wire.size
    return dict(found)


def the_plan(net: Net, level: int) -> Plan:
    return lowered(compile_program(net.program, train=True), level=level).plan


SHALLOW = Net(size=28, channels=(1, 32), classes=10, batch=128)
DEEP = Net(size=28, channels=(1, 32, 32), classes=10, batch=128)
OTHERS = (
    Net(size=12, channels=(3, 4), classes=2, batch=5),
    Net(size=16, channels=(2, 3, 5, 4), classes=7, batch=3),
    Net(size=20, channels=(1, 6, 2), classes=4, batch=1),
)


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("net", [SHALLOW, DEEP, *OTHERS])
def test_every_row_is_the_papers(net: Net, level: int) -> None:
    assert openings(the_plan(net, level)) == rows(net, level)


@pytest.mark.parametrize(
    ("example", "level", "total"),
    [
        ("shallow_cubic", 0, 13_174_048),
        ("deep_cubic", 0, 29_556_128),
        ("shallow_cubic", 1, 4_178_720),
        ("deep_cubic", 1, 5_144_416),
    ],
)
def test_the_totals_are_those_of_tables_6_and_7(example: str, level: int, total: int) -> None:
    plan = lowered(compile_program(f"examples/{example}.pnn", train=True), level=level).plan

    assert plan.batch == 128
    assert sum(openings(plan).values()) == total


def test_the_papers_own_rows_are_what_the_rules_give() -> None:
    """Tables 6 and 7 as printed, so that a mistake in `rows` cannot hide one in the plan."""
    assert [sum(part) for part in _by_phase(rows(SHALLOW, 0))] == [4_980_256, 8_193_792]
    assert [sum(part) for part in _by_phase(rows(SHALLOW, 1))] == [2_571_808, 1_606_912]
    assert [sum(part) for part in _by_phase(rows(DEEP, 0))] == [12_368_480, 17_187_648]
    assert [sum(part) for part in _by_phase(rows(DEEP, 1))] == [3_136_096, 2_008_320]


def _by_phase(found: dict[Row, int]) -> Iterator[list[int]]:
    for phase in ("forward", "backward"):
        yield [count for (_, of), count in found.items() if of == phase]
