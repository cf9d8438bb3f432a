"""The table of codes, the sources that raise them, and the wrong programs that show them agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ppc.codes import CODES
from ppc.errors import PpcError, render
from ppc.ir.text import parse
from ppc.passes.checks.verdict import accepted
from ppc.plan.text import parse as parse_plan
from tests.golden import FOLDER as GOLDEN
from tests.golden import Golden
from tests.plan_edits import plan_text
from tests.should_fail.programs import PROGRAMS, expected_codes

ROOT = Path(__file__).parents[2]
ROOMS = ("grammar", "passes", "ppc", "runtime")
# Codes whose mistakes are no programs of the language: tests of kernels, data, bundles, files, attacks, imports and
# runs make them.
ELSEWHERE = ("PPC52", "PPC53", "PPC54", "PPC55", "PPC56", "PPC57", "PPC58", "PPC59", "PPC6")
SHOWN = {code for program in PROGRAMS for code in expected_codes(program)} | {"PPC510", "PPC513"}


def codes_in(folder: Path) -> set[str]:
    """The codes that the Python files of a folder write in quotes."""
    texts = (path.read_text("utf-8") for path in folder.rglob("*.py") if "codes" not in path.parts)
    return {code for text in texts for code in re.findall(r"\"(PPC\d{3})\"", text)}


def test_there_are_many() -> None:
    """One program for each kind of mistake that people make."""
    assert len(PROGRAMS) >= 60
    assert len(SHOWN) >= 45


@pytest.mark.parametrize("code", [code for code in CODES if not code.startswith(ELSEWHERE)])
def test_every_code_has_a_program(code: str) -> None:
    """A code that nothing can bring about is dead."""
    assert code in SHOWN


def test_every_other_code_has_a_test() -> None:
    """The codes of other systems and machines are shown where those are tested."""
    elsewhere = {code for code in CODES if code.startswith(ELSEWHERE)}

    assert elsewhere - codes_in(ROOT / "tests") == set()


def test_every_code_is_raised_and_explained() -> None:
    """The table has no code that no source raises, and the sources none that the table does not explain."""
    raised = {code for room in ROOMS for code in codes_in(ROOT / room)}

    assert raised == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_explanations_say_more_than_titles(code: str) -> None:
    """`ppc explain CODE` is worth typing."""
    row = CODES[code]

    assert row.title == row.title.strip().rstrip(".")
    assert len(row.explanation) > len(row.title) + 20
    assert row.explanation.endswith(".")


def test_text_that_is_no_graph(golden: Golden) -> None:
    """Not a program, but something that people paste back."""
    with pytest.raises(PpcError) as caught:
        parse("graph digits at placed\nthis is no node\n")

    golden.named("should_fail/no_graph_text.txt", render(caught.value))
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["PPC510"]


def test_a_plan_that_breaks_rules(golden: Golden) -> None:
    """A compiled plan in which the activations were given a mask of the weights, and one truncation that of another."""
    wrong = plan_text("training").replace('"m.a"', '"m.w2.w"').replace('"t.da"', '"t.u"')
    with pytest.raises(PpcError) as caught:
        accepted(parse_plan(wrong))

    golden.named("should_fail/a_plan_that_breaks_rules.txt", render(caught.value))
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["PPC513", "PPC513"]


MESSAGES = sorted((GOLDEN / "should_fail").glob("*.txt"))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_layout_of_a_message(path: Path) -> None:
    """A heading, a sentence, the source with marks where there is a place, and no trace of Python."""
    text = path.read_text("utf-8")
    for message in re.split(r"(?m)^(?=-- PPC)", text)[1:]:
        heading, empty, sentence, *rest = message.splitlines()
        has_place = re.search(r":\d+:\d+$", heading)
        assert empty == ""
        assert sentence.endswith(".")
        assert has_place is None or any(re.match(r" *\d+ \| ", line) for line in rest)
        assert has_place is None or any(re.match(r" *\| .*\^", line) for line in rest)
    assert "Traceback" not in text
    assert not re.search(r"\b(None|Token|__ANON_\d+|RPAR|_NEWLINE|lark)\b", text)


def test_most_messages_have_a_hint() -> None:
    """Those without one say in their sentence what may stand there."""
    messages = [m for path in MESSAGES for m in path.read_text("utf-8").split("-- PPC")[1:]]
    helped = [message for message in messages if "\nHint: " in message]

    assert len(helped) >= 0.8 * len(messages)


def test_no_message_is_left_over() -> None:
    """Every golden message belongs to a program."""
    assert {path.stem for path in MESSAGES} == {program.stem for program in PROGRAMS} | {
        "no_graph_text",
        "a_plan_that_breaks_rules",
    }
