"""What a party sees, and that it tells nothing: every opened value is uniform, whatever the secrets are.

By enumeration over tiny primes: for each secret, all draws of the dealer and the parties lead to all views of a party,
each exactly once. So the view of a run with one secret is that with any other. In the real field, by statistics.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ppc.field import MERSENNE13, MERSENNE31, MERSENNE61, MERSENNE127, Field, Words
from tests.runtime.plans import PARTIES, Transcript, distinct, plan_of, run
from tests.runtime.small import TINY, all_of, chosen, is_every_one_once

pytestmark = pytest.mark.usefixtures("tiny_fields")
SEVEN, THIRTY_ONE = TINY[3], TINY[5]
Column = Words | NDArray[np.int64]


def secret(size: int, *names: str) -> str:
    """Values that nobody knows: sums of one of each party's."""
    lines: list[str] = []
    for name in names:
        lines += [
            f'{name}.{at} = given() {{"what": "data"}} : clear[{size}] at {at} ; 0\n'
            f"{name}.of_{at} = encode({name}.{at}) : clear[{size}] @0 at {at} ; 0"
            for at in PARTIES
        ]
        lines.append(f"{name} = add({name}.of_hospital, {name}.of_lab) : shared[{size}] @0 ; 0")
    return "\n".join(lines)


def values(size: int, **numbers: int) -> dict[str, NDArray[np.float64]]:
    """The hospital has the number, the lab has zero."""
    return {
        f"{name}.{at}": np.full(size, number if at == "hospital" else 0.0)
        for name, number in numbers.items()
        for at in PARTIES
    }


def held(found: Transcript, party: str, name: str, part: str) -> Words:
    return getattr(found.held[party, "each", 0, name], part)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 5), (6, 6)])
@pytest.mark.parametrize("into", [True, False])
def test_a_product_and_its_opening(into: bool, x: int, y: int) -> None:
    """Section 2 at p = 7, for both parties: opened values, own shares of all masks, own share of the dealer's."""
    names = [("hospital", "mx"), ("lab", "mx"), ("hospital", "my"), ("lab", "my"), ("hospital", "mz"), ("lab", "mz")]
    names += [] if into else [("hospital", "s")]
    columns = all_of(*[SEVEN.modulus] * len(names))
    size = columns[0].size
    ending = '"into": "mz"' if into else '"share": "s"'
    text = (
        secret(size, "x", "y")
        + f"""
        ex = mask(x) {{"mask": "mx"}} : masked[{size}] @0 ; 1
        ey = mask(y) {{"mask": "my"}} : masked[{size}] @0 ; 1
        z = product(ex, ey) {{"map": "multiply", {ending}}} : shared[{size}] @0 ; 1
        ez = mask(z) {{"mask": "mz"}} : masked[{size}] @0 ; 2
    """
    )
    with chosen(SEVEN, dict(zip(names, columns, strict=True))):
        found = run(plan_of(SEVEN, each=text), values(size, x=x - 7 * (x > 3), y=y - 7 * (y > 3)), seed=1)
    assert distinct(found.value("z")) == {x * y % 7}
    for party in PARTIES:
        view = [held(found, party, e, part) for e in ("ex", "ey", "ez") for part in ("opened", "mask")]
        if not into:
            view.append(dealt_share(found, party))
        assert is_every_one_once(view, SEVEN.modulus)


def dealt_share(found: Transcript, party: str) -> Words:
    """What the dealer gave for a product: its share, less what the party computed itself."""
    p, first = SEVEN.modulus, party == "hospital"
    ex, ey, mx, my = (held(found, party, e, part).astype(int) for part in ("opened", "mask") for e in ("ex", "ey"))
    own = (ex - mx) * (ey - my) if first else -ex * my - mx * ey
    return ((found.held[party, "each", 0, "z"].astype(int) - own) % p).astype(np.uint64)


@pytest.mark.parametrize("x", [-8, -3, 0, 5, 7])
def test_a_truncation(x: int) -> None:
    """Section 4 at p = 31: the opened value and the own shares of R and ρ are uniform together."""
    names = [("hospital", "m"), ("lab", "m")]
    upper = all_of(*[THIRTY_ONE.modulus] * 3)
    size = upper[0].size
    zero = np.zeros(size, np.int64)
    draws = {names[0]: upper[0], names[1]: zero, ("hospital", "t"): np.concatenate(upper[1:])}
    text = (
        secret(size, "x")
        + f"""
        e = mask(x) {{"mask": "m"}} : masked[{size}] @0 ; 1
        t = truncate(e) {{"shift": 2, "offset": 8, "tuple": "t"}} : truncated[{size}] @0 ; 1
    """
    )
    with chosen(THIRTY_ONE, draws):
        found = run(plan_of(THIRTY_ONE, each=text), values(size, x=x), seed=1)
    for party in PARTIES:
        view: list[Column] = [held(found, party, "t", part) for part in ("opened", "upper", "reached")]
        assert is_every_one_once(view, THIRTY_ONE.modulus)


