"""What private training reaches: `ppc train` with its three processes, beside float with the same batches.

The first seed of each net runs so; the further ones with the same integers at one party (bench.training_field), or with
three processes as well. Every run is a row, written to a file at once, so that a long measurement may be broken off and
gone on with. Called by bench.training.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any

from bench.training_field import in_field
from bench.training_programs import COURSES, ROOT, TESTS, Course, in_float, saved


@dataclass(frozen=True, kw_only=True)
class Reached:
    """One run: what was right of the tests behind each epoch, privately and in float."""

    course: str
    seed: int
    images: int
    batch: int
    rate: float
    private: list[float]
    float32: list[float]
    loss: list[float] = field(default_factory=list[float])  # of every step, where it is seen
    seconds: float = 0.0  # of a step, median of the server's
    megabytes: float = 0.0  # of a step, both parties and dealer
    exact_bytes: bool = True  # predicted as measured
    processes: int = 3

    @property
    def points(self) -> float:
        """By how much private differs from float at the end."""
        return 100 * (self.private[-1] - self.float32[-1])


def measured(names: Sequence[str], seeds: int, rows: Sequence[Reached] = (), *, together: int = 1) -> Iterator[Reached]:
    """Those that are asked for and are not among `rows`; the first seed of all before the second of any. So many seeds
    with all processes `together`."""
    there = {(row.course, row.seed) for row in rows}
    for turn in range(seeds):
        for course in COURSES:
            wanted = (not names or course.name in names) and turn < len(course.seeds)
            if wanted and (course.name, course.seeds[turn]) not in there:
                yield (run if turn < together else at_one_party)(course, course.seeds[turn])


def run(course: Course, seed: int) -> Reached:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.pnn").write_text(course.text(), "utf-8")
        data, tests = (saved(folder / f"{part}.npz", found) for part, found in zip("ab", course.sets, strict=True))
        line = ["train", folder / "model.pnn", "--data", data, "--test", tests, "--seed", seed, "--order", seed]
        facts = ppc(*line, "--json")
    steps = course.epochs * (course.images // course.batch)
    counts = facts["measured"]
    return Reached(
        course=course.name,
        seed=seed,
        images=course.images,
        batch=course.batch,
        rate=course.rate,
        private=facts["accuracy"],
        float32=list(in_float(course, seed)),
        loss=facts["loss"],
        seconds=median(facts["seconds"]["server"]),
        megabytes=(sum(counts["sent"]) + sum(counts["dealt"])) / steps / 1e6,
        exact_bytes=facts["predicted"] == counts,
    )


def at_one_party(course: Course, seed: int) -> Reached:
    return Reached(
        course=course.name,
        seed=seed,
        images=course.images,
        batch=course.batch,
        rate=course.rate,
        private=list(in_field(course, seed)),
        float32=list(in_float(course, seed)),
        processes=1,
    )


def ppc(*line: object) -> dict[str, Any]:
    """What a command says as JSON."""
    command = [sys.executable, "-m", "ppc", *map(str, line)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads(done.stdout)


# ---- told ----


def table(rows: Sequence[Reached]) -> Iterator[str]:
    three = sum(row.processes == 3 for row in rows)
    yield f"right of {TESTS:,} tests, behind the last epoch; mean of the seeds"
    yield f"{three} of {len(rows)} runs by three processes, the others with the same integers at one party"
    yield f"{'':<24}{'images':>7}{'rate':>6}{'epochs':>7}{'seeds':>6}{'float':>8}{'private':>9}{'points':>8}{'most':>6}"
    for name in dict.fromkeys(row.course for row in rows):
        found = [row for row in rows if row.course == name]
        one, points = found[0], [row.points for row in found]
        yield (
            f"{name:<24}{one.images:>7,}{one.rate:>6g}{len(one.private):>7}{len(found):>6}"
            f"{fmean(row.float32[-1] for row in found):>8.4f}{fmean(row.private[-1] for row in found):>9.4f}"
            f"{fmean(points):>+8.2f}{max(map(abs, points)):>6.2f}"
        )
    yield ""
    yield "behind each epoch, first seed"
    for row in {row.course: row for row in reversed(rows)}.values():
        yield f"{row.course:<24}private  " + " ".join(f"{value:.3f}" for value in row.private)
        yield f"{'':<24}float    " + " ".join(f"{value:.3f}" for value in row.float32)
    yield ""
    yield from _steps(rows)


def _steps(rows: Sequence[Reached]) -> Iterator[str]:
    for name in dict.fromkeys(row.course for row in rows):
        found = [row for row in rows if row.course == name and row.processes == 3]
        if not found:
            continue
        seconds, size = median(row.seconds for row in found), found[0].megabytes
        exact = "as predicted" if all(row.exact_bytes for row in found) else "NOT as predicted"
        yield f"{name:<24}{seconds:.3f} s and {size:.1f} MB a step in all, bytes {exact}"


def draw(rows: Sequence[Reached], path: Path) -> None:
    """The curves, a panel for each net."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row.course for row in rows))
    across = 3
    figure = Figure(figsize=(4 * across, 3 * -(-len(names) // across)), layout="constrained")
    panels: Any = figure.subplots(-(-len(names) // across), across, squeeze=False)
    for panel in panels.flat[len(names) :]:
        panel.set_axis_off()
    for name, panel in zip(names, panels.flat, strict=False):
        for row in (row for row in rows if row.course == name):
            epochs = range(1, len(row.private) + 1)
            panel.plot(epochs, row.float32, color="#999999", linewidth=3, label="float32, exact ReLU")
            panel.plot(epochs, row.private, color="#b03030", linewidth=1, label="private")
        panel.set_title(name, fontsize=10)
        panel.set_xlabel("epoch")
        panel.set_ylabel(f"right of {TESTS:,}")
        handles, labels = panel.get_legend_handles_labels()
        panel.legend(handles[:2], labels[:2], fontsize=7)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def load(path: Path) -> list[Reached]:
    return [Reached(**row) for row in json.loads(path.read_text("utf-8"))] if path.exists() else []


def save(rows: Sequence[Reached], path: Path) -> None:
    path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", "utf-8")
