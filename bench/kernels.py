"""How fast the kernels are on this machine, beside torch, numpy and galois, and against the machine's own limits.

    python -m bench.kernels [--json FILE] [--rounds N] [--clock wall|cpu] [--galois PYTHON]

All systems run interleaved on one core, the best of all rounds counts. A product is one multiplication and addition
modulo p. `--clock cpu` counts the thread's own time, for machines that others use too. galois usually needs an
interpreter of its own (it pins an older llvmlite): `--galois` names it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


from bench.kernel_jobs import (
    VALUES,
    Job,
    conv_jobs,
    copy_job,
    elementwise_jobs,
    loop_job,
    matmul_job,
    torch_matmul,
)
from bench.kernel_machine import (
    CHAIN_CYCLES,
    ClockLoop,
    MultiplierLoop,
    clock_block,
    independent,
    multiplier_block,
)
from ppc.field import MERSENNE61, MERSENNE127, Field
from ppc.runtime.kernels.library import default_library
from ppc.runtime.kernels.limbs import plan

ROOT = Path(__file__).parents[1]
FIELDS = (MERSENNE61, MERSENNE127)


@dataclass(frozen=True)
class Row:
    workload: str
    system: str
    metric: str
    value: float
    unit: str


class Bench:
    """Runs jobs interleaved and keeps the best time of each."""

    def __init__(self, rounds: int, clock: Callable[[], float]) -> None:
        self.rounds, self.clock = rounds, clock
        self.rows: list[Row] = []

    def times(self, jobs: list[Job], *, wall: bool = False) -> dict[str, float]:
        """The best time of a call of each job, in seconds."""
        clock = time.perf_counter if wall else self.clock
        best = {job.name: float("inf") for job in jobs}
        for job in jobs:
            job.run()
        for _ in range(self.rounds):
            for job in jobs:
                start = clock()
                job.run()
                best[job.name] = min(best[job.name], clock() - start)
        return best

    def row(self, workload: str, system: str, metric: str, value: float, unit: str) -> float:
        self.rows.append(Row(workload, system, metric, value, unit))
        print(f"{workload:<34} {system:<18} {metric:<34} {value:>10.3f} {unit}", flush=True)
        return value


def machine(bench: Bench) -> tuple[dict[str, float], dict[str, float]]:
    """The machine's rates (cycles, multiply-adds, bytes a second), and the register loops' products a second."""
    library = default_library()
    repeats = 300_000
    clock, clock_memory = clock_block(repeats)
    multiplier, multiplier_memory = multiplier_block(repeats)
    jobs = [
        Job("clock", lambda: library.kernel(ClockLoop())(clock), repeats * CHAIN_CYCLES),
        Job("multiplier", lambda: library.kernel(MultiplierLoop())(multiplier), repeats * independent(library.variant)),
        *(copy_job(count) for count in (VALUES, 2 * VALUES, 8 * VALUES)),
        *(loop_job(field) for field in FIELDS),
    ]
    rates = {job.name: job.work / seconds for job, seconds in zip(jobs, bench.times(jobs).values(), strict=True)}
    del clock_memory, multiplier_memory
    rates["copy"] = max(rate for name, rate in rates.items() if name.startswith("copy"))
    bench.row("machine", library.variant.name, "clock", rates["clock"] / 1e9, "GHz")
    bench.row("machine", library.variant.name, "vector multiply-adds a second", rates["multiplier"] / 1e9, "1e9/s")
    bench.row("machine", library.variant.name, "of them a cycle", rates["multiplier"] / rates["clock"], "")
    bench.row("machine", "numpy", "copy, bytes read and written", rates["copy"] / 1e9, "GB/s")
    return rates, {field.name: _loop(bench, field, rates) for field in FIELDS}


def _loop(bench: Bench, field: Field, rates: dict[str, float]) -> float:
    """The register tile alone, against the multiplier."""
    variant = default_library().variant
    terms = len(plan(field, variant.multiplier).terms)
    rate = rates[f"loop {field.name}"]
    workload, used = f"register loop {field.name}", rate * terms / variant.lanes
    bench.row(workload, "ppc", "multiply-adds a product", terms, "")
    bench.row(workload, "ppc", "products", rate / 1e9, "1e9/s")
    bench.row(workload, "ppc", "of the multiplier's throughput", 100 * used / rates["multiplier"], "%")
    bench.row(workload, "ppc", "multiply-adds a cycle", used / rates["clock"], "")
    return rate


def matrices(bench: Bench, limits: dict[str, float]) -> None:
    """Ours, torch and numpy on the same shapes, in the same rounds."""
    for shape in ((1024, 1024, 1024), (512, 1024, 512)):
        workload = "matmul " + "×".join(map(str, shape))
        jobs = [matmul_job(field, shape) for field in FIELDS] + torch_matmul(shape)
        rates = {job.name: job.work / seconds for job, seconds in zip(jobs, bench.times(jobs).values(), strict=True)}
        for name, rate in rates.items():
            bench.row(workload, name, "products", rate / 1e9, "1e9/s")
        for field in FIELDS:
            ours = rates[f"ppc {field.name}"]
            bench.row(workload, f"ppc {field.name}", "of the register loop", 100 * ours / limits[field.name], "%")
            if "torch float64" in rates:
                share = 100 * ours / rates["torch float64"]
                bench.row(workload, f"ppc {field.name}", "of torch float64", share, "%")


def convolutions(bench: Bench, limits: dict[str, float]) -> None:
    for field in FIELDS:
        jobs = conv_jobs(field)
        for job, seconds in zip(jobs, bench.times(jobs).values(), strict=True):
            bench.row(job.name, f"ppc {field.name}", "time", 1e3 * seconds, "ms")
            rate = bench.row(job.name, f"ppc {field.name}", "products", job.work / seconds / 1e9, "1e9/s")
            bench.row(job.name, f"ppc {field.name}", "of the register loop", 1e11 * rate / limits[field.name], "%")


def passes(bench: Bench, rates: dict[str, float]) -> None:
    for field in FIELDS:
        jobs = elementwise_jobs(field)
        for job, seconds in zip(jobs, bench.times(jobs).values(), strict=True):
            bench.row(job.name, f"ppc {field.name}", "bytes read and written", job.work / seconds / 1e9, "GB/s")
            share = 100 * job.work / seconds / rates["copy"]
            bench.row(job.name, f"ppc {field.name}", "of the copy bandwidth", share, "%")


def threads(bench: Bench) -> None:
    """Two threads on two cores, by the wall's clock."""
    for field in FIELDS:
        jobs = [matmul_job(field, (1024, 1024, 1024), threads=number) for number in (1, 2)]
        one, two = bench.times(jobs, wall=True).values()
        bench.row("matmul 1024×1024×1024", f"ppc {field.name}", "two threads over one", one / two, "times")
        for first, second in zip(conv_jobs(field), conv_jobs(field, threads=2), strict=True):
            pair = [first, Job("two " + second.name, second.run, second.work)]
            one, two = bench.times(pair, wall=True).values()
            bench.row(first.name, f"ppc {field.name}", "two threads over one", one / two, "times")


