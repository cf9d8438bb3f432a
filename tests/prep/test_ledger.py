"""The ledger: what it says survives, what was torn off was never used, what was changed is noticed."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest

from ppc.errors import InternalError, PpcError
from ppc.runtime.prep.disk import Disk
from ppc.runtime.prep.ledger import Ledger
from ppc.runtime.prep.record import Seen
from tests.runtime.test_failures import refused

PAIR, OTHER, SESSION, PEER = "a" * 32, "b" * 32, "c" * 32, "d" * 64


def filled(folder: Path) -> Ledger:
    ledger = Ledger(folder)
    for segment in range(3):
        ledger.take(PAIR, segment, session=SESSION, peer=PEER)
    ledger.see(PEER, Seen(7, "e" * 64))
    return ledger


def test_another_process_knows_it_all(tmp_path: Path) -> None:
    ledger, other = filled(tmp_path), Ledger(tmp_path)
    assert (other.next(PAIR), other.next(OTHER), other.seen(PEER)) == (3, 0, Seen(7, "e" * 64))
    other.take(OTHER, 0, session=SESSION, peer=PEER)
    assert ledger.used() == {PAIR, OTHER}
    assert ledger.head() == other.head() == Ledger(tmp_path).head()
    refused("PPC555", lambda: ledger.take(OTHER, 0, session=SESSION, peer=PEER))
    refused("PPC555", lambda: ledger.take(PAIR, 1, session=SESSION, peer=PEER))


@pytest.mark.parametrize("version", [0, 2])
def test_a_ledger_of_another_version(tmp_path: Path, version: int) -> None:
    """Nothing is used on what this ppc cannot read."""
    (tmp_path / "ledger").write_text(f"ppc-ledger {version} {'a' * 32}\n")
    refused("PPC557", lambda: Ledger(tmp_path))


def test_a_shorter_ledger_of_a_peer_is_not_remembered(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    ledger.see(PEER, Seen(6, "f" * 64))
    assert ledger.seen(PEER) == Seen(7, "e" * 64)


@pytest.mark.parametrize("torn", [1, 20, 65, 100])
def test_a_torn_line_was_never_used(tmp_path: Path, torn: int) -> None:
    filled(tmp_path).close()
    path = tmp_path / "ledger"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]) + lines[-2][:torn])
    ledger = Ledger(tmp_path)
    assert ledger.next(PAIR) == 2
    ledger.take(PAIR, 2, session=SESSION, peer=PEER)
    assert Ledger(tmp_path).next(PAIR) == 3


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    """Also a line left out, doubled or moved. The first line's number has no line before it to bind it, but its hash
    is in the next."""
    filled(tmp_path).close()
    path = tmp_path / "ledger"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    changes = [whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :] for i in range(0, len(whole) - 1, 5)]
    changes += [b"".join(order) for order in (lines[1:], lines[:1] + lines[2:], lines[:2] + lines[1:], lines[::-1])]
    for data in changes:
        path.write_bytes(data)
        refused("PPC557", lambda: Ledger(tmp_path))


def test_a_ledger_exchanged_in_use(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    path = tmp_path / "ledger"
    kept = path.read_bytes()
    os.truncate(path, len(kept.splitlines(keepends=True)[0]))
    refused("PPC557", lambda: ledger.take(OTHER, 0, session=SESSION, peer=PEER))
    path.unlink()
    path.write_bytes(kept)
    refused("PPC557", lambda: ledger.take(OTHER, 0, session=SESSION, peer=PEER))


def test_links_are_not_followed(tmp_path: Path) -> None:
    filled(tmp_path / "real").close()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "ledger").symlink_to(tmp_path / "real" / "ledger")
    refused("PPC509", lambda: Ledger(tmp_path / "other"))


class Broken(Disk):
    """A disk that does not sync any more."""

    broken = False

    def sync(self, number: int) -> None:
        if self.broken:
            raise OSError(5, "Input/output error")
        super().sync(number)


def test_what_cannot_be_synced_may_not_be_used(tmp_path: Path) -> None:
    disk = Broken()
    ledger = Ledger(tmp_path, disk=disk)
    disk.broken = True
    refused("PPC509", lambda: ledger.take(PAIR, 0, session=SESSION, peer=PEER))
    disk.broken = False
    refused("PPC555", lambda: ledger.take(PAIR, 0, session=SESSION, peer=PEER))


def test_a_record_of_another_form_is_not_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    before = (tmp_path / "ledger").read_bytes()
    for pair, peer in (("x", PEER), (PAIR, "two words"), (PAIR + "\n", PEER)):
        with pytest.raises(InternalError):
            ledger.take(pair, 0, session=SESSION, peer=peer)
    assert (tmp_path / "ledger").read_bytes() == before


def test_threads_take_a_segment_once(tmp_path: Path) -> None:
    """Two objects, as two processes have them, four threads each: of every segment one of them is told yes."""
    ledgers, taken = [Ledger(tmp_path), Ledger(tmp_path)], list[int]()

    def work(ledger: Ledger) -> None:
        for segment in range(10):
            try:
                ledger.take(PAIR, segment, session=SESSION, peer=PEER)
            except PpcError:
                continue
            taken.append(segment)

    threads = [Thread(target=work, args=(ledgers[place % 2],)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken))
    assert Ledger(tmp_path).next(PAIR) == max(taken) + 1


def test_pairs_are_held_by_one(tmp_path: Path) -> None:
    first, second = Ledger(tmp_path), Ledger(tmp_path)
    with first.hold(PAIR):
        for ledger in (first, second):
            with pytest.raises(PpcError, match="PPC556"), ledger.hold(PAIR):
                pass
        with second.hold(OTHER):
            pass
    with second.hold(PAIR):
        pass
