"""A request: how many examples, and the stretches that it is run in. All roles work it out alike, from few numbers.

A plan is made for one batch size, so a request is one stretch of full batches, and one more for the rest, padded up. A
training is one stretch, or what of it is left. Each stretch has a session of its own, so that no key of the dealer's is
ever drawn twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal

from ppc.bundle import Bundle
from ppc.errors import PpcError, fail
from ppc.plan.kept import evaluates
from ppc.plan.material import corrections
from ppc.plan.messages import bytes_sent, frames
from ppc.plan.steps import Plan
from ppc.runtime.roles.lessons import lessons_of
from ppc.runtime.session import SESSION_BYTES, passes
from ppc.runtime.wire.hello import Hello

Dealer = Literal["live", "files", "none"]  # one that is there, one whose files are here, or none is needed
SEED_BYTES = 32  # what each party is sent by the dealer, once a run
MOST_ITERATIONS = 1 << 31  # a message names its iteration in 32 bits
EXAMPLES = "examples"
SESSION = "session"
LOOKING = "looking"  # who says so wants to know whether the dealer is there
START, STOP, TESTS, ON = "start", "stop", "tests", "on"
TRAINING = 0  # the number of a training's stretches


@dataclass(frozen=True, kw_only=True)
class Request:
    """What all roles know before a run. Of a training, `start` steps were done before; it ends behind step `stop`, and
    is measured with so many `tests`. One that hands `on` what it has learned does not finish: another pair goes on."""

    examples: int
    start: int = 0
    stop: int | None = None
    tests: int = 0
    on: bool = False


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """One plan, carried out so many times. `first` is the number of the first example in it, `start` that of the first
    iteration, `whole` how many iterations there are with those that were done before: files are dealt for all.

    A training that is measured stops for that, and goes on: its stretches have one number, one session and one setup.
    """

    plan: Plan
    iterations: int
    first: int
    number: int
    start: int = 0
    whole: int
    epochs: int = 1
    opens: bool = True
    closes: bool = True

    def turn(self, iteration: int) -> tuple[int, int]:
        """The epoch, and which of its iterations."""
        return divmod(iteration, max(1, self.whole // self.epochs))

    def session(self, session: bytes) -> bytes:
        """The salt of all keys of this stretch."""
        return sha256(b"ppc/v1|stretch|" + session + self.number.to_bytes(4, "big")).digest()[:SESSION_BYTES]

    @property
    def passes(self) -> Iterator[tuple[str, int]]:
        found = passes(self.plan, self.iterations, self.start)
        return ((name, turn) for name, turn in found if self.times(name))

    def times(self, section: str) -> int:
        """How often a section is carried out."""
        once = {"setup": self.opens, "finish": self.closes}
        return int(once[section]) if section in once else self.iterations

    @property
    def measures(self) -> bool:
        """Whether it counts the right answers of a training."""
        return evaluates(self.plan)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Bytes that client and server sent, that the dealer sent each (headers of its parcels apart), and rounds."""

    sent: tuple[int, int] = (0, 0)
    dealt: tuple[int, int] = (0, 0)
    rounds: int = 0

    @property
    def all_bytes(self) -> int:
        return sum(self.sent) + sum(self.dealt)


def countable(bundle: Bundle, examples: int) -> None:
    """Whether a run of so many can be; the number may be another machine's, so nothing is made of that size."""
    if bundle.training:
        _steps(bundle, examples)
    else:
        _batches(bundle, examples)


def _steps(bundle: Bundle, examples: int) -> int:
    found = lessons_of(bundle, examples).steps
    _not_too_many(found, examples)
    return found


def _batches(bundle: Bundle, examples: int) -> tuple[tuple[int, int], ...]:
    """Their sizes, and how often each."""
    found = bundle.padded(examples)
    _not_too_many(sum(count for _, count in found), examples)
    return found


def _not_too_many(iterations: int, examples: int) -> None:
    if iterations > MOST_ITERATIONS:
        raise fail(
            "PPC547", f"{examples:,} examples take too many iterations.", hint="Compile with a larger `--batch`."
        )


def stretches(bundle: Bundle, request: Request) -> tuple[Stretch, ...]:
    """How a request is run."""
    examples = request.examples
    if bundle.training:
        return tuple(_training(bundle, request))
    found: list[Stretch] = []
    first = 0
    for number, (size, count) in enumerate(_batches(bundle, examples)):
        found.append(Stretch(plan=bundle.plan(size), iterations=count, first=first, number=number, whole=count))
        first += size * count
    return tuple(found)


