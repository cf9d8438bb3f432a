"""What must never lead to a second use: copies, snapshots, swapped files, two processes. All are refused before any
masked byte is sent, which is before both parties agreed and exchanged the halves of their keys."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from ppc.errors import InternalError, PpcError
from ppc.runtime.prep.ledger import Ledger
from ppc.runtime.prep.reading import open_prep
from ppc.runtime.prep.shelf import Shelf
from ppc.runtime.prep.use import Use
from tests.prep.hosts import CERTIFICATES, KEY, OTHER, PARTIES, PLAN, Host, claimed, deal, hosts, run, unlock
from tests.runtime.test_failures import refused


@pytest.fixture
def machines(tmp_path: Path) -> tuple[Host, Host]:
    deal(tmp_path / "dealt", count=3)
    return hosts(tmp_path, tmp_path / "dealt")


def codes_of_run(client: Host, server: Host) -> list[str]:
    """What a run is refused with."""
    with pytest.raises(PpcError) as caught:
        run(client, server)
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


def test_runs_take_one_pair_after_the_other(machines: tuple[Host, Host], tmp_path: Path) -> None:
    client, server = machines
    pairs = [run(client, server) for _ in range(3)]
    assert len(set(pairs)) == 3
    assert codes_of_run(client, server) == ["PPC559"]
    assert not list(client.prep.glob("*.half"))
    assert len(list((tmp_path / "dealt" / "client").glob("*.half"))) == 3  # the dealer's own are not the parties'


def test_what_is_left_for_another_plan_is_not_blamed(tmp_path: Path) -> None:
    """A training's pairs lie beside those of its evaluations: when the one kind is used up, that is said."""
    deal(tmp_path / "dealt")
    deal(tmp_path / "dealt", plan=OTHER, count=2)
    client, server = hosts(tmp_path, tmp_path / "dealt")
    run(client, server)

    assert codes_of_run(client, server) == ["PPC559"]


def test_1_a_snapshot_of_the_clients_disk(machines: tuple[Host, Host]) -> None:
    """The server's ledger knows the pair, and remembers a longer ledger of the client."""
    client, server = machines
    kept = client.snapshot()
    run(client, server)
    client.restore(kept)
    assert codes_of_run(client, server) == ["PPC558"]
    assert not client.ledger.used()


def test_2_a_snapshot_of_the_servers_disk(machines: tuple[Host, Host]) -> None:
    client, server = machines
    run(client, server)
    kept = server.snapshot()
    run(client, server)
    server.restore(kept)
    assert codes_of_run(client, server) == ["PPC558"]


def test_3_an_old_ledger_alone(machines: tuple[Host, Host]) -> None:
    """The halves of what was used are gone from the disk; the rest is refused because the ledger went back."""
    client, server = machines
    kept = client.snapshot()
    run(client, server)
    client.restore(kept, "ledger")
    assert codes_of_run(client, server) == ["PPC558"]


def test_4_a_ledger_that_was_deleted(machines: tuple[Host, Host]) -> None:
    client, server = machines
    run(client, server)
    client.ledger.close()
    shutil.rmtree(client.folder / "ledger")
    client.ledger = Ledger(client.folder / "ledger")
    assert codes_of_run(client, server) == ["PPC558"]


def test_5_a_copy_of_a_file(machines: tuple[Host, Host], tmp_path: Path) -> None:
    """Copied before its use with the halves beside it, under its own and under another name; and as a hard link."""
    client, server = machines
    pair = next(client.shelf().pairs())
    copies = tmp_path / "copies"
    copies.mkdir()
    for name in (pair, "0" * 32):
        for ending in (".prep", ".half"):
            shutil.copy2(client.prep / f"{pair}{ending}", copies / f"{name}{ending}")
    os.link(client.prep / f"{pair}.prep", copies / f"{'1' * 32}.prep")
    shutil.copy2(client.prep / f"{pair}.half", copies / f"{'1' * 32}.half")
    assert run(client, server) == pair
    for path in copies.glob("*.prep"):
        prep = open_prep(path)
        refused(
            "PPC555",
            lambda prep=prep: Use(prep, client.ledger, session=bytes(16), peer=client.peer, seen=None, passes=()),
        )
    shelf = Shelf(copies, client.ledger, PLAN, PARTIES[0], dealers={KEY.name}, iterations=2)
    refused("PPC553", lambda: shelf.offer(client.peer))


