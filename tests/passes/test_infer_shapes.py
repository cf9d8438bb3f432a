"""What infer-shapes writes into a graph, and how it reports what does not fit."""

from __future__ import annotations

from random import Random

import pytest

from ppc.errors import Diagnostic, PpcError
from ppc.ir.graph import Graph, Output
from ppc.ir.text import show
from ppc.ir.types import Interval, Type
from ppc.ir.verify import verify
from ppc.passes.infer_shapes import InferShapes
from ppc.source import Span
from tests.golden import Golden
from tests.nets import Net
from tests.random_models import random_model


def mistakes(net: Net) -> list[Diagnostic]:
    """All that is wrong with a net."""
    with pytest.raises(PpcError) as caught:
        net.typed()
    return list(caught.value.diagnostics)


def named(net: Net) -> Graph:
    output = Output(name="result", value=net.last)
    return Graph(name="net", stage="named", nodes=tuple(net.builder.nodes), outputs=(output,))


def test_small_net(golden: Golden) -> None:
    """Shapes with the batch, parameters as their layer needs them, bounds, and a `flatten` before `dense`."""
    net = Net((3, 9, 7)).conv(4, stride=2, padding=1).norm().layer("relu").pool().dense(2).layer("softmax")

    golden.check(show(net.typed(batch=2, weights=Interval(-1.0, 1.0))))


@pytest.mark.parametrize("seed", range(20))
def test_models_are_valid_afterwards(seed: int) -> None:
    """Every value has a type, and nothing else has changed."""
    before = random_model(Random(seed))
    after = verify(InferShapes(batch=3).run(before))

    assert all(node.type is not None for node in after.nodes)
    made = [node.op for node in after.nodes if node.origin == "infer-shapes"]
    assert set(made) <= {"flatten"}
    # Parameters move to the layer that uses them; everything else keeps its order.
    kept = [node.name for node in after.nodes if node.origin == "source" and node.op != "parameter"]
    assert kept == [node.name for node in before.nodes if node.op != "parameter"]
    assert after.outputs == before.outputs


def test_row_is_not_flattened() -> None:
    """Nothing to do: nothing is added."""
    assert Net((5,)).dense(3).dense(2).typed().with_op("flatten") == ()


def test_batch_is_the_only_difference() -> None:
    """Two batch sizes give one graph, but for the first size of every value."""
    one, two = (Net((1, 6, 6)).conv(2).dense(3).typed(batch=batch) for batch in (1, 7))

    assert [node.name for node in one.nodes] == [node.name for node in two.nodes]
    assert show(two).replace("real[7, ", "real[1, ") == show(one)


def test_variance_is_never_negative() -> None:
    """Whatever the weights' bounds say."""
    graph = Net((4,)).dense(2).norm().typed(weights=Interval(-3.0, 2.0))

    assert graph["batch_norm1.variance"].typed.bounds == Interval(0.0, 2.0)
    assert graph["batch_norm1.mean"].typed.bounds == Interval(-3.0, 2.0)


def test_argmax_gives_numbers_of_classes() -> None:
    """One a example, and no real."""
    type_ = Net((4,)).dense(3).layer("argmax").typed(batch=2)["argmax1"].typed

    assert (type_.element, type_.shape) == ("index", (2,))


@pytest.mark.parametrize(
    ("code", "net"),
    [
        ("PPC201", Net((4,)).dense(3).dense(2).layer("add", "dense1")),
        ("PPC202", Net((1, 6, 6)).conv(2).conv(2).layer("concat", "conv1")),
        ("PPC203", Net((1, 3, 3)).conv(2, kernel=5)),
        ("PPC204", Net((4,)).pool()),
        ("PPC207", Net((3, 6, 6)).conv(4, groups=2)),
        ("PPC208", Net((4,)).layer("reshape", attrs={"shape": (3,)})),
        ("PPC209", Net((1, 4, 4)).conv(1 << 40)),
        ("PPC215", Net((1, 4, 4)).layer("softmax")),
        (
            "PPC217",
            Net((1, 4, 4)).layer("max_pool", attrs={"kernel": (2, 2), "stride": (1, 1), "padding": (2, 2)}),
        ),
    ],
)
def test_misfit_is_refused(code: str, net: Net) -> None:
    """One mistake, with a hint and a note of where the shape came from."""
    (found,) = mistakes(net)

    assert found.code == code
    assert found.hint
    assert all(note.span for note in found.notes)


def test_all_misfits_at_once_without_their_consequences() -> None:
    """Two branches are wrong; the sum that needs both is not blamed."""
    net = Net((1, 4, 4)).conv(2, kernel=9).layer("relu").layer("softmax", after="image").layer("add", "relu1")

    assert [found.code for found in mistakes(net)] == ["PPC203", "PPC215"]


def test_head_promises_another_shape() -> None:
    """Both shapes are shown."""
    promise, head = Type(shape=(10,)), Span(1, 30, 1, 38)
    with pytest.raises(PpcError, match=r"promises real\[10\]; the last layer gives real\[3\]") as caught:
        InferShapes(promise=promise, promise_span=head).run(named(Net((4,)).dense(3)))

    assert (caught.value.diagnostics[0].code, caught.value.diagnostics[0].span) == ("PPC205", head)


def test_head_that_keeps_its_promise() -> None:
    """Nothing is said."""
    graph = named(Net((4,)).dense(3))

    assert InferShapes(promise=Type(shape=(3,))).run(graph) == InferShapes().run(graph)
