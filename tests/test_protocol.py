"""The second half of the compiler: the field that it chooses, what it says of it, and what `check` takes from it."""

from __future__ import annotations

import re

import pytest

from ppc import check
from ppc.errors import PpcError
from ppc.plan.steps import Plan
from ppc.protocol import lowered
from tests.programs import compiled, program

EXACT = "conv2d(4, kernel=3)\nrelu\navg_pool(2)\ndense(10)"
CUBIC = EXACT.replace("relu", "relu(poly=3)")
THIN = "network { rtt = 1ms, bandwidth = 1M }"
FAR = "network { rtt = 200ms, bandwidth = 10G }"


def plan(*facts: str, body: str = EXACT, level: int = 2) -> Plan:
    return lowered(compiled(program(*facts, body=body)), level=level).plan


def why(made: Plan) -> str:
    """The note about the field."""
    (note,) = [note for note in made.notes if "was chosen" in note]
    return note


def test_a_local_network_favours_few_bytes() -> None:
    """Both are compared, by time, bytes and rounds."""
    made = plan("joint")

    assert made.field == "mersenne61"
    assert why(made).startswith("mersenne61 was chosen: a batch in mersenne61 takes 1")
    assert why(made).count(" rounds)") == 2
    assert why(made).count(" bytes, ") == 2


def test_a_long_way_favours_few_rounds_and_a_thin_line_few_bytes() -> None:
    """In the wide field a truncation can mask its result, so that training waits less and sends more."""
    lessons = "labels from lab\nloss = mse\nsgd(rate=0.1, batch=4)"
    fields = {
        network: lowered(compiled(program("joint", network, body=EXACT, lessons=lessons), train=True)).plan.field
        for network in (FAR, THIN)
    }

    assert fields == {FAR: "mersenne127", THIN: "mersenne61"}


def test_the_field_that_a_program_names_is_taken() -> None:
    """Without a comparison, and without a word about it."""
    made = plan("joint { field = mersenne61 }", FAR, body=CUBIC)

    assert made.field == "mersenne61"
    assert not [note for note in made.notes if "was chosen" in note]


def test_a_level_never_changes_the_field() -> None:
    """It is part of the program, whatever the rounds of a level."""
    assert {plan("joint", FAR, body=CUBIC, level=level).field for level in range(3)} == {"mersenne127"}


def test_a_program_without_room_gets_the_wide_field() -> None:
    """The note says what overflows in the other."""
    made = plan("weights from lab in -100..100", "joint { fraction = 24 }")

    assert made.field == "mersenne127"
    assert why(made).startswith("mersenne127 was chosen: mersenne61 has no room. `conv1` would overflow")


def test_local_truncation_has_one_field() -> None:
    assert plan("joint { truncation = local }").field == "mersenne127"


def test_comparisons_say_how_many_digits_they_have() -> None:
    """Up to eight are combined at once, more in two levels; the levels are rounds."""
    narrow, wide = plan("joint"), plan("weights from lab in -100..100", "joint { fraction = 24, field = mersenne127 }")

    assert [note for note in narrow.notes if "comparison" in note] == ["comparisons of 5 digits, in one level: 1"]
    assert [note for note in wide.notes if "two levels" in note]


def test_an_overflow_of_several_blocks_is_told_once() -> None:
    """By its line: whoever holds what, the layer is the same."""
    lessons = "labels from lab\nloss = mse\nsgd(rate=0.1, batch=64)"
    facts = ("weights from lab in -4..4", "joint { field = mersenne61, fraction = 16 }")
    text = program(*facts, body="dense(60)\nrelu\ndense(60)\nrelu\ndense(10)", lessons=lessons)
    again = text[text.index("private net {") : text.index("train net {")].replace(
        "private net {", "private net as two {"
    )
    try:
        check(text + again)
    except PpcError as error:
        found = error.diagnostics
    else:
        raise AssertionError("nothing overflows")

    assert {mistake.code for mistake in found} == {"PPC303"}
    assert len({mistake.span for mistake in found}) == len(found)


