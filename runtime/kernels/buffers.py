"""Checks of the arrays that callers provide, and the scratch memory of the kernels.

Called by the operations before any machine code runs: a kernel itself checks nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.exceptions import TooHardError
from numpy.typing import NDArray

from ppc.errors import PpcError, fail
from ppc.field import Field, Words

_scratch = threading.local()
_EFFORT: Any = 10_000  # numpy's own type says -1 and 0 only


def wrong(name: str, problem: str, hint: str) -> PpcError:
    return fail("PPC522", f"The buffer `{name}` {problem}.", hint=hint)


def check_elements(array: Any, name: str, field: Field, *, rank: int | None = None, written: bool = False) -> None:
    """An aligned array of the field's words; two-word elements keep their words together in the last axis."""
    check_array(array, name, np.dtype(np.uint64), written=written)
    apart = field.words > 1 and (array.ndim == 0 or array.shape[-1] != field.words)
    if apart or (field.words > 1 and array.size and array.strides[-1] != 8):
        raise wrong(
            name,
            f"has shape {array.shape}, but an element of {field.name} is {field.words} neighbouring words",
            "Make it with Field.empty or Field.zeros.",
        )
    if rank is not None and array.ndim - (field.words > 1) != rank:
        raise wrong(name, f"has {array.ndim - (field.words > 1)} axes of elements; {rank} are needed", "Reshape it.")


def check_array(given: Any, name: str, kind: np.dtype[Any], *, written: bool) -> None:
    if not isinstance(given, np.ndarray):
        raise wrong(name, f"is a {type(given).__name__}, not a numpy array", "Kernels work in arrays of the caller.")
    array = cast("NDArray[Any]", given)
    if array.dtype != kind:
        raise wrong(name, f"holds {array.dtype}, not {kind}", "Field elements are unsigned 64-bit words.")
    if not array.flags.aligned or any(stride % kind.itemsize for stride in array.strides):
        raise wrong(name, f"is not aligned to {kind.itemsize} bytes", "Copy it into an array of its own.")
    if written and not array.flags.writeable:
        raise wrong(name, "may not be written", "Provide an array that owns its memory.")


def check_shape(array: Words, name: str, field: Field, shape: tuple[int, ...]) -> None:
    if array.shape != field.shape(*shape):
        found = array.shape[: len(array.shape) - (field.words > 1)]
        raise wrong(name, f"has shape {found}; {shape} is needed", "Shapes must agree before any kernel runs.")


def check_apart(out: Words, name: str, others: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """A product reads its factors many times, so they must not change under it."""
    for other_name, other in others:
        if shares_memory(out, other):
            raise wrong(name, f"shares memory with `{other_name}`", "Write into an array of its own.")


def check_own_places(out: Words, name: str) -> None:
    """No two elements of an output may be the same memory."""
    axes = sorted((abs(s), n) for s, n in zip(out.strides, out.shape, strict=True) if n > 1)
    doubtful = any(step < inner * count for (inner, count), (step, _) in pairwise([(0, 1), *axes]))
    repeated = any(step == 0 for step, _ in axes)
    if out.size and (repeated or (doubtful and _collides(out))):
        raise wrong(name, "has elements that share memory", "Write into an array without overlaps.")


def _collides(out: Words) -> bool:
    offsets = np.zeros((), np.int64)
    for stride, count in zip(out.strides, out.shape, strict=True):
        offsets = offsets[..., None] + np.arange(count, dtype=np.int64) * stride
    return np.unique(offsets).size < out.size


def shares_memory(left: NDArray[Any], right: NDArray[Any]) -> bool:
    """Whether two arrays overlap; too hard a question is answered with yes."""
    try:
        return bool(np.shares_memory(left, right, max_work=_EFFORT))
    except TooHardError:
        return True


def scratch(name: str, words: int) -> Words:
    """This thread's room of that name, at least `words` long, at the border of a cache line. Its content is stale."""
    rooms: dict[str, Words] = _scratch.__dict__
    room = rooms.get(name)
    if room is None or room.size < words:
        room = aligned(words)
        rooms[name] = room
    return room


def aligned(words: int) -> Words:
    """A new array at the border of a cache line."""
    memory = np.empty(words + 8, np.uint64)
    start = (-memory.ctypes.data % 64) // 8
    return memory[start : start + words]
