"""The rows of a bill add up to what the parties and the dealer send, and count what was counted by hand."""

from __future__ import annotations

import json

import pytest

from ppc.bill import show
from ppc.bill.machine import ASSUMED
from ppc.bill.network import LAN, WAN
from ppc.bill.openings import product_openings
from ppc.bill.rows import FRAMES, SEEDS, Row, bill
from ppc.plan.material import corrections
from ppc.plan.messages import bytes_sent
from ppc.plan.steps import Plan
from tests.bill.plans import TRAINING, dense
from tests.golden import Golden

PLANS = pytest.mark.parametrize("plan", [TRAINING, dense(), dense(field="mersenne127")], ids=["training", "61", "127"])


def row(plan: Plan, section: str, layer: str, phase: str) -> Row:
    rows = bill(plan).rows
    return next(one for one in rows if (one.section, one.layer, one.phase) == (section, layer, phase))


@PLANS
def test_rows_add_up_to_what_is_sent(plan: Plan) -> None:
    found = bill(plan)
    for section in plan.sections:
        rows = [one for one in found.rows if one.section == section.name]
        sent = tuple(sum(one.sent[party] for one in rows) for party in range(2))

        assert sent == tuple(bytes_sent(plan, section, party) for party in plan.parties)


@PLANS
def test_rows_add_up_to_what_is_dealt(plan: Plan) -> None:
    found = bill(plan)
    for section in plan.sections:
        sent = sum(one.bytes(plan.modulus_field.words) for one in corrections(plan, section))
        rows = [one for one in found.rows if one.section == section.name and one.layer != SEEDS]

        assert sum(one.dealt[1] for one in rows) == sent
        assert sum(one.dealt[0] for one in rows) == 0


@PLANS
def test_totals_are_the_sums_of_rows(plan: Plan) -> None:
    found = bill(plan)
    for total in found.totals:
        rows = [one for one in found.rows if one.section == total.section]

        assert total.openings == sum(one.openings for one in rows)
        assert total.products == tuple(sum(one.products[party] for one in rows) for party in range(2))
        assert total.sent == tuple(sum(one.sent[party] for one in rows) for party in range(2))


def test_seeds_are_sent_once() -> None:
    seeds = [one for one in bill(TRAINING).rows if one.layer == SEEDS]

    assert [(one.section, one.dealt) for one in seeds] == [("setup", (32, 32))]


def test_a_dense_layer_by_hand() -> None:
    """The client sends 12 masked inputs, both 8 sums, the server its share of 8 results; the weights came before."""
    found = bill(dense())

    assert row(dense(), "setup", "dense1", "forward").sent == (0, 6 * 8)
    assert row(dense(), "each", "dense1", "forward").sent == ((12 + 8) * 8, 8 * 8)
    assert row(dense(), "each", "dense1", "output").sent == (0, 8 * 8)
    assert row(dense(), "each", "dense1", "forward").dealt == (0, (8 + 2 * 8) * 8)
    assert row(dense(), "each", "dense1", "forward").rounds == (1, 2)
    assert [one.sent for one in found.rows if one.layer == FRAMES] == [(0, 16), (2 * 16, 2 * 16)]


def test_an_element_of_the_large_field_takes_twice_the_bytes() -> None:
    small, large = (row(dense(field=name), "each", "dense1", "forward") for name in ("mersenne61", "mersenne127"))

    assert large.sent == (2 * small.sent[0], 2 * small.sent[1])
    assert large.dealt == (0, 2 * small.dealt[1])


def test_openings_are_those_of_operands_of_products() -> None:
    """Not the sums that are truncated and compared, not bits, not what is revealed."""
    assert product_openings(dense()) == {"e.w": 6, "e.x": 12}
    assert set(product_openings(TRAINING)) == {
        "conv1.weight.truncated.masked",
        "image.encoded.masked",
        "relu1.2.masked",
        "dense1.weight.truncated.masked",
        "loss.step.encoded.masked",
        "relu1.backward.masked",
    }


def test_range_and_scale_of_a_layer() -> None:
    found = row(dense(), "each", "dense1", "forward")

    assert found.scale == 8
    assert found.bits == (393216).bit_length()


def test_rounds_and_bytes_take_time() -> None:
    found = bill(dense())
    total = found.total("each")

    assert total is not None
    slow, quick = (found.times(total, ASSUMED, net).network for net in (WAN, LAN))
    assert slow == pytest.approx(3 * 0.020 + 8 * sum(total.efforts.largest) / 100e6)
    assert quick < slow
    assert found.total("finish") is None


@pytest.mark.parametrize(("name", "plan"), [("training", TRAINING), ("dense", dense())])
def test_text(name: str, plan: Plan, golden: Golden) -> None:
    golden.check(show.text(bill(plan), ASSUMED, WAN, {2: bill(plan)}), part=name)


def test_json_is_json() -> None:
    found = show.as_dictionary(bill(TRAINING), ASSUMED, LAN, {2: bill(TRAINING)})
    same = json.loads(json.dumps(found, allow_nan=False))

    assert set(same) == {
        *("model", "level", "batch", "field", "parties", "notes", "rows", "totals", "randomness", "reasons"),
        *("net", "machine", "levels"),
    }
    assert same["levels"]["2"]["sent"] == list(bill(TRAINING).totals[1].sent)
