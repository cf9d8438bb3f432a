"""The program that two parties compare votes with: what it answers, what it opens, what it costs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ppc import winner_program
from ppc.errors import PpcError
from ppc.field import Words
from ppc.ir.collaborative import GRID, Collaborative, Pate
from ppc.passes.checks.verdict import accepted
from ppc.plan.text import parse, show
from ppc.runtime.roles.brought import Brought, given
from ppc.runtime.roles.request import Request, stretches
from ppc.runtime.session import run_in_memory
from ppc.sharing import shares, signed, total

FACTS = Collaborative(model="net", workers=40, epochs=1)
PATE = Pate(data="public", noise="gaussian", amount=4.0, queries=30, delta=1e-3, student="net", opened="winner")


def compared(counts: NDArray[np.int64], pate: Pate = PATE) -> list[int]:
    """By both parties in one process, from shares of the counts."""
    plan = winner_program.made(FACTS, pate, counts.shape[1]).plan
    ours, theirs = shares(counts, 2)
    given = {"aggregator": theirs, "server": ours}
    out = run_in_memory(plan, {name: lambda *_, name=name: {"histogram": given[name]} for name in plan.parties})
    assert out.result("aggregator", "each") == {}
    return np.asarray(out.result("server", "each")["result"]).astype(int).tolist()


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_winners_of_shares_are_those_of_the_histogram(classes: int) -> None:
    """To the last digit of the noise, and down to the least count that an honest worker may bring about."""
    coins = np.random.default_rng(classes)
    reach = PATE.reach(FACTS.workers) << GRID
    counts = coins.integers(-reach, reach, (30, classes), endpoint=True)
    counts[10:20] = coins.integers(-2, 3, (10, classes))
    counts[20] = -reach
    counts[21] = reach
    counts[22] = -reach
    counts[22, -1] = 1 - reach
    counts[23] = reach
    counts[23, 0] = reach - 1

    assert compared(counts) == counts.argmax(1).tolist()


def test_of_equal_counts_the_first_class_wins() -> None:
    counts = np.zeros((30, 10), np.int64)
    counts[1, 3:] = 5 << GRID
    counts[2, [4, 9]] = 1
    counts[3] = -7

    assert compared(counts)[:4] == [0, 3, 4, 0]


def test_the_winner_is_all_that_is_opened() -> None:
    plan = winner_program.made(FACTS, PATE, 10).plan
    reveals = [step for step in plan.steps() if step.op == "reveal"]

    assert [(step.word("to"), step.wire.shape, step.word("grant")) for step in reveals] == [("server", (30,), "result")]
    assert winner_program.told(FACTS, PATE, 10) == [("aggregator", 0), ("server", 30)]


def test_all_three_roles_compile_one_program() -> None:
    bundles = [winner_program.bundle_of(FACTS, PATE, 10, role) for role in ("client", "server", "dealer")]

    assert len({one.hash for one in bundles}) == 1
    assert [one.party for one in bundles] == ["aggregator", "server", "dealer"]


def test_many_queries_are_compared_in_several_passes_and_the_last_is_padded_with_shares_of_nothing() -> None:
    pate = Pate(data="public", noise="gaussian", amount=4.0, queries=3000, delta=1e-3, student="net", opened="winner")
    bundle = winner_program.bundle_of(FACTS, pate, 3, "server")
    (run,) = stretches(bundle, Request(examples=1500))
    share: Words = np.arange(4500, dtype=np.uint64).reshape(1500, 3)
    values = given(run, "server", Brought(shares={"histogram": share}))

    assert (run.iterations, run.plan.batch) == (2, winner_program.AT_ONCE)
    assert (values("each", 0)["histogram"] == share[:1024]).all()
    last = values("each", 1)["histogram"]
    assert last.dtype == np.uint64
    assert last[:476].tolist() == share[1024:].tolist()
    assert not last[476:].any()


def test_a_histogram_on_shares_is_given_in_every_iteration_only() -> None:
    plan = winner_program.made(FACTS, PATE, 3).plan
    moved = show(plan).replace("  each {", "  setup {")

    with pytest.raises(PpcError, match="is given on shares"):
        accepted(parse(moved))


def test_what_a_letter_cannot_carry_is_refused() -> None:
    pate = Pate(data="public", noise="gaussian", amount=4.0, queries=1_677_721, delta=1e-3, student="net")

    assert pate.unsendable(10) is None
    assert pate.unsendable(11) is not None


def test_a_share_alone_is_uniform() -> None:
    """Whatever the votes: of many drawings every tenth of the field is hit about equally often, at either party."""
    counts = np.full((20_000,), -3 << GRID)
    for share in shares(counts, 2):
        hits = np.bincount((share // np.uint64((1 << 61) // 10 + 1)).astype(np.int64), minlength=10)
        assert hits.min() > 1_650  # eight deviations
        assert hits.max() < 2_350
    assert signed(total(shares(counts, 2))).tolist() == counts.tolist()
