"""All attacks on a model that is split, each beside a control: a target that is known to leak.

BROKEN is said of a probe that is right more than five points more often than the commonest answer, with p below 0.01,
and of an inversion that explains at least half of what the inputs differ by. What no attack found is said of that one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import sqrt
from statistics import NormalDist, fmean

import torch
from torch import Tensor

from ppc.audit.finding import Finding, Verdict
from ppc.audit.splits import inversion, theft
from ppc.audit.splits.inversion import Rebuilt
from ppc.audit.splits.probes import HIDDEN, STEPS, Told, commonest, fitted, network, probe, standardised
from ppc.audit.splits.victim import Queries, Victim
from ppc.audit.statistics import mean_interval, share_interval

ADVANTAGE = 0.05
CERTAIN = 0.01  # of the one-sided test
HALVED = 10 * torch.log10(torch.tensor(2.0)).item()  # decibels: half of the error is gone
SERVER = "the client's half, all weights, and inputs and signals of its own"
UNMASKED = "the same runs, with the masks taken off"
CLIENT = "the layers that were published, and the answers to its queries"


@dataclass(frozen=True)
class Budget:
    """How many examples the attacker has, and on how many it is judged."""

    known: int = 2_000
    judged: int = 1_000
    queries: tuple[int, ...] = theft.BUDGETS
    effort: float = 1.0  # of the steps in which attackers learn
    seed: int = 0

    def steps(self, whole: int) -> int:
        return max(1, round(self.effort * whole))


@dataclass(frozen=True)
class Report:
    """The findings, and for pictures: inputs beside what was made of them."""

    findings: tuple[Finding, ...]
    pictures: dict[str, Tensor]
    notes: tuple[str, ...]


def audit(victim: Victim, budget: Budget, target: str) -> Report:
    """Everything, on a victim that is called `target` in the report."""
    coins = torch.Generator().manual_seed(budget.seed)
    order = torch.randperm(len(victim.labels), generator=coins)
    judged = order[: min(budget.judged, len(order) * 2 // 5)]
    known = order[len(judged) :][: budget.known]
    attacker, clients = victim.queries(known, coins), victim.queries(judged, coins)
    found: list[Finding] = []
    pictures: dict[str, Tensor] = {"inputs": clients.images[:8]}
    if victim.numbers > 1:
        found += _secret(victim, "the client's signal", attacker, clients, budget, target)
    found += _secret(victim, "the true label", attacker, clients, budget, target)
    found += _rebuilt(attacker, clients, budget, target, pictures)
    found += _stolen(victim, attacker, clients, budget)
    return Report(tuple(found), pictures, tuple(_notes(found)))


# ---- the server ----


def _secret(
    victim: Victim, what: str, attacker: Queries, clients: Queries, budget: Budget, target: str
) -> Iterator[Finding]:
    """A probe for a number, and its controls: the same probe where the number stands in what is seen, among noise; and
    where what is received on shares has lost its masks."""
    signal = what == "the client's signal"
    classes = victim.numbers if signal else victim.classes
    secrets, truths = (attacker.signals, clients.signals) if signal else (attacker.labels, clients.labels)
    told = probe(attacker.seen, secrets, clients.seen, truths, classes, budget.seed, steps=budget.steps(STEPS))
    yield _probed(told, f"probe for {what}", target, f"{len(attacker):,} examples", control=False)
    leaky = [_beside_noise(one, classes, budget.seed + place) for place, one in enumerate((secrets, truths))]
    controls = {"a view that holds it, among noise": leaky}
    if attacker.bare is not None and clients.bare is not None:
        controls[UNMASKED] = [attacker.bare, clients.bare]
    for shown, (known, seen) in controls.items():
        told = probe(known, secrets, seen, truths, classes, budget.seed, steps=budget.steps(STEPS))
        yield _probed(told, f"probe for {what}", shown, f"{len(attacker):,} examples")


def _beside_noise(secrets: Tensor, classes: int, seed: int) -> Tensor:
    noise = torch.randn(len(secrets), 32, generator=torch.Generator().manual_seed(seed))
    marks = torch.nn.functional.one_hot(secrets, classes).float()
    return torch.cat([marks, noise], 1)


def _probed(told: Told, attack: str, target: str, budget: str, *, control: bool = True) -> Finding:
    interval = share_interval(told.right, told.trials)
    return Finding(
        attack=attack,
        target=target,
        knowledge=SERVER,
        budget=f"{budget}; a linear model and a network of {HIDDEN} units, tried on {told.trials:,} queries",
        metric="accuracy",
        value=told.share,
        interval=interval,
        baseline=told.most_common,
        verdict=judged(told.right, told.trials, told.most_common),
        control=control,
    )


def judged(right: int, trials: int, baseline: float) -> Verdict:
    """By the advantage over the commonest answer, and how sure it is."""
    share = right / trials
    if share_interval(right, trials).low <= baseline:
        return "no advantage found"
    return "BROKEN" if share - baseline > ADVANTAGE and chance_of(share, trials, baseline) < CERTAIN else "leaks"


def chance_of(share: float, trials: int, baseline: float) -> float:
    """p: how likely a guesser of the commonest answer is so often right."""
    deviation = sqrt(max(baseline * (1 - baseline), 1e-12) / trials)
    return 1 - NormalDist().cdf((share - baseline) / deviation)


def _rebuilt(
    attacker: Queries, clients: Queries, budget: Budget, target: str, pictures: dict[str, Tensor]
) -> Iterator[Finding]:
    """Inputs from what is seen; the controls see the inputs themselves through a matrix without meaning, and what is
    received on shares without its masks."""
    truths = clients.images
    blind = inversion.by_mean(attacker.images, truths)
    budget_words, steps = f"{len(attacker):,} examples", budget.steps(inversion.STEPS)

    def both(known: Tensor, seen: Tensor) -> dict[str, Rebuilt]:
        net = inversion.by_network(known, attacker.images, seen, truths, budget.seed, steps=steps)
        return {"linear inversion": inversion.by_line(known, attacker.images, seen, truths), "network inversion": net}

    found = both(attacker.seen, clients.seen)
    pictures.update({name: one.images[:8] for name, one in found.items()})
    for name, one in found.items():
        yield from _inverted(one, blind, name, target, budget_words, control=False)
    size = attacker.images[0].numel()
    mixed = torch.randn(size, size, generator=torch.Generator().manual_seed(budget.seed)) / size**0.5
    controls = {"the inputs, mixed by a matrix": both(*(one.images.flatten(1) @ mixed for one in (attacker, clients)))}
    if attacker.bare is not None and clients.bare is not None:
        controls[UNMASKED] = both(attacker.bare, clients.bare)
    for shown, attacks in controls.items():
        for name, one in attacks.items():
            yield from _inverted(one, blind, name, shown, budget_words)


def _inverted(
    found: Rebuilt, blind: Rebuilt, attack: str, target: str, budget: str, *, control: bool = True
) -> Iterator[Finding]:
    for metric, values, without in (("PSNR in dB", found.psnr, blind.psnr), ("SSIM", found.ssim, blind.ssim)):
        value, baseline = fmean(values), fmean(without)
        interval = mean_interval(values)
        leaks = interval.low > baseline
        halved = found.r2 >= 0.5 if metric == "SSIM" else value - baseline >= HALVED
        yield Finding(
            attack=attack,
            target=target,
            knowledge=SERVER,
            budget=f"{budget}, tried on {len(values):,} queries; explains {max(found.r2, 0.0):.0%} of the variance",
            metric=metric,
            value=value,
            interval=interval,
            baseline=baseline,
            verdict="BROKEN" if leaks and halved else "leaks" if leaks else "no advantage found",
            control=control,
        )


# ---- the client ----


def _stolen(victim: Victim, attacker: Queries, clients: Queries, budget: Budget) -> Iterator[Finding]:
    """A copy from answers; and what a few labels are worth with the published layers, beside without."""
    coins = torch.Generator().manual_seed(budget.seed)
    own, theirs = victim.answers(attacker.images, coins), victim.answers(clients.images, coins)
    common = commonest(theirs, victim.classes)
    steps = budget.steps(theft.COPY_STEPS)
    for count in budget.queries:
        if count > len(attacker):
            continue
        found = theft.copied(victim, attacker.images[:count], own[:count], clients.images, budget.seed, steps=steps)
        told = Told(int((found == theirs).sum()), len(theirs), common)
        yield _agreed(told, f"copy from {count:,} answers", "the model", control=False)
    yield _easy(victim, attacker, clients, budget)
    if victim.published:
        yield _worth(victim, attacker, clients, budget)
        yield _worth(victim, _drawn(victim, attacker, coins), _drawn(victim, clients, coins), budget, control=True)


def _drawn(victim: Victim, queries: Queries, coins: torch.Generator) -> Queries:
    """With labels that nothing tells."""
    return replace(queries, labels=torch.randint(victim.classes, (len(queries),), generator=coins))


def _agreed(told: Told, attack: str, target: str, *, control: bool = True) -> Finding:
    return Finding(
        attack=attack,
        target=target,
        knowledge=CLIENT,
        budget=f"judged on {told.trials:,} queries that it did not ask",
        metric="agreement",
        value=told.share,
        interval=share_interval(told.right, told.trials),
        baseline=told.most_common,
        verdict=judged(told.right, told.trials, told.most_common),
        control=control,
    )


def _easy(victim: Victim, attacker: Queries, clients: Queries, budget: Budget) -> Finding:
    """The control: a linear rule on the published features, which any copy finds."""
    known, other = theft.features(victim, attacker.images), theft.features(victim, clients.images)
    known, other = standardised(known, other)
    coins = torch.Generator().manual_seed(budget.seed)
    rule = torch.randn(known.shape[1], victim.classes, generator=coins)
    answers, truths = (known @ rule).argmax(1), (other @ rule).argmax(1)
    found = theft.copied(
        victim, attacker.images, answers, clients.images, budget.seed, steps=budget.steps(theft.COPY_STEPS)
    )
    common = commonest(truths, victim.classes)
    told = Told(int((found == truths).sum()), len(truths), common)
    return _agreed(told, f"copy from {len(answers):,} answers", "a linear rule on the published layers")


def _worth(victim: Victim, attacker: Queries, clients: Queries, budget: Budget, *, control: bool = False) -> Finding:
    """Trained on a hundred labels: on what the published layers make of inputs, and on inputs. The control has layers
    that make the label of every input, among noise."""
    few, both = min(100, len(attacker)), (attacker, clients)
    if control:
        views = [_beside_noise(one.labels, victim.classes, budget.seed + place) for place, one in enumerate(both)]
    else:
        views = [theft.features(victim, one.images) for one in both]
    right: list[int] = []
    for own, theirs in (views, [theft.pixels(victim, one.images) for one in both]):
        known, other = standardised(own[:few], theirs)
        model = network(known.shape[1], victim.classes, budget.seed)
        model = fitted(model, known, attacker.labels[:few], budget.seed, steps=budget.steps(STEPS))
        with torch.no_grad():
            right.append(int((model(other).argmax(1) == clients.labels).sum()))
    trials = len(clients)
    return Finding(
        attack=f"a model of its own from {few} labels on the published layers",
        target="layers that make drawn labels, among noise" if control else "the model",
        knowledge="the layers that were published, and no answer",
        budget=f"{few} labelled examples, judged on {trials:,}; baseline: the same without the layers",
        metric="accuracy",
        value=right[0] / trials,
        interval=share_interval(right[0], trials),
        baseline=right[1] / trials,
        verdict="leaks" if share_interval(right[0], trials).low > right[1] / trials else "no advantage found",
        control=control,
    )


# ---- what is said ----


def _notes(findings: list[Finding]) -> Iterator[str]:
    for finding in findings:
        if finding.attack.startswith("probe") and not finding.control:
            yield (
                f"The server recovers {finding.attack.removeprefix('probe for ')} with advantage "
                f"{finding.value - finding.baseline:+.3f}: {finding.value:.3f} against {finding.baseline:.3f}."
            )
    weak = [finding.attack for finding in findings if finding.control and finding.verdict == "no advantage found"]
    if weak:
        yield f"Not to be believed: {', '.join(weak)} found nothing where there is something to find."
