"""A training at one party, beside its plan: which examples are taken when, where it begins, and what is kept of it.

`Wishes` is what a side wants before it has met the other one; `Course` is what both have agreed on. Called by the front
door, and by the party's run at every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from secrets import token_bytes

import numpy as np

from ppc.bundle import Bundle
from ppc.errors import PpcError, fail
from ppc.field import Words
from ppc.plan.steps import Plan
from ppc.runtime.checkpoint.common import Mark, common, decoded, encoded, mark_of, marks
from ppc.runtime.checkpoint.folder import Folder
from ppc.runtime.checkpoint.kept import SEED_BYTES, Header, Kept
from ppc.runtime.keys import artifact_hash
from ppc.runtime.roles.brought import Brought
from ppc.runtime.roles.lessons import AS_GIVEN, Lessons, lessons_of, owners, reused
from ppc.runtime.roles.request import TESTS, Request, told_number
from ppc.runtime.wire.hello import Hello

CHECKPOINTS = "checkpoints"
OUT_OF_RANGE = "PPC656"
BEYOND = "some of its weights are outside of their bounds, so that this program does not take it"
INTERRUPTED = ("PPC652", "PPC653")  # the other side ended, or is silent
GIVEN, DRAWN = "given", "drawn"


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """`order` is `given` (as the files have it), `drawn` (anew for each epoch), or a number from which it is drawn."""

    bundle: Bundle
    brought: Brought
    tests: Brought = field(default_factory=Brought)  # examples that are not trained on
    folder: Folder | None = None
    every: int = 100
    resume: bool = False
    release: bool = False  # give out the model as it is kept, without a further step
    order: str = DRAWN
    turn: int = 0  # of several data owners that train in turn: which epoch of this pair

    @property
    def plan(self) -> Plan:
        (size,) = self.bundle.batches
        return self.bundle.plan(size)

    @cached_property
    def found(self) -> tuple[Kept, ...]:
        """The checkpoints that are here, and are of this training."""
        if self.folder is None:
            return ()
        if not self.resume and self.folder.files():
            raise fail(
                "PPC574",
                f"`{self.folder.path}` has the checkpoints of a training.",
                hint="Go on from them with `--resume`, or name another folder.",
            )
        return tuple(self._fitting(kept) for kept in self.folder.found())

    def _fitting(self, kept: Kept) -> Kept:
        head, party, parties = kept.header, self.bundle.party, self.bundle.parties
        if (head.plan, head.party, head.role) == (artifact_hash(self.plan), party, parties.index(party)):
            return kept
        what = "another program" if head.party == party else f"`{head.party}`"
        raise fail(
            "PPC572",
            f"The checkpoint of step {head.step:,} is that of {what}.",
            hint="A training goes on with the program, the compiler and the party with which it began.",
        )

    # ---- what the other side is told ----

    @property
    def public_order(self) -> bool:
        """Whether both parties have to take the examples in the same order."""
        return len(owners(self.plan)) > 1 and not reused(self.plan)

    def agreed(self) -> dict[str, str]:
        """What must be the same at both."""
        kept = f"every {self.every}" if self.folder is not None else "none"
        found = {"checkpoints": kept, "resumed": str(self.resume), "released": str(self.release)}
        if self.turn:
            found["turn"] = str(self.turn)
        return {**found, "order": self.order} if self.public_order else found

    def told(self) -> dict[str, bytes]:
        tests = self.tests.examples
        return {CHECKPOINTS: encoded(marks(self.found)), TESTS: b"" if tests is None else str(tests).encode()}

    def check(self, theirs: Hello) -> None:
        """For the handshake: whether there is something to go on from, and something to measure with."""
        self._common(theirs)
        self._agreed_tests(theirs)

    def _agreed_tests(self, theirs: Hello) -> int:
        """How many examples are held out; none, where the program measures nothing."""
        ours, there = self.tests.examples, told_number(theirs, TESTS, "how many tests it brings")
        if self.bundle.measure is None:
            return 0
        if ours is not None and there is not None and ours != there:
            raise fail("PPC668", f"There are {ours:,} tests here, and {there:,} there.", hint="Bring as many at both.")
        found = ours if ours is not None else there
        if not found:
            hint = "Whoever owns the inputs names some that are not trained on: `--test DATA`."
            raise fail("PPC508", "There are no examples to measure the training with.", hint=hint)
        self.bundle.measure.padded(found)
        return found

    def _common(self, theirs: Hello) -> Mark | None:
        found = common(marks(self.found), decoded(theirs.told.get(CHECKPOINTS, b"")))
        if found is None and self.release and not self.brought.shares:
            raise fail("PPC571", "There is no checkpoint to release a model from.", hint="Train first.")
        return found

    # ---- both have met ----

    def course(self, session: bytes, theirs: Hello, examples: int) -> Course:
        mark = self._common(theirs)
        begun = next((kept for kept in self.found if mark and kept.header.mark == mark.name), None)
        seed = self._seed(session) if begun is None else begun.order
        lessons = lessons_of(self.bundle, examples, seed)
        data = _hash(self.brought)
        if begun is not None and (begun.header.examples, begun.data) != (examples, data):
            raise fail(
                "PPC575",
                "The examples are not those with which this training began.",
                hint="Name the same files as before, or begin anew with another folder of checkpoints.",
            )
        first, last = self._turn(lessons)
        start = begun.header.step if begun else first
        stop = start if self.release else last
        tests, on = self._agreed_tests(theirs), self.hands_on and not self.release
        if on or start < (lessons.steps if stop is None else stop):
            self._not_released()
        request = Request(examples=examples, start=start, stop=stop, tests=tests, on=on)
        return Course(wishes=self, lessons=lessons, begun=begun, request=request, session=session, data=data)

    def _not_released(self) -> None:
        """A model that was given out is the last one: of several steps it would tell what each of them learned."""
        if self.folder is not None and self.folder.released:
            raise fail(
                "PPC579",
                f"The model of this training was given out: `{self.folder.path}` goes on no further.",
                hint="Give it out again with `--resume --release`, or begin anew in another folder.",
            )

    def _turn(self, lessons: Lessons) -> tuple[int, int | None]:
        """From which step to which one; a turn is an epoch."""
        return ((self.turn - 1) * lessons.each, self.turn * lessons.each) if self.turn else (0, None)

    @property
    def hands_on(self) -> bool:
        """Whether another pair goes on where this turn ends."""
        return bool(self.turn) and not last_turn(self.bundle, self.turn)

    def _seed(self, session: bytes) -> bytes:
        """Of the order. A public one comes from what both have just drawn together."""
        if self.order == GIVEN:
            return AS_GIVEN
        if self.order != DRAWN:
            return sha256(f"ppc/v1|order|{self.order}".encode()).digest()
        return sha256(b"ppc/v1|order|" + session).digest() if self.public_order else token_bytes(SEED_BYTES)


def last_turn(bundle: Bundle, turn: int) -> bool:
    """Whether nobody trains behind this epoch of this pair."""
    return turn == bundle.manifest.epochs and bundle.turns[-1] in bundle.parties


def first_turn(bundle: Bundle, turn: int) -> bool:
    """Whether it begins with the weights that their owner brings, and not with shares."""
    return turn == 1 and bundle.turns[0] in bundle.parties


def _hash(brought: Brought) -> bytes:
    """Of a party's examples, for itself: to know them again."""
    found = sha256()
    for name in sorted(brought.rows):
        rows = np.ascontiguousarray(brought.rows[name])
        found.update(f"{name} {rows.dtype} {rows.shape}|".encode())
        found.update(rows.data)
    return found.digest()


