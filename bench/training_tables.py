"""What an iteration of the paper's nets sends, layer by layer: its Tables 6 and 7, at every level. For bench.training.

An iteration is run with batch 128, and what went over the channel is counted: the values that were opened for products,
as the paper counts them, and all bytes of the party that sends more, truncations and checks of ranges with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.training_programs import ROOT
from ppc.compiler import compile_program
from ppc.protocol import lowered
from tests.plan_runs import carried, counted, some_values

PAPER = {"shallow_cubic": (6, 13_174_048, 4_178_720), "deep_cubic": (7, 29_556_128, 5_144_416)}
LEVELS = (0, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One iteration of a net at a level: values for products by layer and phase, and everything in bytes."""

    net: str
    level: int
    values: dict[str, int]
    megabytes: float
    rounds: int


def measured(net: str, level: int, batch: int = 128) -> Sent:
    compiled = compile_program((ROOT / f"examples/{net}.pnn").read_text("utf-8"), train=True, batch=batch)
    plan = lowered(compiled, level=level).plan
    outcome = counted(plan, some_values(compiled.graph, np.random.default_rng(1)), timeout=300.0)
    return Sent(
        net=net,
        level=level,
        values={f"{layer}, {phase}": count for (layer, phase), count in carried(plan, outcome).items()},
        megabytes=max(outcome.meter.bytes_sent(party, "each") for party in plan.parties) / 1e6,
        rounds=len({number for section, number, _ in outcome.meter.frames if section == "each"}),
    )


def told(found: list[Sent]) -> Iterator[str]:
    for net, (table, baseline, optimised) in PAPER.items():
        levels = [one for one in found if one.net == net]
        yield f"{net}: table {table}, values opened for products in an iteration, by the party that opens more"
        yield f"{'':<24}" + "".join(f"{f'-O{one.level}':>14}" for one in levels)
        for row in dict.fromkeys(row for one in levels for row in one.values):
            yield f"{row:<24}" + "".join(f"{one.values.get(row, 0):>14,}" for one in levels)
        yield f"{'in all':<24}" + "".join(f"{sum(one.values.values()):>14,}" for one in levels)
        yield f"{'the paper':<24}{baseline:>14,}{optimised:>14,}"
        yield f"{'MB sent, with the rest':<24}" + "".join(f"{one.megabytes:>14,.1f}" for one in levels)
        yield f"{'rounds':<24}" + "".join(f"{one.rounds:>14}" for one in levels)
        yield ""
