"""The one door to sets of images: what a user writes becomes Examples.

digits                              scikit-learn's digits
digits,part=test                    the part of them that is for testing
digits28:60000,seed=1,part=train    images of 28×28, made from them
PATH                                a file or a folder; `./digits` is a folder of that name
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ppc.arrays import reading
from ppc.data import archive, cifar, folders, idx, svhn
from ppc.data.digits import PARTS, digits
from ppc.data.digits28 import digits28
from ppc.data.examples import Examples
from ppc.data.stream import GZIP
from ppc.errors import PpcError, fail

BUILT_IN = ("digits", "digits28")
FIRST = 60_000  # images of digits28, where no number is said
KINDS = (
    "Data are a .npz or .npy, MNIST's IDX files (.gz too), SVHN's .mat, batches of CIFAR-10, a folder of pictures, or "
    f"built in: {', '.join(BUILT_IN)} (`digits28:60000,seed=1,part=train`)."
)
_NAMED = re.compile(r"([a-z0-9]+)(?::([0-9]{1,9}))?((?:,[a-z]+=[a-z0-9]{1,9})*)")
_OPTIONS = {"digits": ("part",), "digits28": ("part", "seed")}


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A name of data that are built in, taken apart."""

    name: str
    count: int | None
    options: dict[str, str]


def examples(what: str | Path) -> Examples:
    """A set of images, by name or from a file or folder; PpcError says why not, and what to do."""
    asked = _asked(str(what))
    if asked is not None:
        return _built_in(asked)
    path = Path(what)
    if path.is_dir():
        return cifar.read_folder(path) if cifar.is_folder(path) else folders.read(path)
    return _reader(path)(path)


def built_in(what: str | Path) -> bool:
    """Whether this names data that come with ppc and its packages, and no file."""
    return re.split("[:,]", str(what), maxsplit=1)[0] in BUILT_IN


def _asked(text: str) -> _Asked | None:
    if not built_in(text):
        return None
    found = _NAMED.fullmatch(text)
    if found is None:
        raise _unknown(text, "is not how built-in data are named")
    pairs = [pair.split("=") for pair in found[3].split(",")[1:]]
    options = dict(pairs)
    wrong = [name for name in options if name not in _OPTIONS[found[1]]]
    if wrong or len(options) != len(pairs):
        raise _unknown(text, f"has `{wrong[0]}`, which is no option of it" if wrong else "says something twice")
    return _Asked(name=found[1], count=int(found[2]) if found[2] else None, options=options)


def _built_in(asked: _Asked) -> Examples:
    parts = PARTS if asked.name == "digits" else PARTS[1:]
    part, seed = asked.options.get("part", parts[0]), asked.options.get("seed", "0")
    if part not in parts or not seed.isdigit():
        raise _unknown(asked.name, f"has no part `{part}`" if part not in parts else f"has no seed `{seed}`")
    if asked.name == "digits":
        found = digits(part)
        return found if asked.count is None else found.first(asked.count)
    return digits28(FIRST if asked.count is None else asked.count, int(seed), part)


def _unknown(text: str, why: str) -> PpcError:
    return fail("PPC530", f"`{text}` {why}.", hint=KINDS)


def _reader(path: Path) -> Callable[[Path], Examples]:
    """By how the file begins; pixels alone begin with nothing, so they are told by the file's ending."""
    if not path.exists() and not path.suffix and path.name == str(path):
        raise _unknown(str(path), "is neither a file or folder here, nor built in")
    with reading(path), path.open("rb") as file:
        start = file.read(len(svhn.MAGIC))
    beginnings: dict[bytes, Callable[[Path], Examples]] = {
        b"PK": archive.read,
        archive.NUMPY: archive.read,
        GZIP: idx.read,
        idx.MAGIC: idx.read,
        svhn.MAGIC: svhn.read,
        cifar.PROTOCOL: cifar.read,
    }
    endings = {".bin": cifar.read, **dict.fromkeys(folders.ENDINGS, folders.read_one)}
    if path.suffix.lower() in endings:
        return endings[path.suffix.lower()]
    found = next((reader for beginning, reader in beginnings.items() if start.startswith(beginning)), None)
    if found is None:
        raise _unknown(str(path), "is a file of no known kind")
    return found
