"""A party's folder of certificates: its own, its key, and `peers.json` with those of others that it accepts.

    certificate.pem   to give away
    key.pem           readable to its owner only
    peers.json        pinned certificates, and fingerprints that were revoked

What is revoked stays so. Used by the command line, and by `runtime/wire` for every connection.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Any, cast

from ppc.errors import PpcError, fail
from ppc.files import write_whole
from ppc.runtime.certificates import DAYS, LARGEST, Certificate, make, plain_fingerprint, read
from ppc.runtime.wire.words import from_json

CERTIFICATE, KEY, PEERS = "certificate.pem", "key.pem", "peers.json"
LARGEST_STORE = 1_000_000  # bytes of peers.json
FORMAT = {"format": "ppc-peers", "version": 1}


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """What a folder holds. The key stays in its file."""

    folder: Path
    own: Certificate
    peers: tuple[Certificate, ...] = ()
    revoked: frozenset[str] = frozenset()

    @property
    def certificate_file(self) -> Path:
        return self.folder / CERTIFICATE

    @property
    def key_file(self) -> Path:
        """The key's file, if nobody else can read it."""
        path = self.folder / KEY
        try:
            rights = path.stat().st_mode
        except OSError as error:
            raise _unreadable(path, error) from None
        if stat.S_IMODE(rights) & 0o077:
            raise fail(
                "PPC660", f"`{path}` can be read by others.", hint=f"`chmod 600 {path}`, or make a new one if it was."
            )
        return path

    def known(self, fingerprint: str) -> Certificate:
        """The pinned certificate of this fingerprint."""
        if fingerprint in self.revoked:
            raise fail(
                "PPC664",
                f"The certificate {fingerprint[:16]}… was revoked here.",
                hint="Pin the other party's new certificate.",
            )
        found = next((peer for peer in self.peers if peer.fingerprint == fingerprint), None)
        if found is None:
            raise unpinned(fingerprint)
        return found


def unpinned(fingerprint: str = "") -> PpcError:
    which = f"The certificate {fingerprint}" if fingerprint else "The certificate that the other side showed"
    return fail(
        "PPC661",
        f"{which} is not pinned here.",
        hint="Compare its fingerprint with its owner, then `ppc cert pin certificate.pem`.",
    )


def open_folder(folder: Path) -> Keyring:
    """The keyring of a folder."""
    own = read(_data(folder / CERTIFICATE, LARGEST), str(folder / CERTIFICATE))
    path = folder / PEERS
    if not path.exists():
        return Keyring(folder=folder, own=own)
    stored = from_json(_data(path, LARGEST_STORE), LARGEST_STORE)
    if stored is None:
        raise _damaged_store(path)
    return _with_peers(Keyring(folder=folder, own=own), stored, path)


def _with_peers(keyring: Keyring, stored: dict[str, Any], path: Path) -> Keyring:
    if stored.keys() != {*FORMAT, "peers", "revoked"} or any(stored[key] != value for key, value in FORMAT.items()):
        raise _damaged_store(path)
    pinned, revoked = (_texts(stored[name], path) for name in ("peers", "revoked"))
    peers = tuple(read(text.encode(), str(path)) for text in pinned)
    return replace(keyring, peers=peers, revoked=frozenset(map(plain_fingerprint, revoked)))


def _texts(value: Any, path: Path) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in cast("list[Any]", value)):
        raise _damaged_store(path)
    return cast("list[str]", value)


def _damaged_store(path: Path) -> PpcError:
    return fail("PPC660", f"`{path}` is damaged, or of another version.", hint="Pin the peers' certificates anew.")


# ---- what changes a folder ----


def new(folder: Path, party: str, role: str, *, days: float = DAYS) -> Keyring:
    """A certificate and a key, in a folder that has none."""
    for name in (CERTIFICATE, KEY):
        if (folder / name).exists():
            raise fail("PPC660", f"`{folder / name}` is there already.", hint="`ppc cert renew` makes another one.")
    _make(folder, party, role, days)
    return open_folder(folder)


def renew(folder: Path, *, days: float = DAYS) -> Keyring:
    """Another certificate and key for the same party and role; who pinned the old one must pin this one."""
    old = open_folder(folder)
    _make(folder, old.own.party, old.own.role, days)
    return open_folder(folder)


def pin(folder: Path, file: Path, fingerprint: str | None = None) -> Certificate:
    """Accept a certificate from now on; if a fingerprint is given, only if it is this one's."""
    found = read(_data(file, LARGEST), str(file))
    if fingerprint is not None and plain_fingerprint(fingerprint) != found.fingerprint:
        raise fail(
            "PPC661",
            f"`{file}` has the fingerprint {found.fingerprint}, which is not the one that was given.",
            hint="Somebody may have changed it on its way; ask its owner again.",
        )
    with _alone(folder) as keyring:
        if found.fingerprint in keyring.revoked:
            raise fail("PPC664", f"The certificate of {found} was revoked here.", hint="Ask for a new one.")
        kept = tuple(peer for peer in keyring.peers if peer.fingerprint != found.fingerprint)
        _save(replace(keyring, peers=(*kept, found)))
    return found


def revoke(folder: Path, fingerprint: str) -> Keyring:
    """Never accept a certificate again."""
    with _alone(folder) as keyring:
        keyring = replace(keyring, revoked=keyring.revoked | {plain_fingerprint(fingerprint)})
        _save(keyring)
    return keyring


@contextmanager
def _alone(folder: Path) -> Generator[Keyring]:
    """The folder, while nobody else changes it: two changes at once would lose one, and that may be a revocation."""
    open_folder(folder)  # what is no folder of certificates is refused before anything is written there
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield open_folder(folder)
    finally:
        os.close(number)


def throw_away(folder: Path, parties: Mapping[str, str]) -> dict[str, Path]:
    """Folders for one run on this machine, by role: a day's certificates, each pinned by all others."""
    folders = {role: folder / role for role in parties}
    for role, party in parties.items():
        new(folders[role], party, role, days=1)
    for role, mine in folders.items():
        for other in folders.values():
            if other != folders[role]:
                pin(mine, other / CERTIFICATE)
    return folders


def _make(folder: Path, party: str, role: str, days: float) -> None:
    certificate, key = make(party, role, days=days)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_secret(folder / KEY, key)
    except OSError as error:
        raise fail(
            "PPC509", f"`{folder / KEY}` cannot be written: {error.strerror}.", hint="Check the folder and its rights."
        ) from None
    write_whole(folder / CERTIFICATE, certificate)


def _write_secret(path: Path, data: bytes) -> None:
    """Whole or not at all, and at no time readable to others."""
    beside = path.with_name(f".{path.name}.{token_hex(8)}.part")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _save(keyring: Keyring) -> None:
    stored = {**FORMAT, "peers": [peer.pem for peer in keyring.peers], "revoked": sorted(keyring.revoked)}
    write_whole(keyring.folder / PEERS, (json.dumps(stored, indent=1) + "\n").encode())


def _data(path: Path, largest: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(largest + 1)
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> PpcError:
    return fail(
        "PPC660",
        f"`{path}` cannot be read: {error.strerror}.",
        hint="`ppc cert new PARTY --role ROLE --folder FOLDER` makes a party's folder.",
    )
