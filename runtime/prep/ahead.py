"""Items that a thread makes a little before they are asked for: never more than `depth` of them wait.

What goes wrong in the thread goes wrong at whoever asks next.
"""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_LOOK = 0.1  # seconds between two looks at whether anybody still wants items


class _End:
    """Behind the last item: the error that ended them, if one did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Ahead(Generic[_Item]):
    """An iterator over the same items. To be closed, so that the thread ends."""

    def __init__(self, items: Iterator[_Item], depth: int = 1) -> None:
        self._queue: Queue[_Item | _End] = Queue(depth)
        self._items, self._closed = items, Event()
        self._thread = Thread(target=self._make, daemon=True)
        self._thread.start()

    def __iter__(self) -> Ahead[_Item]:
        return self

    def __next__(self) -> _Item:
        while not self._closed.is_set():
            try:
                found = self._queue.get(timeout=_LOOK)
            except Empty:
                continue
            if isinstance(found, _End):
                self._closed.set()
                if found.error is not None:
                    raise found.error
                break
            return found
        raise StopIteration

    def close(self, *, wait: bool = True) -> None:
        """Nothing more is wanted. The thread ends after the item that it makes."""
        self._closed.set()
        if wait:
            self._thread.join()

    def _make(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
            self._put(_End())
        except BaseException as error:
            self._put(_End(error))

    def _put(self, item: _Item | _End) -> bool:
        while not self._closed.is_set():
            try:
                self._queue.put(item, timeout=_LOOK)
            except Full:
                continue
            return True
        return False
