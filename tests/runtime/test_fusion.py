"""Steps that the plan marks `inline` become part of their readers' passes: the same values, bit for bit."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ppc.field import Field
from ppc.plan.steps import Plan, Section, Step
from ppc.runtime import dealer, party
from tests.elements import LARGE_FIELDS
from tests.runtime.plans import plan_of, same_as_twin

TEXT = """
    x.real = given() {"what": "data"} : clear[4, 33] within -4.0..4.0 at hospital ; 0
    x = encode(x.real) : clear[4, 33] @16 at hospital ; 0
    y.real = given() {"what": "data"} : clear[4, 33] within -4.0..4.0 at lab ; 0
    y = encode(y.real) : clear[4, 33] @16 at lab ; 0
    r.real = given() {"what": "data"} : clear[33] within -4.0..4.0 at lab ; 0
    r = encode(r.real) : clear[33] @16 at lab ; 0
    s = add(x, y) : shared[4, 33] @16 ; 0
    s2 = times(s) {"factor": 3} : shared[4, 33] @16 ; 0
    es = mask(s2) {"mask": "m"} : masked[4, 33] @16 ; 1
    z = product(es, es) {"map": "multiply", "share": "p"} : shared[4, 33] @32 ; 1
    z2 = add_channel(z, r) : shared[4, 33] @32 ; 1
    z3 = offset(z2) {"constant": -1234567} : shared[4, 33] @32 ; 1
    ez = mask(z3) {"mask": "m2"} : masked[4, 33] @32 ; 2
    t = truncate(ez) {"shift": 16, "offset": 1099511562240, "tuple": "t"} : truncated[4, 33] @16 ; 2
    d = digits(ez) {"shift": 16, "digits": 6, "offsets": [1099511562240], "tuple": "u", "bits": "b"} : digits[4, 33] ; 3
    c = bit(d) {"bits": "b2", "share": "q"} : bit[4, 33] ; 4
    a = select(c, t) {"slopes": [1], "knots": [0], "share": "v"} : shared[4, 33] @16 ; 4
    a2 = subtract(a, t) : shared[4, 33] @16 ; 4
    a3 = add_channel(a2, r) : shared[4, 33] @16 ; 4
    ea = mask(a3) {"mask": "m3"} : masked[4, 33] @16 ; 5
    q = polynomial(ea) {"coefficients": [1, 2, 3], "share": "w"} : shared[4, 33] @32 ; 5
    q2 = reshape(q) : shared[132] @32 ; 5
    out = reveal(q2) {"to": "both", "grant": "g"} : public[132] @32 ; 6
"""
INLINE = {"s", "s2", "z", "z2", "z3", "a", "a2", "a3", "q"}


def marked(plan: Plan) -> Plan:
    def mark(step: Step) -> Step:
        return replace(step, attrs={**step.attrs, "inline": True}) if step.name in INLINE else step

    def of(section: Section) -> Section:
        return replace(section, steps=tuple(map(mark, section.steps)))

    return replace(plan, sections=tuple(map(of, plan.sections)))


@pytest.mark.parametrize("field", LARGE_FIELDS, ids=lambda field: field.name)
def test_inline_steps(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under one name for both plans, so that all draws are the same."""

    def same_name(_plan: Plan) -> str:
        return "the same"

    for module in (party, dealer):
        monkeypatch.setattr(module, "artifact_hash", same_name)
    plain = plan_of(field, each=TEXT)
    rng = np.random.default_rng(5)
    given = {name: rng.uniform(-4, 4, (4, 33)) for name in ("x.real", "y.real")} | {"r.real": rng.uniform(-4, 4, 33)}
    fused = marked(plain)
    assert sum(json.dumps(dict(step.attrs)).count("inline") for step in fused.steps()) == len(INLINE)
    first, second = same_as_twin(plain, given), same_as_twin(fused, given)
    for name in ("es", "ez", "d", "c", "ea", "out"):
        assert np.array_equal(first.opened(name), second.opened(name)), name
    assert isinstance(second.held["lab", "each", 0, "a3"], np.ndarray)
