"""place: values are computed where the program says, and every opening is a node with its line."""

from __future__ import annotations

from ppc.ir.graph import JOINT, Graph
from tests.programs import compiled, mistakes, program

LESSONS = "labels from hospital\nloss = softmax_cross_entropy\nsgd(rate=0.1, batch=4)"


def openings(graph: Graph) -> list[tuple[str, str, str]]:
    """Value, receiver and the words of the line, in order."""
    return [(node.inputs[0], node.word("to"), node.word("grant")) for node in graph.with_op("reveal")]


def places(graph: Graph, *names: str) -> list[str | None]:
    return [graph[name].place for name in names]


def test_joint_layers_run_jointly_and_only_the_result_is_opened() -> None:
    """One opening, to the party that the source names."""
    graph = compiled(program("joint")).graph

    assert places(graph, "image", "conv1.weight", "conv1", "dense2") == ["hospital", "lab", JOINT, JOINT]
    assert openings(graph) == [("dense2", "hospital", "result")]
    assert graph.output("result").to == ("hospital",)


def test_what_one_party_holds_alone_it_computes_alone() -> None:
    """Public weights on the client's image need no protocol."""
    graph = compiled(program("weights public in -1..1", "joint")).graph

    assert set(places(graph, "conv1", "relu1", "dense2")) == {"hospital"}
    assert openings(graph) == []


def test_a_split_gives_the_client_its_weights_and_the_server_its_feature_map() -> None:
    """`server clear` opens what crosses, `split` the weights of the head, `result` the answer."""
    graph = compiled(program("split at 1", "server clear")).graph

    assert openings(graph) == [
        ("conv1.weight", "hospital", "split"),
        ("conv1.bias", "hospital", "split"),
        ("relu1", "lab", "server clear"),
        ("dense2", "hospital", "result"),
    ]
    assert places(graph, "conv1", "conv2", "dense2") == ["hospital", "lab", "lab"]


def test_a_split_before_joint_layers_opens_no_feature_map() -> None:
    """The client's values enter the protocol as shares."""
    graph = compiled(program("split at 1", "joint")).graph

    assert [grant for _, _, grant in openings(graph)] == ["split", "split", "result"]
    assert places(graph, "relu1", "conv2") == ["hospital", JOINT]


def test_two_receivers_get_two_openings() -> None:
    """`result to hospital, lab`: one opening for each."""
    graph = compiled(program("result to hospital, lab", "joint")).graph

    assert [to for _, to, _ in openings(graph)] == ["hospital", "lab"]


def test_the_loss_runs_where_the_logits_are_opened() -> None:
    """`logits to hospital`: its own labels meet them there; the rest of the step is joint."""
    graph = compiled(program("joint", lessons=LESSONS + "\nlogits to hospital"), train=True).graph

    assert openings(graph) == [("dense2", "hospital", "logits")]
    assert places(graph, "loss", "loss.gradient") == ["hospital", "hospital"]
    assert graph["conv1.weight"].place == JOINT


def test_without_logits_the_loss_is_joint() -> None:
    """Nothing at all is opened in a step."""
    graph = compiled(program("joint", lessons=LESSONS), train=True).graph

    assert openings(graph) == []
    assert places(graph, "loss", "loss.gradient") == [JOINT, JOINT]


def test_the_trained_model_goes_to_whom_the_source_names() -> None:
    """`model to lab` names the receiver of every updated parameter, and of nothing else."""
    graph = compiled(program("joint", lessons=LESSONS + "\nmodel to lab"), train=True).graph

    given = {output.name for output in graph.outputs if output.to}
    assert given == {node.name for node in graph.parameters}


def test_nowhere_to_compute_is_said() -> None:
    """Two owners and no line about where their secrets meet."""
    assert [m.code for m in mistakes(program())] == ["PPC402"]


def test_batch_norm_is_not_trained_jointly() -> None:
    """Its statistics would need a division of secrets."""
    text = program("joint", body="\nconv2d(4, kernel=3)\nbatch_norm\nrelu\ndense(10)\n", lessons=LESSONS)

    assert [m.code for m in mistakes(text, train=True)] == ["PPC219"]
