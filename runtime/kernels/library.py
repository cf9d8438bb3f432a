"""Kernels by description: compiled on first use, kept in memory and on disk.

Called by the operations. Knows descriptions, variants and the cache; no shapes and no arrays of a caller.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import threading
from functools import cache, lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ppc import __version__
from ppc.errors import fail
from ppc.runtime.kernels import llvm
from ppc.runtime.kernels.cache import Cache, default_folder
from ppc.runtime.kernels.variants import Variant, able

Block = NDArray[np.int64]


class Description(Protocol):
    """What a kernel does, with no word about where. Equal descriptions are the same kernel."""

    @property
    def name(self) -> str: ...

    def module(self, variant: Variant) -> str: ...


class Kernel:
    """A compiled kernel. Calling it with a block of 64-bit parameters releases the GIL."""

    def __init__(self, code: llvm.Code, name: str) -> None:
        self._code = code
        self.address = code.address(name)
        self._function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.address)

    def __call__(self, block: Block) -> None:
        self._function(block.__array_interface__["data"][0])


class Library:
    """The kernels of one variant."""

    def __init__(self, variant: Variant, cache: Cache) -> None:
        self.variant = variant
        self._cache = cache
        self._kernels: dict[Description, Kernel] = {}
        self._lock = threading.Lock()

    def kernel(self, description: Description) -> Kernel:
        found = self._kernels.get(description)
        if found is None:
            with self._lock:
                found = self._kernels.get(description) or self._prepare(description)
                self._kernels[description] = found
        return found

    def _prepare(self, description: Description) -> Kernel:
        name = self.key(description)
        image = self._cache.load(name)
        if image is None:
            image = llvm.compile_object(description.module(self.variant), self.variant)
            self._cache.store(name, image)
        return Kernel(llvm.Code(image, self.variant), description.name)

    def unlock(self) -> None:
        """In a process that was forked while a thread of its parent, which is not in it, held the lock."""
        self._lock = threading.Lock()

    def key(self, description: Description) -> str:
        """Description, CPU and version in one file name."""
        text = "\n".join([repr(description), repr(self.variant), llvm.host_name(), __version__, _sources()])
        return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1)
def _sources() -> str:
    """A digest of this room's source, so that a changed generator never finds the kernels of the old one."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def library(variant: Variant, folder: Path) -> Library:
    made = Library(variant, Cache(folder))
    os.register_at_fork(after_in_child=made.unlock)
    return made


def runnable() -> list[Variant]:
    """The variants that this machine can run, the best first: none without llvmlite, or on another kind of machine."""
    return able(platform.machine(), llvm.host_features()) if llvm.present() else []


def choose_variant(name: str | None = None) -> Variant:
    """The best variant of this machine, or the one asked for if the machine can run it."""
    variants = runnable()
    for variant in variants:
        if name in (None, variant.name, variant.name.split("-")[0]):
            return variant
    raise fail(
        "PPC523",
        f"This machine cannot run the kernel variant {name}." if name else "This machine cannot run compiled kernels.",
        hint=f"It runs {', '.join([*(variant.name for variant in variants), 'slow'])}.",
    )


def default_library(name: str | None = None) -> Library:
    return library(choose_variant(name), default_folder())
