"""The figures of the collaborative paper, and a student beside what its labels cost: docs/collaborative.md.

    python -m bench.collaborative                          # everything: about ten minutes on a busy machine
    python -m bench.collaborative digits --seeds 1         # one part, one seed
    python -m bench.collaborative --show rows.json --pictures docs/pictures   # again, from saved rows

`digits`: 10 to 20 workers share out the 1,437 digits of the training part. `digits28`: as many images as in the paper,
32,000 of 28×28, and five epochs. `labels`: 10 to 100 workers with 100 images of 28×28 each label 200 others with noisy
votes.
Everything runs in one process, by the workers that `ppc train` starts as processes, with a sum opened in every round.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from time import monotonic
from typing import Any, cast

import torch

from bench.collaborative_labels import QUERIES, Row, rows
from bench.collaborative_labels import WORKERS as VOTERS
from bench.collaborative_workers import Curves, Setting, above_from, curves, ends
from bench.curves import picture

WORKERS = (10, 12, 14, 16, 18, 20)
SETTINGS = {
    "digits": Setting(side=8, data="digits,part=train", test="digits,part=test", epochs=25, batch=8),
    "digits28": Setting(
        side=28, data="digits28:32000,seed=1,part=train", test="digits28:10000,seed=2,part=test", epochs=5, batch=8
    ),
}
LABELS = "labels"

Found = dict[str, dict[str, list[Any]]]  # by part, by number of workers: curves, or rows, of each seed


def measured(parts: Sequence[str], seeds: int, batch: int, keep: Path | None) -> Found:
    found: Found = {}
    settings = {name: replace(setting, batch=batch) for name, setting in SETTINGS.items()}
    for part in parts:
        for workers in VOTERS if part == LABELS else WORKERS:
            for seed in range(seeds):
                began = monotonic()
                new = list(rows(workers, seed)) if part == LABELS else curves(settings[part], workers, seed)
                found.setdefault(part, {}).setdefault(str(workers), []).append(new)
                print(f"{part}, {workers} workers, seed {seed}: {monotonic() - began:.0f} s", flush=True)
                if keep is not None:
                    keep.write_text(json.dumps(found))
    return found


# ---- figures 3 to 9 ----


def table(part: str, found: Mapping[str, Sequence[Curves]]) -> Iterator[str]:
    """Means of the seeds after the last epoch. `above`: from which epoch on, in the seed where it takes longest."""
    yield "| workers | images each | mean worker | best worker | votes | above | mean | above |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for workers, seeds in found.items():
        mean, best = (fmean(values) for values in zip(*map(ends, seeds), strict=True))
        votes, means = (fmean(one[name][-1] for one in seeds) for name in ("votes", "mean"))
        late = [_latest([above_from(one, one[name]) for one in seeds]) for name in ("votes", "mean")]
        each = SETTINGS[part].each(int(workers))
        yield f"| {workers} | {each:,} | {mean:.3f} | {best:.3f} | {votes:.3f} | {late[0]} | {means:.3f} | {late[1]} |"


def _latest(found: Sequence[int | None]) -> str:
    there = [one for one in found if one is not None]
    seeds = "" if len(there) == len(found) else f", {len(found) - len(there)} of {len(found)} seeds never"
    return f"{max(there)}{seeds}" if there else "never"


def figures(part: str, found: Mapping[str, Sequence[Curves]]) -> Iterator[tuple[str, str]]:
    """A picture for every number of workers, of one seed, and one of the aggregates, of the mean of all seeds."""
    for workers, seeds in found.items():
        one = seeds[0]
        shown = {"votes": one["votes"], "mean": one["mean"], "mean worker": _means(one["workers"])}
        title = f"{part}: accuracy of {workers} workers (grey), and of all together"
        yield f"{part}_{workers}", picture(title, "epochs", shown, faint=one["workers"])
    votes = {f"{workers} workers": _means([one["votes"] for one in seeds]) for workers, seeds in found.items()}
    yield f"{part}_together", picture(f"{part}: accuracy of the workers' votes", "epochs", votes)
    alone = {
        f"{workers} workers": _means([w for one in seeds for w in one["workers"]]) for workers, seeds in found.items()
    }
    yield f"{part}_alone", picture(f"{part}: mean accuracy of the workers", "epochs", alone)


def _means(values: Sequence[Sequence[float]]) -> list[float]:
    return [fmean(at) for at in zip(*values, strict=True)]


# ---- the student and its epsilon ----


def student_table(found: Mapping[str, Sequence[Sequence[Row]]]) -> Iterator[str]:
    """Means of the seeds."""
    yield "| workers | images each | worker | noise | certified epsilon | from the votes | labels | student |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for workers, seeds in found.items():
        for same in zip(*seeds, strict=True):
            first = same[0]
            votes = None if first["from_votes"] is None else fmean(one["from_votes"] or 0.0 for one in same)
            worker, labels, student = (fmean(one[name] for one in same) for name in ("worker", "labels", "student"))
            cost = f"{_epsilon(first['epsilon'])} | {_epsilon(votes)}"
            known = f"{workers} | {first['each']:,} | {worker:.3f} | {first['sigma']:g}"
            yield f"| {known} | {cost} | {labels:.3f} | {student:.3f} |"


def _epsilon(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f}"


def student_figures(found: Mapping[str, Sequence[Sequence[Row]]]) -> Iterator[tuple[str, str]]:
    """Students against what their labels cost, cheapest last."""
    first = next(iter(found.values()))[0]
    marks = [_epsilon(row["epsilon"]) for row in first]
    for name, title in (("student", "accuracy of the student"), ("labels", "how many of the labels are right")):
        lines = {
            f"{workers} workers": [fmean(cast("float", one[name]) for one in same) for same in zip(*seeds, strict=True)]
            for workers, seeds in found.items()
        }
        yield name, picture(f"{QUERIES} queries: {title}", "certified epsilon", lines, marks=marks)


def show(found: Found, pictures: Path | None) -> None:
    for part, seen in found.items():
        lines = student_table(seen) if part == LABELS else table(part, seen)
        print(f"\n{part}", *lines, sep="\n")
        drawn = student_figures(seen) if part == LABELS else figures(part, seen)
        for name, text in drawn if pictures is not None else ():
            path = cast("Path", pictures) / f"collaborative_{name}.svg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="digits, digits28, labels (all)")
    parser.add_argument("--seeds", type=int, default=3, help="of everything (3)")
    parser.add_argument("--batch", type=int, default=8, help="of a worker in the figures (8)")
    parser.add_argument("--json", type=Path, help="rows are kept here")
    parser.add_argument("--show", type=Path, help="rows of an earlier run")
    parser.add_argument("--pictures", type=Path, help="the folder for the curves")
    options = parser.parse_args()
    torch.set_num_threads(1)
    parts = options.parts or (*SETTINGS, LABELS)
    if options.show:
        found = json.loads(options.show.read_text())
    else:
        found = measured(parts, options.seeds, options.batch, options.json)
    show(found, options.pictures)


if __name__ == "__main__":
    main()
