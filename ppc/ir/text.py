"""The graph as text, and back: `parse(show(graph)) == graph`.

    graph digits {
      stage typed
      source "digits.pnn"
      parties hospital, lab
      image = input() {"role": "data"} : real[1, 1, 28, 28] in 0.0..1.0 ; 3:14-3:46 source
      relu1 = relu(image) : real[1, 1, 28, 28] in 0.0..1.0 for hospital at hospital ; 4:5-4:9 source
      output result = relu1 to hospital ; 5:5-5:10
    }

One line is one node, so that stages compare well with `diff`. Spans stand last and may be cut off to compare less.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from ppc.errors import PpcError, fail
from ppc.ir.graph import Attribute, Graph, Node, Output
from ppc.ir.ops import STAGES, Stage
from ppc.ir.types import ELEMENTS, EVERYONE, Element, Interval, Readers, Type
from ppc.source import Span


def show(graph: Graph, *, spans: bool = True) -> str:
    """The graph as text, ending in a newline."""
    return "\n".join(_lines(graph, spans=spans)) + "\n"


def _lines(graph: Graph, *, spans: bool) -> Iterator[str]:
    yield f"graph {graph.name} {{"
    yield f"  stage {graph.stage}"
    yield f"  source {json.dumps(graph.source)}"
    yield f"  parties {', '.join(graph.parties)}".rstrip()
    for node in graph.nodes:
        yield f"  {show_node(node)}" + (f" ; {node.span} {node.origin}" if spans else "")
    for output in graph.outputs:
        to = f" to {', '.join(output.to)}" if output.to else ""
        yield f"  output {output.name} = {output.value}{to}" + (f" ; {output.span}" if spans else "")
    yield "}"


def show_node(node: Node) -> str:
    """One node, without its span."""
    text = f"{node.name} = {node.op}({', '.join(node.inputs)})"
    if node.attrs:
        text += f" {json.dumps(dict(sorted(node.attrs.items())))}"
    text += f" : {node.type}" if node.type else ""
    return text + (f" at {node.place}" if node.place else "")


_SPAN = r"(\d+):(\d+)-(\d+):(\d+)"
_WORD = r"[A-Za-z_][\w.]*"
_NODE = re.compile(
    rf"(?P<name>{_WORD}) = (?P<op>\w+)\((?P<inputs>[\w., ]*)\)(?: (?P<attrs>\{{.*\}}))?"
    rf"(?: : (?P<element>\w+)\[(?P<shape>[\d, ]*)\](?: in (?P<low>[-+.\w]+?)\.\.(?P<high>[-+.\w]+))?"
    rf"(?: for (?P<readers>[\w+]+))?)?"
    rf"(?: at (?P<place>\w+))? ; {_SPAN} (?P<origin>[\w-]+)"
)
_OUTPUT = re.compile(rf"output (?P<name>{_WORD}) = (?P<value>{_WORD})(?: to (?P<to>[\w, ]+))? ; {_SPAN}")
_HEADS = ("graph", "stage", "source", "parties")


def parse(text: str) -> Graph:
    """The graph that `show` wrote. A text that it could not have written is refused with its line."""
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if len(lines) < 5 or not lines[0][1].startswith("graph ") or lines[-1][1] != "}":
        raise _bad(1, "a graph is `graph NAME {`, stage, source, parties, nodes, outputs, and `}`")
    name, stage, source, parties = (
        _head(number, line, word) for (number, line), word in zip(lines[:4], _HEADS, strict=True)
    )
    if stage not in STAGES:
        raise _bad(lines[1][0], f"the stages are {', '.join(STAGES)}")
    body = lines[4:-1]
    return Graph(
        name=name.removesuffix("{").strip(),
        stage=cast(Stage, stage),
        source=str(_json(lines[2][0], source)),
        parties=_names(parties),
        nodes=tuple(_node(number, line) for number, line in body if not line.startswith("output ")),
        outputs=tuple(_output(number, line) for number, line in body if line.startswith("output ")),
    )


def _bad(number: int, needed: str) -> PpcError:
    return fail(
        "PPC510", f"Line {number} is no graph text: {needed}.", hint="Write it with `ppc compile --emit=graph`."
    )


def _head(number: int, line: str, word: str) -> str:
    if line.split(" ", 1)[0] != word:
        raise _bad(number, f"`{word} …` stands here")
    return line[len(word) :].strip()


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def _json(number: int, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _bad(number, "the text between braces or quotes is no JSON") from None


def _node(number: int, line: str) -> Node:
    match = _NODE.fullmatch(line)
    if match is None:
        raise _bad(number, "a node is `name = op(inputs) {attrs} : type at place ; span origin`")
    attrs = cast(dict[str, Any], _json(number, match["attrs"])) if match["attrs"] else {}
    return Node(
        name=match["name"],
        op=match["op"],
        inputs=_names(match["inputs"]),
        attrs={key: _attribute(number, value) for key, value in attrs.items()},
        type=_type(number, match),
        place=match["place"],
        span=_span(match),
        origin=match["origin"],
    )


def _attribute(number: int, value: Any) -> Attribute:
    if isinstance(value, list):
        items = cast(list[Any], value)
        if all(type(item) in (int, float) for item in items):
            return tuple(items)
    elif isinstance(value, bool | int | float | str):
        return value
    raise _bad(number, "an attribute is a flag, a number, a word, or a list of numbers")


def _type(number: int, match: re.Match[str]) -> Type | None:
    if match["element"] is None:
        return None
    if match["element"] not in ELEMENTS:
        raise _bad(number, f"the elements are {', '.join(ELEMENTS)}")
    try:
        bounds = Interval(float(match["low"]), float(match["high"])) if match["low"] else None
        shape = tuple(int(size) for size in _names(match["shape"]))
    except ValueError:
        raise _bad(number, "a type is `real[1, 28, 28] in 0.0..1.0 for hospital`") from None
    readers = None if match["readers"] is None else _readers(match["readers"])
    return Type(shape=shape, element=cast(Element, match["element"]), bounds=bounds, readers=readers)


def _readers(text: str) -> Readers:
    if text == "all":
        return EVERYONE
    return Readers() if text == "nobody" else Readers(frozenset(text.split("+")))


def _output(number: int, line: str) -> Output:
    match = _OUTPUT.fullmatch(line)
    if match is None:
        raise _bad(number, "an output is `output name = value to party ; span`")
    return Output(name=match["name"], value=match["value"], to=_names(match["to"]), span=_span(match))


def _span(match: re.Match[str]) -> Span:
    line, column, end_line, end_column = (int(part) for part in match.groups()[-5:] if part and part.isdigit())
    return Span(line, column, end_line, end_column)
