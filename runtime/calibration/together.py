"""The measurements in processes of their own: on all cores at once, as when all roles work, then two that exchange."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

from ppc.errors import fail
from ppc.runtime.calibration import wire
from ppc.runtime.keyring import throw_away

MODULE = "ppc.runtime.calibration"
MOST = 3  # processes at once: as many as there are roles
Prices = Mapping[int, Mapping[str, float]]  # by the words of an element


@dataclass(frozen=True, kw_only=True)
class Measured:
    """`prices` are seconds by words and name; `sent` is that of a byte through TLS, `message` of a small one."""

    variant: str
    prices: Prices
    sent: float
    message: float


def measured(cores: int) -> Measured:
    found = _at_once(min(cores, MOST))
    sent, message = _exchanged()
    return Measured(variant=found[0]["variant"], prices=_mean(found), sent=sent, message=message)


def _at_once(count: int) -> list[dict[str, Any]]:
    """Each begins when all are ready."""
    started = [_start("prices") for _ in range(count)]
    try:
        for one in started:
            _line(one)
        for one in started:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        return [json.loads(_line(one)) for one in started]
    finally:
        _end(started)


def _exchanged() -> tuple[float, float]:
    with TemporaryDirectory(prefix="ppc-calibrate-") as name:
        folder = Path(name)
        throw_away(folder, wire.ROLES)
        listener = wire.listener(folder)
        other = _start("wire", str(folder), str(listener.port))
        try:
            return wire.exchanges(listener.accept(wire.PATIENCE))
        finally:
            listener.close()
            _end([other])


def _start(*arguments: str) -> subprocess.Popen[str]:
    home = str(Path(__file__).parents[3])  # where the package ppc is
    paths = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
        [sys.executable, "-P", "-m", MODULE, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise fail("PPC652", "A measuring process ended early.", hint="Read what it says above.")
    return line


def _end(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()
        process.wait()


def _mean(found: list[dict[str, Any]]) -> Prices:
    """Of all processes."""
    fields: Mapping[str, Mapping[str, float]] = found[0]["fields"]
    return {
        int(words): {name: fmean(one["fields"][words][name] for one in found) for name in prices}
        for words, prices in fields.items()
    }
