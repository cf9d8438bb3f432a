"""Attacks on the toy: the server in the clear has everything, the server on shares nothing but what it is told."""

from __future__ import annotations

from functools import cache
from itertools import count

import numpy as np
import pytest
import torch

from ppc.audit import Finding
from ppc.audit.splits import Budget, Victim, audit
from ppc.audit.splits.inversion import by_line, rebuilt, ssim
from ppc.audit.splits.probes import probe
from ppc.audit.splits.report import Report, chance_of, judged
from ppc.cli.audit_view import boundary, received
from ppc.field import Words
from ppc.plan.steps import Step
from ppc.protocol import lowered
from ppc.runtime.hand import Hand
from ppc.runtime.keys import Seed
from tests.audit.toys import compiled, facts, typed, victim, weights
from tests.runtime.plans import seeds

BUDGET = Budget(known=600, judged=400, queries=(400,), effort=0.3)


@cache
def in_the_clear(layer: int) -> Report:
    return audit(victim(layer), BUDGET, "the server's view")


@cache
def on_shares() -> Report:
    """All that the server receives in runs on shares, whose masks are drawn from seeds: of guessers one in forty would
    be luckier than the interval."""
    plan = lowered(compiled(1, "joined", batch=100)).plan
    own = {name: tensor.numpy() for name, tensor in weights().items()}
    rows, labels = facts(500, seed=9)
    numbers, sent = boundary(plan)
    runs = count(1)

    def drawn() -> tuple[bytes, list[Seed]]:
        run = next(runs)  # others in every run: no mask hides two values
        return run.to_bytes(16, "big"), seeds(run)[:3]

    whole = Victim.of(typed(1, "joined"), own, rows, labels, numbers, sent=sent, view=received(plan, own, drawn))
    return audit(whole, Budget(known=300, judged=200, queries=(), effort=0.3), "the server's shares")


def of(report: Report, attack: str, *, control: bool = False) -> Finding:
    return next(one for one in report.findings if one.attack == attack and one.control == control)


def kind_of(finding: Finding) -> str:
    return finding.attack.split(" from ")[0]


def test_the_toy_is_well_trained() -> None:
    whole = victim(1)

    answers = whole.answers(whole.images, torch.Generator().manual_seed(1))

    assert float((answers == whole.labels).double().mean()) > 0.97


@pytest.mark.parametrize("layer", [1, 3])
@pytest.mark.parametrize("what", ["the client's signal", "the true label"])
def test_broken_in_the_clear(layer: int, what: str) -> None:
    """The signal is known for certain, and the true label as well as the client knows it, wherever it is cut."""
    found = of(in_the_clear(layer), f"probe for {what}")

    assert found.verdict == "BROKEN"
    assert found.value > (0.99 if "signal" in what else 0.95)
    assert found.interval.low > found.baseline + 0.3
    assert any(f"The server recovers {what} with advantage +0." in note for note in in_the_clear(layer).notes)


def test_inputs_are_rebuilt_the_better_the_earlier_it_is_cut() -> None:
    early, late = (of(in_the_clear(layer), "linear inversion") for layer in (1, 3))

    assert early.verdict == "BROKEN"
    assert early.value > late.value > late.baseline


def test_a_copy_agrees_with_the_model() -> None:
    found = of(in_the_clear(1), "copy from 400 answers")

    assert found.value > 0.9
    assert found.verdict == "BROKEN"


@pytest.mark.parametrize("what", ["the client's signal", "the true label"])
def test_no_advantage_on_shares(what: str) -> None:
    """What the server receives is uniform; it is told nothing, so that the commonest answer is all it has."""
    found = of(on_shares(), f"probe for {what}")

    assert found.verdict == "no advantage found"
    assert abs(found.value - found.baseline) < 0.1


@pytest.mark.parametrize("attack", ["linear inversion", "network inversion"])
def test_no_input_is_rebuilt_from_shares(attack: str) -> None:
    assert of(on_shares(), attack).verdict == "no advantage found"


