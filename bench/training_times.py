"""An iteration of the paper's shallow net, batch 128: float, in the field at one party, private; and beside CrypTen.

Called by bench.training. All in turns on this machine, a thread for each process; the medians of all turns count.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch.nn import functional

from bench.peer_plans import BY_NAME, plan_of
from bench.peer_runs import carry_out, inputs
from bench.peer_tables import Row
from bench.peers import in_turns
from bench.three_roles import ThreeRoles
from bench.training_programs import ROOT, learned, saved
from ppc.data import examples
from ppc.learning import Network
from ppc.runtime.unshared import Unshared

BATCH = 128
WARM = 3
FLOAT, FIELD, ONLINE, FILES, STREAM = "float", "field", "online", "files", "all-in"
WORDS = {
    FLOAT: "torch float32",
    FIELD: "the same integers at one party",
    ONLINE: "private, corrections at the server",
    FILES: "private, from the dealer's files",
    STREAM: "private, a live dealer on the same cores",
}
PAPER = "the paper: 1 : 114 : 860 with a cubic, and 1 : 99 in the field with the exact ReLU"


def ratios(turns: int, steps: int) -> dict[str, list[float]]:
    """Seconds of iterations, by what was timed."""
    found: dict[str, list[float]] = {kind: [] for kind in WORDS}
    for _ in range(turns):
        found[FLOAT] += in_float(steps)
        found[FIELD] += in_field(steps)
        shared = carry_out(BY_NAME["W4s"], online=steps, stream=steps + WARM)
        found[ONLINE] += shared.seconds("online")
        found[STREAM] += shared.seconds("stream")
        found[FILES] += from_files(steps)
    return found


def in_float(steps: int) -> list[float]:
    """PyTorch with one thread: forward, backward, the step."""
    torch.set_num_threads(1)
    network = Network(learned((ROOT / "examples/shallow_train.pnn").read_text("utf-8")))
    weights = {name: tensor.requires_grad_() for name, tensor in network.initial(1).items()}
    rule = torch.optim.SGD(list(weights.values()), lr=0.01)
    images, labels = torch.rand(BATCH, 1, 28, 28), torch.randint(0, 10, (BATCH,))

    def step() -> None:
        rule.zero_grad()
        scores = network.forward(weights, {network.data: images}, training=True)
        functional.cross_entropy(scores, labels).backward()
        rule.step()

    return [_seconds(step) for _ in range(WARM + steps)][WARM:]


def in_field(steps: int) -> list[float]:
    """The plan of the private iteration, in the clear, with its kernels and its roundings."""
    plan = plan_of(BY_NAME["W4s"])
    given = {name: value for party in plan.parties for name, value in inputs(plan, party).items()}
    party = Unshared(plan)
    party.run("setup", 0, given)
    return [_seconds(lambda turn=turn: party.run("each", turn, given)) for turn in range(WARM + steps)][WARM:]


def _seconds(act: Callable[[], object]) -> float:
    start = perf_counter()
    act()
    return perf_counter() - start


def from_files(steps: int) -> list[float]:
    """`ppc party` twice, with files that `ppc deal` made before: read, unsealed and expanded in the loop."""
    count = BATCH * (WARM + steps)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = folder / "shallow.pnn"
        program.write_text((ROOT / "examples/shallow_train.pnn").read_text("utf-8"), "utf-8")
        saved(folder / "data.npz", examples(f"digits28:{count}"))
        roles = ThreeRoles(folder=folder, program=program)
        roles.on_files(folder / "data.npz", roles.deal(count))
        return roles.passes("server")[WARM:]


def told(found: dict[str, list[float]]) -> Iterator[str]:
    base = median(found[FLOAT])
    yield f"{'an iteration of the shallow net, batch 128':<44}{'ms':>8}{'fastest':>9}{'ratio':>8}"
    for kind, words in WORDS.items():
        middle, best = median(found[kind]), min(found[kind])
        yield f"{words:<44}{1e3 * middle:>8.1f}{1e3 * best:>9.1f}{middle / base:>8.1f}"
    yield PAPER


# ---- beside CrypTen ----


def beside(options: argparse.Namespace) -> list[Row]:
    """Both nets, as bench.peers does it."""
    settings = argparse.Namespace(
        crypten=options.crypten, spu=None, rounds=options.turns, repeat=options.steps, limit=0.0, threads=1
    )
    return [row for name in ("W4s", "W4d") for row in in_turns(BY_NAME[name], settings)]
