"""The editors' grammar: made from the language's own, and seeing what the parser sees."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppc.grammar.layers import LAYERS
from ppc.grammar.parse import parser
from ppc.grammar.textmate import HOME, grammar, terminal
from ppc.grammar.units import UNITS
from tests.grammar.textmate_matcher import Matcher

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.pnn"))
RULES = json.loads(HOME.read_text("utf-8"))["repository"]
# Every word, every sign, every layer and every unit of the language; it need not mean anything.
TEMPLATE = """\
party hospital,  # goes on
    lab
model net(image: real[1, 2] in -0.5..1e-3, kind: index) -> real[10] {  # the head
    image -> LAYERS
    skip = relu(poly=3, over=-3..5, "text", flag=true, sizes=[1, +2])
    relu -> add(skip)
}
private net as other {
    image from hospital, lab in 0..1
    weights public
    split at 2
    split after skip
    split auto
    complement offset picture [28, 28] at 1
    server clear
    result to lab
    joint { field = mersenne61, fraction = 16 }
    network { NUMBERS }
    reveal range of weights
    reuse inputs of 500
}
train net by joint {
    labels from hospital in 0..1
    logits to hospital
    model kept shared
    evaluate accuracy to lab, hospital every 2
    loss = mse
    sgd(rate=0.01, momentum=50%)
    upload 10% largest "now"
    images from "others.npz"
    require accuracy >= 90%
}
label cases by lab {
    vote 3 "often"
}
"""
EVERYTHING = TEMPLATE.replace("LAYERS", " -> ".join(f"{layer}(2)" for layer in LAYERS)).replace(
    "NUMBERS", ", ".join(f"a{n} = 40{unit}" for n, unit in enumerate(UNITS))
)


def matcher() -> Matcher:
    return Matcher.of(HOME.read_text("utf-8"))


def seen(text: str) -> list[tuple[str, str, str]]:
    """For every token of the parser its type, its text, and the scope that an editor gives it."""
    scopes = matcher().scopes(text)
    tokens = parser().parse_interactive(text).iter_parse()  # pyright: ignore[reportUnknownMemberType]
    return [
        (token.type, str(token), scopes[token.line - 1][token.column - 1])
        for token in tokens
        if token.type != "_NEWLINE" and token.line and token.column
    ]


def test_file_is_up_to_date() -> None:
    """`scripts/textmate` writes it."""
    assert HOME.read_text("utf-8") == grammar()


@pytest.mark.parametrize("text", [EVERYTHING, *(path.read_text("utf-8") for path in EXAMPLES)])
def test_every_token_gets_the_scope_of_its_kind(text: str) -> None:
    for kind, token, scope in seen(text):
        match kind:
            case "NUMBER":
                expected = "constant.numeric"
            case "STRING":
                expected = "string.quoted.double"
            case "NAME":
                expected = r"variable|support|entity\.name|constant\.(other|language)"
            case "ARROW" | "COMPARISON" | "EQUAL" | "SIGN" | "__ANON_0":
                expected = "keyword.operator"
            case "PARTY" | "MODEL" | "PRIVATE" | "TRAIN" | "LABEL":
                expected = "storage.type"
            case _:
                expected = "keyword.other" if token.isalpha() else "punctuation"
        assert re.match(expected, scope), f"{token} is {scope or 'nothing'}"


def test_all_of_the_language_was_looked_at() -> None:
    """The program above holds every word and sign of the lark file."""
    looked_at = {kind for kind, _, _ in seen(EVERYTHING)}

    assert {found.name for found in parser().terminals} - looked_at == {
        "_NEWLINE",
        "COMMENT",
        "__IGNORE_0",
        "__IGNORE_1",
    }


def test_layers_are_layers_only_in_a_model() -> None:
    found = seen(EVERYTHING)

    assert {token for _, token, scope in found if scope == "support.function.layer.pnn"} == set(LAYERS)
    assert {token for _, token, scope in found if scope == "constant.other.party.pnn"} == {"hospital", "lab"}


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit])
def test_every_unit_is_one(unit: str) -> None:
    scopes = matcher().scopes(f"private net {{\n network {{ rtt = 40{unit} }}\n}}")[1]

    assert scopes.count("keyword.other.unit.pnn") == len(unit)


def test_unknown_unit_is_marked() -> None:
    scopes = matcher().scopes("private net {\n network { rtt = 40parsec }\n}")[1]

    assert scopes.count("invalid.illegal.unit.pnn") == len("parsec")


def test_words_are_names_outside_of_their_block() -> None:
    """A layer's value may be called `at`."""
    (line,) = matcher().scopes("model net(x: real[1]) -> real[1] { at = relu }")

    assert line[35:37] == ["variable.parameter.pnn"] * 2


def test_comment_goes_to_the_end_of_the_line_everywhere() -> None:
    for line, scopes in zip(EVERYTHING.split("\n"), matcher().scopes(EVERYTHING), strict=True):
        if "#" in line:
            start = line.index("#")
            assert scopes[start:] == ["comment.line.number-sign.pnn"] * (len(line) - start)


@given(st.from_regex(terminal("NUMBER"), fullmatch=True))
def test_numbers_are_the_parsers(number: str) -> None:
    assert re.fullmatch(RULES["number"]["match"], number)


@given(st.text(alphabet="0123456789.eE+-%msk ", max_size=12))
def test_a_number_ends_where_the_parsers_does(text: str) -> None:
    ours, theirs = re.match(RULES["number"]["match"], text), re.match(terminal("NUMBER"), text)

    assert (ours and ours.end()) == (theirs and theirs.end())


@pytest.mark.parametrize("rule", ["name", "string", "comment"])
def test_words_strings_and_comments_are_the_parsers(rule: str) -> None:
    """Pattern by pattern."""
    assert RULES[rule]["match"] == terminal(rule.upper())


def test_unfinished_program_is_no_trouble() -> None:
    """As it stands while somebody types."""
    for end in range(0, len(EVERYTHING), 31):
        matcher().scopes(EVERYTHING[:end])
