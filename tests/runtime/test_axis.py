"""Traces of machines whose clocks differ: what was sent has arrived afterwards, and the difference is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ppc.cli import main
from ppc.errors import PpcError
from ppc.runtime.roles.axis import apart, side, together
from ppc.runtime.roles.trace import events

WAY = 20_000_000  # nanoseconds that a message takes, at least


def traces(server: int, dealer: int = 0) -> list[dict[str, Any]]:
    """Of a run with the server's and the dealer's clocks ahead by so many nanoseconds."""
    spans: dict[str, list[Any]] = {"hospital": [], "lab": [], "dealer": []}
    clock = {"hospital": 0, "lab": server, "dealer": dealer}
    for number in range(4):
        start, name, slow = 10**18 + number * 10**8, f"each {number}, round 1", number * 3_000_000
        for sender, receiver in (("hospital", "lab"), ("lab", "hospital")):
            sent, got = start + clock[sender], start + WAY + slow + clock[receiver]
            spans[sender].append(("send", name, sent, sent + 1000))
            spans[receiver].append(("wait", name, got - 5000, got))
        spans["dealer"].append(("hand over", f"each {number}", start + dealer, start + dealer + 1000))
        spans["lab"].append(("dealer", f"each {number}", start, start + WAY + server))
    return [{"traceEvents": events(name, number, found)} for number, (name, found) in enumerate(spans.items())]


@pytest.mark.parametrize("ahead", [0, 3_600_000_000_000, -12_345_678])
def test_the_difference_of_two_clocks(ahead: int) -> None:
    sides = [side(found, "file") for found in traces(ahead)[:2]]
    found = apart(sides[0], sides[1])

    assert found is not None
    assert found.ahead == pytest.approx(ahead / 1e3, abs=10)
    assert found.within == pytest.approx(WAY / 1e3, rel=0.01)


def test_nothing_arrives_before_it_was_sent() -> None:
    """On the one axis, whatever the clocks said: also of the dealer, who hears nothing back."""
    made, clocks = together([side(found, "file") for found in reversed(traces(7_000_000_000, 90_000_000_000))])
    sides = [side({"traceEvents": [e for e in made if e["pid"] == number]}, "") for number in range(3)]

    assert clocks["lab"].ahead == pytest.approx(7e6, abs=10)
    assert clocks["dealer"].within is None
    for sender, receiver in ((0, 1), (1, 0)):
        there = sides[receiver].moments("wait", end=True)
        assert all(there[key] >= start for key, start in sides[sender].moments("send", end=False).items())
    there = sides[1].moments("dealer", end=True)
    assert all(there[key] >= start - 1 for key, start in sides[2].moments("hand over", end=False).items())


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / f"{number}.json" for number in range(2)]
    for path, found in zip(paths, traces(-4_000_000), strict=False):
        path.write_text(json.dumps(found))
    assert main(["trace", *map(str, paths), "-o", str(tmp_path / "both.json")]) == 0

    assert capsys.readouterr().out == "lab: its clock is 4.000 ms behind, to within 20.000 ms\n"
    made = json.loads((tmp_path / "both.json").read_text())["traceEvents"]
    assert {event["pid"] for event in made} == {0, 1}


GOOD = traces(0)[0]["traceEvents"]
BAD: list[object] = [
    [],
    {},
    {"traceEvents": 1},
    {"traceEvents": [1]},
    {"traceEvents": [{"name": "x", "pid": 1, "ph": "X", "ts": "late", "dur": 1}]},
    {"traceEvents": [*GOOD, *traces(0)[1]["traceEvents"]]},
    {"traceEvents": [{"name": "process_name", "pid": 1, "ph": "M", "args": {}}]},
]


@pytest.mark.parametrize("found", BAD, ids=range(len(BAD)))
def test_what_is_no_trace_of_a_role(found: object) -> None:
    with pytest.raises(PpcError, match="PPC502"):
        side(found, "file")


def test_files_that_are_not_of_one_run(tmp_path: Path) -> None:
    ours, other = (side(found, "file") for found in traces(0)[:2])
    with pytest.raises(PpcError, match="PPC502"):
        together([ours, ours])
    with pytest.raises(PpcError, match="PPC508"):
        together([ours, side({"traceEvents": [e for e in other.events if e["ph"] == "M"]}, "file")])
    (tmp_path / "text.json").write_bytes(b"\xff")
    for name in ("text.json", "none.json"):
        assert main(["trace", str(tmp_path / name), "-o", str(tmp_path / "out.json")]) == 3
