"""Attacks on a trained model find what is known to leak, and nothing in a model that has learned nothing."""

from __future__ import annotations

import pytest
import torch

from ppc.audit import Finding
from ppc.audit.trained import Victim, audit
from ppc.compiler import compile_program
from ppc.learning import Network
from tests.audit.trained_programs import TEXT


@pytest.fixture(scope="module")
def found() -> list[Finding]:
    graph = compile_program(TEXT).after("infer-shapes")
    coins = torch.Generator().manual_seed(5)
    rows = torch.rand((600, 40), generator=coins)
    labels = rows[:, :4].argmax(1)
    victim = Victim(
        graph=graph,
        weights=Network(graph).initial(1),
        seen=rows[:400],
        seen_labels=labels[:400],
        held=rows[400:],
        held_labels=labels[400:],
        rate=0.5,
        batch=20,
        epochs=8,
    )
    return audit(victim, "lab", "hospital", seed=2)


def test_every_control_leaks(found: list[Finding]) -> None:
    controls = [finding for finding in found if finding.control]

    assert len(controls) == 5
    assert all(finding.verdict == "BROKEN" for finding in controls), controls


def test_a_model_that_has_learned_nothing_tells_nothing_of_the_data(found: list[Finding]) -> None:
    for attack in ("membership by loss", "label from the model's answer"):
        real = [finding for finding in found if finding.attack == attack and not finding.control]
        assert real
        assert all(finding.verdict == "no advantage found" for finding in real)


def test_logits_give_the_model_away(found: list[Finding]) -> None:
    (copy,) = (finding for finding in found if finding.attack == "copy of the model" and not finding.control)

    assert copy.target == "the logits that hospital sees"
    assert copy.verdict in ("leaks", "BROKEN")
