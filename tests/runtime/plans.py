"""Plans written by hand, in few words: values that are known to one party, opened, computed on, revealed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppc.field import Field, Words, from_integers, to_integers
from ppc.plan.kept import taken
from ppc.plan.material import corrections
from ppc.plan.messages import bytes_sent, messages
from ppc.plan.steps import Plan, Step
from ppc.plan.text import parse, show
from ppc.plan.wires import Wire
from ppc.runtime.desk import Desk
from ppc.runtime.keys import Coins, Seed
from ppc.runtime.lazy import Lazy
from ppc.runtime.session import Outcome, Watchers, passes, run_in_memory
from ppc.runtime.twin import Record, Twin
from ppc.runtime.twin_rules import Plain
from ppc.runtime.values import Bits, Digits, Masked, Truncated, Value

PARTIES = ("hospital", "lab")
Integers = NDArray[np.object_]
Turns = Callable[[int], Mapping[str, Any]]


def plan_of(field: Field | str, **sections: str) -> Plan:
    """`name = op(inputs) {attrs} : wire ; round` lines; the layer and the rest are filled in."""
    name = field if isinstance(field, str) else field.name
    lines = [
        "plan test {",
        "stage scheduled",
        'source ""',
        f"field {name}",
        "parties hospital, lab",
        "level 2",
        "batch 1",
    ]
    for section, text in sections.items():
        lines.append(f"{section} {{")
        for line in text.strip().splitlines():
            line = re.sub(r"; (\d+)$", r"; round \1 layer forward 1:1-1:1", line.strip())
            lines += [line] if line else []
        lines.append("}")
    plan = parse("\n".join([*lines, "}"]))
    assert parse(show(plan)) == plan
    return plan


class Transcript(Record):
    """Every value of both parties and every mask of the dealer, of one run."""

    outcome: Outcome

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan, self.field = plan, plan.modulus_field
        self.held: dict[tuple[str, str, int, str], Any] = {}
        self.chosen = {step.word("into") for step in plan.steps()}  # masks whose shares are none

    def party(self, desk: Desk, step: Step, value: Value) -> None:
        super().party(desk, step, value)
        kept = desk.local.store(value) if isinstance(value, Lazy) else value
        self.held[desk.name, desk.section.name, desk.iteration, step.name] = kept

    def value(self, name: str, section: str = "each", iteration: int = 0) -> Any:
        """What both parties together hold: integers 0..p-1, reals, or bits."""
        parts = [self.held[party, section, iteration, name] for party in self.plan.parties]
        wire, coin = self.plan.wires[name], self.masks.get((section, iteration, name))
        found = together(wire, self.plan, parts)
        if coin is None or wire.form not in ("shared", "masked"):
            return found
        if wire.form == "shared":
            return (found + to_integers(coin, self.field)) % self.field.modulus
        whole = (to_integers(parts[0].opened, self.field) - to_integers(coin, self.field)) % self.field.modulus
        assert self.plan.by_name[name].word("mask") in self.chosen or np.array_equal(found, whole)
        return whole

    def opened(self, name: str, section: str = "each", iteration: int = 0) -> Words:
        found = self.held[self.plan.parties[0], section, iteration, name]
        return found.opened if isinstance(found, Masked | Bits | Digits) else found


def together(wire: Wire, plan: Plan, parts: list[Any]) -> Any:
    """A value from both parties' parts."""
    field = plan.modulus_field
    if wire.form in ("clear", "public"):
        return parts[plan.parties.index(wire.at) if wire.at else 0]
    if wire.form == "digits":
        return parts[0].opened ^ parts[0].own ^ parts[1].own
    if wire.form == "masked":
        assert np.array_equal(parts[0].opened, parts[1].opened)
        shares = [0 if part.mask is None else to_integers(part.mask, field) for part in parts]
        return (to_integers(parts[0].opened, field) - shares[0] - shares[1]) % field.modulus
    if wire.form == "truncated":
        return _truncated(parts, field)
    if wire.form == "bit":
        return _bits(parts, field).reshape(wire.shape)
    shares = [0 if part is None else to_integers(part, field) for part in parts]
    return np.asarray((shares[0] + shares[1]) % field.modulus, dtype=object) + np.zeros(wire.shape, dtype=object)


def _truncated(parts: list[Truncated], field: Field) -> Integers:
    opened = (to_integers(parts[0].opened, field) + parts[0].offset) % field.modulus
    upper = sum(to_integers(part.upper, field) for part in parts) % field.modulus
    reached = sum(to_integers(part.reached, field) for part in parts) % field.modulus
    wrapped = (opened < 2 ** (field.bits - 1)).astype(object) * 2 ** (field.bits - parts[0].shift)
    moved = (opened >> parts[0].shift) - upper + wrapped * reached - (parts[0].offset >> parts[0].shift)
    return np.asarray(moved % field.modulus, dtype=object)


