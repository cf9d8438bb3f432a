"""A party's end of the dealer that is there while it runs: one seed, and for the server corrections.

The dealer sends each party its seed in a parcel of its own, then the server the parcels of every stretch.
"""

from __future__ import annotations

from secrets import token_bytes
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ppc.runtime.keys import Seed
from ppc.runtime.parcel import Layout
from ppc.runtime.party import Supply
from ppc.runtime.roles.request import SEED_BYTES, Stretch
from ppc.runtime.wire.link import Link
from ppc.runtime.wire.supply import SEED_PASS, DealtSupply


class Dealt(Protocol):
    """Where a party's secrets come from."""

    received: int  # bytes, without headers

    def stretch(self, stretch: Stretch, session: bytes) -> tuple[Seed, bytes, Supply | None]:
        """For the next stretch: the seed, what it is salted with, and for the server its corrections."""
        ...

    def seeds(self, stretches: int) -> int:
        """How many a run of so many stretches is sent."""
        ...

    def close(self) -> None: ...


class NoDealt:
    """Where nothing is computed on shares there is no dealer, and no secret of one."""

    received = 0

    def stretch(self, stretch: Stretch, session: bytes) -> tuple[Seed, bytes, Supply | None]:
        return Seed(token_bytes(SEED_BYTES)), stretch.session(session), None  # a seed of which nothing is drawn

    def seeds(self, stretches: int) -> int:  # noqa: ARG002 - as many as of any other run
        return 0

    def close(self) -> None:
        pass


class LiveDealt:
    """From a dealer at the other end of a link. `first` is the party that needs no corrections."""

    def __init__(self, link: Link, *, first: bool, idle: float) -> None:
        self.link, self.first, self.idle, self.received = link, first, idle, 0
        self._supply = DealtSupply(link, {SEED_PASS[0]: SEED_BYTES}, [SEED_PASS], idle=idle)
        try:
            self._seed = Seed(self._supply(*SEED_PASS).tobytes())
        except BaseException:
            self.close()
            raise
        self.received += SEED_BYTES
        if first:
            self.close()

    def __repr__(self) -> str:
        return "LiveDealt(hidden)"

    def stretch(self, stretch: Stretch, session: bytes) -> tuple[Seed, bytes, Supply | None]:
        return self._seed, stretch.session(session), None if self.first else self._corrections(stretch)

    def seeds(self, stretches: int) -> int:  # noqa: ARG002 - one serves all
        return 1

    def _corrections(self, stretch: Stretch) -> Supply:
        sizes = {section.name: Layout(stretch.plan, section).bytes for section in stretch.plan.sections}
        self._supply = dealt = DealtSupply(self.link, sizes, stretch.passes, idle=self.idle)

        def supply(section: str, iteration: int) -> NDArray[np.uint8]:
            found = dealt(section, iteration)
            self.received += found.nbytes
            return found

        return supply

    def close(self) -> None:
        self._supply.close()
