"""How a vector of elements is read and written: neighbours, a fixed step apart, or by a table of places.

Called by the kernel generators. Addresses depend on shapes and public tables only, and lanes beyond a count are
masked by the shape, never by a value.
"""

from __future__ import annotations

from ppc.field import Field
from ppc.runtime.kernels.emit import Function, Value, constant, constants, lanes_of, vector_type
from ppc.runtime.kernels.variants import Variant

_ACROSS = 4  # words of each lane that are loaded at once to be turned


def load_lanes(f: Function, variant: Variant, field: Field, base: Value, places: Value) -> list[Value]:
    """One element per lane, each at its own place (in words from `base`)."""
    first = f.address(base, places)
    return [_gather(f, variant, _moved(f, first, word)) for word in range(field.words)]


def depths_at_once(field: Field) -> int:
    """How many neighbouring elements of each lane load_across loads."""
    return _ACROSS // field.words


def load_across(f: Function, variant: Variant, base: Value, places: Value, words: int) -> list[list[Value]]:
    """Neighbouring elements from each lane's place on: all lanes of the first, all lanes of the second, …

    A load for each lane and a turn in registers are fewer instructions than gathering every element by itself.
    """
    kind = vector_type(_ACROSS)
    rows = [f.load(f.address(base, f.lane(places, lane)), kind) for lane in range(variant.lanes)]
    columns = _turned(f, rows)
    return [columns[first : first + words] for first in range(0, _ACROSS, words)]


def _turned(f: Function, rows: list[Value]) -> list[Value]:
    """The four columns of four or eight rows. Of eight, each register holds two that are four apart."""
    half = len(rows) // 2
    if len(rows) == 2 * _ACROSS:
        rows = [f.shuffle(rows[row], rows[row + half], range(2 * _ACROSS)) for row in range(half)]
    size = lanes_of(rows[0].type)

    def mixed(left: Value, right: Value, *order: int) -> Value:
        return f.shuffle(left, right, [block + index for block in range(0, size, _ACROSS) for index in order])

    def pairs(first: int) -> list[Value]:
        return [mixed(rows[row], rows[row + 1], first, size + first, first + 2, size + first + 2) for row in (0, 2)]

    even, odd = pairs(0), pairs(1)
    return [
        mixed(left, right, first, first + 1, size + first, size + first + 1)
        for first in (0, 2)
        for left, right in (even, odd)
    ]


def load_columns(
    f: Function,
    variant: Variant,
    field: Field,
    base: Value,
    count: Value,
    part: int,
    step: Value | None = None,
) -> list[Value]:
    """Elements part·lanes … of a row of `count`, neighbours or `step` words apart; zero beyond the count."""
    if variant.lanes == 1:
        return [f.load(f.address(base, constant(part * field.words + word)), "i64") for word in range(field.words)]
    if step is not None:
        return _load_strided(f, variant, field, base, count, step)
    vectors = [
        _masked_load(f, variant, f.address(base, constant(first)), _below(f, variant, count, field.words, first))
        for first in _firsts(variant, field, part)
    ]
    return _deinterleave(f, variant, vectors)


def store_columns(
    f: Function,
    variant: Variant,
    field: Field,
    base: Value,
    count: Value,
    words: list[Value],
    step: Value | None = None,
) -> None:
    """The counterpart of load_columns, for the first lanes of a row."""
    if variant.lanes == 1:
        for word, value in enumerate(words):
            f.store(value, f.address(base, constant(word)))
    elif step is not None:
        _store_strided(f, variant, base, count, words, step)
    else:
        for vector, first in zip(_interleave(f, variant, words), _firsts(variant, field, 0), strict=True):
            mask = _below(f, variant, count, field.words, first)
            kind = f"v{variant.lanes}i64"
            arguments = [vector, f.address(base, constant(first)), constant(8, "i32"), mask]
            f.call(f"@llvm.masked.store.{kind}.p0", "void", arguments)


def load_whole(f: Function, variant: Variant, field: Field, base: Value) -> list[Value]:
    """`lanes` neighbouring elements, all there."""
    kind = vector_type(variant.lanes)
    vectors = [f.load(f.address(base, constant(number * variant.lanes)), kind) for number in range(field.words)]
    return _deinterleave(f, variant, vectors)


def store_whole(f: Function, variant: Variant, base: Value, words: list[Value]) -> None:
    for number, vector in enumerate(_interleave(f, variant, words)):
        f.store(vector, f.address(base, constant(number * variant.lanes)))


def _moved(f: Function, addresses: Value, word: int) -> Value:
    return f.emit(f"getelementptr i64, {addresses}, i64 {word}", addresses.type) if word else addresses


