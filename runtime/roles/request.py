"""A request: how many examples, and the stretches that it is run in. All roles work it out alike, from one number.

A plan is made for one batch size, so a request is one stretch of full batches, and one more for the rest, padded up.
Each stretch has a session of its own, so that no key of the dealer's is ever drawn twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby

from ppc.bundle import Bundle
from ppc.errors import PpcError, fail
from ppc.plan.material import corrections
from ppc.plan.messages import bytes_sent, frames
from ppc.plan.steps import Plan
from ppc.runtime.session import SESSION_BYTES, passes
from ppc.runtime.wire.hello import Hello

SEED_BYTES = 32  # what each party is sent by the dealer, once a run
EXAMPLES = "examples"
SESSION = "session"


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """One plan, carried out so many times. `first` is the number of the first example in it."""

    plan: Plan
    iterations: int
    first: int
    number: int

    def session(self, session: bytes) -> bytes:
        """The salt of all keys of this stretch."""
        return sha256(b"ppc/v1|stretch|" + session + self.number.to_bytes(4, "big")).digest()[:SESSION_BYTES]

    @property
    def passes(self) -> list[tuple[str, int]]:
        return passes(self.plan, self.iterations)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Bytes that client and server sent, that the dealer sent each (headers of its parcels apart), and rounds."""

    sent: tuple[int, int] = (0, 0)
    dealt: tuple[int, int] = (0, 0)
    rounds: int = 0

    @property
    def all_bytes(self) -> int:
        return sum(self.sent) + sum(self.dealt)


def stretches(bundle: Bundle, examples: int) -> tuple[Stretch, ...]:
    """How a request is run."""
    if bundle.training:
        size = bundle.batches[0]
        turns = bundle.manifest.epochs * -(-examples // size)
        return (Stretch(plan=bundle.plan(size), iterations=turns, first=0, number=0),)
    found: list[Stretch] = []
    first = 0
    for number, (size, group) in enumerate(groupby(bundle.padded(examples))):
        count = len(list(group))
        found.append(Stretch(plan=bundle.plan(size), iterations=count, first=first, number=number))
        first += size * count
    return tuple(found)


def predicted(run: Sequence[Stretch], *, seeds: int = 1) -> Counts:
    """What the plans say. A live dealer sends each party one seed; of files, each pair has its own."""
    sent, dealt, rounds = [0, 0], [seeds * SEED_BYTES, seeds * SEED_BYTES], 0
    for stretch in run:
        plan = stretch.plan
        for name, _ in stretch.passes:
            section = plan.section(name)
            for index, party in enumerate(plan.parties):
                sent[index] += bytes_sent(plan, section, party)
            dealt[1] += sum(row.bytes(plan.modulus_field.words) for row in corrections(plan, section))
            rounds += len({number for number, _ in frames(plan, section)})
    return Counts(sent=(sent[0], sent[1]), dealt=(dealt[0], dealt[1]), rounds=rounds)


# ---- what is told of a request before it is run ----


def hello_of(bundle: Bundle, examples: int | None, session: bytes = b"", *, files: bool = False) -> Hello:
    """What a role says of itself. `examples` is None where it brings none; `files`: its numbers are on its disk."""
    told = {EXAMPLES: b"" if examples is None else str(examples).encode()}
    if session:
        told[SESSION] = session
    return Hello(
        role=bundle.role,
        party=bundle.party,
        plan=bundle.hash,
        agreed={"dealer": "files" if files else "live"},
        told=told,
    )


def told_examples(theirs: Hello) -> int | None:
    """The number that the other side says; None where it brings no examples."""
    told = theirs.told.get(EXAMPLES, b"")
    if not told:
        return None
    if len(told) > 10 or not told.isdigit():
        raise _differ("it says something else than how many examples it brings")
    return int(told)


def agreed_examples(bundle: Bundle, ours: int | None, theirs: Hello) -> int:
    """How many examples both run with; each stretch of it has a plan here."""
    there = told_examples(theirs)
    if ours is not None and there is not None and ours != there:
        raise _differ(f"there are {ours:,} examples here, and {there:,} there")
    found = ours if ours is not None else there
    if found is None:
        raise _differ("neither side brings examples")
    bundle.padded(found)
    return found


def _differ(how: str) -> PpcError:
    return fail(
        "PPC668",
        f"The two sides differ in the examples of this run: {how}.",
        hint="Whoever owns the inputs gives them with `--input`; where labels come from the other party, as many.",
    )
