"""Deeds that say nothing in the place of a message: silence, and the ways to leave."""

from __future__ import annotations

from collections.abc import Callable

from tests.hostile.mouth import Deed, Mouth


def then(act: Callable[[Mouth], None]) -> Deed:
    return lambda mouth, _data: act(mouth)


STALL, HANG_UP, GOODBYE = then(Mouth.stall), then(Mouth.hang_up), then(Mouth.goodbye)
RESET, HALF_CLOSE = then(Mouth.reset), then(Mouth.half_close)
