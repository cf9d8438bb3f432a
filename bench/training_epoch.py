"""A long epoch on this machine, and iterations over a slow line: what was predicted, and what it took.

Called by bench.training. The prediction is that of `ppc explain`, with the prices of `ppc calibrate`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.three_roles import ThreeRoles
from bench.training_accuracy import ppc
from bench.training_programs import ROOT, saved
from ppc.data import examples
from tests.network.machines import network

BATCH = 128
WHOLE = 60_000
WARM = 1
MOST_MEMORY = 2e9
NEAR = 0.3  # of the prediction
DELAY, RATE = 0.020, 12.5e6  # seconds each way, bytes a second: 40 ms and 100 Mb/s
ADDRESSES = {"client": "10.77.0.1", "server": "10.77.0.2", "dealer": "10.77.0.3"}
FAR = "rtt=40ms,bw=100M"


@dataclass(frozen=True, kw_only=True)
class Took:
    """A training of `images`, and what was said before of one of its iterations."""

    where: str
    images: int
    steps: int
    seconds: float  # of all steps
    step: float  # of one, the median
    predicted: float  # of one
    bytes_predicted: dict[str, Any]
    bytes_measured: dict[str, Any]
    memory: dict[str, int]
    held: int

    @property
    def off(self) -> float:
        return self.seconds / self.steps / self.predicted - 1


def program(example: str, folder: Path) -> Path:
    path = folder / f"{example}.pnn"
    path.write_text((ROOT / f"examples/{example}.pnn").read_text("utf-8"), "utf-8")
    return path


def predicted(path: Path, net: str, machine: Path | None) -> float:
    """Seconds of an iteration."""
    facts = ppc("explain", path, "--train", "--net", net, *(["--machine", machine] if machine else []), "--json")
    return next(total["seconds"]["total"] for total in facts["totals"] if total["section"] == "each")


def epoch(images: int, machine: Path | None, example: str = "shallow_train") -> Took:
    """`ppc train` with generated images, everything on this machine."""
    with tempfile.TemporaryDirectory() as name:
        path = program(example, Path(name))
        expected = predicted(path, "here", machine)
        facts = ppc("train", path, "--data", f"digits28:{images}", "--seed", 1, "--json")
    steps = facts["seconds"]["server"]
    return Took(
        where="here: all roles on this machine",
        images=images,
        steps=len(steps),
        seconds=sum(steps),
        step=median(steps),
        predicted=expected,
        bytes_predicted=facts["predicted"],
        bytes_measured=facts["measured"],
        memory=facts["memory"],
        held=facts["held"],
    )


def far(steps: int, machine: Path | None, example: str = "shallow_train") -> Took:
    """Three machines with a slow line each: namespaces of this one."""
    images = (WARM + steps) * BATCH
    with tempfile.TemporaryDirectory() as name, network(Path(name), ADDRESSES, delay=DELAY, rate=RATE) as net:
        folder = Path(name)
        path = program(example, folder)
        expected = predicted(path, FAR, machine)
        saved(folder / "data.npz", examples(f"digits28:{images}"))
        roles = ThreeRoles(folder=folder, program=path, network=net)
        ended = roles.live(folder / "data.npz", "--json")
        took = roles.passes("server")[WARM:]
    said, own = ended["server"].said, ended["client"].said
    measured = {**said["measured"], "dealt": [own["measured"]["dealt"][0], said["measured"]["dealt"][1]]}
    return Took(
        where="40 ms there and back, 100 Mb/s from each machine",
        images=images,
        steps=len(took),
        seconds=sum(took),
        step=median(took),
        predicted=expected,
        bytes_predicted=said["predicted"],
        bytes_measured=measured,
        memory={role: one.memory for role, one in ended.items()},
        held=0,
    )


def told(found: Took) -> Iterator[str]:
    yield found.where
    each, near = found.seconds / found.steps, "within" if abs(found.off) <= NEAR else "NOT within"
    yield f"  {found.images:,} images, {found.steps:,} iterations in {found.seconds:,.1f} s, median {found.step:.3f} s"
    yield f"  {each:.3f} s each, predicted {found.predicted:.3f} s: {found.off:+.0%}, {near} 30 %"
    same = "as predicted" if found.bytes_predicted == found.bytes_measured else "NOT as predicted"
    yield f"  bytes {json.dumps(found.bytes_measured)}, {same}"
    for role, most in found.memory.items():
        yield f"  {role:<8}{most / 1e6:>8,.0f} MB at most, {'below' if most < MOST_MEMORY else 'NOT below'} 2 GB"
    if found.held:
        yield f"  dealer: {found.held / 1e6:,.0f} MB of parcels waited at once, at most"
    if found.images < WHOLE:
        yield f"  so 60,000 images would take {each * (WHOLE // BATCH):,.0f} s"
