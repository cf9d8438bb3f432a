"""The lock: its rows are what they say, in both directions."""

from __future__ import annotations

import pytest
import torch

from ppc.distilled import Samples, pack
from ppc.distilling import Learner, Lock, Row
from ppc.distilling.attackers import by_ridge, cracked, short_key
from ppc.distilling.shapes import others
from ppc.distilling.trials import parts_of, renamed_accuracy
from ppc.errors import PpcError
from tests.distilled.made import package, packed, samples, target
from tests.distilling.made import corners, task


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    of = task(epochs=40)
    learner = Learner(of)
    while not learner.done:
        learner.epoch()
    lock = Lock(task=of, learned=learner.samples(), test=corners(90, seed=2))
    return {row.measure or row.what: row for row in lock.rows()}


def test_every_measure_that_can_be_required_is_there(rows: dict[str, Row]) -> None:
    from ppc.ir.distilled import MEASURES

    assert set(MEASURES) <= rows.keys()
    assert len(rows["other_init"].values) == 10


def test_the_right_key_trains_and_others_do_not(rows: dict[str, Row]) -> None:
    assert rows["accuracy"].mean > 0.95
    assert rows["perturbed"].mean > 0.95
    assert rows["other_init"].mean < rows["accuracy"].mean - 0.2
    assert rows["shuffled"].mean < rows["accuracy"].mean - 0.2


def test_public_examples_alone_are_a_baseline(rows: dict[str, Row]) -> None:
    """Enough of them solve the problem without any sample."""
    assert rows["10 public examples alone"].mean > 0.8


def test_rows_name_the_public_examples_that_there_are(rows: dict[str, Row]) -> None:
    """Half of 90 are left to measure on."""
    assert [name for name in rows if name.endswith("examples alone")] == [
        f"{count} public examples alone" for count in (0, 10, 45)
    ]


def test_an_open_lock_is_seen_as_open() -> None:
    """Samples that are the data's own classes train every network: the rows say so."""
    of = task(steps=30, samples=60)
    marks = torch.nn.functional.one_hot(of.data.classes, 3).float()
    plain = Samples(images=of.data.images.numpy(), labels=marks.numpy(), rates=(1.0,) * 30)
    rows = {row.measure: row for row in Lock(task=of, learned=plain, test=corners(90, seed=2)).rows()}

    assert rows["other_init"].mean > 0.9
    assert rows["other_shape"].mean > 0.9


@pytest.mark.parametrize("bare", [False, True])
def test_a_package_under_a_short_key_is_opened_and_under_a_long_one_not(bare: bool) -> None:
    of, key = target(), short_key(200)
    found = cracked(pack(package(of, key), key, bare=bare), of.graph, bits=8)

    assert found.guesses == 201
    assert found.samples is not None
    assert found.samples.images.tobytes() == samples(of).images.tobytes()
    assert cracked(packed(of), of.graph, bits=8).samples is None


def test_a_name_alone_opens_nothing() -> None:
    """The search opens what it finds: a package whose head was exchanged does not pass."""
    of, key = target(), short_key(7)
    data = packed(of)
    named = data[:11] + bytes.fromhex(key.name) + data[19:]

    with pytest.raises(PpcError) as caught:
        cracked(named, of.graph, bits=8)
    assert caught.value.diagnostics[0].code == "PPC591"


def test_the_ridge_regression_is_that_of_the_normal_equations() -> None:
    of = target()
    parts, seen = parts_of(samples(of)), corners(9, seed=2).images
    known, asked = (
        torch.nn.functional.pad(images.flatten(1).double(), (0, 1), value=1) for images in (parts.images, seen)
    )
    ridge = 0.1 * (known**2).sum(1).mean() * torch.eye(known.shape[1])
    theirs = asked @ torch.linalg.solve(known.T @ known + ridge, known.T @ parts.labels.double())

    assert by_ridge(parts, seen, 0.1).numpy() == pytest.approx(theirs.numpy(), abs=1e-9)


def test_other_shapes_are_networks_of_other_sizes() -> None:
    words = [name for name, _ in others(target())]
    convolutional = target("conv2d(4, kernel=3)\n    relu\n    dense(8)\n    relu\n    dense(3)")
    sizes = {name: sum(node.typed.size for node in other.typed(1).parameters) for name, other in others(convolutional)}

    assert words == ["half as wide", "twice as wide", "a layer more", "a layer less"]
    assert len(set(sizes.values())) == 4
    assert [name for name, _ in others(target("dense(3)"))] == []


def test_answers_may_be_renamed() -> None:
    classes = torch.arange(12) % 3
    shifted = torch.nn.functional.one_hot((classes + 1) % 3, 3).float()

    assert renamed_accuracy(shifted, classes) == 1.0
    assert renamed_accuracy(torch.ones(12, 3), classes) == pytest.approx(1 / 3)
