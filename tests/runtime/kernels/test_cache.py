"""The cache of machine code: only what this user's key vouches for is ever loaded."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppc.errors import PpcError, render
from ppc.field import MERSENNE61, MERSENNE127, Field
from ppc.runtime.kernels import llvm
from ppc.runtime.kernels.cache import Cache, default_folder
from ppc.runtime.kernels.library import Library, choose_variant
from ppc.runtime.kernels.sampling import CutKernel
from ppc.runtime.kernels.variants import AVX2, IFMA, PLAIN


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "private" / "kernels")


def file_of(cache: Cache, name: str) -> Path:
    return cache.folder / name


def test_what_is_stored_is_loaded(cache: Cache) -> None:
    assert cache.load("a") is None
    cache.store("a", b"code")
    cache.store("b", b"")
    assert (cache.load("a"), cache.load("b"), cache.load("c")) == (b"code", b"", None)
    cache.store("a", b"newer")
    assert cache.load("a") == b"newer"


def test_rights(cache: Cache) -> None:
    old = os.umask(0)
    try:
        cache.store("a", b"code")
    finally:
        os.umask(old)
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in cache.folder.iterdir()} == {0o600}
    assert {path.name for path in cache.folder.iterdir()} == {"a", "key"}


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))


def test_every_flipped_bit_and_every_cut_is_noticed(cache: Cache) -> None:
    cache.store("a", b"some machine code")
    whole = file_of(cache, "a").read_bytes()
    for place in range(len(whole)):
        flip(file_of(cache, "a"), place)
        assert cache.load("a") is None
        file_of(cache, "a").write_bytes(whole[:place])
        assert cache.load("a") is None
        file_of(cache, "a").write_bytes(whole)
    file_of(cache, "a").write_bytes(whole + b"\0")
    assert cache.load("a") is None
    cache.store("a", b"some machine code")
    assert cache.load("a") == b"some machine code"


def test_a_renamed_file_is_foreign(cache: Cache) -> None:
    """An authentic kernel under another kernel's name would compute something else."""
    cache.store("a", b"code of a")
    file_of(cache, "a").rename(file_of(cache, "b"))
    assert cache.load("b") is None


def test_a_file_of_another_key_is_foreign(cache: Cache, tmp_path: Path) -> None:
    other = Cache(tmp_path / "other")
    other.store("a", b"planted")
    cache.store("x", b"")
    file_of(cache, "a").write_bytes(file_of(other, "a").read_bytes())
    file_of(cache, "a").chmod(0o600)
    assert cache.load("a") is None


def test_links_pipes_folders_and_open_files_are_ignored_and_replaced(cache: Cache, tmp_path: Path) -> None:
    cache.store("a", b"code")
    authentic = tmp_path / "elsewhere"
    authentic.write_bytes(file_of(cache, "a").read_bytes())
    authentic.chmod(0o600)
    file_of(cache, "a").unlink()
    file_of(cache, "a").symlink_to(authentic)
    assert cache.load("a") is None
    file_of(cache, "a").unlink()
    os.mkfifo(file_of(cache, "a"))
    assert cache.load("a") is None
    cache.store("a", b"code")
    file_of(cache, "a").chmod(0o644)
    assert cache.load("a") is None
    cache.store("a", b"code")
    assert cache.load("a") == b"code"
    file_of(cache, "b").mkdir()
    assert cache.load("b") is None
    cache.store("b", b"code")  # a folder cannot be replaced: the kernel then runs without the cache
    assert cache.load("b") is None
    assert not [path for path in cache.folder.iterdir() if path.name.startswith("new-")]


