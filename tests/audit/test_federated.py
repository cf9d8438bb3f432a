"""Attacks on updates and on opened losses find what is known to leak, and say so where noise hides it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
import torch

from ppc.audit import Finding
from ppc.audit.federated import Report, Victim, audit_losses, audit_updates
from ppc.audit.federated.exchanges import exchanges
from ppc.audit.federated.inputs import rebuilt
from ppc.audit.federated.labels import apportioned
from ppc.audit.federated.report import Effort
from ppc.audit.federated.settings import Setting, settings
from ppc.compiler import compile_program
from ppc.ir.collaborative import Collaborative
from ppc.ir.selective import Noise, Selective, Upload
from ppc.learning import Network

NET = """
model net(x: real[12] in 0..1) -> real[3] {
    dense(8)
    tanh
    dense(3)
}
"""
FACTS = Selective(model="net", participants=4, upload=Upload(share=0.2, how="largest"), rate=0.1, batch=4)
EFFORT = Effort(updates=20, matched=2, steps=80, pairs=20)


@cache
def victim() -> Victim:
    network = Network(compile_program(NET).after("infer-shapes"))
    images = torch.rand((150, 12), generator=torch.Generator().manual_seed(5))
    return Victim.of(network, network.initial(1), images, images[:, :3].argmax(1))


@cache
def report() -> Report:
    return audit_updates(victim(), FACTS, 2, EFFORT)


def the(findings: Sequence[Finding], attack: str, target: str) -> Finding:
    (found,) = (one for one in findings if one.attack.startswith(attack) and target in one.target)
    return found


def setting(name: str) -> Setting:
    return next(one for one in settings(FACTS, 120) if name in one.name)


def test_every_control_leaks() -> None:
    controls = [finding for finding in report().findings if finding.control]

    assert len(controls) == 3
    assert all(finding.verdict == "BROKEN" for finding in controls), controls


def test_of_one_example_a_dense_layer_tells_its_input_exactly() -> None:
    layer = victim().dense[0]

    for seen in exchanges(victim(), setting("one example, all"), 5, seed=0):
        assert torch.allclose(rebuilt(victim(), layer, seen), seen.images[0], atol=1e-3)


def test_noise_hides_the_input() -> None:
    noisy = the(report().findings, "the input", "noise")

    # Of twelve numbers that have nothing to do with each other, the mean of twenty correlations deviates by 0.07.
    assert abs(noisy.value) < 0.4


def test_a_part_of_the_update_still_tells_the_label() -> None:
    assert the(report().findings, "labels", "one example, the largest 10%").value > 0.8


def test_the_program_itself_is_attacked_too() -> None:
    noisy = replace(FACTS, noise=Noise(kind="gaussian", amount=2.0), upload=Upload(share=1.0, how="random"))
    names = [one.name for one in settings(noisy, 120)]

    assert names[-1] == "the program as it is"
    assert any("gaussian 2" in name for name in names)
    assert the(report().findings, "labels", "the program").budget == "20 updates of 15 examples each"


@pytest.mark.parametrize("name", ["all of its update", "largest 10%", "sum of 4"])
def test_what_is_seen_is_what_was_sent(name: str) -> None:
    chosen = setting(name)
    (seen,) = exchanges(victim(), chosen, 1, seed=0)
    size = len(seen.update)

    assert int(seen.sent.sum()) == chosen.facts.shared(size)
    assert not bool(seen.update[~seen.sent].any())
    assert len(seen.labels) == chosen.examples


def test_labels_in_proportion() -> None:
    assert apportioned(torch.tensor([2.0, 1.0, 1.0]), 4).tolist() == [0, 0, 1, 2]
    assert apportioned(torch.zeros(3), 3).tolist() == [0, 1, 2]


def test_two_workers_tell_each_other_everything_and_a_sum_of_many_less() -> None:
    facts = Collaborative(model="net", workers=10, epochs=3, batch=4)
    two, many = audit_losses(victim(), facts, 1, EFFORT).findings

    assert two.control
    assert two.verdict == "BROKEN"
    assert many.value < two.value
    assert not many.control
