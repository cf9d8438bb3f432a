"""Rows of measurements as tables: what each system took, and our ratios to the peers beside what was to be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

NOT_SEPARABLE = "not separable"
OURS = "ppc"
PRODUCTS = ("W1", "W1b")
TRAINING = ("W4s", "W4d")
EXACT = 1.001  # no more than theirs, headers apart


@dataclass(frozen=True, kw_only=True)
class Row:
    workload: str
    system: str
    metric: str
    value: float
    unit: str


Found = Mapping[tuple[str, str], float]  # of one workload, by system and metric


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What was to be reached on some workloads: ours over theirs at most, or theirs over ours at least."""

    name: str
    metric: str
    least: Mapping[str, float]  # theirs over ours, by workload
    strictly: bool = False


GOALS = (
    Goal(
        name="bytes",
        metric="bytes",
        least={
            **dict.fromkeys(("W2", "W3", "W5", "W6"), 3.0),
            **dict.fromkeys(TRAINING, 9.0),
            **dict.fromkeys(PRODUCTS, 1 / EXACT),
        },
    ),
    Goal(
        name="rounds",
        metric="rounds",
        least=dict.fromkeys(("W2", "W3", "W4s", "W4d", "W5", "W6"), 1.0),
        strictly=True,
    ),
    Goal(
        name="online",
        metric="online",
        least={
            **dict.fromkeys(PRODUCTS, 1.0),
            **dict.fromkeys(("W2", "W3", "W5"), 8.0),
            "W6": 3.0,
            **dict.fromkeys(TRAINING, 10.0),
        },
    ),
    Goal(name="all-in", metric="all-in", least={"W2": 4.0, "W3": 4.0, "W5": 4.0, **dict.fromkeys(TRAINING, 5.0)}),
)


def show(rows: Iterable[Row]) -> str:
    """Both tables of all workloads in the rows, in Markdown."""
    by_workload: dict[str, dict[tuple[str, str], float]] = {}
    for row in rows:
        by_workload.setdefault(row.workload, {})[row.system, row.metric] = row.value
    return "\n".join([*_measured(by_workload), "", *_ratios(by_workload)])


def _table(head: list[str], body: Iterable[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *body]
    return [f"| {' | '.join(line)} |" for line in lines]


COLUMNS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("online ms", "online", lambda value: f"{1e3 * value:,.0f}"),
    ("all-in ms", "all-in", lambda value: f"{1e3 * value:,.0f}"),
    ("alone ms", "alone", lambda value: f"{1e3 * value:,.0f}"),
    ("dealing ms", "dealing", lambda value: f"{1e3 * value:,.0f}"),
    ("MB", "bytes", lambda value: f"{value / 1e6:.3f}"),
    ("rounds", "rounds", lambda value: f"{value:.0f}"),
    ("sharing MB", "sharing", lambda value: f"{value / 1e6:.3f}"),
    ("revealing MB", "revealing", lambda value: f"{value / 1e6:.3f}"),
    ("largest error", "error", lambda value: f"{value:.1e}"),
)


def _measured(workloads: Mapping[str, Found]) -> list[str]:
    head = ["workload", "system", *(name for name, _, _ in COLUMNS)]
    body = [
        [workload, system, *(_cell(found, system, metric, form) for _, metric, form in COLUMNS)]
        for workload, found in workloads.items()
        for system in dict.fromkeys(system for system, _ in found)
    ]
    return _table(head, body)


def _cell(found: Found, system: str, metric: str, form: Callable[[float], str]) -> str:
    if (system, metric) in found:
        return form(found[system, metric])
    return NOT_SEPARABLE if metric == "online" else "–"


def _ratios(workloads: Mapping[str, Found]) -> list[str]:
    head = ["theirs / ours", *(goal.name for goal in GOALS)]
    body = [[workload, *(_reached(goal, workload, found) for goal in GOALS)] for workload, found in workloads.items()]
    return _table(head, body)


def _reached(goal: Goal, workload: str, found: Found) -> str:
    """The better peer's over ours; what a peer cannot do before, it does while it runs."""
    peers = dict.fromkeys(system for system, _ in found if system != OURS)
    theirs = [found.get((peer, goal.metric), found.get((peer, "all-in"), 0.0)) for peer in peers]
    ours = found.get((OURS, goal.metric))
    if not theirs or ours is None:
        return "–"
    ratio, wanted = min(theirs) / ours, goal.least.get(workload)
    shown = f"{ratio:.3g}"
    if wanted is None:
        return shown
    good = ratio > wanted if goal.strictly else ratio >= wanted
    return f"{shown}, {'reached' if good else 'not reached'}"
