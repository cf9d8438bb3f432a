"""Folders of certificates: what is made, what is read, and what is refused."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ppc.runtime.certificates import make, plain_fingerprint, read
from ppc.runtime.keyring import Keyring, new, open_folder, pin, renew, revoke
from ppc.runtime.wire.link import dial
from ppc.runtime.wire.listener import Listener
from tests.cli.conftest import Ppc, ppc
from tests.wire.ends import HERE, hello, keyrings, refused

__all__ = ["ppc"]


@pytest.fixture
def own(tmp_path: Path) -> dict[str, Keyring]:
    return keyrings(tmp_path)


def test_a_new_certificate_says_whose_it_is() -> None:
    certificate, key = make("hospital", "client", days=30)
    found = read(certificate, "it")
    assert (found.party, found.role) == ("hospital", "client")
    assert found.good()
    assert not found.good(datetime.now(UTC) + timedelta(days=31))
    assert not found.good(datetime.now(UTC) - timedelta(hours=1))
    assert 29 <= found.days_left() <= 30
    assert b"PRIVATE KEY" not in certificate
    assert b"PRIVATE KEY" in key
    assert read(make("hospital", "client")[0], "it").fingerprint != found.fingerprint


def test_folders_of_a_run_pin_each_other(own: dict[str, Keyring]) -> None:
    assert {role: ring.own.role for role, ring in own.items()} == {role: role for role in own}
    for role, ring in own.items():
        assert {peer.role for peer in ring.peers} == set(own) - {role}
        assert ring.key_file.stat().st_mode & 0o777 == 0o600
        assert ring.folder.stat().st_mode & 0o777 == 0o700
        assert sorted(path.name for path in ring.folder.iterdir()) == ["certificate.pem", "key.pem", "peers.json"]


def test_a_key_is_never_readable_to_others(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ring = new(tmp_path / "a", "lab", "server")
        assert renew(ring.folder).key_file.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)
    ring.key_file.chmod(0o640)
    refused("PPC660", lambda: open_folder(ring.folder).key_file)


def test_renewing_changes_key_and_fingerprint_and_keeps_the_pins(own: dict[str, Keyring]) -> None:
    ring = own["client"]
    key = ring.key_file.read_bytes()
    other = renew(ring.folder)
    assert (other.own.party, other.own.role, other.peers) == (ring.own.party, ring.own.role, ring.peers)
    assert other.own.fingerprint != ring.own.fingerprint
    assert other.key_file.read_bytes() != key


def test_nothing_is_written_over(own: dict[str, Keyring]) -> None:
    refused("PPC660", lambda: new(own["client"].folder, "hospital", "client"))


def test_pinning_compares_the_fingerprint(own: dict[str, Keyring], tmp_path: Path) -> None:
    other = new(tmp_path / "other", "lab", "server")
    ring, file = own["client"], other.certificate_file
    error = refused("PPC661", lambda: pin(ring.folder, file, own["server"].own.fingerprint))
    assert other.own.fingerprint in str(error)
    grouped = "SHA256:" + ":".join(other.own.fingerprint[at : at + 2] for at in range(0, 64, 2)).upper()
    assert pin(ring.folder, file, grouped) == other.own
    assert pin(ring.folder, file) == other.own
    assert len(open_folder(ring.folder).peers) == 3


def test_changes_at_the_same_time_lose_nothing(own: dict[str, Keyring]) -> None:
    folder, names = own["client"].folder, [f"{number:064x}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(revoke, [folder] * len(names), names))

    assert set(names) <= open_folder(folder).revoked


def test_what_was_revoked_is_not_pinned_again(own: dict[str, Keyring]) -> None:
    ring, other = own["client"], own["server"]
    revoke(ring.folder, other.own.fingerprint)
    refused("PPC664", lambda: pin(ring.folder, other.certificate_file))
    refused("PPC664", lambda: open_folder(ring.folder).known(other.own.fingerprint))
    refused("PPC661", lambda: open_folder(ring.folder).known("0" * 64))


@pytest.mark.parametrize("text", ["", "00", "g" * 64, "0" * 65])
def test_what_is_no_fingerprint(text: str) -> None:
    refused("PPC660", lambda: plain_fingerprint(text))


@pytest.mark.parametrize("role", ["", "Client", "guest"])
def test_what_is_no_role(role: str) -> None:
    refused("PPC665", lambda: make("hospital", role))


@pytest.mark.parametrize("party", ["", "a\nb", "a" * 65])
def test_what_is_no_name(party: str) -> None:
    refused("PPC660", lambda: make(party, "client"))


def numbered_below_zero(data: bytes) -> bytes:
    """The sign of the serial number: behind the heads of two sequences, the version, and its own head."""
    found = bytearray(ssl.PEM_cert_to_DER_cert(data.decode()))
    found[15] |= 0x80
    return ssl.DER_cert_to_PEM_cert(bytes(found)).encode()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "two": lambda data: data + data,
    "changed": lambda data: data.replace(b"MII", b"MIJ", 1),
    "nothing in it": lambda data: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "a key": lambda data: make("hospital", "client")[1],
    "large": lambda data: b"x" * 100_000,
    "a serial number below zero": numbered_below_zero,
}


@pytest.mark.parametrize("change", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_certificates(own: dict[str, Keyring], change: Callable[[bytes], bytes]) -> None:
    path = own["client"].certificate_file
    path.write_bytes(change(path.read_bytes()))
    refused("PPC660", lambda: open_folder(own["client"].folder))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 5000,
        '{"format": "ppc-peers", "version": 2, "peers": [], "revoked": []}',
        '{"format": "ppc-peers", "version": 1, "peers": {}, "revoked": []}',
        '{"format": "ppc-peers", "version": 1, "peers": [1], "revoked": []}',
        '{"format": "ppc-peers", "version": 1, "peers": ["x"], "revoked": []}',
        '{"format": "ppc-peers", "version": 1, "peers": [], "revoked": ["x"]}',
        '{"format": "ppc-peers", "version": 1, "peers": [], "revoked": [], "more": 1}',
    ],
)
def test_damaged_stores(own: dict[str, Keyring], text: str) -> None:
    (own["client"].folder / "peers.json").write_text(text, "utf-8")
    refused("PPC660", lambda: open_folder(own["client"].folder))


def test_folders_that_cannot_be_used(own: dict[str, Keyring], tmp_path: Path) -> None:
    refused("PPC660", lambda: open_folder(tmp_path / "nowhere"))
    alone = new(tmp_path / "alone", "lab", "server")
    refused("PPC661", lambda: Listener((HERE, 0), alone, hello("server"), expects=("client",)))
    client = own["client"]
    client.key_file.write_bytes(own["server"].key_file.read_bytes())
    refused("PPC660", lambda: dial((HERE, 1), client, hello("client"), expects=("server",)))
    client.key_file.unlink()
    refused("PPC660", lambda: dial((HERE, 1), client, hello("client"), expects=("server",)))
    (tmp_path / "a file").touch()
    refused("PPC509", lambda: new(tmp_path / "a file" / "in it", "lab", "server"))


# ---- on the command line ----


def test_two_parties_meet(ppc: Ppc, tmp_path: Path) -> None:
    """As the two would type it, with a file sent to and fro."""
    here, there = tmp_path / "here", tmp_path / "there"
    done = ppc("cert", "new", "hospital", "--role", "client", "--folder", here)
    assert done.code == 0
    assert f"Give {here / 'certificate.pem'} to the other parties." in done.out
    assert ppc("cert", "new", "lab", "--role", "server", "--folder", there, "--days", 30).code == 0
    fingerprint = json.loads(ppc("cert", "show", "--folder", there, "--json").out)["own"]["fingerprint"]
    done = ppc("cert", "pin", there / "certificate.pem", "--fingerprint", fingerprint, "--folder", here)
    assert done.code == 0
    assert "pinned  server lab" in done.out
    assert "Compare this fingerprint" in ppc("cert", "pin", here / "certificate.pem", "--folder", there).out
    assert "revoked" in ppc("cert", "revoke", fingerprint, "--folder", here).out
    assert "revoked" in ppc("cert", "show", "--folder", here).out
    assert "who must pin it" in ppc("cert", "renew", "--folder", there).out
    assert "PRIVATE" not in ppc("cert", "show", "--folder", here).out


@pytest.mark.parametrize(
    ("code", "command"),
    [
        ("PPC660", ["show"]),
        ("PPC660", ["renew"]),
        ("PPC660", ["pin"]),
        ("PPC660", ["revoke"]),
        ("PPC665", ["new"]),
        ("PPC665", ["new", "hospital"]),
    ],
)
def test_commands_that_say_too_little(ppc: Ppc, tmp_path: Path, code: str, command: list[str]) -> None:
    done = ppc("cert", *command, "--folder", tmp_path)
    assert done.code == 5
    assert f"-- {code} " in done.err