def test_a_polynomial_s_shares() -> None:
    """Section 3 at p = 31: the opened value and the own shares of λ² and λ³."""
    columns = all_of(*[THIRTY_ONE.modulus] * 3)
    size = columns[0].size
    draws = {("hospital", "m"): columns[0], ("hospital", "s"): np.concatenate(columns[1:])}
    text = (
        secret(size, "x")
        + f"""
        e = mask(x) {{"mask": "m"}} : masked[{size}] @0 ; 1
        square = polynomial(e) {{"coefficients": [0, 0, 1], "share": "s2"}} : shared[{size}] @0 ; 1
        cube = polynomial(e) {{"coefficients": [0, 0, 1, 1], "share": "s"}} : shared[{size}] @0 ; 1
    """
    )
    for x in (-7, 0, 11):
        with chosen(THIRTY_ONE, draws):
            found = run(plan_of(THIRTY_ONE, each=text), values(size, x=x), seed=1)
        assert is_every_one_once(columns, THIRTY_ONE.modulus)
        opened = held(found, "lab", "e", "opened")
        assert np.all(np.bincount(opened.astype(int)) == size // THIRTY_ONE.modulus)


# ---- statistics on real runs ----

N = 20_000
EVERYTHING = """
    ex = mask(x) {"mask": "mx"} : masked[SIZE] @0 ; 1
    ey = mask(y) {"mask": "my"} : masked[SIZE] @0 ; 1
    z = product(ex, ey) {"map": "multiply", "into": "mz"} : shared[SIZE] @0 ; 1
    ez = mask(z) {"mask": "mz"} : masked[SIZE] @0 ; 2
    t = truncate(ez) {"shift": 2, "offset": OFFSET, "tuple": "t"} : truncated[SIZE] @0 ; 2
    d = digits(ez) {"shift": 2, "digits": DIGITS, "offsets": [OFFSET], "tuple": "u", "bits": "b"} : digits[SIZE] ; 3
    c = bit(d) {"bits": "b2", "share": "s"} : bit[SIZE] ; 4
    a = select(c, t) {"slopes": [1], "knots": [0], "share": "s2"} : shared[SIZE] @0 ; 4
    ea = mask(a) {"mask": "ma"} : masked[SIZE] @0 ; 5
    q = polynomial(ea) {"coefficients": [0, 0, 1], "share": "s3"} : shared[SIZE] @0 ; 5
    eq = mask(q) {"mask": "mq"} : masked[SIZE] @0 ; 6
"""


def transcript(field: Field, x: int, y: int, seed: int) -> Transcript:
    digits = min(6, (field.bits - 4) // 4)
    text = secret(N, "x", "y") + EVERYTHING.replace("SIZE", str(N)).replace("DIGITS", str(digits))
    text = text.replace("OFFSET", str(2 ** (4 * digits + 2)))
    return run(plan_of(field, each=text), values(N, x=x, y=y), seed=seed)


def deviation(counts: NDArray[np.int64]) -> float:
    """χ² of counts that should be alike, in standard deviations."""
    mean, degrees = counts.sum() / counts.size, counts.size - 1
    return float((((counts - mean) ** 2).sum() / mean - degrees) / (2 * degrees) ** 0.5)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (3, -2)])
@pytest.mark.parametrize("field", [MERSENNE13, MERSENNE31, MERSENNE61, MERSENNE127], ids=lambda field: field.name)
def test_opened_values_look_uniform(field: Field, x: int, y: int) -> None:
    """All elements of a value are the same secret; what is opened is spread evenly, in its top and its low bits."""
    found = transcript(field, x, y, seed=7)
    for name in ("ex", "ey", "ez", "ea", "eq"):
        words = found.opened(name).reshape(N, -1)
        top = words[:, -1].astype(np.float64) / 2 ** (field.bits - 64 * (field.words - 1))
        assert abs(deviation(np.bincount((top * 64).astype(int), minlength=64))) < 6, name
        if field is not MERSENNE13:
            assert abs(deviation(np.bincount((words[:, 0] & np.uint64(63)).astype(int), minlength=64))) < 6, name
    for name in ("d", "c"):
        planes = found.opened(name)
        assert abs(float(np.bitwise_count(planes).sum()) / (64 * planes.size) - 0.5) < 0.02


@pytest.mark.parametrize("part", ["mask", "opened"])
def test_shares_and_openings_do_not_repeat(part: str) -> None:
    """Fresh secrets in every opening: no two masks and no two opened values of the run are alike."""
    found = transcript(MERSENNE61, 1, 1, seed=9)
    rows = [held(found, party, name, part) for party in PARTIES for name in ("ex", "ey", "ez", "ea", "eq")]
    apart = rows if part == "mask" else rows[:5]
    whole = np.concatenate(apart)
    assert np.unique(whole).size == whole.size
