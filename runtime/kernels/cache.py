"""Compiled kernels on disk. The files are machine code that will run, so nothing unauthenticated is ever loaded.

Called by the library. Knows bytes and file rights, nothing of kernels.

The folder belongs to the user and is closed to others (0700), its key likewise (0600). A file's HMAC-SHA256 covers
its name and content: a damaged, foreign, renamed or planted file fails it, is ignored, and is replaced by the next
store. Files appear whole (written aside, then renamed), so processes may share the folder without locks. Where nothing
can be written (the disk is full, or may only be read), what is there is used, and nothing more is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from ppc.errors import PpcError, fail

_MAGIC = b"ppc kernel 1\n"
_KEY_NAME = "key"
_KEY_BYTES = 32
_LARGEST = 1 << 26


def default_folder() -> Path:
    """Where kernels are kept: PPC_KERNEL_CACHE if set, else the user's cache folder."""
    chosen = os.environ.get("PPC_KERNEL_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ppc" / "kernels"


class Cache:
    """A private folder of authenticated files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, name: str) -> bytes | None:
        """The content stored under a name, or None if there is none that this user's key vouches for."""
        with self._opened() as folder:
            content = _read(name, folder, limit=_LARGEST)
            key = _read_key(folder)
        start = len(_MAGIC) + hashlib.sha256().digest_size
        if key is None or content is None or not content.startswith(_MAGIC) or len(content) < start:
            return None
        body = content[start:]
        return body if hmac.compare_digest(content[len(_MAGIC) : start], _seal(key, name, body)) else None

    def store(self, name: str, body: bytes) -> None:
        """Keep a content under a name, in place of whatever is there, if it can be written."""
        with self._opened() as folder, suppress(OSError):
            _remove_litter(folder)
            _write(name, _MAGIC + _seal(_key(folder), name, body) + body, folder)

    @contextmanager
    def _opened(self) -> Generator[int, None, None]:
        """The folder, opened once and checked through the same handle, so that it cannot be swapped in between."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            raise self._refused(f"cannot be used: {error.strerror}") from error
        try:
            status = os.fstat(handle)
            if status.st_uid != os.getuid():
                raise self._refused("belongs to another user")
            if stat.S_IMODE(status.st_mode) != 0o700:
                raise self._refused(f"has mode {stat.S_IMODE(status.st_mode):04o}, not 0700")
            yield handle
        finally:
            os.close(handle)

    def _refused(self, reason: str) -> PpcError:
        return fail(
            "PPC524",
            f"The folder of compiled kernels, {self.folder}, {reason}.",
            hint="Remove the folder, or set PPC_KERNEL_CACHE to a path of your own.",
        )


def _seal(key: bytes, name: str, body: bytes) -> bytes:
    return hmac.new(key, name.encode() + b"\0" + body, hashlib.sha256).digest()


def _key(folder: int) -> bytes:
    """This user's key. One that others could have read or written is replaced, which disowns every file."""
    for _ in range(10):
        key = _read_key(folder)
        if key is not None:
            return key
        _replace_key(folder)
    raise fail("PPC524", "The key of the kernel cache cannot be written.", hint="Remove the cache's folder.")


def _read_key(folder: int) -> bytes | None:
    key = _read(_KEY_NAME, folder, limit=_KEY_BYTES)
    return key if key is not None and len(key) == _KEY_BYTES else None


def _replace_key(folder: int) -> None:
    """Remove a key that will not do, and offer a new one. Whichever process is first to link wins."""
    if _read_key(folder) is None:
        _remove(_KEY_NAME, folder)
        with suppress(OSError):
            os.rmdir(_KEY_NAME, dir_fd=folder)
    aside = _write_aside(secrets.token_bytes(_KEY_BYTES), folder)
    try:
        os.link(aside, _KEY_NAME, src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        pass
    finally:
        _remove(aside, folder)


def _read(name: str, folder: int, *, limit: int) -> bytes | None:
    """A regular file of this user's that nobody else may touch; otherwise None."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return None
    try:
        status = os.fstat(handle)
        private = status.st_uid == os.getuid() and stat.S_IMODE(status.st_mode) == 0o600
        if not stat.S_ISREG(status.st_mode) or not private or status.st_size > limit:
            return None
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(limit + 1)
    finally:
        os.close(handle)


def _write_aside(content: bytes, folder: int) -> str:
    name = f"new-{os.getpid()}-{secrets.token_hex(8)}"
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o600)
            file.write(content)
    except OSError:
        _remove(name, folder)
        raise
    return name


def _write(name: str, content: bytes, folder: int) -> None:
    aside = _write_aside(content, folder)
    try:
        os.replace(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        _remove(aside, folder)  # something that cannot be replaced stands there; the kernel runs without the cache


def _remove(name: str, folder: int) -> None:
    with suppress(OSError):
        os.unlink(name, dir_fd=folder)


def _remove_litter(folder: int) -> None:
    """What processes that are gone have begun to write."""
    for name in os.listdir(folder):
        if found := re.fullmatch(r"new-(\d{1,9})-[0-9a-f]+", name):
            try:
                os.kill(int(found[1]), 0)
            except ProcessLookupError:
                _remove(name, folder)
            except OSError:
                continue  # another user's process
