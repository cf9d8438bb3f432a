"""Trainers that speak in phrases: a block becomes facts, and is laid out and judged as every other."""

from __future__ import annotations

import pytest

from ppc import check
from ppc.errors import PpcError
from ppc.grammar.format import format_source
from ppc.grammar.parse import parse
from ppc.grammar.syntax import Label, Phrase, Text, Train, Word
from ppc.ir.distilled import Distilled, Images, Requirement
from ppc.source import Source

MODEL = "model m(x: real[64]) -> real[10] {\n    dense(10)\n}\n\n"
WHOLE = """train m by distilled {
    key file "device.key"
    samples 10
    images from "patches.npz"
    labels soft mixed
    steps 3
    epochs 250
    batch 64
    rate 1e-2
    lock 0.5
    loss = mse
    require accuracy >= 93%
    require other_init <= 0.4
}
"""
LEAST = """train m by distilled {
    key file "device.key"
    samples 10
    images noise
    steps 3
    epochs 250
}
"""


def facts(block: str) -> Distilled:
    found = check(Source("t.pnn", MODEL + block)).resolved.lessons["m"]
    assert isinstance(found, Distilled)
    return found


def test_every_line_becomes_a_fact() -> None:
    found = facts(WHOLE)

    assert found == Distilled(
        model="m",
        key="device.key",
        samples=10,
        images=Images(kind="brought", file="patches.npz"),
        labels="mixed",
        steps=3,
        epochs=250,
        batch=64,
        rate=0.01,
        lock=0.5,
        loss="mse",
        requirements=tuple(
            Requirement(measure=measure, bound=bound, span=requirement.span)
            for (measure, bound), requirement in zip(
                (("accuracy", 0.93), ("other_init", 0.4)), found.requirements, strict=True
            )
        ),
        span=found.span,
    )


def test_what_may_be_left_out_has_a_value() -> None:
    found = facts(LEAST)

    assert (found.labels, found.batch, found.rate, found.lock) == ("one_hot", 512, 0.03, 0.0)
    assert (found.loss, found.requirements) == ("softmax_cross_entropy", ())


@pytest.mark.parametrize(("measure", "value", "holds"), [("accuracy", 0.93, True), ("other_init", 0.41, False)])
def test_a_requirement_is_a_bound_from_the_right_side(measure: str, value: float, holds: bool) -> None:
    assert Requirement(measure=measure, bound=0.4 if measure == "other_init" else 0.93).holds(value) is holds


@pytest.mark.parametrize("block", [WHOLE, LEAST])
def test_the_layout_is_kept(block: str) -> None:
    assert format_source(Source("t.pnn", MODEL + block)) == MODEL + block


def test_phrases_hold_comparisons_and_files_in_every_block() -> None:
    text = 'label pool by pate {\n    students from "pool.npz" 3\n    budget <= 4\n}\n'
    (block,) = parse(Source("t.pnn", text)).blocks

    assert isinstance(block, Label)
    assert [part.text for part in block.phrases[0].rest] == ["from", "pool.npz", "3"]
    assert [part.text for part in block.phrases[1].rest] == ["<=", "4"]
    assert format_source(Source("t.pnn", text)) == text


def test_what_comes_from_a_file_is_no_party() -> None:
    (block,) = parse(Source("t.pnn", 'train m {\n    images from "a"\n    labels from a, b\n}\n')).blocks

    assert isinstance(block, Train)
    phrase, labels = block.lessons
    assert isinstance(phrase, Phrase)
    assert phrase.rest == (Word(text="from", span=phrase.span), Text(text="a", span=phrase.span))
    assert not isinstance(labels, Phrase)


def test_one_mistake_of_a_phrase_is_told_once() -> None:
    with pytest.raises(PpcError) as caught:
        facts(LEAST.replace("samples 10", "samples many 10 times"))

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["PPC110"]
