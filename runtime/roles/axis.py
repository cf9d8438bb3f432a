"""Traces of several machines on one axis: how far their clocks are apart follows from the messages between them.

A message arrives after it was sent, whatever the clocks say. So the quickest message in each direction bounds the
difference of two clocks from one side, and the middle is wrong by half of the quickest round trip at most (RFC 5905).
What hears nothing back, as the dealer, is moved only as far as something would else arrive before it was sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ppc.errors import fail

Event = dict[str, Any]
Moments = dict[tuple[str, int], float]  # by message, and which one of that name: microseconds
ARRIVALS = {"send": "wait", "hand over": "dealer"}  # what an event of one role is at the other


@dataclass(frozen=True, kw_only=True)
class Side:
    """One role's trace, as its own clock has it."""

    name: str
    number: int
    events: Sequence[Event]

    def moments(self, what: str, *, end: bool) -> Moments:
        found: Moments = {}
        seen: Counter[str] = Counter()
        for event in self.events:
            if event.get("cat") == what:
                name = event["name"]
                found[name, seen[name]] = event["ts"] + (event["dur"] if end else 0)
                seen[name] += 1
        return found


@dataclass(frozen=True, kw_only=True)
class Apart:
    """By how much one clock is ahead of another one: microseconds, and how wrong that may be, if it is known."""

    ahead: float
    within: float | None


def side(found: object, where: str) -> Side:
    """A trace as `ppc party` and `ppc deal` write it."""
    events = found.get("traceEvents") if isinstance(found, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(events, list) or not all(map(_right, events)):  # pyright: ignore[reportUnknownArgumentType]
        raise _none(where)
    kept: list[Event] = events  # pyright: ignore[reportUnknownVariableType]
    names = {event["pid"]: event["args"]["name"] for event in kept if event["name"] == "process_name"}
    if len(names) != 1:
        raise _none(where)
    ((number, name),) = names.items()
    return Side(name=name, number=number, events=kept)


def _right(event: object) -> bool:
    if not isinstance(event, Mapping):
        return False
    one: Mapping[str, Any] = event  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(one.get("name"), str) or type(one.get("pid")) is not int:
        return False
    if one.get("ph") == "M":
        return isinstance(one.get("args"), Mapping) and isinstance(one["args"].get("name"), str)
    return one.get("ph") == "X" and all(isinstance(one.get(key), int | float) for key in ("ts", "dur"))


def _none(where: str) -> Exception:
    hint = "Give the files that `--trace` of the parties and of the dealer wrote, each once."
    return fail("PPC502", f"`{where}` is no trace of one role.", hint=hint)


def _delays(sender: Side, receiver: Side) -> list[float]:
    """From each sending to its arrival, by two clocks."""
    found: list[float] = []
    for sending, arriving in ARRIVALS.items():
        there = receiver.moments(arriving, end=True)
        found += [there[key] - start for key, start in sender.moments(sending, end=False).items() if key in there]
    return found


def apart(first: Side, other: Side) -> Apart | None:
    """How far the other clock is ahead of the first one; None where no message went between them."""
    there, back = _delays(first, other), _delays(other, first)
    if there and back:
        high, low = min(there), -min(back)
        return Apart(ahead=(high + low) / 2, within=abs(high - low) / 2)
    if there:
        return Apart(ahead=min(0.0, *there), within=None)
    if back:
        return Apart(ahead=max(0.0, *(-delay for delay in back)), within=None)
    return None


def together(sides: Sequence[Side]) -> tuple[list[Event], dict[str, Apart]]:
    """All events on the clock of the first role, and by name how far the others' clocks are ahead of it."""
    first, *rest = sorted(sides, key=lambda one: one.number)
    if len({one.number for one in sides}) != len(sides):
        raise _none("two files of one role")
    clocks = {first.name: Apart(ahead=0.0, within=0.0)}
    placed = [first]
    for one in rest:
        clocks[one.name] = _behind(placed, one, clocks)
        placed.append(one)
    events = [event for one in placed for event in _moved(one.events, -clocks[one.name].ahead)]
    return events, {name: clocks[name] for name in clocks if name != first.name}


def _behind(placed: Sequence[Side], one: Side, clocks: Mapping[str, Apart]) -> Apart:
    """Against each role that is placed: the one of whose messages most is known."""
    found = [(each, apart(each, one)) for each in placed]
    known = [(each, clock) for each, clock in found if clock is not None]
    if not known:
        hint = "Take the traces of one run, of both parties."
        raise fail("PPC508", f"No message of the trace of {one.name} is in the others.", hint=hint)
    each, clock = min(known, key=lambda row: (row[1].within is None, row[1].within or 0.0))
    return Apart(ahead=clocks[each.name].ahead + clock.ahead, within=clock.within)


def _moved(events: Sequence[Event], by: float) -> Iterator[Event]:
    for event in events:
        yield {**event, "ts": event["ts"] + by} if "ts" in event else event
