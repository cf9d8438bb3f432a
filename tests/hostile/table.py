"""All behaviours."""

from __future__ import annotations

from tests.hostile import table_dealing, table_frames, table_greetings
from tests.hostile.stage import Behaviour

BEHAVIOURS: tuple[Behaviour, ...] = tuple(
    behaviour for table in (table_greetings, table_frames, table_dealing) for behaviour in table.behaviours()
)
