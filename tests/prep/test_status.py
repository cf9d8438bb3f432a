"""How many runs are left, what is good for nothing any more, and what to do."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from ppc.runtime.prep.disk import Disk, locked_folder
from ppc.runtime.prep.status import status, sweep
from tests.prep.hosts import OTHER, claimed, deal, hosts, run


def test_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unused, used, expired and damaged files, by plan; then what a sweep leaves."""
    deal(tmp_path / "dealt", count=5, days=10)
    deal(tmp_path / "dealt", plan=OTHER, days=20)
    deal(tmp_path / "dealt", plan=OTHER, days=-1)
    client, server = hosts(tmp_path, tmp_path / "dealt")
    run(client, server)
    damaged = client.prep / f"{'f' * 32}.prep"
    damaged.write_bytes(b"damaged")
    found = status(client.prep, client.ledger)
    assert (found.left, found.used, found.expired, found.damaged, found.unfinished) == (5, 1, 1, (damaged.name,), 0)
    assert found.room is not None
    assert found.free // found.room <= found.bytes
    assert [(name.split()[0], count) for name, count in found.by_plan] == [("other", 1), ("small", 4)]
    assert found.expires is not None
    assert abs(found.expires - time.time() - 10 * 86_400) < 100
    assert "--sweep" in found.advice()
    assert sweep(client.prep, client.ledger) == found.freed > 0
    swept = status(client.prep, client.ledger)
    assert (swept.left, swept.used, swept.expired, swept.freed) == (5, 0, 0, 0)
    assert swept.advice() == "Nothing needs to be done."
    assert status(tmp_path / "dealt" / "client", None).left == 6
    monkeypatch.setattr("ppc.runtime.prep.status.time", lambda: time.time() + 9 * 86_400)
    assert "expires in" in swept.advice()


def test_few_and_none(tmp_path: Path) -> None:
    deal(tmp_path / "dealt", count=1, days=10)
    client, server = hosts(tmp_path, tmp_path / "dealt")
    assert status(client.prep, client.ledger).advice().startswith("Only 1 run is left")
    run(client, server)
    assert status(client.prep, client.ledger).advice().startswith("No run is left")
    assert status(tmp_path / "nowhere", None).left == 0


def test_a_file_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not called damaged, and there is something else to do about it."""
    (pair,) = deal(tmp_path / "dealt", days=10)
    monkeypatch.setattr("ppc.runtime.prep.header.VERSION", 99)
    found = status(tmp_path / "dealt" / "client", None)
    assert (found.left, found.damaged, found.foreign) == (0, (), (f"{pair}.prep",))
    assert "PPC551" in found.advice()
    assert "Run the same ppc" in found.advice()


def test_what_is_in_use_stays(tmp_path: Path) -> None:
    deal(tmp_path / "dealt", count=1, days=10)
    client, server = hosts(tmp_path, tmp_path / "dealt")
    with claimed(client, server) as (ours, theirs):
        ours.agree(theirs.head())
        ours.half()
        assert status(client.prep, client.ledger).used == 1
        assert sweep(client.prep, client.ledger) == 0
        assert ours.prep.path.exists()
    assert sweep(client.prep, client.ledger) > 0
    assert not list(client.prep.iterdir())


def test_what_a_dealer_left_unfinished(tmp_path: Path) -> None:
    """Halves of keys among it. While a dealer works in the folder nothing is a leftover, and nothing is deleted."""
    deal(tmp_path / "dealt", count=4, days=10)
    client, _ = hosts(tmp_path, tmp_path / "dealt")
    left = [client.prep / f".{'a' * 32}{ending}.part" for ending in (".prep", ".half")]
    for path in left:
        path.write_bytes(b"half of it")
    with locked_folder(Disk(), client.prep, shared=True):
        assert status(client.prep, client.ledger).unfinished == 0
        assert sweep(client.prep, client.ledger) == 0
    found = status(client.prep, client.ledger)
    assert (found.unfinished, found.freed) == (2, 20)
    assert "--sweep" in found.advice()
    assert sweep(client.prep, client.ledger) == 20
    assert not any(path.exists() for path in left)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deal(tmp_path / "dealt", count=4, days=10)
    client, _ = hosts(tmp_path, tmp_path / "dealt")
    usage = shutil.disk_usage(client.prep)

    def nearly_full(_path: Path) -> object:
        return usage._replace(free=3000)

    monkeypatch.setattr("ppc.runtime.prep.status.shutil.disk_usage", nearly_full)
    found = status(client.prep, client.ledger)
    assert found.room is not None
    assert found.room <= 3
    assert f"room for {found.room} more" in found.advice()
