"""What the values that are seen may tell beyond themselves, and where a proof ends. `measure` grows as more is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log2

from ppc.ir.policy import Policy
from ppc.plan.kept import taken, trains
from ppc.plan.needs import SPLIT, is_published
from ppc.plan.ops import LINEAR
from ppc.plan.steps import BOTH, Plan, Step
from ppc.source import START, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """`kind` says what it is about in words that stay the same; `text` is for people."""

    kind: str
    text: str
    measure: float = 0.0
    span: Span = START


def caveats(plan: Plan, policy: Policy | None) -> Iterator[Caveat]:
    """In the order in which a reader needs them."""
    yield from _coin(plan)
    yield from _unfloored(plan)
    yield from _on_shares(plan)
    yield from _handed_on(plan, policy)
    yield from _dropped(plan)
    yield from _counting(plan)
    yield from _labels(plan)
    yield from _check(plan)
    yield from _statistical(plan)
    yield from _local(plan)
    yield from _heuristic(plan, policy)


# ---- rounding ----


def _coin(plan: Plan) -> Iterator[Caveat]:
    if any(step.op == "truncate" for step in plan.steps()):
        yield Caveat(
            kind="public coin",
            text="the coin of every rounding on shares is public: it follows from an opened number and the value",
        )


def _unfloored(plan: Plan) -> Iterator[Caveat]:
    """Rule T2 of PROTOCOL.md, section 4: a truncated value that is an output should be the floor."""
    for step in _reveals(plan):
        if any(source.op == "truncate" for source in _sources(plan, step)):
            yield Caveat(
                kind=f"rounded by a public coin: {step.name}",
                text=f"{step.name} was rounded up or down by a public coin: who learns it learns that the number "
                "before lies in an interval one unit wide, at an offset that is public and random",
                span=step.span,
            )


def _sources(plan: Plan, reveal: Step) -> Iterator[Step]:
    """What is revealed, up to linear steps."""
    wanted = list(reveal.inputs)
    while wanted:
        step = plan.by_name.get(wanted.pop())
        if step is None:
            continue
        if step.op in LINEAR or step.op == "mask":
            wanted += step.inputs
        else:
            yield step


# ---- what nobody has ----


def _on_shares(plan: Plan) -> Iterator[Caveat]:
    shared = taken(plan)
    if shared:
        whence = "others shared out" if shared[0].word("what") == "data" else "an earlier run left on shares"
        yield Caveat(
            kind="on shares",
            text=f"what {whence} is seen by nobody, and both parties' files of it together are "
            f"it: {', '.join(step.name.removesuffix('.first') for step in shared)}",
            span=shared[0].span,
        )


def _handed_on(plan: Plan, policy: Policy | None) -> Iterator[Caveat]:
    """Who holds the weights between the turns of several data owners."""
    if policy is None or not policy.spokes or not trains(plan):
        return
    hub, names = policy.weights.party, ", ".join(policy.spokes)
    yield Caveat(
        kind="handed on",
        text=f"between two turns nobody has the weights: they stay on shares, one half with {hub}, and whoever of "
        f"{names} had a turn hands the other half to the next one. A half alone is random numbers; {hub} and any of "
        "them together have the weights of that turn",
        span=policy.span,
    )
    yield Caveat(
        kind="turns",
        text=f"{hub} knows how many examples each of {names} has, and when its turns are; of each other they see "
        "nothing but the half that is handed on",
        span=policy.span,
    )


def _dropped(plan: Plan) -> Iterator[Caveat]:
    masks = _given(plan, "mask")
    if masks:
        yield Caveat(
            kind="dropout",
            text="which values a dropout drops is public, and follows from the plan and the iteration",
            span=masks[0].span,
        )


# ---- what openings tell together ----


def _reveals(plan: Plan) -> list[Step]:
    return [step for step in plan.section("each").steps if step.op == "reveal" and step.word("grant") != "check"]


def opened(step: Step) -> str:
    """What a reveal opens, by the name that the graph has for it."""
    return re.sub(r"\.opened(\.\d+)?$", "", step.name)


def receivers(plan: Plan, step: Step) -> tuple[str, ...]:
    return plan.parties if step.word("to") == BOTH else (step.word("to"),)


def _given(plan: Plan, *whats: str) -> list[Step]:
    return [step for step in plan.steps() if step.op == "given" and step.word("what") in whats]


def _counting(plan: Plan) -> Iterator[Caveat]:
    """Equations against unknowns (PROTOCOL.md, section 8): whoever knows what went in may solve for the weights."""
    for step in _reveals(plan):
        for party in receivers(plan, step):
            shown = _shown(plan, party)
            weights = [one for one in _given(plan, "parameter") if one.name not in shown and not _knows(one, party)]
            secret = sum(one.wire.size for one in weights)
            if not secret or not all(_knows(one, party) for one in _given(plan, "data")):
                continue
            name = opened(step)
            after = ceil(secret / step.wire.size)
            one, many = ("iteration", "iterations") if trains(plan) else ("batch", "batches")
            yield Caveat(
                kind=f"counting: {party}, {name}",
                text=f"{party} also holds the inputs, so each {one} gives it {step.wire.size:,} equations against "
                f"{secret:,} unknown weights: after about {after:,} {many} counting says they are determined. "
                f"Do not claim then that the weights stay hidden from {party}",
                measure=step.wire.size / secret,
                span=step.span,
            )


def _shown(plan: Plan, party: str) -> set[str]:
    """What was given to the plan and is opened to a party as it is: the weights of a split."""
    found: set[str] = set()
    for step in plan.steps():
        if step.op == "reveal" and party in receivers(plan, step):
            source = plan.by_name.get(step.inputs[0])
            while source is not None and source.op in ("encode", "mask"):
                source = plan.by_name.get(source.inputs[0])
            found.update([source.name] if source else [])
    return found


def _knows(given: Step, party: str) -> bool:
    return given.wire.form == "public" or given.wire.at == party


def _labels(plan: Plan) -> Iterator[Caveat]:
    for step in _reveals(plan):
        for party in receivers(plan, step):
            others = [one for one in _given(plan, "label") if not _knows(one, party)]
            if step.word("grant") == "logits" and others:
                yield Caveat(
                    kind=f"labels from logits: {party}",
                    text=f"how the logits change from one iteration to the next tells {party} something of the labels, "
                    f"which {others[0].wire.at} holds",
                    span=step.span,
                )


def _check(plan: Plan) -> Iterator[Caveat]:
    for step in plan.steps():
        if step.op == "reveal" and step.word("grant") == "check":
            yield Caveat(
                kind="range check",
                text="both parties learn how many weights left their bounds: 0, or the run ends, and its end tells so",
                span=step.span,
            )


# ---- where a proof ends ----


def _statistical(plan: Plan) -> Iterator[Caveat]:
    """A short mask has one half from each party, uniform below 2^(n-2); the width of what it hides shows by so much."""
    bits = plan.modulus_field.bits
    short = [step for step in plan.section("each").steps if step.op == "mask" and step.flag("short")]
    shown = sum(step.wire.size * ((step.wire.high or 0) - (step.wire.low or 0)) for step in short)
    if shown:
        power = log2(shown) - (bits - 2)
        count = sum(step.wire.size for step in short)
        yield Caveat(
            kind="statistical hiding",
            text=f"{count:,} values of each batch are hidden statistically, not perfectly: somebody who could "
            f"compute without limit tells any two runs apart with probability at most 2^{power:.0f} a batch",
            measure=2.0**power,
        )


def _local(plan: Plan) -> Iterator[Caveat]:
    local = [step for step in plan.section("each").steps if step.op == "truncate_local"]
    wrong = sum(step.wire.size * plan.wires[step.inputs[0]].magnitude for step in local)
    if wrong:
        power = log2(wrong) - plan.modulus_field.bits
        yield Caveat(
            kind="local truncation",
            text="each party rounds its own share: no proof but a probability, "
            f"at most 2^{power:.0f} a batch that any result is wrong beyond use",
            measure=2.0**power,
        )


def _heuristic(plan: Plan, policy: Policy | None) -> Iterator[Caveat]:
    crossing = {SPLIT if is_published(step) else step.word("grant") for step in plan.steps()}
    if "server clear" in crossing or (policy and policy.server_clear):
        yield Caveat(
            kind="server clear",
            text="the server sees what the split sends, and may invert it: no proof says what it cannot learn",
        )
    if policy and policy.complement:
        yield Caveat(kind="complement", text="the complement hides the answer heuristically only")
    if SPLIT in crossing or (policy and policy.cut):
        yield Caveat(kind="split", text="the client is given the weights of the layers in front of the split")
    yield Caveat(kind="outputs", text="what is learned is not differentially private")