def _gather(f: Function, variant: Variant, addresses: Value) -> Value:
    if variant.lanes == 1:
        return f.load(addresses, "i64")
    everywhere = constant(1, vector_type(variant.lanes, "i1"))
    nothing = constant(0, vector_type(variant.lanes))
    arguments = [addresses, constant(8, "i32"), everywhere, nothing]
    return f.call(f"@llvm.masked.gather.v{variant.lanes}i64.v{variant.lanes}p0", nothing.type, arguments)


def _firsts(variant: Variant, field: Field, part: int) -> list[int]:
    """The first word of each vector of a part of a row."""
    return [(part * field.words + number) * variant.lanes for number in range(field.words)]


def _below(f: Function, variant: Variant, count: Value, words: int, first: int) -> Value:
    """Which lanes of the vector that starts at word `first` belong to the row."""
    limit = f.splat(f.multiply(count, constant(words)), variant.lanes)
    return f.compare("slt", constants(range(first, first + variant.lanes)), limit)


def _masked_load(f: Function, variant: Variant, address: Value, mask: Value) -> Value:
    nothing = constant(0, vector_type(variant.lanes))
    arguments = [address, constant(8, "i32"), mask, nothing]
    return f.call(f"@llvm.masked.load.v{variant.lanes}i64.p0", nothing.type, arguments)


def _deinterleave(f: Function, variant: Variant, vectors: list[Value]) -> list[Value]:
    if len(vectors) == 1 or variant.lanes == 1:
        return vectors
    lanes = variant.lanes
    return [f.shuffle(vectors[0], vectors[1], range(word, 2 * lanes, 2)) for word in range(2)]


def _interleave(f: Function, variant: Variant, words: list[Value]) -> list[Value]:
    if len(words) == 1 or variant.lanes == 1:
        return words
    lanes = variant.lanes
    order = [lane + lanes * word for lane in range(lanes) for word in range(2)]
    return [f.shuffle(words[0], words[1], order[:lanes]), f.shuffle(words[0], words[1], order[lanes:])]


def _strided_places(f: Function, variant: Variant, base: Value, step: Value) -> Value:
    index = f.multiply(constants(range(variant.lanes)), f.splat(step, variant.lanes))
    return f.address(base, index)


def _load_strided(f: Function, variant: Variant, field: Field, base: Value, count: Value, step: Value) -> list[Value]:
    kind = vector_type(variant.lanes)
    if variant.multiplier == "ifma":
        mask = _below(f, variant, count, 1, 0)
        places = _strided_places(f, variant, base, step)
        name = f"@llvm.masked.gather.v{variant.lanes}i64.v{variant.lanes}p0"
        return [
            f.call(name, kind, [_moved(f, places, word), constant(8, "i32"), mask, constant(0, kind)])
            for word in range(field.words)
        ]
    inside = f.convert("sext", _below(f, variant, count, 1, 0), kind)
    places = _lane_places(f, variant, base, count, step)
    return [
        f.both(_collected(f, variant, [_moved(f, place, word) for place in places]), inside)
        for word in range(field.words)
    ]


def _store_strided(f: Function, variant: Variant, base: Value, count: Value, words: list[Value], step: Value) -> None:
    if variant.multiplier == "ifma":
        mask = _below(f, variant, count, 1, 0)
        places = _strided_places(f, variant, base, step)
        name = f"@llvm.masked.scatter.v{variant.lanes}i64.v{variant.lanes}p0"
        for word, value in enumerate(words):
            f.call(name, "void", [value, _moved(f, places, word), constant(8, "i32"), mask])
        return
    # From the last lane to the first: a lane beyond the count goes where the last one that counts goes after it.
    places = _lane_places(f, variant, base, count, step)
    for lane in reversed(range(variant.lanes)):
        for word, value in enumerate(words):
            f.store(f.lane(value, lane), _moved(f, places[lane], word))


def _lane_places(f: Function, variant: Variant, base: Value, count: Value, step: Value) -> list[Value]:
    """Each lane's address; lanes beyond the count stay at the last one that counts."""
    last = f.subtract(count, constant(1))
    lanes = [f.call("@llvm.smin.i64", "i64", [constant(lane), last]) for lane in range(variant.lanes)]
    return [f.address(base, f.multiply(lane, step)) for lane in lanes]


def _collected(f: Function, variant: Variant, places: list[Value]) -> Value:
    """A vector of the words at these addresses."""
    vector = Value("poison", vector_type(variant.lanes))
    for lane, place in enumerate(places):
        word = f.load(place, "i64")
        vector = f.emit(f"insertelement {vector}, {word}, i64 {lane}", vector.type)
    return vector