def _training(bundle: Bundle, request: Request) -> Iterator[Stretch]:
    """The steps that are left, with an evaluation behind some epochs."""
    lessons, steps = lessons_of(bundle, request.examples), _steps(bundle, request.examples)
    start, stop = request.start, steps if request.stop is None else request.stop
    if not 0 <= start <= stop <= steps:
        raise _differ(f"of {steps:,} steps there is no stretch from {start:,} to {stop:,}")
    (size,) = bundle.batches
    whole = Stretch(
        plan=bundle.plan(size),
        iterations=0,
        first=0,
        number=TRAINING,
        start=start,
        whole=steps,
        epochs=bundle.manifest.epochs,
    )
    at, opens, measure = start, True, bundle.measure
    if measure is not None:
        first = start if request.stop is None else start + 1  # a turn begins with what was measured before
        for step in lessons.measured(bundle.evaluated, first, stop):
            yield replace(whole, start=at, iterations=step - at, opens=opens, closes=False)
            yield _measured(measure, request.tests, TRAINING + 1 + step)
            at, opens = step, False
    yield replace(whole, start=at, iterations=stop - at, opens=opens, closes=not request.on)


def _measured(measure: Bundle, tests: int, number: int) -> Stretch:
    ((size, count),) = _batches(measure, tests)
    return Stretch(plan=measure.plan(size), iterations=count, first=0, number=number, whole=count)


def predicted(run: Sequence[Stretch], *, seeds: int = 1) -> Counts:
    """What the plans say. A live dealer sends each party one seed; of files, each pair has its own."""
    sent, dealt, rounds = [0, 0], [seeds * SEED_BYTES, seeds * SEED_BYTES], 0
    for stretch in run:
        plan = stretch.plan
        for section in plan.sections:
            times = stretch.times(section.name)
            for index, party in enumerate(plan.parties):
                sent[index] += times * bytes_sent(plan, section, party)
            dealt[1] += times * sum(row.bytes(plan.modulus_field.words) for row in corrections(plan, section))
            rounds += times * len({number for number, _ in frames(plan, section)})
    return Counts(sent=(sent[0], sent[1]), dealt=(dealt[0], dealt[1]), rounds=rounds)


# ---- what is told of a request before it is run ----


def hello_of(
    bundle: Bundle,
    examples: int | None,
    *,
    dealer: Dealer = "live",
    agreed: Mapping[str, str] | None = None,
    told: Mapping[str, bytes] | None = None,
) -> Hello:
    """What a role says of itself. `examples` is None where it brings none; `dealer`: whence it has its numbers."""
    own = {EXAMPLES: b"" if examples is None else str(examples).encode()}
    return Hello(
        role=bundle.role,
        party=bundle.party,
        plan=bundle.hash,
        agreed={"dealer": dealer, **(agreed or {})},
        told={**own, **(told or {})},
    )


def told_to_dealer(request: Request, session: bytes) -> dict[str, bytes]:
    """What the dealer needs to know of a run beside its plan."""
    found = {SESSION: session, START: str(request.start).encode(), TESTS: str(request.tests).encode()}
    found[ON] = b"1" if request.on else b""
    return found if request.stop is None else {**found, STOP: str(request.stop).encode()}


def told_request(theirs: Hello) -> Request:
    """The run that a party asks the dealer to deal for."""
    examples = told_number(theirs, EXAMPLES, "how many examples it brings")
    start = told_number(theirs, START, "where it begins")
    if examples is None or start is None:
        raise fail("PPC669", "A party came without its number of examples.", hint="Use the same ppc everywhere.")
    stop, tests = told_number(theirs, STOP, "where it ends"), told_number(theirs, TESTS, "how many tests there are")
    on = told_number(theirs, ON, "whether another pair goes on") is not None
    return Request(examples=examples, start=start, stop=stop, tests=tests or 0, on=on)


def told_number(theirs: Hello, name: str, what: str) -> int | None:
    """A number that the other side says; None where it says none."""
    told = theirs.told.get(name, b"")
    if not told:
        return None
    if len(told) > 10 or not told.isdigit():
        raise _differ(f"it says something else than {what}")
    return int(told)


def told_examples(theirs: Hello) -> int | None:
    """How many examples the other side brings; None where it brings none."""
    return told_number(theirs, EXAMPLES, "how many examples it brings")


def agreed_examples(bundle: Bundle, ours: int | None, theirs: Hello) -> int:
    """How many examples both run with; each stretch of it has a plan here."""
    there = told_examples(theirs)
    if ours is not None and there is not None and ours != there:
        raise _differ(f"there are {ours:,} examples here, and {there:,} there")
    found = ours if ours is not None else there
    if found is None:
        raise _differ("neither side brings examples")
    countable(bundle, found)
    return found


def _differ(how: str) -> PpcError:
    return fail(
        "PPC668",
        f"The two sides differ in the examples of this run: {how}.",
        hint="Whoever owns the inputs gives them with `--input`; where labels come from the other party, as many.",
    )