def test_6_a_copy_on_another_machine(machines: tuple[Host, Host], tmp_path: Path) -> None:
    """It has a ledger of its own that knows nothing; but the server gave its half away once, and erased it."""
    client, server = machines
    other = Host(tmp_path / "other", 0, Ledger(tmp_path / "other" / "ledger"))
    shutil.copytree(client.prep, other.prep)
    used = [run(client, server), run(client, server)]
    kept = next(pair for pair in other.shelf().pairs() if pair not in used)
    certificate = "ab" * 32
    offer = other.shelf().offer(other.peer)
    assert used[0] in {offer.data[place : place + 16].hex() for place in range(0, len(offer.data), 16)}
    with server.shelf().choose(offer.data, session=bytes(16), peer=certificate) as use:
        assert use.pair == kept
    for pair in used:
        only = bytes.fromhex(pair)
        refused("PPC559", lambda only=only: server.shelf().choose(only, session=bytes(16), peer=certificate))


def test_7_two_processes(machines: tuple[Host, Host]) -> None:
    """A pair is held by one of them; the other one takes another pair."""
    client, server = machines
    with claimed(client, server) as first, claimed(client, server) as second:
        assert first[0].pair != second[0].pair
        offered = bytes.fromhex(first[0].pair)
        refused("PPC556", lambda: server.shelf().choose(offered, session=bytes(16), peer=server.peer))
        unlock(*second)
        unlock(*first)
    assert len(client.ledger.used()) == 2


def test_8_the_files_of_the_two_parties_swapped(machines: tuple[Host, Host]) -> None:
    client, server = machines
    shutil.move(client.prep, client.folder / "mine")
    shutil.move(server.prep, client.prep)
    shutil.move(client.folder / "mine", server.prep)
    assert codes_of_run(client, server) == ["PPC553"]
    assert client.ledger.used() | server.ledger.used() == set()


def test_9_halves_of_two_pairs(machines: tuple[Host, Host]) -> None:
    """One party's file under the name of another pair; or beside the halves of another pair's key."""
    client, server = machines
    first, second, _ = client.shelf().pairs()
    for ending in (".prep", ".half"):
        shutil.copy2(server.prep / f"{second}{ending}", server.prep / f"{first}{ending}")
    refused("PPC553", lambda: server.shelf().choose(bytes.fromhex(first), session=bytes(16), peer=server.peer))
    shutil.copy2(client.prep / f"{first}.half", client.prep / f"{second}.half")
    with claimed(client, server) as (ours, theirs):
        assert ours.pair == second
        ours.agree(theirs.head())
        refused("PPC553", ours.half)
    assert client.ledger.next(second) == 1


def test_10_another_plan(tmp_path: Path) -> None:
    deal(tmp_path / "dealt", plan=OTHER)
    client, server = hosts(tmp_path, tmp_path / "dealt")
    assert codes_of_run(client, server) == ["PPC553"]
    client.plan, server.plan, client.iterations = OTHER, OTHER, 3
    assert codes_of_run(client, server) == ["PPC553"]
    client.iterations = 2
    run(client, server)


def test_11_expired(machines: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch) -> None:
    client, server = machines
    now = time.time()
    for later in (86_400, -86_400):
        for module in ("use", "status"):
            monkeypatch.setattr(f"ppc.runtime.prep.{module}.time", lambda later=later: now + later)
        assert codes_of_run(client, server) == ["PPC554"]
    assert client.ledger.used() | server.ledger.used() == set()


