"""All attacks on a training that is done, as findings; each beside a control that is known to leak."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor
from torch.nn import functional

from ppc.audit.finding import Attack, Finding
from ppc.audit.trained.membership import ALARMS, losses, memorised, told
from ppc.audit.trained.victim import Victim
from ppc.learning.network import Tensors

MOST = 2_000  # examples that an attack looks at
BROKEN_MEMBERS = 0.75  # of trials
BROKEN_ALARMS = 0.2  # of members
BROKEN_ABOVE = 0.2  # better than without the leak
COPIED = 400  # steps of a copy's training
BY_HEART = "the same net, which has learned drawn labels by heart"


def audit(victim: Victim, receiver: str, logits: str, seed: int) -> list[Finding]:
    """`receiver` has the released model, `logits` sees the logits of every step; nobody, where it is empty."""
    least = min(MOST, len(victim.seen)), min(MOST, len(victim.held))
    some = replace(
        victim,
        seen=victim.seen[: least[0]],
        seen_labels=victim.seen_labels[: least[0]],
        held=victim.held[: least[1]],
        held_labels=victim.held_labels[: least[1]],
    )
    found = list(_released(some, receiver, seed)) if receiver else []
    return found + (list(_opened(some, logits, seed)) if logits else [])


# ---- the released model ----


def _released(victim: Victim, receiver: str, seed: int) -> Iterator[Finding]:
    target = f"the model that {receiver} has"
    seen, held = victim.answers(victim.seen), victim.answers(victim.held)
    by_heart = memorised(victim, seed)
    real = losses(seen, victim.seen_labels), losses(held, victim.held_labels)
    control = losses(by_heart.seen, by_heart.seen_labels), losses(by_heart.held, by_heart.held_labels)
    for (ours, others), where in ((real, target), (control, BY_HEART)):
        yield from _membership(ours, others, where, seed, control=where == BY_HEART)
    yield _labels(seen, victim.seen_labels, _share(held, victim.held_labels), target)
    without = _share(by_heart.held, by_heart.held_labels)
    yield _labels(by_heart.seen, by_heart.seen_labels, without, BY_HEART, control=True)


def _membership(ours: Tensor, others: Tensor, target: str, seed: int, *, control: bool) -> Iterator[Finding]:
    found = told(ours, others, seed)
    base = Attack(
        attack="membership by loss",
        target=target,
        knowledge="the model, and the candidates with their labels",
        budget=f"{found.trials:,} candidates to choose a threshold by, {found.trials:,} others to judge it",
        control=control,
    )
    yield base.share("accuracy", found.right, found.trials, 0.5, broken_at=BROKEN_MEMBERS)
    yield base.share("members found, 1 % false alarms", found.found, found.members, ALARMS, broken_at=BROKEN_ALARMS)


def _labels(answers: Tensor, labels: Tensor, baseline: float, target: str, *, control: bool = False) -> Finding:
    base = Attack(
        attack="label from the model's answer",
        target=target,
        knowledge="the model and the example; the baseline is how often it is right of examples it has not seen",
        budget=f"{len(labels):,} examples",
        control=control,
    )
    return base.share("right labels", _hits(answers, labels), len(labels), baseline, broken_at=baseline + BROKEN_ABOVE)


# ---- the logits of every step ----


def _opened(victim: Victim, sees: str, seed: int) -> Iterator[Finding]:
    yield _moved(victim, seed)
    wanted = victim.answers(victim.seen)
    yield _copy(victim, wanted, f"the logits that {sees} sees", seed)
    drawn = victim.network.initial(seed + 7)
    yield _copy(
        replace(victim, weights=drawn),
        victim.answers(victim.seen, drawn),
        "the same net, with drawn weights",
        seed,
        control=True,
    )


def _moved(victim: Victim, seed: int) -> Finding:
    """Each step pushes the logits of an example towards its label; whoever sees them twice reads it off."""
    before, after = victim.repeated(seed)
    gone = victim.answers(victim.seen, after) - victim.answers(victim.seen, before)
    majority = float(victim.seen_labels.bincount().max()) / len(victim.seen_labels)
    base = Attack(
        attack="label from how logits move",
        target="logits of the first and the last epoch, were they opened to who has no labels",
        knowledge="both logits of each example",
        budget=f"{victim.epochs} epochs of {len(victim.seen):,} examples, repeated in the clear",
        control=True,
    )
    hits = _hits(gone, victim.seen_labels)
    return base.share("right labels", hits, len(gone), majority, broken_at=majority + BROKEN_ABOVE)


def _copy(victim: Victim, logits: Tensor, target: str, seed: int, *, control: bool = False) -> Finding:
    """A network of the same form that answers as the model does, beside one that has learned from the labels only."""
    wanted = victim.answers(victim.held).argmax(1)
    copied = victim.fitted(victim.seen, logits, seed + 1, steps=COPIED, loss=functional.mse_loss)
    own = victim.fitted(victim.seen, victim.seen_labels, seed + 1, steps=COPIED, loss=functional.cross_entropy)
    base = Attack(
        attack="copy of the model",
        target=target,
        knowledge="the inputs, their labels, and the logits of the last epoch; without logits, inputs and labels",
        budget=f"{len(logits):,} examples, {COPIED} steps",
        control=control,
    )
    baseline = _share(_of(victim, own), wanted)
    hits = _hits(_of(victim, copied), wanted)
    return base.share("same answers as the model", hits, len(wanted), baseline, broken_at=min(0.99, baseline + 0.2))


def _of(victim: Victim, weights: Tensors) -> Tensor:
    return victim.answers(victim.held, weights)


# ---- counted ----


def _hits(answers: Tensor, labels: Tensor) -> int:
    return int((answers.argmax(1) == labels).sum())


def _share(answers: Tensor, labels: Tensor) -> float:
    return _hits(answers, labels) / max(1, len(labels))
