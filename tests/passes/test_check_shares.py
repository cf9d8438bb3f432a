"""Where each party shifts its own share, the shares must be uniform: plans that keep the rule, and that break it."""

from __future__ import annotations

import pytest

from ppc.passes.checks.rules import Rule
from tests.handmade_plans import broken, edited, written


def shifted(*lines: str, of: str, setup: str = "") -> str:
    """`of` is a value within ±2^16 at scale 8."""
    each = """
        a.real = given() {"what": "data"} : clear[2] within -1.0..1.0 at hospital ; 0
        a = encode(a.real) {"scale": 8} : clear[2] @8 in -256..256 at hospital ; 0
        b.real = given() {"what": "data"} : clear[2] within -1.0..1.0 at lab ; 0
        b = encode(b.real) {"scale": 8} : clear[2] @8 in -256..256 at lab ; 0
        a.e = mask(a) {"mask": "m.a"} : masked[2] @8 in -256..256 ; 1
        b.e = mask(b) {"mask": "m.b"} : masked[2] @8 in -256..256 ; 1
        z = product(a.e, b.e) {"map": "multiply", "share": "s.z"} : shared[2] @16 in -65536..65536 ; 1
        z.t = truncate_local(z) {"offset": 65536, "shift": 8} : shared[2] @8 in -256..257 ; 1
    """
    last = f'shifted = truncate_local({of}) {{"offset": 65536, "shift": 4}} : shared[2] @4 in -33..33 ; 1'
    return written(setup=setup, each="\n".join((each, *lines, last)), field="mersenne127")


SHIFTED = {
    "a sum of one number from each": (("s = add(a, b) : shared[2] @8 in -512..512 ; 0",), False),
    "a sum with a fresh one": (("s = add(z.t, b) : shared[2] @8 in -512..513 ; 1",), True),
    "a difference with itself": (("s = subtract(z.t, z.t) : shared[2] @8 in -513..513 ; 1",), False),
    "no more of it": (
        ('n = times(z.t) {"factor": 0} : shared[2] @8 in 0..0 ; 1', "s = add(n, b) : shared[2] @8 in -256..256 ; 1"),
        False,
    ),
    "opened by the second": (("s = add(b.e, a) : shared[2] @8 in -512..512 ; 1",), True),
    "opened by the first": (("s = add(a.e, b) : shared[2] @8 in -512..512 ; 1",), False),
}


@pytest.mark.parametrize("name", SHIFTED)
def test_only_uniform_shares_are_shifted(name: str) -> None:
    lines, good = SHIFTED[name]
    text = shifted(*lines, of="s")
    if "; round 1" not in text.split("    s = ")[1].split("\n")[0]:
        text = text.replace("in -33..33 ; round 1", "in -33..33 ; round 0")

    assert broken(text) == (set() if good else {Rule.UNIFORM})


def carried(first: str) -> str:
    """A weight that starts as the lab's own number, or opened under its mask."""
    setup = """
        w.real = given() {"what": "parameter"} : clear[2] within -1.0..1.0 at lab ; 0
        w.own = encode(w.real) {"scale": 8} : clear[2] @8 in -256..256 at lab ; 0
        w.open = mask(w.own) {"mask": "m.w"} : masked[2] @8 in -256..256 ; 1
    """
    text = shifted(of="w", setup=setup).replace("in -33..33 ; round 1", "in -33..33 ; round 0")
    text = text.replace("in -33..33", "in -17..18")
    return edited(text, ("  each {\n", f"  each {{\n    carry w = {first} then z.t : shared[2] @8 in -256..257\n"))


def test_a_carried_value_is_uniform_from_the_start() -> None:
    assert broken(carried("w.open")) == set()
    assert broken(carried("w.own")) == {Rule.UNIFORM}
