"""The text form: it gives back every graph, and refuses what it has not written."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppc.compiler import compile_program
from ppc.errors import PpcError
from ppc.ir.graph import Graph
from ppc.ir.policy import Owner, Training
from ppc.ir.text import parse, show
from ppc.passes.differentiate import Differentiate
from ppc.passes.infer_shapes import InferShapes
from tests.golden import Golden
from tests.ir.random_graphs import graphs
from tests.random_models import random_model

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.pnn"))
TRAINING = Training(model="m", labels=Owner(party="public"), loss="mse", rate=0.1, batch=2, momentum=0.9)


def stages(seed: int) -> list[Graph]:
    """One random model as written, typed, and as a step of training."""
    named = random_model(Random(seed))
    typed = InferShapes(batch=2).run(named)
    return [named, typed, Differentiate(training=TRAINING).run(typed) if typed.parameters else typed]


@given(graphs)
def test_any_graph_comes_back(graph: Graph) -> None:
    """All attributes, types, places and spans survive."""
    assert parse(show(graph)) == graph


@pytest.mark.parametrize("seed", range(30))
def test_models_come_back_at_every_stage(seed: int) -> None:
    """Graphs that mean something."""
    for graph in stages(seed):
        assert parse(show(graph)) == graph


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_come_back_after_every_pass(path: Path) -> None:
    """Placed graphs too, with readers and openings."""
    for step in compile_program(path).steps:
        assert parse(show(step.graph)) == step.graph


def test_text_reads_well(golden: Golden) -> None:
    """What `--emit=graph` prints of a small model."""
    golden.check(show(stages(3)[1]))


def test_without_spans_less_is_compared() -> None:
    """Spans stand last on their line, so that they can be left out."""
    full, less = (show(stages(3)[1], spans=spans).splitlines() for spans in (True, False))

    assert len(full) == len(less)
    assert all(line.startswith(short) for line, short in zip(full, less, strict=True))


TEXTS = [show(graph) for seed in (1, 2) for graph in stages(seed)]


def refused_or_read(text: str) -> None:
    """Nothing but a graph or the one error about its text."""
    codes = ["PPC510"]
    try:
        parse(text)
    except PpcError as error:
        codes = [diagnostic.code for diagnostic in error.diagnostics]
    assert codes == ["PPC510"]


@given(st.sampled_from(TEXTS), st.data())
def test_cut_text_is_refused(text: str, data: st.DataObject) -> None:
    """A file that was not written to its end has no closing brace."""
    cut = text[: data.draw(st.integers(0, len(text) - 2))]

    with pytest.raises(PpcError) as caught:
        parse(cut)
    assert caught.value.diagnostics[0].code == "PPC510"


@given(st.sampled_from(TEXTS), st.data())
def test_changed_text_is_refused_or_read(text: str, data: st.DataObject) -> None:
    """A few characters replaced by others, anywhere."""
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text) - 1))
        end = start + data.draw(st.integers(0, 6))
        text = (
            text[:start] + data.draw(st.text(max_size=6) | st.sampled_from(["1", "{", "}", ":", ";", "]"])) + text[end:]
        )
    refused_or_read(text)


@given(st.text())
def test_any_text_is_refused_or_read(text: str) -> None:
    """Also inside of the frame of a graph."""
    refused_or_read(text)
    refused_or_read(f'graph g {{\n  stage typed\n  source ""\n  parties\n  {text}\n}}\n')


@pytest.mark.parametrize(
    "line",
    [
        "x = relu(y) ; 1:1-1:1",
        'x = relu(y) {"a": {}} ; 1:1-1:1 source',
        'x = relu(y) {"a": [1, "b"]} ; 1:1-1:1 source',
        'x = relu(y) {"a": } ; 1:1-1:1 source',
        "x = relu(y) : complex[1] ; 1:1-1:1 source",
        "x = relu(y) : real[1] in a..b ; 1:1-1:1 source",
        "x = relu(y) : real[1 2] ; 1:1-1:1 source",
        "x = relu(y) ; 1:1-1:1234567890123 source",
        "output result = x to 3",
        "output result ; 1:1-1:1",
    ],
)
def test_line_that_show_does_not_write(line: str) -> None:
    """The message names the line."""
    with pytest.raises(PpcError, match="Line 5"):
        parse(f'graph g {{\n  stage typed\n  source ""\n  parties\n  {line}\n}}\n')


@pytest.mark.parametrize(("number", "line"), [(1, "graph g"), (2, "stage late"), (3, "source x"), (4, "party a")])
def test_head_that_show_does_not_write(number: int, line: str) -> None:
    """So do those about the first lines."""
    lines = ["graph g {", "stage typed", 'source ""', "parties a", "}"]
    lines[number - 1] = line

    with pytest.raises(PpcError, match=f"Line {number}"):
        parse("\n".join(lines))
