"""Every example: in the one layout, without mistakes, compiled at every stage, and doing what its first lines say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ppc import check, reference
from ppc.cli import main
from ppc.compiler import Compiled, compile_program
from ppc.grammar.format import format_source
from ppc.ir.graph import Node
from ppc.ir.text import parse, show
from ppc.source import Source
from ppc.weights import fold, initial
from scripts.draw_images import HOME, images
from tests.sources import CHECKOUT

EXAMPLES = sorted((CHECKOUT / "examples").glob("*.pnn"))
BY_NAME = {path.stem: path for path in EXAMPLES}
# Those whose steps are graphs; other trainers speak in phrases.
TRAINED = [
    path for path in EXAMPLES if re.search(r"^train \w+( by (joint|clear))? \{", path.read_text("utf-8"), re.MULTILINE)
]

# The parameters of a model and, of AlexNet, of the part that the client is given.
PARAMETERS = {
    "shallow": 63_050,
    "deep": 25_258,
    "logistic": 650,
    "shallow_cubic": 63_050,
    "deep_cubic": 25_258,
    "selective": 87_178,
    "svhn": 298_732,
}
GIVEN_TO_THE_CLIENT = {1: 23_296, 2: 330_688, 3: 994_624, 4: 2_322_112}

# AlexNet is the largest by far; one example at a time is enough of it.
LARGE = {"alexnet"}


def named(path: Path) -> str:
    return path.stem


def each_way(path: Path) -> tuple[Compiled, ...]:
    """The example under each of its private blocks, for inference and for training."""
    return check(path).compiled


def test_all_examples_are_here() -> None:
    assert set(BY_NAME) == {
        "alexnet",
        "alexnet_small",
        "collaborative",
        "deep",
        "deep_cubic",
        "deep_train",
        "distilled",
        "distilled_lenet",
        "distilled_noise",
        "distilled_photographs",
        "hub",
        "lenet",
        "logistic",
        "mlp",
        "placements",
        "resnet_small",
        "selective",
        "shallow",
        "shallow_cubic",
        "shallow_train",
        "shifted",
        "svhn",
        "toy",
        "transfer",
        "transfer_public",
        "winner",
    }


@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_it_is_laid_out_in_the_one_way(path: Path) -> None:
    text = path.read_text("utf-8")

    assert format_source(Source(path.name, text)) == text


@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_its_first_lines_name_a_command_that_runs(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = re.findall(r"^#     ppc (.*)$", path.read_text("utf-8"), re.MULTILINE)
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    monkeypatch.chdir(tmp_path)

    assert commands
    for command in commands:
        assert path.name in command
        assert main(shlex.split(command)) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_every_stage_reads_back(path: Path) -> None:
    for compiled in each_way(path):
        for step in compiled.steps:
            assert parse(show(step.graph)) == step.graph, step.name


@pytest.mark.parametrize("path", TRAINED, ids=named)
def test_its_training_compiles(path: Path) -> None:
    trained = [compiled for compiled in each_way(path) if compiled.training]

    assert trained
    assert compile_program(path, train=True).graph == trained[0].graph


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_parameters(name: str, count: int) -> None:
    graph = compile_program(BY_NAME[name]).graph

    assert sum(node.typed.size for node in graph.parameters) == count


@pytest.mark.parametrize(("k", "count"), GIVEN_TO_THE_CLIENT.items())
def test_alexnet_gives_the_client_what_the_paper_counts(k: int, count: int) -> None:
    text, found = re.subn(r"split at 1\b", f"split at {k}", BY_NAME["alexnet"].read_text("utf-8"))
    graph = compile_program(text).graph
    given = [node for node in graph.with_op("reveal") if node.word("grant") == "split"]

    assert found == 1
    assert sum(node.typed.size for node in given) == count


@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_passes_leave_the_answer_as_it_was(path: Path) -> None:
    """Evaluated in the clear after every pass, with the same values."""
    for compiled in (one for one in each_way(path) if one.policy and not one.training):
        policy = compiled.policy
        assert policy is not None
        batch = 1 if path.stem in LARGE else 2
        answers = answers_after_passes(compile_program(path, model=policy.model, as_=policy.name, batch=batch))

        assert len(answers) == len(compiled.steps) if policy.complement is None else len(answers) > 1
        for name, answer in answers.items():
            np.testing.assert_allclose(answer, answers["place"], rtol=1e-9, atol=1e-9, err_msg=f"after {name}")


def answers_after_passes(compiled: Compiled) -> dict[str, NDArray[np.float64]]:
    """The result after each pass; with a complement from the pass on that adds it, as it changes the answer."""
    names = [step.name for step in compiled.steps]
    prepared = names.index("prepare-inference")
    typed = compiled.steps[prepared - 1].graph
    weights = initial(typed, seed=1)
    values = {node.name: some_value(node) for node in typed.inputs}
    first = 0 if compiled.policy and compiled.policy.complement is None else prepared - 1
    before, after = compiled.steps[first:prepared], compiled.steps[prepared:]
    folded = fold(typed, weights)
    answers = {step.name: reference.evaluate(step.graph, {**values, **weights})["result"] for step in before}
    return answers | {step.name: reference.evaluate(step.graph, {**values, **folded})["result"] for step in after}


def some_value(node: Node) -> NDArray[np.float64]:
    """Numbers within the bounds of an input; the bit of a complement is 1 everywhere, which flips every answer."""
    bounds = node.typed.bounds
    assert bounds is not None
    if node.word("role") == "signal":
        return np.ones(node.shape)
    return np.random.default_rng(1).uniform(bounds.low, bounds.high, node.shape)


@pytest.mark.parametrize("path", TRAINED, ids=named)
def test_passes_after_differentiation_leave_the_step_as_it_was(path: Path) -> None:
    compiled = compile_program(path, train=True, batch=2)
    names = [step.name for step in compiled.steps]
    derived, *later = compiled.steps[names.index("differentiate") :]
    values = {node.name: training_value(node) for node in (*derived.graph.inputs, *derived.graph.parameters)}
    expected = reference.evaluate(derived.graph, values)

    assert [step.name for step in later] == ["place", "check-flow", "fit-ranges"]
    for step in later:
        found = reference.evaluate(step.graph, values)

        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, err_msg=f"{name} after {step.name}")


def training_value(node: Node) -> NDArray[np.float64]:
    """One-hot labels; of everything else small numbers, which also fit images, masks and momentum."""
    generator = np.random.default_rng(1)
    if node.word("role") == "label":
        return np.eye(node.shape[-1])[: node.shape[0]]
    return generator.uniform(0.0, 0.1, node.shape)


def test_the_images_are_those_that_the_script_draws() -> None:
    with np.load(HOME, allow_pickle=False) as held:
        assert list(held) == ["image"]
        np.testing.assert_array_equal(held["image"], images())
    assert images().shape == (5, 1, 28, 28)
    assert 0.0 <= images().min() < images().max() <= 1.0
