"""What each cut of a model gives, sends and computes; held against the numbers of the paper, and against compiling."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppc.compiler import compile_program
from ppc.cuts import Row, Signal, chosen, front, rows
from ppc.cuts.choice import broken, transfer
from ppc.errors import PpcError
from ppc.ir.policy import Limits, Network
from ppc.ir.sent import Sent, message_bytes
from ppc.plan import reals
from ppc.protocol import lowered
from ppc.source import START
from tests.programs import compiled, program

ALEXNET = Path(__file__).parents[2] / "examples" / "alexnet.pnn"
SPLIT = ("split at 1", "server clear")


@pytest.fixture(scope="module")
def alexnet() -> tuple[Row, ...]:
    return rows(compile_program(ALEXNET).after("infer-shapes"))


def test_table_4_of_the_paper(alexnet: tuple[Row, ...]) -> None:
    """The client's parameters, which the paper stores in 8 bytes each: 182 kB, 2.52, 7.59 and 17.72 MB of 1,024."""
    weights = [row.weights for row in alexnet[:4]]

    assert weights == [23_296, 330_688, 994_624, 2_322_112]
    assert [round(8 * count / 2**10) for count in weights[:1]] == [182]
    assert [round(8 * count / 2**20, 2) for count in weights[1:]] == [2.52, 7.59, 17.72]


def test_table_5_of_the_paper(alexnet: tuple[Row, ...]) -> None:
    """Its rows 1, 3 and 4; row 2 takes 256 kernels for Table 1's 192, and the links of rows 3 and 4 are in bits."""
    links = [row.links for row in alexnet[:4]]
    slow = Network(rtt=0.0, bandwidth=8 * 2**20)

    assert links == [193_600, 27 * 27 * 192, 64_896, 64_896]
    assert 27 * 27 * 256 == 186_624
    assert 8 * 64_896 == 519_168
    assert [round(8e3 * count / slow.bandwidth, 2) for count in links] == [184.63, 133.48, 61.89, 61.89]


def test_what_crosses_is_pooled_first(alexnet: tuple[Row, ...]) -> None:
    assert [row.crossing for row in alexnet[:3]] == [64 * 27 * 27, 192 * 13 * 13, 64_896]


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize(
    ("signal", "complement"),
    [
        (Signal(), ()),
        (Signal(planes=10), ("complement offset",)),
        (Signal(planes=1), ("complement offset picture [9, 9]",)),
        (Signal(planes=10, layer=1), ("complement offset at 1",)),
    ],
)
def test_a_row_is_what_compiling_gives(layer: int, signal: Signal, complement: tuple[str, ...]) -> None:
    """The weights that are opened to the client, and the numbers that cross."""
    graph = compiled(program(f"split at {layer}", "server clear", *complement)).graph
    row = rows(compiled(program(*SPLIT)).after("infer-shapes"), signal)[layer - 1]
    opened: dict[str, int] = {"split": 0, "server clear": 0}
    for node in graph.with_op("reveal"):
        if node.word("grant") in opened:
            opened[node.word("grant")] += node.typed.size

    assert (row.weights, row.crossing) == (opened["split"], opened["server clear"])


@pytest.mark.parametrize("sent", ["float32", "byte"])
def test_the_bytes_of_a_row_are_those_that_a_plan_sends(sent: Sent) -> None:
    """With the ends of an example, where its numbers cross as bytes between them."""
    found = compiled(program("split at 2", f"server clear {{ send = {sent} }}"))
    row = rows(found.after("infer-shapes"))[1]
    (crosses,) = (step for step in lowered(found).plan.by_name.values() if step.word("grant") == "server clear")

    assert message_bytes(row.crossing, sent) == reals.payload(crosses)
    assert broken(row, Limits(bytes=reals.payload(crosses) - 1), Network(), sent)
    assert not broken(row, Limits(bytes=reals.payload(crosses)), Network(), sent)


def test_no_cut_in_front_of_the_layer_that_the_signal_joins() -> None:
    """Behind it all are possible; the client is given the signal's weights in those only."""
    auto = program("split auto { weights=2000 }", "complement offset at 2", "server clear")
    found = rows(compiled(program(*SPLIT)).after("infer-shapes"), Signal(planes=10, layer=2))

    assert [row.joined_behind for row in found] == [2, 0, 0]
    assert found[0].weights == rows(compiled(program(*SPLIT)).after("infer-shapes"))[0].weights
    assert broken(found[0], Limits(), Network()) == ("the signal joins layer 2, behind the cut",)
    assert [row.layer for row in front(found)] == [2, 3]
    assert compiled(auto).graph["conv2"].place == "hospital"


def test_what_both_sides_compute_is_everything(alexnet: tuple[Row, ...]) -> None:
    assert len({row.head.multiply_adds + row.tail.multiply_adds for row in alexnet}) == 1


def test_the_cut_that_answers_soonest_within_the_limits(alexnet: tuple[Row, ...]) -> None:
    slow = Network(rtt=0.0, bandwidth=8e6)

    best = chosen(alexnet, Limits(weights=1e6), slow, START)

    assert best.layer == 2
    assert chosen(alexnet, Limits(weights=3e5), slow, START).layer == 1
    assert transfer(best, slow) == 8 * 4 * 192 * 13 * 13 / 8e6


def test_what_a_cut_breaks(alexnet: tuple[Row, ...]) -> None:
    limits = Limits(weights=20_000, bytes=1000, time=1e-3, density=0.1)

    said = broken(alexnet[0], limits, Network(rtt=0.0, bandwidth=8e6))

    assert said == (
        "weights 23,296 > 20,000",
        "bytes 186,624 > 1,000",
        "time 187 ms > 1 ms",
        "density 0.31 > 0.1",
    )


def test_no_cut_within_the_limits(alexnet: tuple[Row, ...]) -> None:
    with pytest.raises(PpcError) as error:
        chosen(alexnet, Limits(weights=1), None, START)

    assert [one.code for one in error.value.diagnostics] == ["PPC223"]


def test_the_front_is_what_no_other_cut_beats(alexnet: tuple[Row, ...]) -> None:
    """Layer 4 gives more than layer 3 and sends as much; so does layer 7 beside layer 6."""
    assert [row.layer for row in front(alexnet)] == [1, 2, 5, 6]


def test_split_auto_is_the_split_that_it_chooses() -> None:
    auto = compiled(program("split auto { weights=100 }", "server clear"))
    written = compiled(program(*SPLIT))

    assert [node.place for node in auto.graph.nodes] == [node.place for node in written.graph.nodes]
