"""What is known of a value in an abstract run of machine code, and of all values together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Taint:
    """Secret or not; for a public number, the kinds of memory it may point to; on the stack and in a block, where."""

    secret: bool = False
    points: frozenset[str] = frozenset()
    place: int | None = None

    def only(self, kind: str) -> bool:
        return self.points == frozenset({kind})

    def __or__(self, other: Taint) -> Taint:
        if self == other:
            return self
        return Taint(self.secret or other.secret, self.points | other.points)


PUBLIC, SECRET = Taint(), Taint(secret=True)


def pointer(kind: str, place: int | None = None) -> Taint:
    return Taint(points=frozenset({kind}), place=place)


# By a register's name, also its lowest byte's where more is known of that; the flags'; or a byte of the stack by its
# distance from the return address.
State = dict[str | int, Taint]
Arguments = Mapping[str | int, Taint]


def known(state: State, name: str | int) -> Taint:
    return state.get(name, SECRET)


def put(state: State, register: str, value: Taint) -> None:
    state[register] = value
    state.pop(f"{register} low", None)


def by_bytes(arguments: Arguments) -> State:
    """Arguments on the stack are given by their first byte."""
    state: State = {}
    for name, value in arguments.items():
        state.update({name: value} if isinstance(name, str) else dict.fromkeys(range(name, name + 8), value))
    return state


def union(taints: Iterable[Taint]) -> Taint:
    """What is computed from values: no pointer whose place is known."""
    values = list(taints)
    return Taint(any(value.secret for value in values), frozenset[str]().union(*(value.points for value in values)))


def join(left: State, right: State) -> State:
    """What is known on both ways; what only one has written may be anything."""
    return {name: left[name] | right[name] for name in left.keys() & right.keys()}