@pytest.mark.parametrize("spoil", ["short", "long", "readable", "link", "absent", "folder"])
def test_a_spoiled_key_disowns_every_file(cache: Cache, spoil: str, tmp_path: Path) -> None:
    cache.store("a", b"code")
    key = file_of(cache, "key")
    before = key.read_bytes()
    if spoil in ("short", "long"):
        key.write_bytes(before[:-1] if spoil == "short" else before + b"!")
    elif spoil == "readable":
        key.chmod(0o644)
    elif spoil == "link":
        (tmp_path / "known").write_bytes(before)
        (tmp_path / "known").chmod(0o600)
        key.unlink()
        key.symlink_to(tmp_path / "known")
    elif spoil == "folder":
        key.unlink()
        key.mkdir()
    else:
        key.unlink()
    assert cache.load("a") is None
    cache.store("a", b"code")
    assert cache.load("a") == b"code"
    assert len(key.read_bytes()) == 32
    assert key.read_bytes() != before
    assert stat.S_IMODE(key.lstat().st_mode) == 0o600


def test_a_key_that_cannot_be_replaced_is_an_error(cache: Cache) -> None:
    (cache.folder / "key" / "full").mkdir(parents=True)
    cache.folder.chmod(0o700)
    assert cache.load("a") is None
    with pytest.raises(PpcError, match="PPC524"):
        cache.store("a", b"code")
    assert [path.name for path in cache.folder.iterdir()] == ["key"]


