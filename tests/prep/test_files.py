"""Files that a dealer wrote: they have the plan's sizes, run a plan, and are refused when anything in them changed."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ppc.errors import InternalError, PpcError
from ppc.plan.material import corrections
from ppc.runtime.channel import memory_channels
from ppc.runtime.party import Party
from ppc.runtime.prep import header as headers
from ppc.runtime.prep.header import decode, root
from ppc.runtime.prep.reading import Prep, open_prep, sizes
from ppc.runtime.prep.sealing import TAG_BYTES, Bytes, FileKey
from ppc.runtime.prep.shelf import Shelf
from ppc.runtime.prep.signing import DealerKey, load_key, load_or_make
from ppc.runtime.prep.use import BLOCK
from ppc.runtime.prep.writing import deal_to_files, run_bytes
from ppc.runtime.session import passes
from tests.prep.hosts import KEY, PARTIES, PLAN, claimed, deal, hosts, unlock
from tests.runtime.test_failures import refused

READ_AHEAD = 2  # segments: one that waits, and one that is decrypted
GIVEN = {"hospital": {"x.real": np.arange(6) / 4}, "lab": {"w.real": np.ones(6) / 2}}


def test_a_run_from_files(tmp_path: Path) -> None:
    """Dealt, unlocked by both, and computed with: the right answer, in every iteration."""
    deal_to_files(PLAN, tmp_path / "dealt", 1, key=KEY, iterations=2)
    client, server = hosts(tmp_path, tmp_path / "dealt")
    with claimed(client, server) as uses:
        unlock(*uses)
        channels = memory_channels(10)
        found: dict[str, list[Any]] = {name: [] for name in PARTIES}

        def follow(role: int) -> None:
            use, name = uses[role], PARTIES[role]
            party = Party(PLAN, name, channels[role], use.seed, use.salt, supply=use.supply)
            for section, turn in passes(PLAN, 2):
                given = {key: value for key, value in GIVEN[name].items() if (key == "w.real") == (section == "setup")}
                found[name].append(party.run(section, turn, given))

        threads = [Thread(target=follow, args=(role,)) for role in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for name in PARTIES:
        for turn in (1, 2):
            assert np.allclose(np.asarray(found[name][turn]["product"], float), np.arange(6) / 8)


def test_sizes_are_the_plans(tmp_path: Path) -> None:
    """Measured and predicted bytes are equal; party 0's file holds a seed only."""
    (pair,) = deal_to_files(PLAN, tmp_path, 1, key=KEY, iterations=3)
    files = [open_prep(tmp_path / role / f"{pair}.prep") for role in ("client", "server")]
    words = PLAN.modulus_field.words
    planned = [sum(row.bytes(words) for row in corrections(PLAN, PLAN.section(name))) for name, _ in passes(PLAN, 3)]
    assert [segment.length - TAG_BYTES for segment in files[0].segments] == [32]
    assert [segment.length - TAG_BYTES for segment in files[1].segments] == [32, *planned]
    assert [segment.length for segment in files[1].segments] == sizes(PLAN, 1, 3)
    measured = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert measured <= run_bytes(PLAN, 3) <= measured + 2 * 4096


def test_rights(tmp_path: Path) -> None:
    deal(tmp_path / "dealt")
    client, _ = hosts(tmp_path, tmp_path / "dealt")
    for path in [*(tmp_path / "dealt").rglob("*"), *(client.folder / "ledger").rglob("*"), client.ledger.folder]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_headers_say_what_they_must(tmp_path: Path) -> None:
    """PROTOCOL.md, section 7; and no secret is in them, or in any repr."""
    (pair,) = deal(tmp_path)
    first, second = (open_prep(tmp_path / role / f"{pair}.prep").header for role in ("client", "server"))
    assert (first.pair, first.prep) != (second.pair, second.prep)
    assert first.pair == second.pair == pair
    assert (first.role, second.role) == (0, 1)
    assert first.uses == 1
    assert first.expires - first.created == 86_400
    assert set(first.protocol) == {"level", "batch", "shifts", "digits", "rounding", "drowned"}
    halves = [(tmp_path / role / f"{pair}.half").read_bytes() for role in ("client", "server")]
    shown = repr((first, second)).encode() + first.encode() + second.encode()
    for half in halves:
        for secret in (half[:32], half[32:]):
            assert secret not in shown
            assert secret.hex().encode() not in shown