@pytest.mark.parametrize("report", [lambda: in_the_clear(1), on_shares], ids=["clear", "shares"])
def test_every_attack_finds_what_is_there_to_find(report: object) -> None:
    """Controls: a view that holds the secret, or has lost its masks, inputs behind a matrix, a rule that is easily
    copied, layers that make the label."""
    findings = report().findings  # pyright: ignore[reportCallIssue]
    controls = [one for one in findings if one.control]

    assert len(controls) >= 8
    assert {kind_of(one) for one in findings if not one.control} <= {kind_of(one) for one in controls}
    assert {one.verdict for one in controls if "of its own" not in one.attack} == {"BROKEN"}
    assert all(one.verdict == "leaks" for one in controls if "of its own" in one.attack)


def test_a_forgotten_mask_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mask of the client's numbers is zero: beside the modulus they are tiny, and among many that are uniform, and
    all the same a part of the inputs is rebuilt from what is received."""
    plan = lowered(compiled(1, "joined", batch=100)).plan
    opening = next(step for step in plan.section("each").steps if step.op == "mask")
    real = Hand.mask

    def mask(hand: Hand, step: Step) -> Words:
        return hand.local.zeros(step.wire.shape) if step.name == opening.name else real(hand, step)

    monkeypatch.setattr(Hand, "mask", mask)
    own = {name: tensor.numpy() for name, tensor in weights().items()}
    rows, labels = facts(500, seed=9)
    whole = Victim.of(typed(1, "joined"), own, rows, labels, boundary(plan)[0], view=received(plan, own))
    attacker, clients = (whole.queries(part, torch.Generator()) for part in torch.arange(500).split([300, 200]))

    assert by_line(attacker.seen, attacker.images, clients.seen, clients.images).r2 > 0.2


def test_nothing_is_called_secure() -> None:
    words = " ".join(f"{one.verdict} {one.attack} {one.knowledge}" for one in on_shares().findings)

    assert "secure" not in words
    assert all(one.knowledge and one.budget for one in on_shares().findings)


def test_a_byte_hides_little() -> None:
    """The same attack on numbers that cross as bytes."""
    clear, small = victim(1), victim(1)
    coins = torch.Generator().manual_seed(2)
    places = torch.arange(600)
    bytes_ = Victim(small.graph, small.weights, small.images, small.labels, small.crossing, sent="byte")
    exact, rounded = clear.queries(places, coins).seen, bytes_.queries(places, torch.Generator().manual_seed(2)).seen

    assert 0 < float((exact - rounded).abs().max()) <= float(exact.max() - exact.min()) / 255


def test_a_verdict_needs_an_advantage_and_certainty() -> None:
    assert judged(600, 1_000, 0.5) == "BROKEN"
    assert judged(545, 1_000, 0.5) == "leaks"
    assert judged(510, 1_000, 0.5) == "no advantage found"
    assert chance_of(0.5, 1_000, 0.5) == 0.5
    assert chance_of(0.6, 1_000, 0.5) < 1e-6


def test_how_pictures_are_measured() -> None:
    """The same image is 1 by SSIM; an error of a tenth everywhere is 20 dB."""
    draws = np.random.default_rng(1)
    images = torch.from_numpy(draws.uniform(0.2, 0.8, (4, 1, 12, 12)).astype(np.float32))
    shifted = rebuilt(images + 0.1, images)

    assert torch.allclose(ssim(images, images), torch.ones(4))
    assert shifted.psnr == pytest.approx((20.0,) * 4, abs=1e-3)
    assert all(value < 1 for value in shifted.ssim)


def test_a_probe_of_noise_is_right_as_often_as_the_commonest_answer() -> None:
    draws = torch.Generator().manual_seed(3)
    noise, secrets = torch.randn(1_500, 20, generator=draws), torch.randint(2, (1_500,), generator=draws)

    told = probe(noise[:1_000], secrets[:1_000], noise[1_000:], secrets[1_000:], 2, 0)

    assert judged(told.right, told.trials, told.most_common) == "no advantage found"
