"""check-flow: a program that would show a party too much is refused, with the way that the secret takes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from ppc.errors import InternalError, PpcError
from ppc.ir.graph import Graph, Output
from ppc.ir.types import EVERYONE
from ppc.passes.check_flow import CheckFlow
from tests.programs import compiled, mistakes, program

LESSONS = "labels from hospital\nloss = softmax_cross_entropy\nsgd(rate=0.1, batch=4)"
TWO_INPUTS = partial(
    program,
    more_inputs=", record: real[4] in 0..1",
    body="\nseen = image -> conv2d(4, kernel=3) -> relu -> flatten\nseen -> concat(record)\ndense(10)\ndense(10)\n",
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (program("server clear"), "lab would see `image` of hospital"),
        (
            TWO_INPUTS("record from lab", "split at 1", "joint"),
            "hospital would see `record` of lab",
        ),
        (
            program(
                "split at 1",
                "server clear",
                body="\nconv2d(2, kernel=3, padding=same)\nconv2d(2, kernel=1)\nadd(image)\ndense(10)\n",
            ),
            "lab would see `image` of hospital",
        ),
        (
            program(
                "split at 1",
                "server clear",
                body="\nflat = flatten\ndense(8)\nrelu\ndense(8)\nconcat(flat)\ndense(10)\n",
            ),
            "lab would see `flat`, which tells of `image` of hospital",
        ),
        (
            program(
                "split at 1",
                "server clear",
                body="\nconv2d(2, kernel=3, padding=same)\nconcat(image)\ndense(8)\ndense(10)\n",
            ),
            "lab would see `dense1.flatten`, which tells of `image` of hospital",
        ),
        (
            program("split at 2", "server clear", "complement", "result to lab", classes=2),
            "hospital would see `dense2`, which tells of the weights",
        ),
        (
            program("joint", lessons=LESSONS + "\nlogits to lab"),
            "lab would see `labels` of hospital",
        ),
        (program("joint", lessons=LESSONS).replace("train net {", "train net by clear {"), "lab would see `image`"),
    ],
)
def test_a_leak_is_refused(text: str, words: str) -> None:
    """The message says who would see what, and the notes show the way."""
    found = mistakes(text, train="train" in text)

    assert "PPC401" in {mistake.code for mistake in found}
    assert any(words in mistake.message for mistake in found)
    assert all(any("way it takes" in note.text for note in m.notes) for m in found if m.code == "PPC401")


def placed(*facts: str) -> tuple[Graph, CheckFlow]:
    """A graph that passes, and the check that passed it."""
    done = compiled(program(*facts))
    assert done.policy is not None
    return done.graph, CheckFlow(done.policy)


def changed(graph: Graph, name: str, **changes: object) -> Graph:
    nodes = tuple(replace(node, **changes) if node.name == name else node for node in graph.nodes)  # pyright: ignore[reportArgumentType]
    return replace(graph, nodes=nodes)


def test_an_opening_that_no_line_names_is_a_leak() -> None:
    """The check trusts no earlier pass: a reveal to another party, or under another line's words, is refused."""
    graph, check = placed("joint")

    for attrs in ({"to": "lab", "grant": "result"}, {"to": "hospital", "grant": "server clear"}):
        with pytest.raises(PpcError, match="PPC401"):
            check.run(changed(graph, "dense2.to_hospital", attrs=attrs))


def test_a_joint_value_computed_in_the_clear_is_a_leak() -> None:
    """Moving a node to a party shows the party its operands."""
    graph, check = placed("joint")

    for party in ("hospital", "lab"):
        with pytest.raises(PpcError, match="PPC401"):
            check.run(changed(graph, "relu2", place=party))


def test_an_input_is_never_opened_by_a_split() -> None:
    """`split` opens weights of the head, `server clear` what the head computed: neither opens an input or the tail."""
    graph, check = placed("split at 1", "server clear")

    with pytest.raises(PpcError, match="PPC401"):
        check.run(changed(graph, "relu1.to_lab", inputs=("image",)))
    with pytest.raises(PpcError, match="PPC401"):
        check.run(changed(graph, "conv2", inputs=("relu1.to_lab", "conv1.weight.to_hospital")))


def test_readers_that_a_pass_wrote_down_wrongly_are_a_mistake_of_the_compiler() -> None:
    """Recorded readers must be the ones that follow from the graph."""
    graph, check = placed("joint")

    with pytest.raises(InternalError, match="it is for nobody"):
        check.run(changed(graph, "relu2", type=graph["relu2"].typed.seen_by(EVERYONE)))


def test_a_result_sent_to_somebody_else_is_a_leak() -> None:
    """The outputs are checked as the nodes are."""
    graph, check = placed("joint")
    outputs = (replace(graph.output("result"), to=("lab",)),)

    with pytest.raises(PpcError, match="lab would see"):
        check.run(replace(graph, outputs=outputs))


def test_a_public_layer_that_learns_is_a_leak() -> None:
    """Public weights are public because no step changes them: an update of one is refused, wherever it comes from."""
    done = compiled(program("joint", "conv1 public in -1..1", lessons=LESSONS + "\nlogits to hospital"), train=True)
    assert done.policy is not None
    check = CheckFlow(done.policy, done.training)
    check.run(done.graph)
    update = Output(name="conv1.bias", value=done.graph.output("dense2.bias").value)

    with pytest.raises(PpcError) as caught:
        check.run(replace(done.graph, outputs=(*done.graph.outputs, update)))

    assert "`conv1.bias`" in caught.value.diagnostics[0].message
