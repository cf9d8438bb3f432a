"""Every price is measured, in both fields; two ends exchange; a process that ends early is said."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from threading import Thread

import pytest

from ppc.bill.work import Work
from ppc.errors import PpcError
from ppc.field import MERSENNE61, MERSENNE127, Field
from ppc.runtime.calibration import prices, together, wire
from ppc.runtime.keyring import throw_away


@pytest.mark.parametrize("field", [MERSENNE61, MERSENNE127])
def test_a_price_for_everything_that_is_counted(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ELEMENTS": 1 << 16, "SIDE": 16, "LONG": 0.0, "TIMES": 1}.items():
        monkeypatch.setattr(prices, name, value)
    found = prices.prices(field)

    assert set(found) == {one.name for one in fields(Work)}
    assert all(0.0 < seconds < 1.0 for seconds in found.values())


def test_two_ends_exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LARGE", 1 << 16)
    throw_away(tmp_path, wire.ROLES)
    listener = wire.listener(tmp_path)
    other = Thread(target=wire.answer, args=(tmp_path, listener.port))
    other.start()
    sent, message = wire.exchanges(listener.accept(wire.PATIENCE))
    other.join()
    listener.close()

    assert 0.0 < sent < message < 1.0


def test_a_measuring_process_that_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "MODULE", "ppc.runtime.nothing")

    with pytest.raises(PpcError, match="PPC652"):
        together.measured(1)