@dataclass(frozen=True, kw_only=True)
class Course:
    """A training that goes on from `begun`, or from the weights that their owner brings."""

    wishes: Wishes
    lessons: Lessons
    begun: Kept | None = field(repr=False)
    request: Request
    session: bytes
    data: bytes = field(repr=False)

    @property
    def carried(self) -> Mapping[str, Words] | None:
        """What is gone on from: a checkpoint, or what the pair before has handed on."""
        return self.begun.shares if self.begun else self.wishes.brought.shares or None

    @property
    def stop(self) -> int:
        return self.lessons.steps if self.request.stop is None else self.request.stop

    def brought(self) -> Brought:
        """Where examples are masked once for all epochs, their owner may take them in another order, once."""
        found = self.wishes.brought
        if not self.lessons.around or not found.rows or len(owners(self.wishes.plan)) > 1:
            return found
        order = self.lessons.order(0)
        return replace(found, rows={name: rows[order] for name, rows in found.rows.items()})

    def tests(self, shares: Mapping[str, Words]) -> Brought:
        """What this party brings to an evaluation of what it has shares of."""
        return replace(self.wishes.tests, shares=shares, whole=self.wishes.brought.whole)

    def begins(self, shares: Mapping[str, Words]) -> None:
        """Setup is done. Whoever ends now can be resumed."""
        folder = self.wishes.folder
        if folder is None:
            return
        folder.after(self.begun.header.step if self.begun else -1)
        if self.begun is None:
            self._write(self.request.start, shares)

    def done(self, step: int, shares: Mapping[str, Words]) -> None:
        """So many steps are done."""
        if step % self.wishes.every == 0 or step == self.stop:
            self._write(step, shares)

    def releases(self) -> None:
        """The model is given out next."""
        if self.wishes.folder is not None and self.wishes.bundle.released():
            self.wishes.folder.release(self.stop)

    def ended(self, step: int, shares: Mapping[str, Words], error: PpcError) -> PpcError:
        """What to say of an error in a step. Where the weights have left their range, both know it: they are kept as
        the step before left them, which is what failed the check, and may be released."""
        first, *rest = error.diagnostics
        if first.code == OUT_OF_RANGE and self.wishes.folder is None:
            more = "Nothing of this training was kept: `--checkpoint FOLDER` keeps the model as it was."
        elif first.code == OUT_OF_RANGE:
            self._write(step, shares)
            more = f"Or give out the model as it was after {step:,} steps, with `--resume --release`: {BEYOND}."
        elif first.code in INTERRUPTED and self.wishes.folder is not None:
            more = "Then go on from the last checkpoint, with `--resume` at both parties."
        else:
            return error
        return PpcError(replace(first, hint=f"{first.hint} {more}"), *rest)

    def _write(self, step: int, shares: Mapping[str, Words]) -> None:
        if self.wishes.folder is not None:
            self.wishes.folder.write(
                Kept(header=self._header(step), order=self.lessons.seed, data=self.data, shares=shares)
            )

    def _header(self, step: int) -> Header:
        bundle, plan = self.wishes.bundle, self.wishes.plan
        return Header(
            party=bundle.party,
            role=bundle.parties.index(bundle.party),
            plan=artifact_hash(plan),
            training=self.begun.header.training if self.begun else self.session.hex(),
            mark=mark_of(self.session, step),
            session=self.session.hex(),
            step=step,
            steps=self.lessons.steps,
            examples=self.lessons.examples,
        )