def changed_byte(place: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        index = place % len(data)
        return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]

    return change


def test_every_changed_byte_is_refused(tmp_path: Path) -> None:
    """Of the header, the signature, the table, every segment; and every length that it can be cut to."""
    (pair,) = deal(tmp_path)
    path = tmp_path / "server" / f"{pair}.prep"
    whole = path.read_bytes()
    changes = [changed_byte(place)(whole) for place in range(0, len(whole), 7)]
    changes += [whole[:length] for length in range(0, len(whole), 41)] + [whole + b"\0"]
    for data in changes:
        path.write_bytes(data)
        with pytest.raises(PpcError) as caught:
            open_prep(path).verify()
        assert caught.value.diagnostics[0].code in ("PPC550", "PPC551")


def edited(tmp_path: Path, **changes: Any) -> PpcError:
    """The error of a file whose header was changed and signed anew by its dealer."""
    (pair,) = deal(tmp_path)
    path = tmp_path / "server" / f"{pair}.prep"
    whole = path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    values = {**json.loads(whole[8 : 8 + length]), **changes}
    text = json.dumps({k: v for k, v in values.items() if v is not None}, sort_keys=True, separators=(",", ":"))
    data = text.encode()
    path.write_bytes(len(data).to_bytes(8, "little") + data + KEY.sign(data) + whole[8 + length + 64 :])
    with pytest.raises(PpcError) as caught:
        open_prep(path)
    return caught.value


BROKEN: list[dict[str, Any]] = [
    {"uses": 2},
    {"uses": True},
    {"role": 2},
    {"pair": "../../../../etc/passwd"},
    {"pair": "A" * 32},
    {"iterations": 0},
    {"iterations": 10**30},
    {"segments": 1 << 40},
    {"party": ""},
    {"party": "a\nb"},
    {"created": -1},
    {"created": 1.5},
    {"root": "0" * 63},
    {"more": 1},
    {"seed": None},
    {"protocol": [[[[[[]]]]]]},
    {"protocol": {"a": float("nan")}},
    {"format": "other"},
    {"plan": "x" * 70_000},
]


