"""What a machine takes for each count of `work`: a list of prices, assumed or as `ppc calibrate` measured them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any, cast

from ppc.bill.work import Work
from ppc.errors import PpcError, fail
from ppc.files import write_whole

FORMAT = {"format": "ppc-machine", "version": 1}
LARGEST = 65_536  # bytes of a file
LONGEST = 60.0  # seconds of anything that has a price
LABEL = 200  # characters of what is said of a machine
WORDS = (1, 2)  # of an element


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Seconds of one of each that `Work` counts."""

    calls: float
    products: float
    values: float
    drawn: float
    random_bytes: float
    digits: float
    dealt_digits: float
    planes: float
    reals: float

    def seconds(self, work: Work) -> float:
        return sum(getattr(self, one.name) * getattr(work, one.name) for one in fields(Prices))


@dataclass(frozen=True, kw_only=True)
class Machine:
    """`sent`: seconds of computing for a byte that is sent, or received, through TLS; `message`: until a small one
    has reached another process here."""

    measured: str = ""  # with which kernels; empty where all is assumed
    cores: int
    sent: float
    message: float
    prices: Mapping[int, Prices]  # by the words of an element

    def __str__(self) -> str:
        return (
            f"a machine as `ppc calibrate` found this one: {self.measured}" if self.measured else "machines as assumed"
        )

    def seconds(self, work: Work, words: int) -> float:
        return self.prices[words].seconds(work)


def _prices(*nanoseconds: float) -> Prices:
    names = [one.name for one in fields(Prices)]
    return Prices(**{name: value * 1e-9 for name, value in zip(names, nanoseconds, strict=True)})


# Found by `ppc calibrate` on a virtual machine with two cores of an Intel Xeon with AVX-512 IFMA.
ASSUMED = Machine(
    cores=2,
    sent=0.7e-9,
    message=0.05e-3,
    prices={
        1: _prices(70_000, 0.14, 0.36, 1.5, 0.13, 0.15, 1.9, 0.9, 0.7),
        2: _prices(70_000, 0.34, 0.68, 3.0, 0.13, 0.2, 1.9, 0.9, 2.0),
    },
)

# ---- kept in a file ----


def save(machine: Machine, path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise fail("PPC509", f"{path} cannot be written: {error.strerror}.", hint="Name a file with `-o`.") from None
    found = {**FORMAT, **asdict(machine)}
    write_whole(path, (json.dumps(found, indent=2, allow_nan=False) + "\n").encode())


def load(path: Path) -> Machine:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise fail("PPC501", f"{path} cannot be read: {error.strerror}.") from None
    try:
        return _machine(data)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _strange(path) from None


def _machine(data: bytes) -> Machine:
    found = json.loads(data) if len(data) <= LARGEST else None
    if not isinstance(found, dict):
        raise ValueError
    values = cast("dict[str, Any]", found)
    if {key: values.get(key) for key in FORMAT} != FORMAT:
        raise ValueError
    cores, measured = values["cores"], values["measured"]
    if type(cores) is not int or cores < 1 or type(measured) is not str:
        raise ValueError
    return Machine(
        measured=measured[:LABEL],
        cores=cores,
        prices={words: Prices(**_numbers(values["prices"][str(words)])) for words in WORDS},
        **_numbers({key: values[key] for key in ("sent", "message")}),
    )


def _numbers(found: dict[str, Any]) -> dict[str, float]:
    numbers = {key: float(value) for key, value in found.items()}
    if not all(isfinite(number) and 0.0 <= number <= LONGEST for number in numbers.values()):
        raise ValueError
    return numbers


def _strange(path: Path) -> PpcError:
    return fail("PPC526", f"{path} is not what `ppc calibrate` writes.", hint="Run `ppc calibrate` again.")