def test_12_a_snapshot_between_the_heads_and_the_halves(machines: tuple[Host, Host], tmp_path: Path) -> None:
    """The client's whole machine goes back to a moment at which the parties had agreed; the same pair again is one
    that the server burnt, and the server's half of the key cannot be had a second time."""
    client, server = machines
    with claimed(client, server) as (ours, theirs):
        ours.agree(theirs.head())
        theirs.agree(ours.head())
        kept = client.snapshot()
        mine, other = ours.half(), theirs.half()
        ours.unlock(other)
        theirs.unlock(mine)
        pair = ours.pair
    client.restore(kept)
    assert client.ledger.next(pair) == 0
    only = bytes.fromhex(pair)
    refused("PPC559", lambda: server.shelf().choose(only, session=bytes(16), peer=server.peer))
    assert codes_of_run(client, server) == ["PPC558"]


def test_a_half_is_given_once(machines: tuple[Host, Host]) -> None:
    client, server = machines
    with claimed(client, server) as (ours, theirs):
        ours.agree(theirs.head())
        ours.half()
        refused("PPC555", ours.half)
    kept = client.snapshot()
    client.restore(kept)
    assert ours.pair in client.ledger.used()


def test_restored_halves_do_not_help(machines: tuple[Host, Host]) -> None:
    """The prep folder alone went back: the ledger knows."""
    client, server = machines
    kept = client.snapshot()
    first = run(client, server)
    client.restore(kept, "prep")
    assert run(client, server) != first


def test_another_half_of_the_peer(machines: tuple[Host, Host]) -> None:
    client, server = machines
    with claimed(client, server) as (ours, theirs):
        ours.agree(theirs.head())
        ours.half()
        half = theirs.prep.path.with_suffix(".half").read_bytes()[32:]
        for wrong in (bytes(72), half, half + bytes(39), half + bytes([255] * 40), b""):
            refused("PPC553", lambda wrong=wrong: ours.unlock(wrong))


def test_heads_that_differ(machines: tuple[Host, Host]) -> None:
    """Every field of a head, and what is none."""
    client, server = machines
    with claimed(client, server) as (ours, theirs):
        head = theirs.head()
        for place in (0, 8, 24, 56, 88, 104, 108):
            changed = head[:place] + bytes([head[place] ^ 1]) + head[place + 1 :]
            refused("PPC553", lambda changed=changed: ours.agree(changed))
        for other in (b"", head[:-1], head + b"\0", ours.head()):
            refused("PPC553", lambda other=other: ours.agree(other))
        used = head[:112] + bytes([1, 0, 0, 0]) + head[116:]
        refused("PPC555", lambda: ours.agree(used))


def test_another_history_of_the_same_length(machines: tuple[Host, Host]) -> None:
    """A ledger that went back and grew again is another one, also where it is not shorter."""
    client, server = machines
    run(client, server)
    seen = server.ledger.seen(CERTIFICATES[0])
    assert seen is not None
    with claimed(client, server) as (ours, theirs):
        theirs._seen = type(seen)(client.ledger.head().count, "0" * 64)  # pyright: ignore[reportPrivateUsage]
        refused("PPC558", lambda: theirs.agree(ours.head()))


def test_nothing_secret_shows_itself(machines: tuple[Host, Host]) -> None:
    """Halves and seeds are in no repr and in no line of a ledger."""
    client, server = machines
    pair = next(client.shelf().pairs())
    halves = [(host.prep / f"{pair}.half").read_bytes() for host in machines]
    with claimed(client, server) as (ours, theirs):
        unlock(ours, theirs)
        shown = repr([ours, theirs, vars(ours), vars(theirs), client.shelf()]).encode()
    shown += b"".join((host.folder / "ledger" / "ledger").read_bytes() for host in machines)
    for half in halves:
        for secret in (half[:32], half[32:]):
            assert secret.hex().encode() not in shown
            assert repr(secret)[2:-1].encode() not in shown


def test_unlocked_without_agreement(machines: tuple[Host, Host]) -> None:
    client, server = machines
    with claimed(client, server) as (ours, _):
        for act in (ours.half, lambda: ours.seed):
            with pytest.raises(InternalError):
                act()
        assert not client.ledger.used()