@pytest.mark.parametrize("changes", BROKEN, ids=lambda changes: str(changes)[:40])
def test_headers_that_break_the_form(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert edited(tmp_path, **changes).diagnostics[0].code == "PPC550"


@pytest.mark.parametrize("version", [0, headers.VERSION + 1])
def test_another_version(tmp_path: Path, version: int) -> None:
    """Of an older ppc or of a newer one: refused, and nothing of it is used up."""
    error = edited(tmp_path, version=version)

    assert error.diagnostics[0].code == "PPC551"
    assert f"version {version}" in error.diagnostics[0].message
    assert "deal again" in error.diagnostics[0].hint


def test_an_older_ppc_refuses_what_is_written_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that is newer, and has forgotten this version."""
    deal(tmp_path / "dealt")
    (path,) = (tmp_path / "dealt" / "client").glob("*.prep")
    for version in (headers.VERSION - 1, headers.VERSION + 1):
        monkeypatch.setattr(headers, "VERSION", version)
        refused("PPC551", lambda: open_prep(path))


def test_a_header_has_one_form() -> None:
    """Not with spaces, another order, a name twice, or thousands of brackets."""
    for data in (b"{}", b"[" * 60_000, b'{"format":"ppc-prep","version":1,"version":1}', b"\xff", b"9" * 5000):
        refused("PPC550", lambda data=data: decode(data, "file"))


def test_the_tree_of_hashes_binds_place_and_number() -> None:
    entries = [bytes([number]) for number in range(5)]
    others = [entries[:4], [*entries, entries[-1]], entries[::-1], [entries[1], entries[0], *entries[2:]]]
    assert len({root(found) for found in [entries, *others]}) == 5


def test_a_dealer_that_is_not_trusted(tmp_path: Path) -> None:
    (pair,) = deal(tmp_path)
    refused("PPC552", lambda: open_prep(tmp_path / "client" / f"{pair}.prep", dealers={DealerKey().name}))


def test_the_dealers_key(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "dealer.key"
    made = load_or_make(path)
    assert load_or_make(path).name == made.name
    assert made.name[:16] in repr(made)
    assert path.read_text().strip() not in repr(made)
    path.chmod(0o640)
    refused("PPC561", lambda: load_key(path))
    path.chmod(0o600)
    path.write_text("no key\n")
    refused("PPC561", lambda: load_key(path))


def test_too_little_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def usage(path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=1000)

    monkeypatch.setattr("shutil.disk_usage", usage)
    refused("PPC560", lambda: deal_to_files(PLAN, tmp_path / "new", 1, key=KEY))
    assert not (tmp_path / "new").exists()


def test_a_dealer_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a pair would be a run that one party believes in."""

    def failing(*_: Any) -> Any:
        raise RuntimeError("no")

    monkeypatch.setattr("ppc.runtime.dealer.Dealer.deal", failing)
    with pytest.raises(RuntimeError, match="no"):
        deal_to_files(PLAN, tmp_path, 1, key=KEY)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_large_segments_go_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces that are no multiple of a block, and the last one empty."""
    for chunk in (16, 48, 1 << 20):
        monkeypatch.setattr("ppc.runtime.prep.sealing.CHUNK", chunk)
        monkeypatch.setattr("ppc.runtime.prep.reading.CHUNK", chunk + 16)
        folder = tmp_path / str(chunk)
        deal(folder / "dealt")
        client, server = hosts(folder, folder / "dealt")
        with claimed(client, server) as uses:
            unlock(*uses)
            supply = uses[1].supply
            assert supply is not None
            assert [set(supply(*turn).tolist()) for turn in passes(PLAN, 2)] == [set(), {1}, {2}]


def test_lines_of_the_ledger_burn_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Always ahead of what is decrypted, also after the first block, and of what is decrypted before it is needed."""
    deal(tmp_path / "dealt", iterations=40)
    client, server = hosts(tmp_path, tmp_path / "dealt")
    client.iterations = server.iterations = 40
    with claimed(client, server) as uses:
        unlock(*uses)
        supply = uses[1].supply
        assert supply is not None

        def watched(prep: Prep, place: int, key: FileKey) -> Bytes:
            assert place < server.ledger.next(uses[1].pair)
            return unseal(prep, place, key)

        unseal = Prep.unseal
        monkeypatch.setattr(Prep, "unseal", watched)
        for place, turn in enumerate(passes(PLAN, 40), start=1):
            supply(*turn)
            assert place < server.ledger.next(uses[1].pair) <= min(place + READ_AHEAD + BLOCK, 42)
        with pytest.raises(InternalError, match="not dealt for"):
            supply("each", 40)


def test_steps_that_were_done_before_are_left_out(tmp_path: Path) -> None:
    """What was read ahead of them is given to nobody."""
    deal(tmp_path / "dealt", iterations=6)
    client, server = hosts(tmp_path, tmp_path / "dealt")
    client.iterations = server.iterations = 6
    with claimed(client, server) as uses:
        unlock(*uses)
        supply = uses[1].supply
        assert supply is not None
        found = [set(supply("each", number).tolist()) for number in (0, 3, 4, 5)]

        assert found == [{1}, {4}, {5}, {6}]
        with pytest.raises(InternalError, match="not dealt for"):
            supply("each", 2)


def test_trust_is_asked_before_a_file_is_offered(tmp_path: Path) -> None:
    deal(tmp_path / "dealt")
    client, _ = hosts(tmp_path, tmp_path / "dealt")
    shelf = Shelf(client.prep, client.ledger, PLAN, PARTIES[0], dealers=(), iterations=2)
    refused("PPC552", lambda: shelf.offer(client.peer))
    assert headers.VERSION == 1
