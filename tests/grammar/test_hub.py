"""Several data owners in a program: a private block and a training for each of them, alike but for their names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ppc.compiler import check, compile_program, pairs_of
from ppc.ir.policy import Policy

PROGRAM = """
party {parties}

model digits(image: real[64] in 0..1) -> real[10] {{
    dense(10)
}}

private digits{alias} {{
    image   from hospital_1, hospital_2
    weights from lab in -4..4
    result  to   lab, hospital_2, hospital_1
    joint {{ field = mersenne61, fraction = 16 }}
}}

train digits {{
    data   from hospital_2, hospital_1 in 0..2
    logits to   hospital_1, hospital_2
    model  to   lab
    loss = mse
    sgd(rate=0.1, batch=32)
}}
"""


def program(parties: str = "hospital_1, hospital_2, lab", alias: str = "") -> str:
    return PROGRAM.format(parties=parties, alias=alias)


def policies(text: str) -> list[Policy]:
    return [one.policy for one in check(text).compiled if one.policy is not None and one.training is None]


def test_each_data_owner_is_a_pair_with_the_owner_of_the_weights() -> None:
    first, second = policies(program())

    assert (first.name, first.parties, first.spoke) == ("hospital_1", ("hospital_1", "lab"), "hospital_1")
    assert (second.name, second.parties, second.spoke) == ("hospital_2", ("hospital_2", "lab"), "hospital_2")
    assert second.owners["image"].party == "hospital_2"
    assert second.grants[0].to == ("lab", "hospital_2")
    assert first == replace(second.at("hospital_1", first.parties), name=first.name)


def test_the_owner_of_the_weights_has_one_role_in_all_pairs() -> None:
    assert [one.parties for one in policies(program("hospital_2, lab, hospital_1"))] == [
        ("lab", "hospital_1"),
        ("lab", "hospital_2"),
    ]


@pytest.mark.parametrize("name", ["hospital_1", "hospital_2"])
def test_each_trains_on_its_own_labels(name: str) -> None:
    training = compile_program(program(), as_=name, train=True).training

    assert training is not None
    assert training.labels.party == name
    assert training.label_bounds is not None
    assert training.label_bounds.high == 2.0
    assert {grant.what: grant.to for grant in training.grants} == {"logits": (name,), "model": ("lab",)}
    assert training.turns == ("hospital_2", "hospital_1")


def test_the_pairs_come_in_the_order_of_their_turns() -> None:
    assert pairs_of(program()) == ("hospital_2", "hospital_1")
    assert pairs_of(program(alias=" as trial")) == ("trial.hospital_2", "trial.hospital_1")
    assert pairs_of(program(), as_="hospital_1") == ()