def slow_systems(bench: Bench, interpreter: str) -> None:
    """What numpy alone and galois do in the same fields, on shapes they can manage."""
    for field in FIELDS:
        job = matmul_job(field, (128, 128, 128), variant="slow")
        rate = job.work / bench.times([job])[job.name]
        bench.row("matmul 128×128×128", f"numpy {field.name}", "products", rate / 1e9, "1e9/s")
        found = galois_rate(interpreter, field)
        if found is None:
            print(f"galois is absent for {interpreter}: no row for {field.name} (see --galois)")
        else:
            bench.row("matmul 32×32×32", f"galois {field.name}", "products", found / 1e9, "1e9/s")


GALOIS = """
import time, galois
field = galois.GF({modulus}, verify=False, primitive_element={root})
a, b = field.Random((32, 32), seed=1), field.Random((32, 32), seed=2)
best = float("inf")
for _ in range(3):
    start = time.perf_counter()
    a @ b
    best = min(best, time.perf_counter() - start)
print(32**3 / best)
"""


def galois_rate(interpreter: str, field: Field) -> float | None:
    """galois's products a second, by an interpreter that has it."""
    root = {61: 37, 127: 43}[field.bits]
    code = GALOIS.format(modulus=field.modulus, root=root)
    done = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else None


COMPILE = """
import time
start = time.perf_counter()
from bench.kernel_jobs import deep_training
deep_training()
print(time.perf_counter() - start)
"""


def compilation(bench: Bench) -> None:
    """All kernels of a deep training step, in new processes: first on an empty cache, then on a full one."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PPC_KERNEL_CACHE": str(Path(folder) / "kernels"), "PYTHONPATH": str(ROOT)}
        for state in ("cold", "warm", "warm", "warm"):
            done = subprocess.run(
                [sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, check=True
            )
            bench.row("kernels of deep training", "ppc mersenne61", f"ready, {state}", float(done.stdout), "s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the rows to a file")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--galois", default=sys.executable, help="an interpreter that has galois")
    arguments = parser.parse_args()
    bench = Bench(arguments.rounds, {"wall": time.perf_counter, "cpu": time.thread_time}[arguments.clock])
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PPC_KERNEL_CACHE"] = str(Path(folder) / "kernels")
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})
        rates, limits = machine(bench)
        matrices(bench, limits)
        convolutions(bench, limits)
        passes(bench, rates)
        slow_systems(bench, arguments.galois)
        compilation(bench)
        os.sched_setaffinity(0, cores)
        threads(bench)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in bench.rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
