"""What a run of the app is told: by `--run-config` for all, by `--node-config` of a SuperNode for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ppc.errors import fail

Config = Mapping[str, bool | int | float | str]
NODE = {"partition-id", "num-partitions", "data", "test", "public", "checkpoint", "output", "certificates"}
UNNAMED = -1  # a seed
TRIP = 120  # seconds that a letter and its answer may take on their ways; an app that starts for it is among them


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`number` counts participants from 1. Data of a node's own belong to it whole; those of a run are shared out.
    `run` is the engine's number of this run."""

    run: int = 0
    number: int = 0
    participants: int = 0
    data: str = ""
    shared: bool = True
    test: str = ""
    public: str = ""
    each: int = 0
    seed: int = 0
    seeded: bool = False  # the run names a seed; workers of a collaborative training draw their own else
    patience: float = 120.0
    trip: float = TRIP
    weights: str = ""
    checkpoint: str = ""
    resume: bool = False
    output: str = ""
    certificates: str = ""

    @staticmethod
    def of(run: Config, node: Config | None = None, number: int = 0) -> Settings:
        """Flower's simulation says `partition-id` and `num-partitions`; so do we to SuperNodes. A model of a node's own
        goes where the node says, and nowhere if it says nothing."""
        own = node or {}
        if unknown := sorted(set(own) - NODE):
            hint = f"A node is told {', '.join(sorted(NODE))}."
            raise fail("PPC689", f"`{unknown[0]}` in the configuration of this node is not known.", hint=hint)

        def either(name: str) -> str:
            return str(own.get(name, run.get(name, "")))

        return Settings(
            run=number,
            number=_whole(own, "partition-id", -1) + 1,
            participants=_whole(own, "num-partitions", 0),
            data=either("data"),
            shared="data" not in own,
            test=either("test"),
            public=either("public"),
            each=_whole(run, "each", 0),
            seed=max(0, _whole(run, "seed", UNNAMED)),
            seeded=_whole(run, "seed", UNNAMED) >= 0,
            patience=float(_whole(run, "patience", 120)),
            trip=float(_whole(run, "trip", TRIP)),
            weights=str(run.get("weights", "")),
            checkpoint=either("checkpoint"),
            resume=bool(run.get("resume", False)),
            output=str((run if node is None else own).get("output", "")),
            certificates=str(own.get("certificates", "")),
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