def taught(*how: str) -> str:
    lessons = f"labels from hospital\nloss = mse\nsgd({', '.join(['batch=2', *how])})"
    return program("weights from lab in -1..1", "joint { field = mersenne127 }", body="dense(10)", lessons=lessons)


@pytest.mark.parametrize("momentum", [0.125, 0.25, 0.5, 0.75, 0.9, 0.9999])
def test_a_momentum_that_fades_has_a_range(momentum: float) -> None:
    """Also where its factor is a power of two, and nothing rounds."""
    text = taught("rate=0.125", f"momentum={momentum}", "weight_decay=0.25")
    made = lowered(compiled(text, train=True)).plan
    (carry,) = [carry for carry in made.section("each").carries if carry.name == "dense1.weight.momentum"]

    assert made.wires[carry.then].magnitude <= carry.wire.magnitude


def test_a_momentum_that_is_1_in_its_bits_has_none() -> None:
    with pytest.raises(PpcError, match="PPC303") as caught:
        lowered(compiled(taught("rate=0.1", "momentum=0.999999"), train=True))
    (mistake,) = caught.value.diagnostics

    assert "`dense1.weight.momentum` may grow in every iteration" in mistake.message
    assert mistake.span is not None
    assert mistake.span.line == 2


@pytest.mark.parametrize(("bound", "fraction"), [(0.1, 4), (0.00001, 16), (0.4, 5)])
def test_bounds_of_a_few_units_are_certified(bound: float, fraction: int) -> None:
    """Where an eighth of a bound is finer than fixed point."""
    facts = (f"weights from lab in -{bound:f}..{bound:f}", f"joint {{ field = mersenne127, fraction = {fraction} }}")
    lessons = "labels from hospital\nloss = mse\nsgd(rate=0.01, batch=2)"
    made = lowered(compiled(program(*facts, body="dense(10)", lessons=lessons), train=True)).plan
    (step,) = [step for step in made.steps() if step.name == "dense1.weight.certified"]

    assert step.wire.low is not None
    assert bound * 2 ** (step.wire.scale or 0) <= -step.wire.low <= 1.3 * bound * 2 ** (step.wire.scale or 0) + 4


def test_an_overflow_is_told_at_its_layer() -> None:
    """Once, though the value is opened with all of its bits, at a line of its own."""
    text = program("joint { field = mersenne61, fraction = 12 }", body="\ndense(10)\ntanh(poly=9, over=-1000..1000)\n")
    with pytest.raises(PpcError, match="PPC303") as caught:
        lowered(compiled(text))

    assert [mistake.span.line for mistake in caught.value.diagnostics if mistake.span] == [4]


def hints(text: str) -> set[str]:
    """Of `check`, for an overflow."""
    with pytest.raises(PpcError, match="PPC303") as caught:
        check(text)
    return {mistake.hint for mistake in caught.value.diagnostics}


@pytest.mark.parametrize("weights", [8.0, 2000.0])
def test_an_advice_is_one_that_fits(weights: float) -> None:
    """Whether the graph has no room, or the plan only."""
    joint = "joint { field = mersenne61, fraction = 24 }"
    lessons = "labels from lab\nloss = mse\nsgd(rate=0.1, batch=4)"
    text = program(f"weights from lab in -{weights}..{weights}", joint, body="dense(10)", lessons=lessons)
    (hint,) = hints(text)
    (fraction,) = re.findall(r"`(fraction = \d+)`", hint)

    check(text.replace("fraction = 24", fraction))


def test_no_fraction_is_advised_where_none_fits() -> None:
    joint = "joint { field = mersenne61, fraction = 24 }"
    (hint,) = hints(program("weights from lab in -4000000..4000000", joint, body="dense(100)\nrelu\ndense(10)"))

    assert "fraction" not in hint
