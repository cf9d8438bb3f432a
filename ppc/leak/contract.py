"""Everything that each party sees in clear, with its line, and the caveats that go with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ppc.ir.policy import Policy
from ppc.leak.caveats import Caveat, caveats, opened
from ppc.plan.kept import ACCURACY, trains
from ppc.plan.needs import SPLIT, is_published, needs_dealer
from ppc.plan.steps import BOTH, Plan, Section, Step
from ppc.plan.wires import Wire
from ppc.source import START, Span

OWN = "own"
SAID = ("zero", "rate", "mask")  # what follows from the program itself
EVALUATION = "evaluation"  # when what is seen is seen, beside the sections of a plan
ADVERSARY = "semi-honest parties that do not collude with the dealer"
DEALER = "a dealer that is trusted: it sees the program and no data; with either party it could open everything"
IN_THE_CLEAR = "parties that compute in the clear; each is taken at its word"
NO_DEALER = "none: nothing is computed on shares"
PUBLIC = (
    "the program with its bounds, all shapes, the batch",
    "how many batches or iterations are run, when, and how long they take",
    "that the run ended, and where",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One value that a party has in clear. `grant` is the line that allows it; `own`, where the party brought it."""

    party: str
    value: str
    grant: str
    shape: tuple[int, ...]
    when: str  # the section in which it is seen
    digits: int | None = None  # binary digits behind the point that are seen; None for numbers as they are
    drowned: int = 0  # how many low bits are drowned in noise that neither party knows
    span: Span = START

    @property
    def key(self) -> tuple[str, str, str]:
        return self.party, self.grant, self.value


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What a plan shows to whom."""

    model: str
    parties: tuple[str, str]
    field: str
    training: bool
    batch: int
    seen: tuple[Seen, ...]
    caveats: tuple[Caveat, ...]
    adversary: str = ADVERSARY
    dealer: str = DEALER


def contract(plan: Plan, policy: Policy | None = None) -> Contract:
    """The contract of a plan; of the private block come the lines that no value of the plan stands for."""
    seen = [one for section in plan.sections for one in _seen(plan, section)]
    seen += _ranges(policy) if policy else ()
    return Contract(
        model=plan.name,
        parties=plan.parties,
        field=plan.field,
        training=trains(plan),
        batch=plan.batch,
        seen=tuple(sorted(seen, key=lambda one: plan.parties.index(one.party))),
        caveats=tuple(caveats(plan, policy)),
        adversary=ADVERSARY if needs_dealer(plan) else IN_THE_CLEAR,
        dealer=DEALER if needs_dealer(plan) else NO_DEALER,
    )


def with_evaluation(training: Contract, evaluation: Contract) -> Contract:
    """The contract of a training that is measured while it goes on. What is brought for that is told of no one else."""
    opened = tuple(replace(one, when=EVALUATION) for one in evaluation.seen if one.grant == ACCURACY)
    seen = sorted((*training.seen, *opened), key=lambda one: training.parties.index(one.party))
    return replace(training, seen=tuple(seen))


def _seen(plan: Plan, section: Section) -> Iterator[Seen]:
    for step in section.steps:
        if is_published(step):
            yield _one(step, step.wire.at, section, value=step.name, grant=SPLIT)
        elif step.op == "given" and step.word("what") not in SAID:
            for party in _holders(plan, step.wire):
                yield _one(step, party, section, value=step.name.removesuffix(".first"), grant=OWN)
        elif step.op == "reveal":
            for party in plan.parties if step.word("to") == BOTH else (step.word("to"),):
                yield _one(step, party, section, value=opened(step), grant=step.word("grant"))


def _holders(plan: Plan, wire: Wire) -> tuple[str, ...]:
    if wire.form == "public":
        return plan.parties
    return (wire.at,) if wire.form == "clear" else ()


def _one(step: Step, party: str, section: Section, *, value: str, grant: str) -> Seen:
    drowned = step.integer("drowned", 0)
    digits = None if step.wire.scale is None else step.wire.scale - drowned
    return Seen(
        party=party,
        value=value,
        grant=grant,
        shape=step.wire.shape,
        when=section.name,
        digits=digits,
        drowned=drowned,
        span=step.span,
    )


def _ranges(policy: Policy) -> Iterator[Seen]:
    """Bounds that were taken from the weights tell something of them."""
    for grant in policy.grants:
        if grant.what == "range of weights":
            for party in grant.to:
                if party != policy.weights.party:
                    yield Seen(
                        party=party, value="weights", grant=grant.what, shape=(2,), when="setup", span=grant.span
                    )
