"""Times from counts, a machine and a network; and machines in files."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from ppc.bill.machine import ASSUMED, Machine, Prices, load, save
from ppc.bill.network import HERE, LAN, WAN
from ppc.bill.times import efforts, times
from ppc.bill.work import NOTHING, Work, total
from ppc.errors import PpcError
from tests.bill.plans import TRAINING, dense

EACH = efforts(TRAINING, TRAINING.section("each"))
FREE = Prices(**dict.fromkeys((one.name for one in fields(Prices)), 0.0))


def machine(**prices: float) -> Machine:
    """One whose only price is named."""
    return replace(ASSUMED, sent=0.0, message=0.0, prices={words: replace(FREE, **prices) for words in (1, 2)})


def test_work_adds_up() -> None:
    assert total([Work(products=2, calls=1), Work(products=3, drawn=4)]) == Work(products=5, calls=1, drawn=4)
    assert total([]) == NOTHING


def test_a_price_for_every_count() -> None:
    assert [one.name for one in fields(Prices)] == [one.name for one in fields(Work)]


def test_the_longer_of_both_parties_counts_between_two_rounds() -> None:
    price = machine(products=1.0)
    found = times(EACH, price, LAN)
    longer = [max(one.products, other.products) for one, other in EACH.stretches]

    assert found.computing == pytest.approx(sum(longer))
    assert found.computing > max(work.products for work in EACH.parties)


def test_frames_follow_each_other() -> None:
    found = times(EACH, machine(), WAN)

    assert found.network == pytest.approx(sum(8 * size / 100e6 for size in EACH.largest) + len(EACH.largest) * 0.020)
    assert found.total == pytest.approx(found.network)


def test_a_dealer_that_is_slower_is_waited_for() -> None:
    """Digits are dealt by the dealer alone."""
    found = times(EACH, machine(dealt_digits=1.0), LAN)

    assert found.total == found.dealer == EACH.dealer.dealt_digits


def test_what_is_dealt_has_to_arrive() -> None:
    narrow = replace(WAN, rtt=0.0, bandwidth=8.0)

    assert times(EACH, machine(), narrow).total == max(EACH.dealt, times(EACH, machine(), narrow).network)


def test_here_the_cores_have_to_do_all_of_it() -> None:
    one, many = (replace(machine(drawn=1.0), cores=cores) for cores in (1, 64))
    everything = sum(work.drawn for work in (*EACH.parties, EACH.dealer))

    assert times(EACH, one, HERE).total == pytest.approx(everything)
    assert times(EACH, many, HERE).total == pytest.approx(max(work.drawn for work in (*EACH.parties, EACH.dealer)))


def test_an_element_of_the_large_field_has_its_own_price() -> None:
    prices = {1: replace(FREE, values=1.0), 2: replace(FREE, values=5.0)}
    price = replace(machine(), prices=prices)
    small, large = (efforts(plan, plan.section("each")) for plan in (dense(), dense(field="mersenne127")))

    assert times(large, price, LAN).computing == pytest.approx(5 * times(small, price, LAN).computing)


# ---- machines in files ----


def test_a_machine_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "machine.json"
    measured = replace(ASSUMED, measured="ifma kernels, 2 cores")
    save(measured, path)

    assert load(path) == measured
    assert str(measured) != str(ASSUMED)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PpcError, match="PPC501"):
        load(tmp_path / "machine.json")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(PpcError, match="PPC509"):
        save(ASSUMED, tmp_path / "file" / "machine.json")


@pytest.mark.parametrize(
    ("inside", "key", "value"),
    [
        ((), "cores", None),
        ((), "cores", 0),
        ((), "cores", "2"),
        ((), "measured", 3),
        ((), "sent", -1.0),
        ((), "message", 1e9),
        ((), "sent", "much"),
        ((), "version", 2),
        (("prices",), "2", None),
        (("prices", "1"), "drawn", None),
        (("prices", "1"), "more", 1.0),
        ((), "prices", []),
    ],
)
def test_a_file_of_something_else(tmp_path: Path, inside: tuple[str, ...], key: str, value: object) -> None:
    """None stands for a key that is left out."""
    path = tmp_path / "machine.json"
    save(ASSUMED, path)
    found = part = json.loads(path.read_text())
    for name in inside:
        part = part[name]
    part[key] = value
    if value is None:
        del part[key]
    path.write_text(json.dumps(found))

    with pytest.raises(PpcError, match="PPC526"):
        load(path)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "NaN", '{"format": "ppc-machine"}', "\xff" * 70_000])
def test_a_file_of_no_machine(tmp_path: Path, text: str) -> None:
    path = tmp_path / "machine.json"
    path.write_text(text, "latin-1")

    with pytest.raises(PpcError, match="PPC526"):
        load(path)
