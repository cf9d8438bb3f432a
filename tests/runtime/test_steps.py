"""Every op of a plan, run by two parties: the twin agrees in every value to the last bit, every byte is predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppc.field import FIELDS, Field, to_integers
from ppc.runtime import openings
from tests.elements import LARGE_FIELDS
from tests.runtime.plans import Transcript, distinct, plan_of, same_as_twin, signed

BOTH = pytest.mark.parametrize("field", LARGE_FIELDS, ids=lambda field: field.name)


def data(seed: int, *shape: int, low: float = -4.0, high: float = 4.0) -> Any:
    return np.random.default_rng(seed).uniform(low, high, shape)


def secret(name: str, shape: str, at: str, *, scale: int = 16) -> str:
    """A given value and its fixed point."""
    return f"""
        {name}.real = given() {{"what": "data"}} : clear[{shape}] within -4.0..4.0 at {at} ; 0
        {name} = encode({name}.real) : clear[{shape}] @{scale} at {at} ; 0
    """


def opened(name: str, shape: str, at: str, number: int = 1) -> str:
    return (
        secret(name, shape, at) + f'\n e{name} = mask({name}) {{"mask": "m.{name}"}} : masked[{shape}] @16 ; {number}'
    )


def run(field: Field, given: dict[str, Any], text: str, setup: str = "", iterations: int = 1) -> Transcript:
    plan = plan_of(field, **({"setup": setup} if setup else {}), each=text)
    return same_as_twin(plan, given, iterations=iterations)


MAPS = {
    "matmul": ("7, 5", "5, 3", "7, 3", ""),
    "matmul across": ("5, 7", "3, 5", "7, 3", '"transpose_x": true, "transpose_y": true'),
    "conv2d": (
        "2, 4, 6, 6",
        "6, 2, 3, 3",
        "2, 6, 3, 3",
        '"stride": [1, 1], "padding": [1, 1], "groups": 2, "pool": 2',
    ),
    "conv2d_grad_weight": (
        "2, 4, 6, 6",
        "2, 6, 3, 3",
        "6, 2, 3, 3",
        '"stride": [2, 2], "padding": [1, 1], "groups": 2, "kernel": [3, 3]',
    ),
    "conv2d_grad_input": (
        "2, 6, 3, 3",
        "6, 2, 3, 3",
        "2, 4, 6, 6",
        '"stride": [2, 2], "padding": [1, 1], "groups": 2, "size": [6, 6]',
    ),
    "multiply": ("3, 65", "3, 65", "3, 65", ""),
    "multiply_channel": ("2, 3, 2, 2", "3", "2, 3, 2, 2", ""),
    "multiply_rows": ("4, 3", "4, 1", "4, 3", ""),
    "unfolded_conv2d": ("2, 2, 9, 8", "6, 2, 2, 2", "2, 6, 3, 3", '"size": [3, 3]'),
    "unfolded_grad_weight": ("2, 2, 9, 8", "2, 6, 3, 3", "6, 2, 2, 2", '"kernel": [2, 2]'),
}


def sizes(shape: str) -> tuple[int, ...]:
    return tuple(int(size) for size in shape.split(","))


@BOTH
@pytest.mark.parametrize("into", [False, True], ids=["shared", "into"])
@pytest.mark.parametrize("owners", ["both", "hospital", "lab", "shared"])
@pytest.mark.parametrize("name", MAPS)
def test_products(name: str, owners: str, into: bool, field: Field) -> None:
    """Every bilinear map, of values with one owner, two, or none; with its own shares, or into a mask."""
    x, y, shape, attrs = MAPS[name]
    sides = {"both": ("hospital", "lab"), "shared": ("lab", "hospital")}.get(owners, (owners, owners))
    text = opened("x", x, sides[0]) + opened("y", y, sides[1])
    left = "ex"
    if owners == "shared":
        text += f"\n twice = add(ex, x) : shared[{x}] @16 ; 1"
        text += f'\n es = mask(twice) {{"mask": "m.s"}} : masked[{x}] @16 ; 2'
        left = "es"
    attrs = f'{{"map": "{name.split()[0]}"' + (f", {attrs}" if attrs else "")
    attrs += ', "into": "m.z"}' if into else ', "share": "s.z"}'
    text += f"""
        z = product({left}, ey) {attrs} : shared[{shape}] @32 ; 2
        z2 = times(z) {{"factor": 4}} : shared[{shape}] @34 ; 2
        ez = mask(z2) {{"mask": "m.z"}} : masked[{shape}] @34 ; 3
        t = truncate(ez) {{"shift": 18, "offset": {2**58}, "tuple": "t"}} : truncated[{shape}] @16 ; 3
        r = reveal(t) {{"to": "both", "grant": "all"}} : public[{shape}] @16 ; 4
    """
    run(field, {"x.real": data(1, *sizes(x)), "y.real": data(2, *sizes(y))}, text)


@BOTH
@pytest.mark.parametrize("owner", ["hospital", "lab"])
@pytest.mark.parametrize("coefficients", [[3, -5], [0, 1, 2], [5, -1, 0, 7], [1, 2, 3, 4, 5, 6]])
def test_polynomials(coefficients: list[int], owner: str, field: Field) -> None:
    share = ', "share": "s"' if len(coefficients) > 2 else ""
    text = (
        opened("x", "67", owner)
        + f"""
        q = polynomial(ex) {{"coefficients": {coefficients}{share}}} : shared[67] @16 ; 1
        half = add(q, x) : shared[67] @16 ; 1
        eh = mask(half) {{"mask": "m.h"}} : masked[67] @16 ; 2
        qq = polynomial(eh) {{"coefficients": {coefficients}{share.replace('"s"', '"s2"')}}} : shared[67] @16 ; 2
    """
    )
    found = run(field, {"x.real": data(1, 67)}, text)
    x = signed(found.value("x"), field) if owner == "none" else np.rint(data(1, 67) * 2**16).astype(int).astype(object)
    expected = sum(c * x**k for k, c in enumerate(coefficients))
    assert np.array_equal(found.value("q"), expected % field.modulus)


@BOTH
@pytest.mark.parametrize("shift", [0, 1, 16, 40])
def test_truncation(shift: int, field: Field) -> None:
    """One of the two neighbouring whole numbers (with no shift: the value, or one more)."""
    offset = 2 ** (field.bits - 3)
    text = (
        opened("x", "130", "lab")
        + f"""
        t = truncate(ex) {{"shift": {shift}, "offset": {offset}, "tuple": "t"}} : truncated[130] @0 ; 1
        two = add(t, t) : shared[130] @0 ; 1
        r = reveal(t) {{"to": "lab", "grant": "all"}} : clear[130] @0 at lab ; 2
        b = decode(r) : clear[130] at lab ; 2
    """
    )
    given = np.concatenate([data(1, 120), [0.0, 2**-16, -(2**-16), 4.0, -4.0, 1.0, -1.0, 3.0, 0.5, -0.5]])
    found = run(field, {"x.real": given}, text)
    x, t = np.rint(given * 2**16).astype(int).astype(object), signed(found.value("t"), field)
    assert distinct(t - (x >> shift)) <= {0, 1}


def test_truncation_under_a_short_mask() -> None:
    """One opening truncates and masks again: the result is masked by the upper part of its mask."""
    field = FIELDS["mersenne127"]
    offset = 2**60
    text = (
        opened("x", "130", "lab")
        + secret("y", "130", "hospital")
        + f"""
        z = add(x, y) : shared[130] @16 ; 0
        ez = mask(z) {{"mask": "m.z", "short": true}} : masked[130] @16 ; 1
        t = truncate(ez) {{"shift": 8, "offset": {offset}, "tuple": "t"}} : masked[130] @8 ; 1
        q = product(t, ex) {{"map": "multiply", "share": "s"}} : shared[130] @24 ; 1
        d = digits(t) {{"shift": 0, "digits": 5, "offsets": [{2**20 - 1}], "tuple": "u", "bits": "b"}} : digits[130] ; 2
        c = bit(d) {{"bits": "b2", "share": "s2"}} : bit[130] ; 3
        a = select(c, t) {{"slopes": [1], "knots": [0], "share": "s3"}} : shared[130] @8 ; 3
    """
    )
    given = {"x.real": data(1, 130), "y.real": data(2, 130)}
    found = run(field, given, text)
    z = sum(np.rint(value * 2**16).astype(int).astype(object) for value in given.values())
    t = signed(found.value("t"), field)
    assert distinct(t - (z >> 8)) <= {0, 1}
    assert np.array_equal(signed(found.value("a"), field), np.where(t > 0, t, 0))
    masks = found.masks["each", 0, "ez"]
    assert int(masks[..., 1].max()) < 2 ** (126 - 64)


def test_local_truncation() -> None:
    field = FIELDS["mersenne127"]
    text = (
        secret("x", "130", "lab")
        + secret("y", "130", "hospital")
        + f"""
        z = add(x, y) : shared[130] @16 ; 0
        ez = mask(z) {{"mask": "m.z"}} : masked[130] @16 ; 1
        w = product(ez, ez) {{"map": "multiply", "share": "s"}} : shared[130] @32 ; 1
        t = truncate_local(w) {{"shift": 16, "offset": {2**60}}} : shared[130] @16 ; 1
        t2 = truncate_local(w) {{"shift": 16, "offset": 0}} : shared[130] @16 ; 1
    """
    )
    given = {"x.real": data(1, 130), "y.real": data(2, 130)}
    found = run(field, given, text)
    z = sum(np.rint(value * 2**16).astype(int).astype(object) for value in given.values())
    for name in ("t", "t2"):
        assert distinct(signed(found.value(name), field) - (z * z >> 16)) <= {0, 1}


COMPARED = {
    "one level": (6, [0]),
    "eight digits": (8, [0]),
    "thresholds": (5, [0, 3, -7]),
    "groups": (11, [0, 5]),
    "more than one pass takes": (5, [0, 3, -7, 11, 2, -1]),
}


@BOTH
@pytest.mark.parametrize("size", [64, 70])
@pytest.mark.parametrize("form", COMPARED)
def test_comparisons(form: str, size: int, field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits, groups, bits, and what a bit is good for: choices, counts, numbers, sums."""
    monkeypatch.setattr(openings, "LONG", 2)  # words: thresholds of the longer ones are combined one by one
    digits, knots = COMPARED[form]
    shift, count = 8, len(knots)
    bits = shift + 4 * digits
    offsets = [2**bits - (knot << shift) for knot in knots]
    compared = f'"shift": {shift}, "digits": {digits}, "offsets": {offsets}, "tuple": "u", "bits": "b"'
    shape = f"{size}" if count == 1 else f"{count}, {size}"
    text = opened("x", f"{size}", "lab")
    last, number, made = "d", 2, digits
    text += f"""
        t = truncate(ex) {{"shift": {shift}, "offset": {2**bits}, "tuple": "t"}} : truncated[{size}] @8 ; 1
        d = digits(ex) {{{compared}}} : digits[{shape}] ; 2
    """
    if digits > 8:
        text += f'\n g = groups(d) {{"bits": "b1"}} : digits[{shape}] ; 3'
        last, number, made = "g", 3, -(-digits // 4)
    slopes = [2, -1, 3, 1, -4, 5][:count] if count > 1 else [1]
    text += f"""
        c = bit({last}) {{"bits": "b2", "share": "s"}} : bit[{shape}] ; {number + 1}
        a = select(c, t) {{"slopes": {slopes}, "knots": {knots}, "share": "s2"}} : shared[{size}] @8 ; {number + 1}
        m = select(c, ex) {{"slopes": {slopes}, "knots": {knots}, "share": "s3"}} : shared[{size}] @16 ; {number + 1}
        k = as_number(c) {{"threshold": {count - 1}}} : shared[{size}] @0 ; {number + 1}
        n = count(c) {{"slopes": {slopes}}} : shared[] @0 ; {number + 1}
        all = reveal(n) {{"to": "both", "grant": "all"}} : public[] @0 ; {number + 2}
    """
    if count == 1:
        text += f'\n ck = mask(c) {{"mask": "m.c"}} : masked[{size}] @0 ; {number + 2}'
    given = np.concatenate([data(1, size - 6), [0.0, 2**-16, 2**-8, -(2**-8), 4.0, -4.0]])
    found = run(field, {"x.real": given}, text)
    t = signed(found.value("t"), field)
    x = np.rint(given * 2**16).astype(int).astype(object)
    bit = found.value("c").reshape(count, size)
    for j, knot in enumerate(knots):
        sure = (x >> shift != knot - 1) & (x >> shift != knot)  # in between each comparison has its own coin
        assert np.array_equal(bit[j][sure], (t >= knot)[sure])
    chosen = sum(slope * b * (t - knot) for slope, b, knot in zip(slopes, bit, knots, strict=True))
    assert np.array_equal(found.value("a"), chosen % field.modulus)
    assert made > 0


LINEAR = """
    two = times(x) {{"factor": -3}} : {form}[2, 4, 6, 6]{end} ; {round}
    more = offset(two) {{"constant": -77}} : {form}[2, 4, 6, 6]{end} ; {round}
    same = rescale(more) : {form}[2, 4, 6, 6]{end} ; {round}
    sure = certified(same) {{"by": "none", "low": 0, "high": 1}} : {form}[2, 4, 6, 6]{end} ; {round}
    sum = add(sure, x) : {form}[2, 4, 6, 6]{end} ; {round}
    less = subtract(sum, two) : {form}[2, 4, 6, 6]{end} ; {round}
    left = slice(less) {{"start": 1, "stop": 3}} : {form}[2, 2, 6, 6]{end} ; {round}
    both = concat(left, x) : {form}[2, 6, 6, 6]{end} ; {round}
    row = sum_to_channel(both) : {form}[6]{end} ; {round}
    over = add_channel(both, row) : {form}[2, 6, 6, 6]{end} ; {round}
    part = sum_rows(over) : {form}[2, 1, 6, 6]{end} ; {round}
    back = spread_rows(part) : {form}[2, 4, 6, 6]{end} ; {round}
    flat = reshape(back) : {form}[2, 144]{end} ; {round}
    pair = sum_rows(flat) : {form}[2, 1]{end} ; {round}
    thin = sum_to_channel(flat) : {form}[144]{end} ; {round}
    pool = pool_sums(x) {{{two}}} : {form}[2, 4, 3, 3]{end} ; {round}
    mesh = pool_sums(x) {{{odd}}} : {form}[2, 4, 3, 5]{end} ; {round}
    wide = pool_spread(pool) {{{two}, "size": [6, 6]}} : {form}[2, 4, 6, 6]{end} ; {round}
    loop = pool_spread(mesh) {{{odd}, "size": [6, 6]}} : {form}[2, 4, 6, 6]{end} ; {round}
    open = unfold(x) {{{three}, "groups": 2}} : {form}[2, 2, 9, 18]{end} ; {round}
    spot = window(x) {{{three}, "place": [0, 2], "border": -5}} : {form}[2, 4, 3, 3]{end} ; {round}
    some = batch(x) {{"rows": 3}} : {form}[3, 4, 6, 6]{end} ; {round}
    dot = unwindow(spot) {{{three}, "place": [0, 2], "size": [6, 6]}} : {form}[2, 4, 6, 6]{end} ; {round}
"""
WINDOWS = {
    "two": '"kernel": [2, 2], "stride": [2, 2], "padding": [0, 0]',
    "odd": '"kernel": [3, 2], "stride": [2, 1], "padding": [1, 0]',
    "three": '"kernel": [3, 3], "stride": [2, 2], "padding": [1, 1]',
}
FORMS = {
    "public": 'x.real = given() {"what": "data"} : public[2, 4, 6, 6] within -4.0..4.0 ; 0\n'
    "x = encode(x.real) : public[2, 4, 6, 6] @16 ; 0",
    "clear": secret("x", "2, 4, 6, 6", "lab"),
    "masked": opened("y", "2, 4, 6, 6", "hospital") + "\n x = rescale(ey) : masked[2, 4, 6, 6] @16 ; 1",
    "shared": secret("y", "2, 4, 6, 6", "hospital")
    + secret("z", "2, 4, 6, 6", "lab")
    + "\n x = add(y, z) : shared[2, 4, 6, 6] @16 ; 0",
    "one-sided": secret("y", "2, 4, 6, 6", "lab") + "\n x = rescale(y) : shared[2, 4, 6, 6] @16 ; 0",
}


@BOTH
@pytest.mark.parametrize("form", FORMS)
def test_linear_steps(form: str, field: Field) -> None:
    """Each of them on public, clear, masked and shared values."""
    end = " @16 at lab" if form == "clear" else " @16"
    wire = "shared" if form == "one-sided" else form
    text = FORMS[form] + LINEAR.format(form=wire, end=end, round=1 if form == "masked" else 0, **WINDOWS)
    given = {f"{name}.real": data(place, 2, 4, 6, 6) for place, name in enumerate("xyz")}
    run(field, given, text)


@BOTH
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("form", ["public", "clear", "masked", "shared"])
def test_public_maps(form: str, side: int, field: Field) -> None:
    """A map with a public operand is a linear step: nothing is opened, and a mask goes through the same map."""
    shapes = ["7, 5", "5, 3"] if side == 0 else ["5, 5", "5, 5"]
    x, w = (shapes[1], shapes[0]) if side == 0 else shapes
    text = f"""
        w.real = given() {{"what": "weights"}} : public[{w}] within -4.0..4.0 ; 0
        w = encode(w.real) : public[{w}] @16 ; 0
    """
    text += opened("y", x, "hospital") + secret("z", x, "lab")
    forms = {"public": "w", "clear": "y", "masked": "ey", "shared": "sum"}
    text += f"\n sum = add(y, z) : shared[{x}] @16 ; 0"
    pair = f"w, {forms[form]}" if side == 0 else f"{forms[form]}, w"
    if form == "public" and side == 0:
        return
    end = " @32 at hospital" if form == "clear" else " @32"
    shape = "7, 3" if side == 0 else "5, 5"
    text += f'\n v = apply({pair}) {{"map": "matmul"}} : {form}[{shape}]{end} ; {int(form == "masked")}'
    if form == "masked":
        text += f'\n s = product(v, v) {{"map": "multiply", "share": "s"}} : shared[{shape}] @64 ; 1'
    run(field, {"w.real": data(1, *sizes(w)), "y.real": data(2, *sizes(x)), "z.real": data(3, *sizes(x))}, text)


@BOTH
@pytest.mark.parametrize("to", ["hospital", "lab", "both"])
def test_reveals(to: str, field: Field) -> None:
    """Of every form, to one party or to both; with noise only the upper part is told."""
    wire = "public[40]" if to == "both" else "clear[40]"
    end = " @16" if to == "both" else f" @16 at {to}"
    text = (
        opened("x", "40", "lab")
        + secret("y", "40", "hospital")
        + f"""
        s = add(x, y) : shared[40] @16 ; 0
        t = truncate(ex) {{"shift": 4, "offset": {2**40}, "tuple": "t"}} : truncated[40] @16 ; 1
        n = reveal(s) {{"to": "{to}", "grant": "g", "noise": "n", "drowned": 9}} : {wire}{end} ; 2
    """
    )
    for name in ("s", "ex", "t", "x", "y"):
        text += f'\n of.{name} = reveal({name}) {{"to": "{to}", "grant": "g"}} : {wire}{end} ; 2'
    found = run(field, {"x.real": data(1, 40), "y.real": data(2, 40)}, text)
    noise = found.masks["each", 0, "n"]
    assert int(noise.max()) < 2**9
    assert noise.max() > 2**6


@BOTH
def test_what_a_party_computes_alone(field: Field) -> None:
    """Graph ops on reals, public ones at both; unbiased rounding by its owner's coins; what starts as zero."""
    text = """
        a = given() {"what": "data"} : clear[50, 4] within -4.0..4.0 at lab ; 0
        b = given() {"what": "data"} : public[50, 4] within -4.0..4.0 ; 0
        zero = given() {"what": "zero"} : public[3] within 0.0..0.0 ; 0
        none = encode(zero) : public[3] @9 ; 0
        c = compute(a, b) {"op": "subtract"} : clear[50, 4] at lab ; 0
        d = compute(b) {"op": "scale", "factor": 0.5} : public[50, 4] ; 0
        e = compute(c) {"op": "softmax"} : clear[50, 4] within 0.0..1.0 at lab ; 0
        f = encode(e) {"rounding": "stochastic"} : clear[50, 4] @5 at lab ; 0
        g = encode(d) : public[50, 4] @5 ; 0
        h = add(f, g) : shared[50, 4] @5 ; 0
    """
    found = run(field, {"a": data(1, 50, 4), "b": data(2, 50, 4)}, text)
    real = np.asarray(found.value("e"), np.float64) * 32
    up = to_integers(found.value("f"), field).astype(np.float64) - np.floor(real)
    assert distinct(up) == {0, 1}
    assert abs(float(np.mean(up - (real - np.floor(real))))) < 0.15


@BOTH
def test_iterations_and_carried_values(field: Field) -> None:
    """Setup once, then a value that every iteration hands to the next; masks of setup last, those of `each` are new."""
    setup = opened("w", "6, 5", "lab") + secret("k", "6, 5", "hospital")
    each = (
        opened("x", "7, 5", "hospital")
        + f"""
        carry state = k then next : shared[6, 5] @16
        carry mask = ew then em : masked[6, 5] @16
        es = mask(state) {{"mask": "m.s"}} : masked[6, 5] @16 ; 1
        em = add(es, mask) : masked[6, 5] @16 ; 1
        z = product(ex, ew) {{"map": "matmul", "transpose_y": true, "share": "s"}} : shared[7, 6] @32 ; 1
        g = product(z2, ex) {{"map": "matmul", "transpose_x": true, "share": "s2"}} : shared[6, 5] @32 ; 2
        v = product(em, ew) {{"map": "multiply", "share": "s3"}} : shared[6, 5] @32 ; 1
        ev = mask(v) {{"mask": "m.v"}} : masked[6, 5] @32 ; 2
        tv = truncate(ev) {{"shift": 20, "offset": {2**50}, "tuple": "t"}} : truncated[6, 5] @16 ; 2
        next = subtract(state, tv) : shared[6, 5] @16 ; 2
    """
    )
    each = "\n".join(line for line in each.splitlines() if "z2" not in line)
    finish = """
        out = reveal(state) {"to": "lab", "grant": "model"} : clear[6, 5] @16 at lab ; 1
        real = decode(out) : clear[6, 5] at lab ; 1
        result model = real to lab
        result shares = state
    """
    plan = plan_of(field, setup=setup, each=each, finish=finish)
    given = {"w.real": data(1, 6, 5), "k.real": data(2, 6, 5), "x.real": data(3, 7, 5)}
    found = same_as_twin(plan, given, iterations=4)
    model = np.asarray(found.outcome.result("lab", "finish")["model"])
    assert np.array_equal(model, found.value("real", "finish"))
    assert "model" not in found.outcome.result("hospital", "finish")
    last = signed(found.value("next", "each", 3), field) / 2**16
    assert np.array_equal(last.astype(float), model)
    masks = [found.masks["each", iteration, "es"].tobytes() for iteration in range(4)]
    assert len(set(masks)) == 4
