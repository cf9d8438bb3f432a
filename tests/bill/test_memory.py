"""Peaks of small plans, worked out by hand."""

from __future__ import annotations

from ppc.bill.memory import peak
from tests.bill.plans import TRAINING, dense, plan

BYTES = 8


def test_a_value_is_held_until_it_is_last_read() -> None:
    """Never more than two of these three; the first one is gone when the third is made."""
    chain = plan(
        """
        a = given() {"what": "data"} : clear[100] @8 in 0..1 at client ; round 0 a input 3:1-3:9
        b = add(a, a) : clear[100] @8 in 0..2 at client ; round 0 a forward 3:1-3:9
        c = add(b, b) : clear[100] @8 in 0..4 at client ; round 0 a forward 3:1-3:9
        d = add(c, c) : clear[100] @8 in 0..8 at client ; round 0 a forward 3:1-3:9
        result d = d to client
        """
    )

    assert peak(chain, chain.sections[0]).roles == (200 * BYTES, 0, 0)


def test_a_value_that_leaves_is_held_to_the_end() -> None:
    leaving = plan(
        """
        a = given() {"what": "data"} : clear[100] @8 in 0..1 at client ; round 0 a input 3:1-3:9
        b = add(a, a) : clear[100] @8 in 0..2 at client ; round 0 a forward 3:1-3:9
        c = add(b, b) : clear[100] @8 in 0..4 at client ; round 0 a forward 3:1-3:9
        result a = a to client
        result c = c to client
        """
    )

    assert peak(leaving, leaving.sections[0]).roles == (300 * BYTES, 0, 0)


def test_what_is_computed_inside_of_a_loop_is_never_held() -> None:
    text = """
        a = given() {{"what": "data"}} : clear[100] @8 in 0..1 at client ; round 0 a input 3:1-3:9
        b = add(a, a) {{{inline}}} : clear[100] @8 in 0..2 at client ; round 0 a forward 3:1-3:9
        c = add(b, b) : clear[100] @8 in 0..4 at client ; round 0 a forward 3:1-3:9
        """
    apart, inside = (plan(text.format(inline=word)) for word in ("", '"inline": true'))

    assert peak(apart, apart.sections[0]).roles[0] - peak(inside, inside.sections[0]).roles[0] == 0
    assert peak(inside, inside.sections[0]).at == "c"


def test_weights_stay_while_batches_come_and_go() -> None:
    """Setup's masked weights: the opened value at both, the mask at the server that made it, and at the dealer."""
    whole = dense()
    client, server, dealer = peak(whole, whole.section("each")).roles

    assert client >= 6 * BYTES
    assert server >= 2 * 6 * BYTES
    assert dealer >= 6 * BYTES


def test_the_busiest_step_is_named() -> None:
    found = peak(TRAINING, TRAINING.section("each"))

    assert found.at in TRAINING.by_name
    assert all(found.roles)
