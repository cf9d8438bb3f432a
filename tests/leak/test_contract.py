"""What each party sees is read from the plan: nothing that is opened is left out."""

from __future__ import annotations

import pytest

from ppc.ir.policy import Grant, Owner, Policy
from ppc.leak.contract import OWN, Contract, contract
from ppc.leak.show import text
from ppc.source import Span
from tests.bill.plans import TRAINING, dense, plan
from tests.golden import Golden


def seen(found: Contract, party: str) -> set[tuple[str, str]]:
    return {(one.grant, one.value) for one in found.seen if one.party == party}


def kinds(found: Contract) -> list[str]:
    return [caveat.kind for caveat in found.caveats]


def test_a_dense_layer() -> None:
    found = contract(dense())

    assert seen(found, "client") == {(OWN, "x"), ("result", "y")}
    assert seen(found, "server") == {(OWN, "dense1.weight")}


def test_training() -> None:
    found = contract(TRAINING)
    weights = {f"{layer}.{role}" for layer in ("conv1", "dense1") for role in ("weight", "bias")}

    assert seen(found, "hospital") == {
        (OWN, "image"),
        (OWN, "labels"),
        ("logits", "dense1.to_hospital"),
        ("check", "check.outside"),
    }
    assert seen(found, "lab") == {
        *((grant, weight) for grant in (OWN, "model") for weight in weights),
        ("check", "check.outside"),
    }


def test_every_reveal_is_in_the_contract() -> None:
    revealed = {step.name.removesuffix(".opened") for step in TRAINING.steps() if step.op == "reveal"}

    assert revealed == {one.value for one in contract(TRAINING).seen if one.grant != OWN}


def test_text(golden: Golden) -> None:
    golden.check(text(contract(TRAINING)))


# ---- caveats ----


def test_whoever_holds_inputs_and_sees_results_can_count_equations() -> None:
    """18 + 2 + 54 + 3 weights against six logits an iteration."""
    found = next(one for one in contract(TRAINING).caveats if one.kind.startswith("counting"))

    assert "6 equations against 77 unknown weights: after about 13 iterations" in found.text
    assert found.span.line == 19


def test_of_inference_too() -> None:
    found = next(one for one in contract(dense()).caveats if one.kind.startswith("counting"))

    assert "8 equations against 6 unknown weights: after about 1 batches" in found.text


def test_a_rounding_by_a_public_coin_that_is_shown_is_told() -> None:
    """Rule T2: an output is to be the floor; noise in place of a truncation is no such rounding."""
    assert "rounded by a public coin: y.opened" in kinds(contract(dense()))
    assert not [kind for kind in kinds(contract(TRAINING)) if kind.startswith("rounded")]


def test_short_masks_hide_statistically() -> None:
    """Twelve values 512 wide and eight 786,432 wide, against halves of 125 bits."""
    found = contract(dense(field="mersenne127", mask=', "short": true'))
    caveat = next(one for one in found.caveats if one.kind == "statistical hiding")

    assert caveat.measure == pytest.approx((12 * 512 + 8 * 786432) / 2**125)
    assert "2^-102" in caveat.text
    assert "statistical hiding" not in kinds(contract(dense(field="mersenne127")))


def test_local_truncation_is_a_probability() -> None:
    local = plan(
        """
        x = given() {"what": "data"} : shared[4] @16 in -65536..65536 ; round 0 x input 3:1-3:9
        y = truncate_local(x) {"offset": 65536, "shift": 8} : shared[4] @8 in -256..257 ; round 0 x forward 3:1-3:9
        """,
        field="mersenne127",
    )
    caveat = next(one for one in contract(local).caveats if one.kind == "local truncation")

    assert caveat.measure == 4 * 2.0 ** (16 - 127)


def test_logits_tell_of_labels_that_somebody_else_holds() -> None:
    other = plan(
        """
        labels = given() {"what": "label"} : clear[4, 2] within 0.0..1.0 at server ; round 0 labels input 3:1-3:9
        z = given() {"what": "data"} : shared[4, 2] @16 in -9..9 ; round 0 z input 3:1-3:9
        o = reveal(z) {"grant": "logits", "to": "client"} : clear[4, 2] @0 in -9..9 at client ; round 1 z output 7:1-7:2
        """
    )

    assert "labels from logits: client" in kinds(contract(other))
    assert "labels from logits: hospital" not in kinds(contract(TRAINING))


def test_a_heuristic_split_is_called_one() -> None:
    policy = Policy(
        name="net",
        model="net",
        parties=("client", "server"),
        owners={},
        weights=Owner(party="server"),
        grants=(Grant(what="range of weights", to=("client",), span=Span(7, 1, 7, 9)),),
        server_clear=Span(3, 1, 3, 9),
    )
    found = contract(dense(), policy)

    assert "server clear" in kinds(found)
    assert ("range of weights", "weights") in seen(found, "client")


def test_nothing_is_called_private_by_its_outputs() -> None:
    assert kinds(contract(dense()))[-1] == "outputs"
