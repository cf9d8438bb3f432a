"""Our side of the comparison: starts the three roles of a workload as processes, and gathers what they measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.peer_plans import BY_NAME, Workload, plan_of
from bench.peer_roles import ROLES
from ppc.plan.steps import Plan
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
    if len(shape) == 2 and shape[0] in (128, 1024) or shape == (1024, 1024):
        return np.clip(drawn.normal(size=shape) * 0.5, bounds.low, bounds.high)
    fan = max(1, int(np.prod(shape[1:])))
    return drawn.uniform(-1, 1, size=shape) / np.sqrt(fan)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the three roles measured, and the plan that they ran."""

    workload: Workload
    plan: Plan
    roles: dict[str, Any]
    results: dict[str, dict[str, Any]]

    def seconds(self, kind: str) -> list[float]:
        """Of every pass: from the first start to the last end of both parties."""
        both = zip(*(self.roles[role]["spans"][kind] for role in ROLES[:2]), strict=True)
        if kind == "stream":
            return [(max(a[1], b[1]) - max(a[0], b[0])) / 1e9 for a, b in both]
        return [(max(a[1], b[1]) - min(a[0], b[0])) / 1e9 for a, b in both]


def carry_out(workload: Workload, *, online: int, alone: int = 0, stream: int = 0, threads: int = 1) -> Found:
    plan = plan_of(workload)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        throw_away(folder, {role: role for role in ROLES})
        (folder / "plan.txt").write_text(show(plan))
        brought = {role: inputs(plan, role) for role in ROLES[:2]}
        for role, values in brought.items():
            np.savez(folder / f"{role}.npz", **values)
        settings = {"online": online, "alone": alone, "stream": stream, "threads": threads, "start": start_of(plan)}
        (folder / "settings.json").write_text(json.dumps(settings))
        roles = _together(folder)
        results = {role: dict(np.load(folder / f"{role}.results.npz")) for role in ROLES[:2]}
    return Found(workload=workload, plan=plan, roles=roles, results=results)


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


if __name__ == "__main__":
    import statistics

    for name in sys.argv[1:] or BY_NAME:
        found = carry_out(BY_NAME[name], online=7, alone=3, stream=8)
        for kind in ("online", "alone", "stream"):
            s = found.seconds(kind)
            print(name, kind, f"median {1e3 * statistics.median(s):.1f} min {1e3 * min(s):.1f} ms", [round(1e3 * x, 1) for x in s], flush=True)
        d = [(b - a) / 1e6 for a, b in found.roles["dealer"]["spans"]["deal"]]
        print(name, "deal", f"{statistics.median(d):.1f} ms", "cpu", found.roles["client"]["cpu"], found.roles["server"]["cpu"])
