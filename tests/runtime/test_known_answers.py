"""The known answers of kats.json, through a run in which the masks and shares are those of the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppc.field import MERSENNE61, from_integers, to_integers
from tests.runtime.plans import Transcript, plan_of, same_as_twin, signed
from tests.runtime.small import chosen

ANSWERS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "kats.json").read_text("utf-8"))
P = ANSWERS["p"]


def run(numbers: list[int], masks: list[int], text: str) -> Transcript:
    """Values of the lab under the masks of the file, given in two halves: reals cannot hold 61 bits."""
    size = len(numbers)
    high, low = [number >> 31 for number in numbers], [number & 2**31 - 1 for number in numbers]
    lines = f"""
        high.real = given() {{"what": "data"}} : clear[{size}] at lab ; 0
        low.real = given() {{"what": "data"}} : clear[{size}] at lab ; 0
        high = encode(high.real) : clear[{size}] @0 at lab ; 0
        low = encode(low.real) : clear[{size}] @0 at lab ; 0
        shifted = times(high) {{"factor": {2**31}}} : clear[{size}] @0 at lab ; 0
        x = add(shifted, low) : clear[{size}] @0 at lab ; 0
        e = mask(x) {{"mask": "m"}} : masked[{size}] @0 ; 1
    """
    draws = {("lab", "m"): np.array(masks, np.int64)}
    with chosen(MERSENNE61, draws):
        return same_as_twin(plan_of(MERSENNE61, each=lines + text), {"high.real": high, "low.real": low})


def test_the_prime() -> None:
    assert MERSENNE61.modulus == P


def test_powers() -> None:
    answer = ANSWERS["powers"]
    text = """
        square = polynomial(e) {"coefficients": [0, 0, 1], "share": "s"} : shared[1] @0 ; 1
        cube = polynomial(e) {"coefficients": [0, 0, 0, 1], "share": "s2"} : shared[1] @0 ; 1
    """
    found = run([answer["x"]], [answer["lam"]], text)
    assert to_integers(found.opened("e"), MERSENNE61).tolist() == [answer["e"]]
    assert found.value("square").tolist() == [answer["x2"]]
    assert found.value("cube").tolist() == [answer["x3"]]


def test_coefficients_of_a_cube() -> None:
    """e^3, -3·e^2·…: what stands before 1, λ, λ², λ³ in x³."""
    answer = ANSWERS["powers"]
    e = answer["e"]
    assert [e**3 % P, -3 * e**2 % P, 3 * e % P, -1 % P] == answer["coeff3"]


def test_product() -> None:
    """Shares as in the file, of masks and of their product; its own opening is the sum of what both send."""
    answer = ANSWERS["mul"]
    (lx0, lx1), (ly0, ly1), (c0, c1), (lz0, lz1) = (answer[key] for key in ("lx", "ly", "lxly", "lz"))
    ex, ey = answer["ex"], answer["ey"]
    first = ex * ey - ex * ly0 - ey * lx0 + c0 + lz0
    second = -ex * ly1 - ey * lx1 + c1 + lz1
    assert [first % P, second % P] == answer["ez_shares"]
    assert (first + second) % P == answer["ez"] == (answer["x"] * answer["y"] + lz0 + lz1) % P
    # Party 0's one product: its constant is its share less the product of its own shares.
    constant = c0 - lx0 * ly0
    assert ((ex - lx0) * (ey - ly0) + constant + lz0) % P == first % P


def test_a_product_of_the_run() -> None:
    """The run's own shares of that product, under the file's masks (x's and y's owners know theirs in full)."""
    answer = ANSWERS["mul"]
    masks = {key: sum(answer[key]) % P for key in ("lx", "ly", "lz")}
    text = """
        row = reshape(e) : masked[1, 2] @0 ; 1
        a = slice(row) {"start": 0, "stop": 1} : masked[1, 1] @0 ; 1
        b = slice(row) {"start": 1, "stop": 2} : masked[1, 1] @0 ; 1
        z = product(a, b) {"map": "multiply", "share": "s"} : shared[1, 1] @0 ; 1
    """
    found = run([answer["x"], answer["y"]], [masks["lx"], masks["ly"]], text)
    assert to_integers(found.opened("e"), MERSENNE61).tolist() == [answer["ex"], answer["ey"]]
    assert found.value("z").tolist() == [[answer["x"] * answer["y"] % P]]
    assert (found.value("z")[0][0] + masks["lz"]) % P == answer["ez"]


def test_truncation_and_sign() -> None:
    """Form C gives the answers of the file: B = 2^40, shift 16; 23 digits' bits do, as all |x| <= 2^40."""
    cases = ANSWERS["trunc_B2^40_f16"]
    digits = f'"shift": 16, "digits": 6, "offsets": [{2**40}], "tuple": "u", "bits": "b"'
    text = f"""
        t = truncate(e) {{"shift": 16, "offset": {2**40}, "tuple": "t"}} : truncated[{len(cases)}] @0 ; 1
        d = digits(e) {{{digits}}} : digits[{len(cases)}] ; 2
        c = bit(d) {{"bits": "b2", "share": "s"}} : bit[{len(cases)}] ; 3
    """
    found = run([case["x"] % P for case in cases], [case["r"] for case in cases], text)
    moved = (to_integers(found.opened("e"), MERSENNE61) + 2**40) % P
    assert moved.tolist() == [case["e"] for case in cases]
    assert signed(found.value("t"), MERSENNE61).tolist() == [case["y"] for case in cases]
    assert found.value("c").tolist() == [case["sign"] for case in cases]


@pytest.mark.parametrize("case", ANSWERS["trunc_B2^40_f16"], ids=lambda case: case["name"])
def test_the_parts_of_a_truncation(case: dict[str, int]) -> None:
    e, r, t = case["e"], case["r"], 2**60
    assert (case["x"] + 2**40 + r) % P == e
    assert (int(r >= t), int(e < t), e >> 16, e + P >> 16) == (case["rho"], case["u"], case["Q0"], case["Q1"])
    assert (e >> 16) - (r >> 16) + case["u"] * case["rho"] * 2**45 - 2**24 == case["y"]


@pytest.mark.parametrize("case", ANSWERS["interval"], ids=str)
def test_intervals(case: dict[str, int]) -> None:
    """The other form of a comparison: 1{e < h+1} - 1{e < r} + 1{e2 < r}."""
    half = (P - 1) // 2
    e, r = (case["x"] + case["r"]) % P, case["r"]
    e2 = (e - half - 1) % P
    assert (e, e2) == (case["e"], case["e2"])
    assert (e <= half) - (e < r) + (e2 < r) == case["nonneg"]


def test_elements_survive() -> None:
    assert to_integers(from_integers([P - 1, 0, 1], MERSENNE61), MERSENNE61).tolist() == [P - 1, 0, 1]
