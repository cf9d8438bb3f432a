"""All attacks on a training of many participants, as findings; each beside a control that is known to leak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log10
from statistics import fmean, median

import torch
from torch import Tensor

from ppc.audit.federated import inputs, labels, matching, streams
from ppc.audit.federated.exchanges import Seen, exchanges
from ppc.audit.federated.settings import BATCH, Setting, settings
from ppc.audit.federated.victim import Victim, correlation
from ppc.audit.finding import Attack, Finding
from ppc.ir.collaborative import Collaborative
from ppc.ir.selective import Selective

REBUILT = 0.95  # a correlation from which a picture is the picture
RIGHT = 0.9  # of labels
TOLD = 0.75  # of pairs
SERVER = "the weights and an update, as the server does, and examples of its own"


@dataclass(frozen=True)
class Effort:
    """How often each attack is tried."""

    updates: int = 40
    matched: int = 4
    steps: int = matching.STEPS
    pairs: int = 60


@dataclass(frozen=True)
class Report:
    """The findings; images beside what was made of them; what a person should know besides."""

    findings: tuple[Finding, ...]
    pictures: dict[str, Tensor]
    notes: tuple[str, ...] = ()


def audit_updates(victim: Victim, facts: Selective, seed: int, effort: Effort | None = None) -> Report:
    """Everything that updates tell, for the program as it is and beside it."""
    effort = effort or Effort()
    found: list[Finding] = []
    pictures: dict[str, Tensor] = {}
    sets = [
        (one, list(exchanges(victim, one, _trials(one, effort), seed))) for one in settings(facts, len(victim.labels))
    ]
    for setting, seen in sets:
        if victim.dense:
            found.append(_inputs(victim, setting, seen))
    for setting, seen in sets:
        if victim.dense and victim.dense[-1].shape[-1] == victim.network.classes:
            found.append(_labels(victim, setting, seen))
    found.append(_control(victim, effort, seed, pictures))
    for setting, seen in sets:
        if setting.single and setting.examples <= BATCH:
            found.append(_matched(victim, setting, seen[: effort.matched], effort, seed, pictures))
    return Report(tuple(found), pictures, tuple(_notes(victim, facts)))


def audit_losses(victim: Victim, facts: Collaborative, seed: int, effort: Effort | None = None) -> Report:
    """What the opened sums of losses tell."""
    pairs = (effort or Effort()).pairs
    game = streams.game(victim, facts, seed)
    found: list[Finding] = []
    for workers in dict.fromkeys((2, facts.workers)):
        attack = Attack(
            attack="membership from opened losses",
            target=f"the sums over {workers} workers",
            knowledge="its own losses, the other examples of the worker, its first weights and order",
            budget=f"{pairs} pairs of examples, {streams.ROUNDS} rounds of {game.facts.batch} examples",
            control=workers == 2,
        )
        hits = streams.right(game, workers, pairs)
        found.append(attack.share("right of two", hits, pairs, 0.5, broken_at=TOLD))
    return Report(tuple(found), {}, ("No gradient leaves a worker: what is opened is a number a round.",))


def _trials(setting: Setting, effort: Effort) -> int:
    """Fewer of those that take long."""
    return max(5, min(effort.updates, 2_000 // (setting.steps * setting.group)))


def _notes(victim: Victim, facts: Selective) -> Iterator[str]:
    if facts.aggregate == "additive":
        yield "The server sees sums alone as long as the second aggregator does not work together with it."
    if not victim.dense:
        yield "The model has no dense layer: the exact attacks, which are on such layers, were not tried."


# ---- the attacks ----


def _inputs(victim: Victim, setting: Setting, seen: Sequence[Seen]) -> Finding:
    layer = victim.dense[0]
    both = [inputs.scores(victim, layer, one) for one in seen]
    exact = sum(score > 0.999 for score, _ in both)
    what = "the input" if victim.reads_input(layer) else f"what `{layer.name}` reads"
    attack = Attack(
        attack=f"{what}, from the gradient of a dense layer",
        target=setting.name,
        knowledge=SERVER,
        budget=f"{_counted(seen)}, one division each; {exact} of them exact",
        control=setting.control,
    )
    return attack.mean(
        "correlation", [score for score, _ in both], fmean(guess for _, guess in both), broken_at=REBUILT
    )


def _labels(victim: Victim, setting: Setting, seen: Sequence[Seen]) -> Finding:
    layer, classes = victim.dense[-1], victim.network.classes
    total = len(seen) * setting.examples
    hits = sum(labels.hits(labels.recovered(victim, layer, one), one.labels, classes) for one in seen)
    guess = labels.guessed(victim, setting.examples)
    baseline = sum(labels.hits(guess, one.labels, classes) for one in seen) / total
    attack = Attack(
        attack="labels, from the gradient of the last layer",
        target=setting.name,
        knowledge=SERVER,
        budget=f"{_counted(seen)} of {setting.examples} examples each",
        control=setting.control,
    )
    return attack.share("right labels", hits, total, baseline, broken_at=max(RIGHT, (1 + baseline) / 2))


def _control(victim: Victim, effort: Effort, seed: int, pictures: dict[str, Tensor]) -> Finding:
    """The same attack where it is known to work."""
    gradient = matching.smooth(victim, seed)
    truths, classes = victim.images[: effort.matched], victim.labels[: effort.matched]
    found: list[Tensor] = []
    for one, label in zip(truths[:, None], classes[:, None], strict=True):
        direction = gradient(one, label).detach()
        aim = matching.Aim(direction, torch.ones_like(direction, dtype=torch.bool), label)
        found.append(matching.matched(victim, gradient, aim, seed, effort.steps))
    pictures["inputs"], pictures["rebuilt, of the control"] = _shown(victim, truths), _shown(victim, torch.cat(found))
    target = "one example, a net with one hidden layer of tanh"
    return _finding(victim, target, list(zip(found, truths[:, None], strict=True)), effort, control=True)


def _matched(
    victim: Victim, setting: Setting, seen: Sequence[Seen], effort: Effort, seed: int, pictures: dict[str, Tensor]
) -> Finding:
    gradient, layer = matching.gradient_of(victim, setting.facts.loss), victim.dense[-1] if victim.dense else None
    pairs: list[tuple[Tensor, Tensor]] = []
    for one in seen:
        told = labels.recovered(victim, layer, one) if layer is not None else one.labels
        aim = matching.Aim(-one.update, one.sent, told)
        pairs.append((matching.matched(victim, gradient, aim, seed, effort.steps), one.images))
    if setting.control:
        pictures["inputs, of the program's net"] = _shown(victim, torch.cat([truth for _, truth in pairs]))
        pictures["rebuilt, of all of its update"] = _shown(victim, torch.cat([found for found, _ in pairs]))
    return _finding(victim, setting.name, pairs, effort)


def _finding(
    victim: Victim, target: str, pairs: Sequence[tuple[Tensor, Tensor]], effort: Effort, *, control: bool = False
) -> Finding:
    scores = [score for found, truths in pairs for score in matching.likeness(found, truths)]
    guess = victim.known.mean(0)
    baseline = fmean(correlation(guess, truth) for _, truths in pairs for truth in truths)
    low, high = victim.range
    errors = [float((found - truths).square().mean()) / (high - low) ** 2 for found, truths in pairs if len(found) == 1]
    psnr = f", PSNR {median(-10 * log10(max(one, 1e-10)) for one in errors):.1f} dB" if errors else ""
    attack = Attack(
        attack="gradient matching",
        target=target,
        knowledge=f"{SERVER}; the labels, as recovered",
        budget=f"{len(pairs)} updates, {effort.steps} steps of Adam each{psnr}",
        control=control,
    )
    return attack.mean("correlation", scores, baseline, broken_at=REBUILT)


def _shown(victim: Victim, images: Tensor) -> Tensor:
    low, high = victim.range
    return (images - low) / (high - low)


def _counted(seen: Sequence[Seen]) -> str:
    return f"{len(seen)} updates"
