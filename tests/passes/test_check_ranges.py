"""Each rule of ranges and scales with a plan that keeps it and a change that breaks it; the intervals by trying all."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from ppc.ir.types import Interval
from ppc.passes.checks.comparisons import Compared, compared, selected
from ppc.passes.checks.intervals import cover, encoded, terms
from ppc.passes.checks.powers import at, polynomial_ends
from ppc.passes.checks.rules import Rule
from ppc.plan.steps import Step
from ppc.plan.text import parse
from ppc.plan.wires import Wire
from tests.handmade_plans import FAR, PRODUCT, added, broken, edited, line, written

BREACHES = {
    "an input larger than it says": ("clear[2] @8 in -256..256 at lab", "clear[2] @8 in -256..255 at lab", Rule.STATED),
    "an input without bounds": (" within -1.0..1.0 at hospital", " at hospital", Rule.STATED),
    "a product larger than it says": ("shared[2] @16 in -65536..65536", "shared[2] @16 in -65535..65536", Rule.STATED),
    "a truncation without its coin": ("truncated[2] @8 in -256..257", "truncated[2] @8 in -256..256", Rule.STATED),
    "no range": ("shared[2] @16 in -65536..65536", "shared[2] @16", Rule.STATED),
    "an offset between units": (f'"offset": {FAR}', f'"offset": {FAR + 128}', Rule.TRUNCATION),
    "an offset too small": (f'"offset": {FAR}', '"offset": 65280', Rule.TRUNCATION),
    "an offset too large": (f'"offset": {FAR}', f'"offset": {4 * FAR - 65536}', Rule.TRUNCATION),
    "a scale that is not the sum": ("shared[2] @16", "shared[2] @15", Rule.SCALES),
    "a shift that is not in the scale": ('"shift": 8', '"shift": 7', Rule.SCALES),
    "a factor out of the field": ("within -1.0..1.0 at hospital", "within -1.0..1e18 at hospital", Rule.FIELD),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_found(name: str) -> None:
    old, new, rule = BREACHES[name]
    text = edited(PRODUCT, (old, new))
    if name == "a factor out of the field":
        large = 256 * 10**18
        text = text.replace("in -256..256 at hospital", f"in -256..{large} at hospital")

    assert rule in broken(text)


def test_offsets_at_the_edge_of_the_room() -> None:
    """x + offset lies in 0..2^60, its end not in it."""
    assert broken(edited(PRODUCT, (f'"offset": {FAR}', '"offset": 65536'))) == set()
    assert broken(edited(PRODUCT, (f'"offset": {FAR}', f'"offset": {4 * FAR - 65792}'))) == set()


def test_a_wider_range_may_be_stated() -> None:
    assert broken(edited(PRODUCT, ("shared[2] @16 in -65536..65536", "shared[2] @16 in -65000..65536"))) == {
        Rule.STATED
    }
    wide = PRODUCT.replace("[2] @16 in -65536..65536", "[2] @16 in -131072..131072")

    assert broken(wide) == {Rule.STATED}  # of what is truncated then
    assert broken(edited(wide, ("truncated[2] @8 in -256..257", "truncated[2] @8 in -512..513"))) == {Rule.STATED}


@pytest.mark.parametrize("rounding", ["nearest", "stochastic"])
def test_encoding_reaches_its_ends_and_no_further(rounding: str) -> None:
    wire = Wire(form="clear", shape=(), at="lab", bounds=Interval(-0.3, 0.7))
    step = Step(name="x", op="encode", inputs=("r",), attrs={"scale": 3, "rounding": rounding}, wire=wire)

    assert encoded(step, wire) == ((-2, 6) if rounding == "nearest" else (-3, 6))


# ---- comparisons and what they choose ----

RELU = added(
    PRODUCT,
    "out = reveal",
    line(
        'less = digits(z.e) {"bits": "d.1", "digits": 3, "offsets": [1048320], "shift": 8, "tuple": "t.1"} : digits[2]',
        3,
    ),
    line('bit = bit(less) {"bits": "d.2", "share": "s.2"} : bit[2] @0 in 0..1', 4),
    line('a = select(bit, t) {"knots": [0], "share": "s.3", "slopes": [1]} : shared[2] @8 in 0..257', 4),
    line("flipped = subtract(x, t) : shared[2] @8 in -513..512", 2),
    line('f.e = mask(flipped) {"mask": "m.f"} : masked[2] @8 in -513..512', 3),
    line('g = select(bit, f.e) {"knots": [0], "share": "s.4", "slopes": [1]} : shared[2] @8 in -513..512', 4),
)


def test_what_a_bit_chooses_from_its_own_value_is_known_exactly() -> None:
    """Of another value, all that it can be and zero."""
    assert broken(RELU) == set()
    assert broken(edited(RELU, ("shared[2] @8 in 0..257", "shared[2] @8 in 1..257"))) == {Rule.STATED}
    assert broken(edited(RELU, ("shared[2] @8 in 0..257", "shared[2] @8 in 0..256"))) == {Rule.STATED}
    assert broken(RELU.replace("in -513..512 ; round 4", "in 0..512 ; round 4")) == {Rule.STATED}


@pytest.mark.parametrize(
    "change",
    [
        ("[1048320]", "[1048321]"),  # between units
        ("[1048320]", "[65280]"),  # too small: x + offset may be negative
        ("[1048320]", "[2097152]"),  # too large for 13 bits above the shift
        ('"digits": 3', '"digits": 13'),  # more than the field
        ('"slopes": [1]} : shared[2] @8 in 0..257', '"slopes": [2]} : shared[2] @8 in 0..257'),
    ],
)
def test_a_comparison_without_room_is_found(change: tuple[str, str]) -> None:
    assert broken(edited(RELU, change)) & {Rule.COMPARISON, Rule.STATED}


# Two thresholds of one value, and the larger bit of the two as a number.
SEVERAL = added(
    PRODUCT,
    "out = reveal",
    line(
        'less = digits(z.e) {"bits": "d.1", "digits": 3, "offsets": [1048320, 1048064], "shift": 8, "tuple": "t.1"} '
        ": digits[2, 2]",
        3,
    ),
    line('bit = bit(less) {"bits": "d.2", "share": "s.2"} : bit[2, 2] @0 in 0..1', 4),
    line('one = as_number(bit) {"threshold": 1} : shared[2] @0 in 0..1', 4),
)


@pytest.mark.parametrize(
    ("text", "round_"),
    [
        ('shown = reveal(bit) {"grant": "result", "to": "lab"} : clear[2, 2] @0 in 0..1 at lab', 5),
        ("row = reshape(bit) : shared[4] @0 in 0..1", 4),
        ('hidden = mask(bit) {"mask": "m.b"} : masked[2, 2] @0 in 0..1', 5),
        ("sum = add(bit, bit) : shared[2, 2] @0 in 0..2", 4),
    ],
)
def test_bits_of_several_thresholds_are_no_number(text: str, round_: int) -> None:
    assert broken(SEVERAL) == set()
    assert broken(added(SEVERAL, "out = reveal", line(text, round_))) == {Rule.COMPARISON}


@pytest.mark.parametrize("digits", [8, 9, 12])
def test_no_more_than_eight_digits_are_combined_at_once(digits: int) -> None:
    far = (1 << 4 * digits + 8) - 256
    text = edited(RELU, ('"digits": 3, "offsets": [1048320]', f'"digits": {digits}, "offsets": [{far}]'))
    grouped = edited(text, ("bit(less)", "bit(groups)"))
    grouped = added(grouped, "bit = bit", line('groups = groups(less) {"bits": "d.3"} : digits[2]', 4))
    late = grouped.replace("in 0..1 ; round 4", "in 0..1 ; round 5")
    for wire in ("in 0..257 ; round", "in -513..512 ; round"):
        late = late.replace(f"shared[2] @8 {wire} 4", f"shared[2] @8 {wire} 5")

    assert broken(text) == (set() if digits == 8 else {Rule.COMPARISON})
    assert broken(late) == set()


# ---- what would take too long, or be too large to look at ----


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('"shift": 8', f'"shift": 8, "why": "{"w" * 9999}"', None),
        (f'"offset": {FAR}', f'"offset": {1 << 300}', Rule.KNOWN),
        ("within -1.0..1.0 at hospital", "within -1.0..1e999 at hospital", Rule.FORMS),
        ("clear[2] @8 in -256..256 at hospital", f"clear[2] @8 in -256..{1 << 260} at hospital", Rule.FORMS),
        ("x.real = given() {", 'x.real = given() {"low": 0, ', None),
        (
            '{"scale": 8} : clear[2] @8 in -256..256 at hospital',
            '{"scale": 8} : clear[2, 1, 1, 1, 1, 1, 1, 1, 1] @8 in -256..256 at hospital',
            Rule.FORMS,
        ),
    ],
)
def test_what_no_plan_has_is_refused_before_it_is_worked_with(old: str, new: str, rule: Rule | None) -> None:
    assert (rule in broken(edited(PRODUCT, (old, new)))) is (rule is not None)


@pytest.mark.parametrize("count", [64, 65, 3000])
def test_polynomials_have_64_coefficients_at_most(count: int) -> None:
    coefficients = [1] * count
    power = f'z = polynomial(x.e) {{"coefficients": {coefficients}, "scale": 0, "share": "s.z"}} : shared[2] @16'
    text = edited(PRODUCT, ('z = product(x.e, w.e) {"map": "multiply", "share": "s.z"} : shared[2] @16', power))

    assert (Rule.KNOWN in broken(text)) is (count > 64)


def test_values_joined_with_themselves_again_and_again_are_looked_at_once() -> None:
    lines = [line("k0 = reshape(z) : shared[1, 2] @16 in -65536..65536", 1)]
    lines += [
        line(f"k{n} = concat(k{n - 1}, k{n - 1}) : shared[1, {2 << n}] @16 in -65536..65536", 1) for n in range(1, 30)
    ]
    size = 2 << 29
    lines.append(line(f'k.e = mask(k29) {{"mask": "m.k"}} : masked[1, {size}] @16 in -65536..65536', 2))
    many = f"truncated[1, {size}] @8 in -256..257"
    lines.append(line(f'k.t = truncate(k.e) {{"offset": {FAR}, "shift": 8, "tuple": "t.k"}} : {many}', 2))

    assert broken(added(PRODUCT, "out = reveal", *lines)) == {Rule.ONE_TRUNCATION}


PUBLIC = written(
    each="""
        x.real = given() {"what": "data"} : public[2] within -1.0..1.0 ; 0
        x = encode(x.real) {"rounding": "nearest", "scale": 8} : public[2] @8 in -256..256 ; 0
        result x = x to both
    """
)


def test_what_both_have_is_rounded_alike() -> None:
    assert broken(PUBLIC) == set()
    assert broken(edited(PUBLIC, ("nearest", "stochastic"))) == {Rule.FORMS}


CLEAR = written(
    each="""
        x = given() {"what": "data"} : clear[2, 3] within -1.0..1.0 at hospital ; 0
        y = compute(x) {"op": "relu"} : clear[2, 3] within -1.0..1.0 at hospital ; 0
        result y = y to hospital
    """
)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('"op": "relu"', '"op": "unheard"', Rule.KNOWN),
        ('"op": "relu"', '"op": 7', Rule.KNOWN),
        ('"op": "relu"', '"op": "input"', Rule.KNOWN),
        ('"op": "relu"', '"op": "relu", "seed": 7', Rule.KNOWN),
        ('"op": "relu"', '"op": "add"', Rule.KNOWN),
        ('"op": "relu"', '"op": "scale"', Rule.KNOWN),
        ('"op": "relu"', '"op": "reshape", "shape": 3', Rule.SHAPES),
        ('"op": "relu"', '"op": "global_avg_pool"', Rule.SHAPES),
        ('"op": "relu"', '"op": "max_pool", "kernel": [2, 2], "stride": [0, 0], "padding": [0, 0]', Rule.SHAPES),
        ('"op": "relu"', '"op": "max_pool", "kernel": 2, "stride": 1, "padding": "same"', Rule.SHAPES),
        ('relu"} : clear[2, 3]', 'relu"} : clear[3, 2]', Rule.SHAPES),
    ],
)
def test_what_one_party_computes_is_an_op_of_the_graph(old: str, new: str, rule: Rule) -> None:
    assert broken(CLEAR) == set()
    assert broken(edited(CLEAR, (old, new))) == {rule}


# ---- certificates ----

UNIT = 1 << 12  # of the comparison; the bound of the weights is 16 units
BOUNDS = f'"offsets": [{238 * UNIT}, {272 * UNIT}], "shift": 12'
STATED = f"in {-21 * UNIT}..{22 * UNIT}"
LOW, HIGH = -17 * UNIT, 18 * UNIT - 1
CERTIFIED = written(
    setup="""
        w.real = given() {"what": "parameter"} : clear[2] within -1.0..1.0 at lab ; 0
        first = encode(w.real) {"scale": 16} : clear[2] @16 in -65536..65536 at lab ; 0
    """,
    each=f"""
        carry w = first then next : shared[2] @16 {STATED}
        w.e = mask(w) {{"mask": "m.w"}} : masked[2] @16 {STATED} ; 1
        less = digits(w.e) {{"bits": "d.1", "digits": 2, {BOUNDS}, "tuple": "t.1"}} : digits[2, 2] ; 2
        bit = bit(less) {{"bits": "d.2", "share": "s.2"}} : bit[2, 2] @0 in 0..1 ; 3 check
        inside = count(bit) {{"slopes": [1, -1]}} : shared[] @0 in -2..2 ; 3 check
        outside = offset(inside) {{"constant": 2}} : shared[] @0 in 0..4 ; 3 check
        check = reveal(outside) {{"grant": "check", "to": "both"}} : public[] @0 in 0..4 ; 4 check
        kept = certified(w) {{"by": "check", "high": {HIGH}, "low": {LOW}}} : shared[2] @16 in {LOW}..{HIGH} ; 0
        g.real = given() {{"what": "data"}} : clear[2] within -0.25..0.25 at hospital ; 0
        g = encode(g.real) {{"scale": 16}} : clear[2] @16 in {-4 * UNIT}..{4 * UNIT} at hospital ; 0
        next = add(kept, g) : shared[2] @16 in {-21 * UNIT}..{22 * UNIT - 1} ; 0
    """,
)


def test_a_certified_weight_may_change_once_in_an_iteration() -> None:
    assert broken(CERTIFIED) == set()


CERTIFICATES = {
    "says more, below": (f'"low": {LOW}', f'"low": {-17 * UNIT + 1}'),
    "says more, above": (f'"high": {18 * UNIT - 1}', f'"high": {18 * UNIT - 2}'),
    "another number is expected": ('"constant": 2', '"constant": 1'),
    "counts those inside": ('"slopes": [1, -1]', '"slopes": [-1, 1]'),
    "counts one side": ('"slopes": [1, -1]', '"slopes": [1, 0]'),
    "by another step": ('"by": "check"', '"by": "outside"'),
    "by no step": ('"by": "check"', '"by": "nothing"'),
    "compares with another bound": (f"[{238 * UNIT}, ", f"[{237 * UNIT}, "),
    "bounds that touch": (f"[{238 * UNIT}, {272 * UNIT}]", f"[{238 * UNIT}, {239 * UNIT}]"),
    "is no check": ("round 4 - check", "round 4 - output"),
    "shows one party": ('"to": "both"} : public[]', '"to": "lab"} : clear[]'),
    "of another value": ("certified(w)", "certified(first)"),
    "of a value twice": ("offset(inside)", "offset(both)"),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_says_what_was_checked(name: str) -> None:
    text = edited(CERTIFIED, CERTIFICATES[name])
    if name == "shows one party":
        text = text.replace("@0 in 0..4 ; round 4", "@0 in 0..4 at lab ; round 4")
    if name == "of a value twice":
        twice = "both = add(inside, inside) : shared[] @0 in -4..4 ; round 3 - check 1:1-1:1\n"
        text = added(text, "outside = offset", f"    {twice}")

    assert broken(text) & {Rule.CERTIFIED, Rule.FORMS}


def test_a_check_shows_nothing_but_that_all_is_well() -> None:
    """No line of the program allows it, so the number must be 0 in every run that goes on."""
    other = edited(CERTIFIED, ('"constant": 2', '"constant": 1'))

    assert Rule.DROWNED in broken(other)


def test_without_a_certificate_the_range_is_not_kept() -> None:
    assert broken(edited(CERTIFIED, ("add(kept, g)", "add(w, g)"))) == {Rule.STATED}


# ---- the rules of intervals, by trying everything small ----


@pytest.mark.parametrize(
    "coefficients", [(1, -2, 3), (0, 5, 0, -1), (3, 0, -7, 0, 1), (0, 0, 0, 0), (2, 1, -4, 1, 2, -1)]
)
def test_ranges_of_polynomials_are_exact(coefficients: tuple[int, ...]) -> None:
    for low, high in product(range(-6, 5), range(-5, 6)):
        if low <= high:
            values = [at(coefficients, x) for x in range(low, high + 1)]

            assert polynomial_ends(coefficients, (low, high)) == (min(values), max(values))


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"), [(5, 3, 1, 1), (4, 2, 2, 0), (2, 3, 1, 1), (7, 3, 2, 1)]
)
def test_places_are_covered_by_as_many_windows(size: int, kernel: int, stride: int, padding: int) -> None:
    covered = np.zeros(size + 2 * padding, int)
    for start in range(0, size + 2 * padding - kernel + 1, stride):
        covered[start : start + kernel] += 1
    wire = Wire(form="shared", shape=())
    attrs = {"stride": (stride, stride), "padding": (padding, padding)}
    step = Step(name="x", op="pool_spread", attrs=attrs, wire=wire)

    assert cover(step, (size, size), (kernel, kernel)) >= covered[padding : padding + size].max() ** 2


def test_a_convolution_adds_up_as_many_products() -> None:
    shapes = ((1, 4, 5, 5), (6, 2, 3, 3))
    wires = [Wire(form="masked", shape=shape) for shape in shapes]
    attrs = {"map": "conv2d", "stride": (1, 1), "padding": (1, 1), "groups": 2, "pool": 2}
    step = Step(name="x", op="product", inputs=("a", "b"), attrs=attrs, wire=wires[0])

    assert terms(step, wires) == 2 * 3 * 3 * 4


def test_choices_of_pieces_are_exact() -> None:
    """Every value, every coin of every threshold."""
    slopes, knots, thresholds = (3, -5, 1), (-4, 0, 7), (-3, 1, 2)
    offsets = [((1 << 12) - threshold) << 8 for threshold in thresholds]
    plan = parse(edited(RELU, ('"offsets": [1048320]', f'"offsets": {offsets}')))
    step = replace(plan.by_name["a"], attrs={"slopes": slopes, "knots": knots})
    values: list[int] = []
    for x in range(-12, 13):
        ways = [{1} if x > t else {0, 1} if x >= t - 1 else {0} for t in thresholds]
        values += [sum(s * d * (x - k) for s, d, k in zip(slopes, bits, knots, strict=True)) for bits in product(*ways)]

    assert compared(plan, "bit") == Compared(value="z", shift=8, thresholds=thresholds)
    assert selected(plan, step, (-12, 12)) == (min(values), max(values))
