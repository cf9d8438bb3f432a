"""The parser: where lines end, what numbers mean, and every mistake of a text in one go."""

from __future__ import annotations

import pytest

from ppc.errors import PpcError
from ppc.grammar import syntax
from ppc.grammar.parse import parse, parse_all
from ppc.source import Source, Span

HEAD = "party a, b\n"
MODEL = "model m(x: real[4] in 0..1) -> real[2] {\n    dense(8)\n    relu\n    dense(2)\n}\n"


def tree(text: str) -> syntax.Program:
    return parse(Source("t.pnn", text))


def codes(text: str) -> list[tuple[str, int]]:
    """The mistakes as (code, line)."""
    return [(m.code, m.span.line if m.span else 0) for m in parse_all(Source("t.pnn", text)).mistakes]


@pytest.mark.parametrize(
    "model",
    [
        MODEL,
        MODEL.replace("\n", "\r\n"),
        MODEL.replace("\n", "\n\n   # a comment\n\t\n"),
        MODEL.replace("dense(8)\n    relu", "dense(\n  8,\n)\n   -> relu"),
        MODEL.replace("dense(8)\n    relu", "dense(8) ->\n relu"),
        MODEL.replace(") -> real[2] {", "\n) -> real[2]\n{"),
    ],
)
def test_a_line_ends_where_a_reader_would_say_so(model: str) -> None:
    """Blank lines, comments, brackets and arrows do not change what is meant."""
    found = next(block for block in tree(HEAD + model).blocks if isinstance(block, syntax.Model))

    steps = [step.name.text for statement in found.body for step in statement.steps]
    assert steps == ["dense", "relu", "dense"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("1e-3", 1e-3),
        ("50%", 0.5),
        ("40ms", 0.04),
        ("100M", 1e8),
        ("2k", 2000.0),
        ("7us", 7e-6),
    ],
)
def test_numbers_carry_units(text: str, value: float) -> None:
    """A unit multiplies; what was written is kept for the formatter."""
    (_party, private) = tree(f"{HEAD}private m {{\n network {{ rtt = {text} }}\n}}\n").blocks
    assert isinstance(private, syntax.Private)
    (network,) = private.facts
    assert isinstance(network, syntax.NetworkLine)
    number = network.options[0].value

    assert isinstance(number, syntax.Number)
    assert number.value == pytest.approx(value)
    assert number.text == text


def test_every_node_knows_its_place() -> None:
    """Lines and columns count from 1; ends are exclusive."""
    model = tree(HEAD + MODEL).blocks[1]
    assert isinstance(model, syntax.Model)

    assert model.span == Span(2, 1, 6, 2)
    assert model.body[0].steps[0].span == Span(3, 5, 3, 13)
    assert model.inputs[0].span == Span(2, 9, 2, 27)


def test_every_mistake_is_found_at_its_place() -> None:
    """One mistake does not hide the next, nor invent others."""
    text = (
        HEAD
        + MODEL.replace("dense(8)", "dense(8").replace("relu", "relu relu")
        + "private m {\n x frm a\n y to b c\n}\n"
    )

    assert codes(text) == [("PPC101", 3), ("PPC101", 4), ("PPC101", 8), ("PPC101", 9)]


def test_a_broken_head_takes_its_block_along() -> None:
    """The lines of a block whose head cannot be read are not judged without it."""
    parsed = parse_all(Source("t.pnn", HEAD + MODEL.replace("model m(", "model m((") + "train m {\n loss = mse\n}\n"))

    assert [m.span.line for m in parsed.mistakes if m.span] == [2]
    assert [type(block).__name__ for block in parsed.program.blocks] == ["Party", "Train"]
    assert not parsed.whole


@pytest.mark.parametrize("opened", ["model m(x: real[4]) -> real[2] {\n relu\n", "model m(x: real[4", "private m {"])
def test_an_open_bracket_is_blamed_where_it_opens(opened: str) -> None:
    """The end of the text says little; the bracket that waits for its partner says more."""
    (mistake,) = parse_all(Source("t.pnn", HEAD + opened)).mistakes

    assert mistake.code == "PPC103"
    assert mistake.span is not None
    assert mistake.span.line == 2


def test_expectations_are_in_words() -> None:
    """No terminal of the grammar shows."""
    with pytest.raises(PpcError) as caught:
        tree("party a b\n")

    assert (
        caught.value.diagnostics[0].message
        == "Found `b` where I expected the end of the line, the end of the text or `,`."
    )
