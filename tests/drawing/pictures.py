"""What the tests of pictures share: graphs of every stage, and how to read an SVG."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from random import Random
from xml.etree.ElementTree import Element, fromstring

from ppc.compiler import compile_program
from ppc.drawing.svg import svg
from ppc.ir.graph import Graph
from ppc.passes.infer_shapes import InferShapes
from tests.programs import program
from tests.random_models import random_model

SVG = "{http://www.w3.org/2000/svg}"
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.pnn"))
LESSONS = """
    labels from hospital
    logits to hospital
    model to lab
    loss = softmax_cross_entropy
    sgd(rate=0.01, batch=4, momentum=0.9, weight_decay=0.001)
"""
SMALL = """
    conv2d(4, kernel=3, stride=2)
    relu
    dense({classes})
"""


def placed(*facts: str, body: str = SMALL, train: bool = False) -> Graph:
    """A small net after every pass."""
    text = program(*facts, body=body, lessons=LESSONS if train else "")
    return compile_program(text, train=train).graph


def example(name: str) -> Graph:
    path = next(path for path in EXAMPLES if path.stem == name)
    return compile_program(path).graph


@cache
def many() -> dict[str, Graph]:
    """Graphs to draw, by name: all examples placed, one at all stages, random models, one long step of training."""
    found: dict[str, Graph] = {}
    for path in EXAMPLES:
        steps = compile_program(path).steps
        found |= {
            f"{path.stem}-{step.name}": step.graph for step in steps if step.name == "place" or path.stem == "mlp"
        }
    for seed in range(10):
        found[f"random-{seed}"] = InferShapes(batch=2).run(random_model(Random(seed)))
    deep = "\n conv2d(2, kernel=3, padding=same)\n relu" * 8 + "\n dense({classes})\n"
    found["training"] = placed("joint { field = mersenne127 }", "weights from lab in -0.1..0.1", body=deep, train=True)
    return found


def drawn(graph: Graph, *, block: str = "") -> Element:
    return fromstring(svg(graph, block=block))


def texts(picture: Element) -> list[str]:
    return ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]


def names(picture: Element) -> set[str]:
    """Every value that the picture shows, on a card of its own, as one of several, or as a parameter."""
    found: set[str] = set()
    for group in picture.iter(f"{SVG}g"):
        found |= {value for key in ("data-name", "data-parameter") if (value := group.get(key))}
        found |= set(group.get("data-members", "").split())
    return found


@dataclass(frozen=True)
class Rectangle:
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Rectangle) -> bool:
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.bottom <= other.top or other.bottom <= self.top)


def rectangle(element: Element) -> Rectangle:
    x, y, width, height = (float(element.attrib[key]) for key in ("x", "y", "width", "height"))
    return Rectangle(x, y, x + width, y + height)


def boxes(picture: Element) -> list[Rectangle]:
    """The frames of all cards."""
    cards = [group for group in picture.iter(f"{SVG}g") if group.get("class") == "card"]
    return [rectangle(next(card.iter(f"{SVG}rect"))) for card in cards]


def overlapping(rectangles: list[Rectangle]) -> list[tuple[Rectangle, Rectangle]]:
    return [(one, other) for one, other in combinations(rectangles, 2) if one.overlaps(other)]