def _bits(parts: list[Bits], field: Field) -> Integers:
    """c ⊕ λ_d, with λ_d from its shares as numbers, which must be 0 or 1."""
    shares = [to_integers(part.number, field) for part in parts]
    hidden = np.asarray((shares[0] + shares[1]) % field.modulus, dtype=object)
    assert set(np.unique(hidden)) <= {0, 1}
    count = hidden[0].size
    planes = np.stack([np.unpackbits(row.view(np.uint8), bitorder="little")[:count] for row in parts[0].opened])
    return np.asarray(planes.reshape(hidden.shape).astype(object) ^ hidden, dtype=object)


def run(
    plan: Plan,
    given: Mapping[str, Any],
    *,
    iterations: int = 1,
    seed: int | None = None,
    public: bool = True,
    turns: Turns | None = None,
    timeout: float = 20.0,
    **options: Any,
) -> Transcript:
    """Run with the same given values for each party that is to have them, and shares of what is given on shares; the
    transcript has everything. `turns` has what is public and another number in each iteration."""
    transcript, turn = Transcript(plan), turns or _no_turns
    held = {
        party: {
            step.name: given[step.name]
            for step in plan.steps()
            if step.op == "given" and step.name in given and step.wire.at in ("", party)
        }
        for party in plan.parties
    }
    first, second = plan.parties
    on_shares = {step.name for step in taken(plan)}
    told = {name: value for name, value in held[first].items() if name in held[second] and name not in on_shares}
    for name in on_shares & given.keys():
        held[first][name], held[second][name] = shares(given[name], plan.modulus_field, seed or 0)
    fixed = seeds(seed)
    transcript.outcome = run_in_memory(
        plan,
        {party: lambda _s, i, values=values: {**values, **turn(i)} for party, values in held.items()},
        iterations,
        public=(lambda _s, i: {**told, **turn(i)}) if public else None,
        session=None if seed is None else b"session",
        seeds=fixed[:3],
        coins=dict(zip(plan.parties, map(Coins, fixed[3:]), strict=True)),
        watch=Watchers(party=transcript.party, dealer=transcript.dealer),
        timeout=timeout,
        **options,
    )
    return transcript


def _no_turns(_iteration: int) -> Mapping[str, Any]:
    return {}


def shares(whole: Words, field: Field, seed: int) -> tuple[Words, Words]:
    """Two shares of elements, one of them random."""
    top = np.random.default_rng(seed).integers(0, 1 << 60, (*whole.shape,), np.uint64)
    other = (to_integers(whole, field) - to_integers(top, field)) % field.modulus
    return top, from_integers(other, field)


def same_as_twin(
    plan: Plan,
    given: Mapping[str, Any],
    *,
    iterations: int = 1,
    seed: int = 1,
    turns: Turns | None = None,
    **options: Any,
) -> Transcript:
    """A run whose every value is that of its twin, bit for bit; and that sent what the plan says."""
    transcript = run(plan, given, iterations=iterations, seed=seed, turns=turns, **options)
    twin = Twin(plan, dict(zip(plan.parties, map(Coins, seeds(seed)[3:]), strict=True)), transcript)
    for section, iteration in passes(plan, iterations):
        for name, value in twin.run(section, iteration, {**given, **(turns or _no_turns)(iteration)}).items():
            found = transcript.value(name, section, iteration)
            wanted = value.integers if isinstance(value, Plain) else value
            if plan.wires[name].form == "digits":
                found = unpacked(found, wanted.shape[-1])
            elif plan.wires[name].form in ("clear", "public") and isinstance(value, Plain):
                found = to_integers(found, plan.modulus_field)
            assert np.shape(found) == np.shape(wanted), name
            assert np.array_equal(found, wanted), name
    same_bytes(plan, transcript, iterations)
    return transcript


def same_bytes(plan: Plan, transcript: Transcript, iterations: int) -> None:
    """Message by message what the plan says, and together what the channel carried."""
    times = {"setup": 1, "each": iterations, "finish": 1}
    for section in plan.sections:
        predicted = dict.fromkeys(messages(plan, section), times[section.name])
        assert dict(transcript.outcome.meter.rows(plan, section.name)) == predicted
        assert transcript.outcome.dealt[section.name] == sum(
            row.bytes(plan.modulus_field.words) for row in corrections(plan, section)
        )
    for party in plan.parties:
        whole = sum(times[section.name] * bytes_sent(plan, section, party) for section in plan.sections)
        assert transcript.outcome.meter.bytes_sent(party) == transcript.outcome.sent[party] == whole


def unpacked(planes: Words, count: int) -> Integers:
    bits = np.unpackbits(planes.view(np.uint8).reshape(*planes.shape[:-1], -1), axis=-1, bitorder="little")
    return bits[..., :count].astype(object)


def distinct(values: Any) -> set[Any]:
    """The values that an array has."""
    return set(np.asarray(values).ravel().tolist())


def seeds(seed: int | None) -> list[Seed]:
    return [Seed(None if seed is None else bytes([place, *seed.to_bytes(4)]) * 6) for place in range(5)]


def signed(values: Integers, field: Field) -> Integers:
    return np.where(values > field.largest, values - field.modulus, values)
