"""Truncation on shares rounds up as often as it should, by counting."""

from __future__ import annotations

import numpy as np
import pytest

from ppc.field import Field
from tests.runtime.plans import signed
from tests.runtime.test_steps import BOTH, opened, run


@BOTH
@pytest.mark.parametrize("rest", [0.0, 0.125, 0.5, 0.9375])
def test_truncation_is_unbiased(rest: float, field: Field) -> None:
    """Of many alike as many are rounded up as their rest says, within five standard deviations, and form C's own 2^-16
    at most; small fields are gone through whole (test_small_primes)."""
    count, shift, offset = 20_000, 16, 2 ** (field.bits - 3)
    text = (
        opened("x", str(count), "lab")
        + f"""
        t = truncate(ex) {{"shift": {shift}, "offset": {offset}, "tuple": "t"}} : truncated[{count}] @0 ; 1
        r = reveal(t) {{"to": "lab", "grant": "all"}} : clear[{count}] @0 at lab ; 2
        b = decode(r) : clear[{count}] at lab ; 2
    """
    )
    value = -3 + rest
    found = run(field, {"x.real": np.full(count, value)}, text)
    mean = float(np.mean(signed(found.value("t"), field).astype(np.float64)))
    likely = rest + 2**-shift
    assert abs(mean - value) <= 2**-shift + 5 * np.sqrt(likely * (1 - likely) / count)
