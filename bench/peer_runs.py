"""Our side of the comparison: starts the three roles of a workload as processes, and gathers what they measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.peer_plans import Workload, in_float, plan_of
from bench.peer_roles import ROLES
from ppc.plan.messages import messages
from ppc.plan.steps import Plan, Step
from ppc.plan.text import show
from ppc.runtime.keyring import throw_away

ROOT = Path(__file__).parents[1]


def inputs(plan: Plan, party: str) -> dict[str, np.ndarray[Any, Any]]:
    """What a party brings: as the peers' scripts draw it, up to the numbers themselves."""
    drawn = np.random.default_rng(1 + plan.parties.index(party))
    found = {}
    for step in plan.steps():
        if step.op == "given" and step.wire.at in ("", party):
            found[step.name] = _drawn(step.word("what"), step.wire.shape, step.wire.bounds, drawn)
    return found


def _drawn(what: str, shape: tuple[int, ...], bounds: Any, drawn: np.random.Generator) -> np.ndarray[Any, Any]:
    if what == "label":
        return np.eye(10)[drawn.integers(0, 10, shape[0])]
    if bounds.low == 0.0:
        return drawn.uniform(size=shape)
    if bounds.high >= 24:
        return np.clip(drawn.normal(size=shape) * 3, bounds.low, bounds.high)
    if (len(shape) == 2 and shape[0] in (128, 1024)) or shape == (1024, 1024):
        return np.clip(drawn.normal(size=shape) * 0.5, bounds.low, bounds.high)
    fan = max(1, int(np.prod(shape[1:])))
    return drawn.uniform(-1, 1, size=shape) / np.sqrt(fan)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the three roles measured, and the plan that they ran."""

    workload: Workload
    plan: Plan
    roles: dict[str, Any]
    brought: dict[str, dict[str, Any]]
    results: dict[str, dict[str, Any]]

    def seconds(self, kind: str) -> list[float]:
        """Of every pass: from the first start to the last end of both parties."""
        both = zip(*(self.roles[role]["spans"][kind] for role in ROLES[:2]), strict=True)
        if kind == "stream":
            return [(max(a[1], b[1]) - max(a[0], b[0])) / 1e9 for a, b in both]
        return [(max(a[1], b[1]) - min(a[0], b[0])) / 1e9 for a, b in both]

    def error(self) -> float:
        """The largest distance of a result from the same in float64."""
        given = {name.removesuffix(".first"): value for both in self.brought.values() for name, value in both.items()}
        wanted = in_float(self.workload, given)
        results = {name: value for both in self.results.values() for name, value in both.items()}
        return max(float(np.abs(value - wanted[name]).max()) for name, value in results.items())


def carry_out(
    workload: Workload, *, online: int = 0, alone: int = 0, stream: int = 0, check: int = 0, threads: int = 1
) -> Found:
    """A session of the three roles with so many timed passes of each kind."""
    plan = plan_of(workload)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        throw_away(folder, {role: role for role in ROLES})
        (folder / "plan.txt").write_text(show(plan))
        brought = {role: inputs(plan, role) for role in ROLES[:2]}
        for role, values in brought.items():
            np.savez(folder / f"{role}.npz", **values)
        counts = {"check": check, "online": online, "alone": alone, "stream": stream}
        settings = {"counts": counts, "threads": threads, "start": start_of(plan)}
        (folder / "settings.json").write_text(json.dumps(settings))
        roles = _together(folder)
        results = {role: dict(np.load(folder / f"{role}.results.npz")) for role in ROLES[:2]}
    return Found(workload=workload, plan=plan, roles=roles, brought=brought, results=results)


def checked(workload: Workload) -> dict[str, float]:
    """One pass, and the end of training: what it sends, and how far its result is from float."""
    found = carry_out(workload, check=1)
    plan = found.plan
    parts = {"sharing": ("setup", "each"), "revealing": ("each", "finish")}
    most = {kind: max(_bytes(plan, homes, kind, party) for party in plan.parties) for kind, homes in parts.items()}
    return {
        "bytes": max(found.roles[role]["sent"] for role in ROLES[:2]),
        "rounds": found.roles["client"]["rounds"],
        "sharing_bytes": most["sharing"],
        "revealing_bytes": most["revealing"],
        "error": found.error(),
    }


def _bytes(plan: Plan, homes: tuple[str, ...], kind: str, party: str) -> int:
    """Inputs that their owner masks; results that are shown. The logits of training are neither."""

    def counts(step: Step) -> bool:
        if kind == "sharing":
            return step.op == "mask" and plan.wires[step.inputs[0]].form == "clear"
        return step.op == "reveal" and step.word("grant") in ("result", "model")

    sent = (message for home in homes for message in messages(plan, plan.section(home)))
    return sum(message.bytes for message in sent if message.sender == party and counts(plan.by_name[message.step]))


def start_of(plan: Plan) -> str:
    """The last input that is masked in each pass; none in training, where all are masked once."""
    masked = [s.name for s in plan.section("each").steps if s.op == "mask" and plan.wires[s.inputs[0]].form == "clear"]
    return masked[-1] if masked and not plan.section("each").carries else ""


def _together(folder: Path) -> dict[str, Any]:
    heard, told = os.pipe()
    ends = {"server": told, "dealer": heard}
    started: dict[str, subprocess.Popen[str]] = {}
    try:
        for role in ROLES:
            end = ends.get(role)
            started[role] = subprocess.Popen(
                [sys.executable, "-m", "bench.peer_roles", role, str(folder)],
                cwd=ROOT,
                env={**os.environ, "BENCH_WAKE": str(end or 0)},
                pass_fds=() if end is None else (end,),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        os.close(heard)
        os.close(told)
        book = {role: _line(process)["port"] for role, process in started.items()}
        for process in started.values():
            assert process.stdin is not None
            process.stdin.write(json.dumps(book) + "\n")
            process.stdin.flush()
        return {role: _line(process) for role, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
            process.wait()


def _line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{process.args} ended early")
    return json.loads(line)


def before_others() -> bool:
    """A session of our own whose share of the cores is larger than what else runs; only root may."""
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
        Path("/proc/self/autogroup").write_text("-15")
    except OSError:
        return False
    return True
