"""What an iteration of the paper's nets sends, layer by layer: its Tables 6 and 7, at every level. For bench.training.

An iteration is run with batch 128 twice: in one process, where what goes over the channel is counted layer by layer
(the values that were opened for products, as the paper counts them, and all bytes of the party that sends more,
truncations and checks of ranges with them); and as two processes over TLS, which count what they send, with the shares
of inputs and weights before it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.three_roles import ThreeRoles
from bench.training_programs import ROOT, saved
from ppc.compiler import compile_program
from ppc.data import examples
from ppc.protocol import lowered
from tests.plan_runs import carried, counted, some_values

PAPER = {"shallow_cubic": (6, 13_174_048, 4_178_720), "deep_cubic": (7, 29_556_128, 5_144_416)}
LEVELS = (0, 1, 2)
BATCH = 128


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One iteration of a net at a level: values for products by layer and phase, and everything in bytes. `predicted`
    and `over_tls` are of each party of a whole run of one iteration."""

    net: str
    level: int
    values: dict[str, int]
    megabytes: float
    rounds: int
    predicted: tuple[int, int]
    over_tls: tuple[int, int]


def measured(net: str, level: int) -> Sent:
    compiled = compile_program(path_of(net).read_text("utf-8"), train=True, batch=BATCH)
    plan = lowered(compiled, level=level).plan
    outcome = counted(plan, some_values(compiled.graph, np.random.default_rng(1)), timeout=300.0)
    predicted, over_tls = by_processes(net, level)
    return Sent(
        net=net,
        level=level,
        values={f"{layer}, {phase}": count for (layer, phase), count in carried(plan, outcome).items()},
        megabytes=max(outcome.meter.bytes_sent(party, "each") for party in plan.parties) / 1e6,
        rounds=len({number for section, number, _ in outcome.meter.frames if section == "each"}),
        predicted=predicted,
        over_tls=over_tls,
    )


def path_of(net: str) -> Path:
    return ROOT / f"examples/{net}.pnn"


def by_processes(net: str, level: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """What each party sends of a training of one iteration: as `ppc party` foretells it, and as it counted it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        saved(folder / "data.npz", examples(f"digits28:{BATCH}"))
        roles = ThreeRoles(folder=folder, program=path_of(net), level=level)
        said = roles.on_files(folder / "data.npz", roles.deal(BATCH))["client"].said
    predicted, found = said["predicted"]["sent"], said["measured"]["sent"]
    return (predicted[0], predicted[1]), (found[0], found[1])


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
        for party, name in enumerate(("bytes of client, TLS", "bytes of server, TLS")):
            yield f"{name:<24}" + "".join(f"{one.over_tls[party]:>14,}" for one in levels)
        same = all(one.predicted == one.over_tls for one in levels)
        yield "as `ppc party` predicts them" if same else "NOT as `ppc party` predicts them"
        yield ""
