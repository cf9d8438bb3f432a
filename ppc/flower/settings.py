"""What a run of the app is told: by `--run-config` for all, by `--node-config` of a SuperNode for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ppc.errors import fail

Config = Mapping[str, bool | int | float | str]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`number` counts participants from 1. Data of a node's own belong to it whole; those of a run are shared out."""

    number: int = 0
    participants: int = 0
    data: str = ""
    shared: bool = True
    test: str = ""
    each: int = 0
    seed: int = 0
    patience: float = 120.0
    weights: str = ""
    checkpoint: str = ""
    resume: bool = False
    output: str = ""

    @staticmethod
    def of(run: Config, node: Config | None = None) -> Settings:
        """Flower's simulation says `partition-id` and `num-partitions`; so do we to SuperNodes."""
        own = node or {}
        return Settings(
            number=_whole(own, "partition-id", -1) + 1,
            participants=_whole(own, "num-partitions", 0),
            data=str(own.get("data", run.get("data", ""))),
            shared="data" not in own,
            test=str(own.get("test", run.get("test", ""))),
            each=_whole(run, "each", 0),
            seed=_whole(run, "seed", 0),
            patience=float(_whole(run, "patience", 120)),
            weights=str(run.get("weights", "")),
            checkpoint=str(own.get("checkpoint", run.get("checkpoint", ""))),
            resume=bool(run.get("resume", False)),
            output=str(run.get("output", "")),
        )

    @property
    def kept(self) -> Path | None:
        return Path(self.checkpoint) if self.checkpoint else None


def _whole(config: Config, name: str, otherwise: int) -> int:
    try:
        return int(config.get(name, otherwise))
    except ValueError:
        hint = f"Write `{name}=1`."
        raise fail("PPC689", f"`{name}` is no whole number in the configuration.", hint=hint) from None
