"""Each rule of masks with a plan that keeps it and a change that breaks it."""

from __future__ import annotations

import pytest

from ppc.errors import InternalError
from ppc.passes.checks.check_masks import CheckMasks
from ppc.passes.checks.rules import Rule
from ppc.plan.text import parse
from tests.handmade_plans import FAR, LOOP, PRODUCT, added, broken, edited, line, written

Z = "shared[2] @16 in -65536..65536"
MASKED_Z = "masked[2] @16 in -65536..65536"
SECOND_X = line('x2 = mask(x) {"mask": "m.2"} : masked[2] @8 in -256..256', 1)


def truncation(
    of: str, name: str = "t2", wire: str = "truncated[2] @8 in -256..257", shift: int = 8, at: int = 2
) -> str:
    return line(f'{name} = truncate({of}) {{"offset": {FAR}, "shift": {shift}, "tuple": "t.{name}"}} : {wire}', at)


@pytest.mark.parametrize("text", [PRODUCT, LOOP])
def test_plans_that_keep_the_rules(text: str) -> None:
    assert broken(text) == set()


BREACHES = {
    "one mask for two values": ("m.z", "m.x", Rule.ONE_VALUE),
    "the mask of a section before": ("m.x", "m.w", Rule.ONE_VALUE),
    "a mask that is a share": ("m.z", "s.z", Rule.ONE_USE),
    "no mask": ('{"mask": "m.x"} ', "", Rule.MASKED),
    "no share": (', "share": "s.z"', "", Rule.ONE_USE),
    "no tuple": (', "tuple": "t.z"', "", Rule.ONE_USE),
    "a share that nobody needs": ('{"mask": "m.z"}', '{"mask": "m.z", "share": "s.more"}', Rule.KNOWN),
    "noise without drowned bits": ('"grant": "result"', '"grant": "result", "noise": "n"', Rule.ONE_USE),
    "a product as it is": ("reveal(t)", "reveal(z)", Rule.DROWNED),
    "no mask for a product": ("product(x.e, w.e)", "product(x, w.e)", Rule.FORMS),
    "a short mask": ('"mask": "m.z"', '"mask": "m.z", "short": true', Rule.FORMS),
    "a short mask in a narrow field": ('"mask": "m.x"', '"mask": "m.x", "short": true', Rule.SHORT),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_found(name: str) -> None:
    old, new, rule = BREACHES[name]

    assert rule in broken(edited(PRODUCT, (old, new)))


def test_a_value_is_opened_once() -> None:
    """Two masks for one value show nothing, and are what -O0 does."""
    twice = added(PRODUCT, "z = product", SECOND_X)

    assert broken(twice) == {Rule.ONE_EFFECT}
    assert broken(edited(twice, ("level 2", "level 0"))) == set()


# ---- the same value under another name ----

SECOND_Z = line(f'z2 = mask(z) {{"mask": "m.2"}} : {MASKED_Z}', 2)
SECOND_R = line(f'z2 = mask(r) {{"mask": "m.2"}} : {MASKED_Z}', 2)
SAME = {
    "one opening": (truncation("z.e"),),
    "another mask": (SECOND_Z, truncation("z2")),
    "another scale": (
        line('r = rescale(z) {"to": 20} : shared[2] @20 in -65536..65536', 1),
        SECOND_R.replace("@16", "@20"),
        truncation("z2", wire="truncated[2] @12 in -256..257"),
    ),
    "another shape": (
        line("r = reshape(z) : shared[1, 2] @16 in -65536..65536", 1),
        SECOND_R.replace("[2]", "[1, 2]"),
        truncation("z2", wire="truncated[1, 2] @8 in -256..257"),
    ),
    "another product of the same": (
        line(f'r = product(w.e, x.e) {{"map": "multiply", "share": "s.2"}} : {Z}', 1),
        SECOND_R,
        truncation("z2"),
    ),
    "a way there and back": (
        line('more = times(z) {"factor": 2} : shared[2] @16 in -131072..131072', 1),
        line("r = subtract(more, z) : shared[2] @16 in -196608..196608", 1),
        SECOND_R.replace("65536", "196608"),
        truncation("z2", wire="truncated[2] @8 in -768..769"),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_a_value_is_truncated_once_whatever_it_is_called(name: str) -> None:
    assert Rule.ONE_TRUNCATION in broken(added(PRODUCT, "out = reveal", *SAME[name]))


def test_another_value_is_truncated_too() -> None:
    fine = line('x.fine = times(x) {"factor": 256, "lift": 8} : clear[2] @16 in -65536..65536 at hospital', 0)
    sum_ = line("r = add(z, x.fine) : shared[2] @16 in -131072..131072", 1)
    opened = SECOND_R.replace("65536", "131072")
    twin = truncation("z2", wire="truncated[2] @8 in -512..513")

    assert broken(added(PRODUCT, "out = reveal", fine, sum_, opened, twin)) == set()


OPENED = {
    low: SECOND_R.replace("-65536..65536", f"{low}..{high}") for low, high in ((-65535, 65537), (-131072, 131072))
}
IMAGES = {
    "a public number more": (
        line('r = offset(z) {"constant": 1} : shared[2] @16 in -65535..65537', 1),
        OPENED[-65535],
        truncation("z2"),
    ),
    "twice as much, by one bit more": (
        line('r = times(z) {"factor": 2} : shared[2] @16 in -131072..131072', 1),
        OPENED[-131072],
        truncation("z2", shift=9, wire="truncated[2] @7 in -256..257"),
    ),
    "its negative": (
        line('r = times(z) {"factor": -1} : shared[2] @16 in -65536..65536', 1),
        SECOND_R,
        truncation("z2"),
    ),
    "joined and taken apart": (
        line("row = reshape(z) : shared[1, 2] @16 in -65536..65536", 1),
        line("both = concat(row, row) : shared[1, 4] @16 in -65536..65536", 1),
        line('r = slice(both) {"start": 0, "stop": 2} : shared[1, 2] @16 in -65536..65536', 1),
        SECOND_R.replace("[2]", "[1, 2]"),
        truncation("z2", wire="truncated[1, 2] @8 in -256..257"),
    ),
    "a part of it": (
        line("row = reshape(z) : shared[1, 2] @16 in -65536..65536", 1),
        line('r = slice(row) {"start": 1, "stop": 2} : shared[1, 1] @16 in -65536..65536', 1),
        SECOND_R.replace("[2]", "[1, 1]"),
        truncation("z2", wire="truncated[1, 1] @8 in -256..257"),
    ),
}


@pytest.mark.parametrize("name", IMAGES)
def test_a_public_image_of_a_value_is_that_value(name: str) -> None:
    assert broken(added(PRODUCT, "out = reveal", *IMAGES[name])) == {Rule.ONE_TRUNCATION}


def halves(second: tuple[int, int]) -> str:
    """The product, truncated in two pieces."""
    wire, done = "[1, 1] @16 in -65536..65536", "truncated[1, 1] @8 in -256..257"
    lines = [line("row = reshape(z) : shared[1, 2] @16 in -65536..65536", 1)]
    for number, (start, stop) in enumerate(((0, 1), second)):
        lines += [
            line(f'p{number} = slice(row) {{"start": {start}, "stop": {stop}}} : shared{wire}', 1),
            line(f'e{number} = mask(p{number}) {{"mask": "m.{number}"}} : masked{wire}', 2),
            truncation(f"e{number}", f"t{number}", done),
        ]
    revealed = ("reveal(t)", "reveal(z)"), ('"grant": "result"', '"drowned": 8, "grant": "result", "noise": "n"')
    text = edited(
        PRODUCT, (truncation("z.e", "t", "truncated[2] @8 in -256..257").replace("t.t", "t.z"), ""), *revealed
    )
    text = text.replace("@8 in -256..257 at lab", "@16 in -65536..65791 at lab").replace(
        "at lab ; round 3", "at lab ; round 2"
    )
    return added(text, "out = reveal", *lines)


def test_pieces_of_a_value_are_truncated_each() -> None:
    assert broken(halves((1, 2))) == set()
    assert broken(halves((0, 1))) == {Rule.ONE_TRUNCATION}


def test_a_value_may_be_truncated_to_two_scales() -> None:
    """Once for each scale (T1)."""
    coarse = truncation("z.e", shift=4, wire="truncated[2] @12 in -4096..4097")

    assert broken(added(PRODUCT, "out = reveal", coarse)) == set()


# ---- loops ----

WEIGHTS = "masked[2] @16 in -65536..65536"
IN_SETUP = line(f'first.e = mask(first) {{"mask": "m.first"}} : {WEIGHTS}', 1)
AGAIN = (line(f'w2 = mask(w) {{"mask": "m.2"}} : {WEIGHTS}', 1), truncation("w2", at=1))
HISTORY = (
    ("then next", "then v"),
    ("    carry w", "    carry v = first then next : shared[2] @16 in -65536..65536\n    carry w"),
)


def test_weights_change_before_they_are_truncated_again() -> None:
    assert Rule.ONE_TRUNCATION in broken(edited(LOOP, ("then next", "then w")))


def test_what_setup_masked_is_not_truncated_in_every_iteration() -> None:
    masked = edited(LOOP, ("  }\n  each", IN_SETUP + "  }\n  each"), ("truncate(w.e)", "truncate(first.e)"))

    assert Rule.ONE_TRUNCATION in broken(masked)


def test_weights_of_an_iteration_before_were_truncated_then() -> None:
    """`w` is the `v` of the iteration before, and both are truncated."""
    both = edited(LOOP, *HISTORY, ("mask(w)", "mask(v)"))

    assert broken(both) == set()
    assert Rule.ONE_TRUNCATION in broken(added(both, "g.real = given", *AGAIN))


def test_weights_that_setup_truncated_are_not_truncated_again() -> None:
    early = edited(LOOP, ("  }\n  each", IN_SETUP + truncation("first.e", at=1) + "  }\n  each"))

    assert Rule.ONE_TRUNCATION in broken(early)


def test_the_trained_weights_are_new_in_the_end() -> None:
    """No iteration truncated them."""
    assert broken(added(LOOP, "shown = reveal", *AGAIN)) == set()


CARRIED_MASK = written(
    setup="""
        w.real = given() {"what": "parameter"} : clear[2] within -1.0..1.0 at lab ; 0
        first = encode(w.real) {"scale": 8} : clear[2] @8 in -256..256 at lab ; 0
        first.e = mask(first) {"mask": "m.first"} : masked[2] @8 in -256..256 ; 1
    """,
    each="""
        carry w.e = first.e then next.e : masked[2] @8 in -256..256
        g.real = given() {"what": "data"} : clear[2] within -1.0..1.0 at hospital ; 0
        g = encode(g.real) {"scale": 8} : clear[2] @8 in -256..256 at hospital ; 0
        g.e = mask(g) {"mask": "m.g"} : masked[2] @8 in -256..256 ; 1
        next.e = mask(g) {"mask": "m.next"} : masked[2] @8 in -256..256 ; 1
        z = product(g.e, w.e) {"map": "multiply", "share": "s.z"} : shared[2] @16 in -65536..65536 ; 1
        zero = times(w.e) {"factor": 0} : masked[2] @8 in 0..0 ; 0
        sum = add(g.e, zero) : masked[2] @8 in -256..256 ; 1
        result z = z
    """,
    level=0,
)


def test_a_carried_mask_is_new_or_that_of_the_same_value() -> None:
    assert broken(CARRIED_MASK) == set()
    assert broken(edited(CARRIED_MASK, ("then next.e", "then w.e"))) == set()
    assert broken(edited(CARRIED_MASK, ("then next.e", "then sum"))) == {Rule.NEW_WEIGHTS}


def test_nothing_public_is_masked() -> None:
    zero = edited(
        PRODUCT,
        ("within -1.0..1.0 at hospital", "within 0.0..0.0 at hospital"),
        ("clear[2] @8 in -256..256 at hospital", "clear[2] @8 in 0..0 at hospital"),
    )

    assert Rule.MASKED in broken(zero)


# ---- masks that the dealer chooses ----

INTO = edited(PRODUCT, ('"share": "s.z"', '"into": "m.z"'))


def test_a_product_may_go_into_the_mask_of_its_truncation() -> None:
    assert broken(INTO) == set()


def taken_off(first: str, second: str) -> str:
    """The truncation of a difference in which the product stands."""
    difference = line(f"less = subtract({first}, {second}) : shared[2] @16 in -131072..131072", 1)
    wide = ("masked[2] @16 in -65536..65536", "masked[2] @16 in -131072..131072")
    fine = (
        '"grant": "result", "to": "lab"} : clear[2] @8 in -256..257',
        '"to": "lab", "grant": "result"} : clear[2] @8 in -512..513',
    )
    twice = line('x.fine = times(x) {"factor": 256, "lift": 8} : clear[2] @16 in -65536..65536 at hospital', 0)
    text = edited(
        INTO, wide, fine, ("mask(z)", "mask(less)"), ("truncated[2] @8 in -256..257", "truncated[2] @8 in -512..513")
    )
    return added(text, "z.e = mask", twice, difference)


def test_the_product_goes_into_its_mask_as_it_is() -> None:
    """A sum or difference with another value, not its negative."""
    assert broken(taken_off("z", "x.fine")) == set()
    assert broken(taken_off("x.fine", "z")) == {Rule.DEALER_CHOOSES}


@pytest.mark.parametrize(
    "wrong",
    [
        edited(INTO, ('"into": "m.z"', '"into": "m.x"')),
        edited(INTO, ('"into": "m.z"', '"into": "m.nothing"')),
        edited(INTO, ("reveal(t) {", 'reveal(z) {"drowned": 1, "noise": "n", ')),
        edited(INTO, ("    result result", "    result z = z\n    result result")),
        edited(INTO, ("    result result", "    result z = z.e\n    result result")),
        added(INTO, "out = reveal", line("double = add(z, z) : shared[2] @16 in -131072..131072", 1)),
        added(INTO, "out = reveal", line(f'more = times(z.e) {{"factor": 1}} : {MASKED_Z}', 2)),
        edited(added(INTO, "z.e = mask", line(f'one = times(z) {{"factor": 1}} : {Z}', 1)), ("mask(z)", "mask(one)")),
        edited(added(INTO, "z.e = mask", line(f'other = mask(z) {{"mask": "m.o"}} : {MASKED_Z}', 2))),
    ],
)
def test_nothing_else_is_done_with_it(wrong: str) -> None:
    assert Rule.DEALER_CHOOSES in broken(wrong)


# ---- results ----


def test_a_truncated_result_shows_its_coin() -> None:
    (remark,) = CheckMasks().remarks(parse(PRODUCT))

    assert remark == "`out` shows a truncated value, and with it the truncation's public coin"


def test_trained_weights_are_drowned_too() -> None:
    """A carried value holds what an iteration puts into it: here a product, there a truncated value."""
    noise = ('{"drowned": 8, "grant": "model", "noise": "n.w", "to": "lab"}', '{"grant": "model", "to": "lab"}')
    plain = ("in -65536..65791 at lab", "in -65536..65536 at lab")

    assert broken(edited(LOOP, noise, plain)) == set()
    assert Rule.DROWNED in broken(edited(LOOP, noise, plain, ("then next", "then z")))


def noisy(drowned: int) -> str:
    """The product, shown in noise instead of truncated."""
    shown = f'reveal(z) {{"drowned": {drowned}, "grant": "result", "noise": "n", "to": "lab"}} : clear[2] @16'
    text = edited(
        PRODUCT,
        ('reveal(t) {"grant": "result", "to": "lab"} : clear[2] @8', shown),
        ("-256..257 at lab", f"-65536..{65535 + (1 << drowned)} at lab"),
    )
    return text.replace("at lab ; round 3", "at lab ; round 2")


def test_a_product_is_drowned_down_to_the_bits_of_its_factors() -> None:
    assert broken(noisy(8)) == broken(noisy(9)) == set()
    assert broken(noisy(7)) == broken(noisy(1)) == {Rule.DROWNED}


@pytest.mark.parametrize("shift", [0, 1, 7])
def test_a_truncation_that_leaves_bits_of_a_product_rounds_nothing(shift: int) -> None:
    ends = f"-{65536 >> shift}..{(65536 >> shift) + (shift > 0)}"
    text = edited(PRODUCT, ('"shift": 8', f'"shift": {shift}')).replace("@8 in -256..257", f"@{16 - shift} in {ends}")

    assert broken(text) == {Rule.DROWNED}


def test_bits_that_a_factor_was_lifted_by_are_none_of_its_own() -> None:
    lifted = line('x.fine = times(x.e) {"factor": 256, "lift": 8} : masked[2] @16 in -65536..65536', 1)
    text = added(noisy(8), "z = product", lifted).replace("product(x.e", "product(x.fine")
    text = text.replace("@16 in -65536..65791", "@24 in -16777216..16777471")
    text = text.replace("shared[2] @16 in -65536..65536", "shared[2] @24 in -16777216..16777216")
    text = text.replace("masked[2] @16 in -65536..65536 ; round 2", "masked[2] @24 in -16777216..16777216 ; round 2")
    text = text.replace("truncated[2] @8 in -256..257", "truncated[2] @16 in -65536..65537")

    assert broken(text) == {Rule.DROWNED}
    assert broken(text.replace('"drowned": 8', '"drowned": 16').replace("16777471", "16842751")) == set()


def test_noise_is_not_averaged_out_over_images() -> None:
    one_more = line('o = offset(z) {"constant": 1} : shared[2] @16 in -65535..65537', 1)
    noise = '{"drowned": 8, "grant": "result", "noise": "n2", "to": "lab"}'
    again = line(f"out2 = reveal(o) {noise} : clear[2] @16 in -65535..65792 at lab", 2)

    assert broken(added(noisy(8), "real = decode", one_more, again)) == {Rule.DROWNED}


def test_our_own_mistake_is_an_internal_error_that_names_the_rule() -> None:
    wrong = parse(edited(PRODUCT, ("m.z", "m.x")))

    with pytest.raises(InternalError, match=r"C1 one mask, one value: `z\.e` uses `m\.x`"):
        CheckMasks().run(wrong)
