"""The language reference: every example and command in it runs, and nothing of the language is missing from it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from shutil import copytree

import pytest

import ppc
from ppc.cli import main
from ppc.errors import PpcError
from ppc.grammar.layers import LAYERS, REQUIRED, Parameter
from ppc.grammar.methods import SCHEDULES, SGD
from ppc.grammar.modes import FIELDS, JOINT_OPTIONS, NETWORK_OPTIONS, NOT_BUILT
from ppc.grammar.textmate import keywords
from ppc.grammar.trainers import TRAINERS, collaborative, distilled, pate, selective
from ppc.grammar.trainers.phrases import Line
from ppc.grammar.units import UNITS
from ppc.ir.distilled import MEASURES
from ppc.ir.policy import LOSSES
from ppc.source import Source

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "grammar" / "README.md").read_text("utf-8")
FENCED = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.M)


def _blocks(kind: str) -> list[tuple[str, str]]:
    """The fenced blocks whose first word is `kind`: the other words, and the content."""
    found = ((match[1].split(), match[2]) for match in FENCED.finditer(TEXT))
    return [(" ".join(words[1:]), content) for words, content in found if words and words[0] == kind]


def test_every_block_has_a_known_kind() -> None:
    """Nothing on the page escapes the tests."""
    kinds = {match[1].split()[0] if match[1] else "" for match in FENCED.finditer(TEXT)}

    assert kinds == {"pnn", "sh"}
    assert TEXT.count("```") == 2 * len(FENCED.findall(TEXT))


@pytest.mark.parametrize("block", _blocks("pnn"), ids=lambda block: block[1].strip().splitlines()[0][:40])
def test_programs(block: tuple[str, str]) -> None:
    """A block says what becomes of it: nothing, or `wrong` and a code."""
    expectation, program = block
    if not expectation:
        assert ppc.check(Source("README.md", program)).compiled
        return
    word, code = expectation.split()
    with pytest.raises(PpcError) as caught:
        ppc.check(Source("README.md", program))

    assert word == "wrong"
    assert {diagnostic.code for diagnostic in caught.value.diagnostics} == {code}


@pytest.mark.parametrize("command", [line for _, block in _blocks("sh") for line in block.splitlines()])
def test_commands(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command works beside the examples."""
    copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    program, *words = shlex.split(command)

    assert program == "ppc"
    assert main(words) == 0


def _signature(name: str, parameters: tuple[Parameter, ...]) -> str:
    """How the tables of the page write a layer."""
    written = ", ".join(_parameter(parameter) for parameter in parameters)
    return f"`{name}({written})`" if written else f"`{name}`"


def _parameter(parameter: Parameter) -> str:
    match parameter.default:
        case None:
            return f"{parameter.name}={'kernel' if parameter.name == 'stride' else '…'}"
        case True:
            return f"{parameter.name}=true"
        case (int(first), int(second)):
            assert first == second
            return f"{parameter.name}={first}"
        case default:
            return parameter.name if default is REQUIRED else f"{parameter.name}={default}"


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_is_there_with_its_arguments(layer: str) -> None:
    """A row of the table begins with it, as the layer table has it."""
    assert f"\n| {_signature(layer, LAYERS[layer].parameters)} |" in TEXT


def test_the_optimiser_is_there_with_its_arguments() -> None:
    """As the table of its arguments has it, and how its rate falls."""
    assert f"\n| {_signature('sgd', SGD)} |" in TEXT
    for name, parameters in SCHEDULES.items():
        assert f"\n| {_signature(name, parameters)} |" in TEXT


@pytest.mark.parametrize("word", keywords("start"))
def test_every_word_of_the_grammar_is_there(word: str) -> None:
    """Blocks, clauses and what joins them."""
    assert re.search(rf"`[^`\n]*\b{word}\b[^`\n]*`", TEXT)


@pytest.mark.parametrize(
    "word",
    [
        *JOINT_OPTIONS,
        *NETWORK_OPTIONS,
        *FIELDS,
        *NOT_BUILT,
        *LOSSES,
        *TRAINERS,
        *(unit for unit in UNITS if unit),
    ],
)
def test_every_option_is_there(word: str) -> None:
    """Options, their words, losses, trainers, units."""
    assert re.search(rf"`[^`\n]*(?<!\w){re.escape(word)}(?!\w)[^`\n]*`", TEXT)


@pytest.mark.parametrize(
    "line", [*distilled.LINES, *selective.LINES, *collaborative.LINES, *pate.LINES], ids=lambda line: line.word
)
def test_every_line_of_a_trainer_is_there(line: Line) -> None:
    """A row of its table begins with the line's first word."""
    assert re.search(rf"^\| `{line.word}\b", TEXT, re.M)


@pytest.mark.parametrize("measure", MEASURES)
def test_everything_that_can_be_required_is_there(measure: str) -> None:
    assert re.search(rf"`{measure}`", TEXT)