def test_where_nothing_can_be_written_what_is_there_is_used(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder on a medium that may only be read: warm kernels are loaded, new ones compiled and not kept."""
    warm = Library(choose_variant(), cache)
    run(warm, MERSENNE61)
    real = os.open

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, "Read-only file system")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    cold = Library(choose_variant(), cache)
    assert (run(cold, MERSENNE61), run(cold, MERSENNE127)) == (1, 1)
    assert cache.load(warm.key(CutKernel(MERSENNE61))) is not None
    assert cache.load(warm.key(CutKernel(MERSENNE127))) is None
    empty = Cache(cache.folder.parent / "empty")
    assert run(Library(choose_variant(), empty), MERSENNE61) == 1
    assert list(empty.folder.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.store("a", b"code")
    real = os.fdopen

    def full(handle: int, mode: str = "r", *, closefd: bool = True) -> Any:
        if mode == "wb":
            os.dup2(os.open("/dev/full", os.O_WRONLY), handle)
        return real(handle, mode, closefd=closefd)

    def unchanged(handle: int, mode: int) -> None:
        """A device keeps its rights."""

    monkeypatch.setattr(os, "fdopen", full)
    monkeypatch.setattr(os, "fchmod", unchanged)
    cache.store("b", b"code")
    assert {path.name for path in cache.folder.iterdir()} == {"a", "key"}
    assert (cache.load("a"), cache.load("b")) == (b"code", None)


def test_what_a_dead_process_left_is_removed(cache: Cache) -> None:
    cache.store("a", b"code")
    dead = subprocess.Popen(["true"])
    dead.wait()
    for name in (f"new-{dead.pid}-0a", f"new-{os.getpid()}-0b", "new-comer"):
        file_of(cache, name).write_bytes(b"half")
    cache.store("b", b"code")
    assert {path.name for path in cache.folder.iterdir()} == {"a", "b", "key", f"new-{os.getpid()}-0b", "new-comer"}


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701, 0o777])
def test_a_folder_open_to_others_is_refused(cache: Cache, mode: int) -> None:
    cache.store("a", b"code")
    cache.folder.chmod(mode)
    for attempt in (lambda: cache.load("a"), lambda: cache.store("a", b"")):
        with pytest.raises(PpcError) as caught:
            attempt()
        assert "PPC524" in render(caught.value)
        assert f"{mode:04o}" in str(caught.value)


def test_a_linked_folder_and_a_file_in_its_place_are_refused(tmp_path: Path) -> None:
    real = tmp_path / "real"
    Cache(real).store("a", b"code")
    (tmp_path / "link").symlink_to(real)
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "link", tmp_path / "file"):
        with pytest.raises(PpcError, match="PPC524"):
            Cache(path).load("a")


def test_a_folder_of_another_user_is_refused(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.store("a", b"code")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(PpcError, match="another user"):
        cache.load("a")


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PPC_KERNEL_CACHE", str(tmp_path / "own"))
    assert default_folder() == tmp_path / "own"
    monkeypatch.delenv("PPC_KERNEL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "ppc" / "kernels"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_folder() == tmp_path / "home" / ".cache" / "ppc" / "kernels"


def run(library: Library, field: Field) -> int:
    """A kernel's answer: of one element equal to p, one must be replaced."""
    words = np.full(field.words, 2**64 - 1, np.uint64)
    block = np.array([words.ctypes.data, 1, 0], np.int64)
    library.kernel(CutKernel(field))(block)
    return int(block[2])


def test_a_kernel_is_compiled_once(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    real = llvm.compile_object

    def counted(text: str, variant: object) -> bytes:
        compiled.append(text)
        return real(text, choose_variant())

    monkeypatch.setattr(llvm, "compile_object", counted)
    variant = choose_variant()
    first = Library(variant, cache)
    assert first.kernel(CutKernel(MERSENNE61)) is first.kernel(CutKernel(MERSENNE61))
    assert run(first, MERSENNE61) == 1
    assert len(compiled) == 1
    assert run(Library(variant, cache), MERSENNE61) == 1
    assert len(compiled) == 1
    name = first.key(CutKernel(MERSENNE61))
    flip(file_of(cache, name), 100)
    assert run(Library(variant, cache), MERSENNE61) == 1
    assert len(compiled) == 2
    assert run(Library(variant, cache), MERSENNE61) == 1
    assert len(compiled) == 2


def test_a_planted_file_never_runs(cache: Cache, tmp_path: Path) -> None:
    """Machine code of another kernel, well-formed and sealed with another key, in the right place."""
    library = Library(choose_variant(), cache)
    name = library.key(CutKernel(MERSENNE61))
    planter = Cache(tmp_path / "planter")
    wrong = llvm.compile_object(CutKernel(MERSENNE127).module(library.variant), library.variant)
    planter.store(name, wrong.replace(b"cut_mersenne127", b"cut_mersenne61\0"))
    cache.store("x", b"")
    file_of(cache, name).write_bytes(file_of(planter, name).read_bytes())
    file_of(cache, name).chmod(0o600)
    assert run(library, MERSENNE61) == 1
    assert run(Library(choose_variant(), cache), MERSENNE61) == 1


def test_names_tell_descriptions_and_variants_apart(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {
        Library(variant, cache).key(CutKernel(field))
        for variant in (IFMA, AVX2, PLAIN)
        for field in (MERSENNE61, MERSENNE127)
    }
    assert len(keys) == 6
    monkeypatch.setattr(llvm, "host_name", lambda: "another machine")
    keys.add(Library(PLAIN, cache).key(CutKernel(MERSENNE61)))
    assert len(keys) == 7


_PROCESS = """
import numpy as np
from ppc.field import MERSENNE61, from_integers
from ppc.runtime.kernels import Workbench, operand
bench = Workbench(MERSENNE61)
x, out = from_integers([3, 4, 5], MERSENNE61), MERSENNE61.empty(3)
for k in range(6):
    bench.evaluate([operand(0) * operand(0) + k], [x], [out])
    assert list(out) == [9 + k, 16 + k, 25 + k]
print("fine")
"""


def test_processes_share_the_folder(tmp_path: Path) -> None:
    """Many processes start on an empty folder at once: all get right answers, and one key is left."""
    folder = tmp_path / "shared"
    environment = os.environ | {"PPC_KERNEL_CACHE": str(folder), "PYTHONPATH": str(Path(__file__).parents[3])}
    jobs = [
        subprocess.Popen([sys.executable, "-c", _PROCESS], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    assert [job.communicate(timeout=120)[0].strip() for job in jobs] == ["fine"] * len(jobs)
    names = [path.name for path in folder.iterdir()]
    assert sorted(name for name in names if len(name) != 64) == ["key"]
    cache = Cache(folder)
    assert all(cache.load(name) is not None for name in names if name != "key")
