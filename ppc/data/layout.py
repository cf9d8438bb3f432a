"""CIFAR-10's Python version, taken apart without running what it says.

Such a file is a program for a machine with a stack, and could call anything. `pickletools` names its instructions and
carries none out. Here the few that these files are made of build plain values; a call becomes a `Reduced` that says
what would have been called with what, and is called by nobody. Any other instruction, or name, ends the reading.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pickletools import genops
from typing import Any, cast

NAMES = frozenset({"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"})
MOST_STEPS = 1_000_000
_MARK = object()


@dataclass
class Reduced:
    """What a call would have made: of what name, given what, and the state that it would be told."""

    name: str
    given: tuple[Any, ...]
    state: Any = None


@dataclass
class _Machine:
    """The stack, and what was remembered."""

    stack: list[Any] = field(default_factory=list[Any])
    kept: dict[int, Any] = field(default_factory=dict[int, Any])

    def pop(self) -> Any:
        found = self.stack.pop()
        if found is _MARK:
            raise ValueError("it takes a value where there is none")
        return found

    def last(self, count: int) -> tuple[Any, ...]:
        return tuple(reversed([self.pop() for _ in range(count)]))

    def since_mark(self) -> tuple[Any, ...]:
        found: list[Any] = []
        while (one := self.stack.pop()) is not _MARK:
            found.append(one)
        return tuple(reversed(found))

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def of(self, kind: type[Any]) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise ValueError(f"it adds to something that is no {kind.__name__}")
        return self.stack[-1]


def unpacked(data: bytes) -> object:
    """The value that the file describes. ValueError where it is made of anything else than these files are."""
    machine = _Machine()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # pickletools warns of names that are written oddly
        try:
            for number, (code, argument, _) in enumerate(genops(data)):
                if code.name == "STOP":
                    return machine.pop()
                if code.name not in _STEPS or number > MOST_STEPS:
                    raise ValueError(f"it has an instruction {code.name}, which these files do not")
                _STEPS[code.name](machine, argument)
        except (IndexError, KeyError, TypeError, Warning) as error:
            raise ValueError(f"it is no whole value ({type(error).__name__})") from None
    raise ValueError("it does not end")


def _named(machine: _Machine, name: Any) -> None:
    if name not in NAMES:
        raise ValueError(f"it names `{str(name)[:60]}`, which these files do not")
    machine.push(name)


def _call(machine: _Machine, _argument: Any) -> None:
    name, given = machine.last(2)
    if name not in NAMES or not isinstance(given, tuple):
        raise ValueError("it calls something that is no name")
    machine.push(Reduced(str(name), cast("tuple[Any, ...]", given)))


def _told(machine: _Machine, _argument: Any) -> None:
    state = machine.pop()
    machine.of(Reduced).state = state


def _set(machine: _Machine, pairs: tuple[Any, ...]) -> None:
    if not all(isinstance(key, str) for key in pairs[::2]):
        raise ValueError("a key in it is no text")
    machine.of(dict).update(zip(pairs[::2], pairs[1::2], strict=True))


def _add(machine: _Machine, values: tuple[Any, ...]) -> None:
    machine.of(list).extend(values)


def _constant(value: object) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.push(value)


def _value(machine: _Machine, argument: Any) -> None:
    machine.push(argument)


def _keep(machine: _Machine, place: Any) -> None:
    machine.kept[place] = machine.stack[-1]


def _again(machine: _Machine, place: Any) -> None:
    machine.push(machine.kept[place])


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda _machine, _argument: None,
    "MARK": _constant(_MARK),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "NONE": _constant(None),
    "NEWTRUE": _constant(True),
    "NEWFALSE": _constant(False),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "SHORT_BINSTRING", "BINSTRING"), _value),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _keep),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _again),
    "TUPLE": lambda machine, _: machine.push(machine.since_mark()),
    "TUPLE1": lambda machine, _: machine.push(machine.last(1)),
    "TUPLE2": lambda machine, _: machine.push(machine.last(2)),
    "TUPLE3": lambda machine, _: machine.push(machine.last(3)),
    "SETITEM": lambda machine, _: _set(machine, machine.last(2)),
    "SETITEMS": lambda machine, _: _set(machine, machine.since_mark()),
    "APPEND": lambda machine, _: _add(machine, machine.last(1)),
    "APPENDS": lambda machine, _: _add(machine, machine.since_mark()),
    "GLOBAL": _named,
    "REDUCE": _call,
    "BUILD": _told,
}
