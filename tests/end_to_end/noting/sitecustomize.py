"""Loaded by every Python that has this folder on its path: notes the coins of a run, and every pass that is done.

Only so can a test compare what processes computed, bit for bit, with their twin. The file is named by `PPC_NOTES`.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ppc.runtime import dealer, party
from ppc.runtime.keys import Coins, Seed

NOTES = os.environ["PPC_NOTES"]


def note(**facts: Any) -> None:
    number = os.open(NOTES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(number, (json.dumps(facts) + "\n").encode())
    os.close(number)


def shown(seed: Seed) -> str:
    return seed._secret.hex()  # pyright: ignore[reportPrivateUsage]


_party, _run, _dealer = party.Party.__init__, party.Party.run, dealer.Dealer.__init__


def noted_party(self: Any, plan: Any, name: str, channel: Any, seed: Seed, session: bytes, **options: Any) -> None:
    coins = Seed()
    note(what="party", name=name, session=session.hex(), coins=shown(coins))
    options["coins"] = Coins(coins)
    _party(self, plan, name, channel, seed, session, **options)
    self.noted = session.hex()


def noted_run(self: Any, section: str, iteration: int, given: Any) -> Any:
    found = _run(self, section, iteration, given)
    note(what="pass", name=self.name, session=self.noted, section=section, iteration=iteration)
    return found


def noted_dealer(self: Any, plan: Any, seeds: tuple[Seed, Seed], session: bytes, **options: Any) -> None:
    own = options.pop("own", None) or Seed()
    note(what="dealer", session=session.hex(), seeds=[shown(seed) for seed in seeds], own=shown(own))
    _dealer(self, plan, seeds, session, own=own, **options)


setattr(party.Party, "__init__", noted_party)  # noqa: B010 (types do not see through it)
setattr(party.Party, "run", noted_run)  # noqa: B010
setattr(dealer.Dealer, "__init__", noted_dealer)  # noqa: B010
