"""The matrix product's machine code: a register tile, and the loops around it.

Called by the library. Knows addresses by tables and no shapes: a product is
    out[row(i) + column(j)] (+)= Σ_k left[a(i) + b(k)] · right[c(k) + d(j)]
with six public index maps, which covers matrices of any layout and every pass of a convolution. The factors are
packed by packing.py, in the order in which the register tile reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppc.field import Field
from ppc.runtime.kernels.arithmetic import Arithmetic
from ppc.runtime.kernels.emit import Function, Value, constant, module
from ppc.runtime.kernels.lanes import LaneOperations
from ppc.runtime.kernels.limbs import Plan, Term, plan
from ppc.runtime.kernels.memory import load_columns, store_columns
from ppc.runtime.kernels.variants import Variant

SHALLOW = 16  # the depth up to which a product is shallow: that of a first layer's convolution
SLIVER = 8  # rows of the left factor that are packed side by side

PARAMETERS = (
    *("left", "right", "out", "left_pack", "right_pack", "left_room", "right_room"),
    *("slivers", "tiles", "depth", "sliver_block", "tile_block", "depth_block"),
    *("left_lanes", "left_depths", "row_counts", "row_places"),
    *("right_lanes", "right_depths", "column_counts", "column_places"),
    *("keep", "flip", "hold", "column_step"),
    *("batches", "left_batches", "right_batches", "out_batches"),
)


def tile_rows(field: Field, variant: Variant) -> int:
    """How many rows of accumulators the registers hold: a power of two, so that tiles part a sliver evenly."""
    accumulators = plan(field, variant.multiplier).accumulators
    room = {"ifma": 24, "narrow": 12, "wide": 5}[variant.multiplier]
    most = SLIVER if variant.multiplier == "ifma" else SLIVER // 2
    return max(rows for rows in (1, 2, 4, 8) if rows == 1 or rows <= min(most, room // accumulators))


@dataclass(frozen=True)
class ProductKernel:
    """The product of packed factors. `columns`: the out matrix's columns are neighbours, or `column_step` apart.

    A shallow product sums at most SHALLOW products and never adds to what is there: less is left to reduce.
    """

    field: Field
    columns: str
    shallow: bool = False

    @property
    def name(self) -> str:
        return f"{'shallow' if self.shallow else 'product'}_{self.columns}_{self.field.name}"

    def module(self, variant: Variant) -> str:
        """void(ptr parameters), each 64 bits wide, in the order of PARAMETERS."""
        rows = tile_rows(self.field, variant)
        tiles = [_Tile(self, variant, count).function() for count in range(1, rows + 1)]
        driver = _Driver(self.name, variant, plan(self.field, variant.multiplier), rows).function()
        names = ", ".join(f"ptr @{tile.name}" for tile in tiles)
        table = f"@tiles = internal constant [{rows + 1} x ptr] [ptr @{tiles[0].name}, {names}]"
        return module([*tiles, driver], triple=variant.triple, extra=table)


class _Tile:
    """void(ptr left, ptr right, i64 depth, ptr out, ptr row_places, i64 count, i64 keep, i64 step)

    `rows` rows and one vector of columns, summed in registers over `depth` and then reduced once.
    """

    def __init__(self, kernel: ProductKernel, variant: Variant, rows: int) -> None:
        self.kernel, self.variant, self.rows = kernel, variant, rows
        self.plan = plan(kernel.field, variant.multiplier)
        kinds = ("ptr", "ptr", "i64", "ptr", "ptr", "i64", "i64", "i64")
        self.f = Function(f"tile_{rows}_{kernel.name}", kinds, exported=False)
        self.operations = LaneOperations(self.f, variant.lanes, variant.multiplier)
        self.arithmetic = Arithmetic(kernel.field, self.operations, self.plan)

    def function(self) -> Function:
        left, right, depth = self.f.parameters[:3]
        group = tile_rows(self.kernel.field, self.variant)
        for row in range(self.rows):
            self._announce(row)
        totals = sum_products(self.f, self.arithmetic, self.rows, group, left, right, depth)
        for row in range(self.rows):
            self._write(row, totals[row])
        return self.f

    def _address(self, row: int) -> Value:
        out, places = self.f.parameters[3:5]
        return self.f.address(out, self.f.load(self.f.address(places, constant(row)), "i64"))

    def _announce(self, row: int) -> None:
        """Rows are often far apart in memory; while the products are summed, theirs comes near."""
        write, nearest, data = (constant(number, "i32") for number in (1, 3, 1))
        self.f.call("@llvm.prefetch.p0", "void", [self._address(row), write, nearest, data])

    def _write(self, row: int, totals: Sequence[Value]) -> None:
        f, field = self.f, self.kernel.field
        count, keep, step = f.parameters[5:]
        steps = depth_limit(field, self.variant)
        product = self.arithmetic.finish(totals, min(steps, SHALLOW) if self.kernel.shallow else steps)
        address = self._address(row)
        columns = step if self.kernel.columns == "strided" else None
        if not self.kernel.shallow:
            old = load_columns(f, self.variant, field, address, count, 0, columns)
            kept = f.splat(keep, self.variant.lanes)
            product = self.arithmetic.add(product, self.arithmetic.unpack([f.both(word, kept) for word in old]))
        store_columns(f, self.variant, field, address, count, self.arithmetic.pack(product), columns)


def depth_limit(field: Field, variant: Variant) -> int:
    """How many products a tile sums before it reduces: what the accumulators hold, at most 512."""
    return min(512, plan(field, variant.multiplier).steps)


def sum_products(
    f: Function, arithmetic: Arithmetic[Value], rows: int, group: int, left: Value, right: Value, depth: Value
) -> list[list[Value]]:
    """The accumulators of the first `rows` rows of a packed group after `depth` products."""
    limbs: Plan = arithmetic.plan
    operations = arithmetic.operations
    assert isinstance(operations, LaneOperations)
    lanes = operations.lanes
    zero = operations.accumulator(0)

    def step(k: Value, carried: list[Value]) -> Sequence[Value]:
        totals = list(carried)
        from_right = f.address(right, f.multiply(k, constant(len(limbs.right) * lanes)))
        from_left = f.address(left, f.multiply(k, constant(len(limbs.left) * group)))
        b: dict[int, Value] = {}
        a: dict[tuple[int, int], Value] = {}
        for row, term in _order(limbs, rows):
            if term.right not in b:
                b[term.right] = f.load(f.address(from_right, constant(term.right * lanes)), operations.type)
            if (row, term.left) not in a:
                place = f.address(from_left, constant(term.left * group + row))
                a[row, term.left] = f.splat(f.load(place, "i64"), lanes)
            index = row * limbs.accumulators + term.accumulator
            factors = a[row, term.left], b[term.right]
            totals[index] = operations.multiply_add(totals[index], *factors, term.part)
        return totals

    totals = f.loop(depth, [zero] * (rows * limbs.accumulators), step)
    return [totals[row * limbs.accumulators : (row + 1) * limbs.accumulators] for row in range(rows)]


def _order(limbs: Plan, rows: int) -> list[tuple[int, Term]]:
    """Row by row where right limbs are used again, else limb by limb: then few registers hold factors at a time."""
    pairs = [(row, term) for row in range(rows) for term in limbs.terms]
    once = len({(term.left, term.right) for term in limbs.terms}) == len(limbs.right)
    return sorted(pairs, key=lambda pair: pair[1].left) if once else pairs


class _Driver:
    """The loops around the tile: batches, blocks of columns, of depth, of rows, and the tiles of a block.

    A packed tile of the right factor stays in the nearest cache while the left factor's slivers pass by. It is packed
    just before the first of them; only if there are several blocks of slivers does each tile get (`hold` = 1) a room of
    its own, where the later ones find it.
    """

    def __init__(self, name: str, variant: Variant, limbs: Plan, rows: int) -> None:
        self.f = Function(name, ("ptr",), exported=True)
        self.rows = rows
        self.lanes = variant.lanes
        self.left_words, self.right_words = len(limbs.left) * SLIVER, len(limbs.right) * variant.lanes
        (block,) = self.f.parameters
        self.p = {
            name: self.f.load(self.f.address(block, constant(number)), "ptr" if name in _POINTERS else "i64")
            for number, name in enumerate(PARAMETERS)
        }

    def function(self) -> Function:
        self.f.repeat(self.p["batches"], self._batch)
        return self.f

    def _least(self, left: Value, right: Value) -> Value:
        return self.f.call("@llvm.smin.i64", "i64", [left, right])

    def _moved(self, name: str, index: Value, unit: int = 1) -> Value:
        return self.f.address(self.p[name], self.f.multiply(index, constant(unit)))

    def _batch(self, number: Value) -> None:
        f = self.f
        left, right, out = (
            f.address(self.p[name], f.load(self._moved(f"{name}_batches", number), "i64"))
            for name in ("left", "right", "out")
        )

        def columns(first: Value) -> None:
            tiles = self._least(self.p["tile_block"], f.subtract(self.p["tiles"], first))
            f.repeat(
                self.p["depth"],
                lambda k: self._depths(k, first, tiles, left, right, out),
                step=self.p["depth_block"],
            )

        f.repeat(self.p["tiles"], columns, step=self.p["tile_block"])

    def _depths(self, k: Value, tile: Value, tiles: Value, left: Value, right: Value, out: Value) -> None:
        depth = self._least(self.p["depth_block"], self.f.subtract(self.p["depth"], k))
        self.f.repeat(
            self.p["slivers"],
            lambda first: self._rows(k, depth, first, tile, tiles, left, right, out),
            step=self.p["sliver_block"],
        )

    def _rows(
        self, k: Value, depth: Value, first: Value, tile: Value, tiles: Value, left: Value, right: Value, out: Value
    ) -> None:
        f = self.f
        slivers = self._least(self.p["sliver_block"], f.subtract(self.p["slivers"], first))
        self._pack("left", left, k, depth, first, slivers, self.p["left_room"])
        later = f.convert("sext", f.compare("ne", k, constant(0)), "i64")
        keep = f.either(self.p["keep"], later)
        fresh = f.convert("zext", f.compare("eq", first, constant(0)), "i64")

        def column(number: Value) -> None:
            here = f.add(tile, number)
            packed = self._moved("right_room", f.multiply(f.multiply(number, self.p["hold"]), depth), self.right_words)
            self._pack("right", right, k, depth, here, fresh, packed)
            count = f.load(self._moved("column_counts", here), "i64")
            target = f.address(out, f.load(self._moved("column_places", here), "i64"))
            f.repeat(slivers, lambda s: self._sliver(s, first, depth, packed, [target, count, keep]))

        f.repeat(tiles, column)

    def _pack(self, side: str, base: Value, k: Value, depth: Value, first: Value, count: Value, room: Value) -> None:
        """Packs `count` tiles of a factor from `first` on."""
        width, counts = (SLIVER, "row_counts") if side == "left" else (self.lanes, "column_counts")
        tables = [self._moved(f"{side}_lanes", first, width), self._moved(counts, first)]
        flip = self.p["flip"] if side == "left" else constant(0)
        arguments = [base, self._moved(f"{side}_depths", k), depth, *tables, count, room, flip]
        self.f.call(self.p[f"{side}_pack"].text, "void", arguments)

    def _sliver(self, number: Value, first: Value, depth: Value, right: Value, target: list[Value]) -> None:
        """Whole register tiles, then one of fewer rows: by a table of functions, at a place the shape decides."""
        f, (out, count, keep) = self.f, target
        left = self._moved("left_room", f.multiply(number, depth), self.left_words)
        here = f.add(first, number)
        places = self._moved("row_places", here, SLIVER)
        height = f.load(self._moved("row_counts", here), "i64")
        whole = f.binary("udiv", height, constant(self.rows))
        done = f.multiply(whole, constant(self.rows))
        rest = f.subtract(height, done)

        def call(callee: str, row: Value) -> None:
            group = f.address(left, f.multiply(f.multiply(row, depth), constant(self.left_words // SLIVER)))
            arguments = [group, right, depth, out, f.address(places, row)]
            f.call(callee, "void", [*arguments, count, keep, self.p["column_step"]])

        f.repeat(whole, lambda r: call(f"@tile_{self.rows}_{f.name}", f.multiply(r, constant(self.rows))))
        if self.rows > 1:
            smaller = f.load(f.address(Value("@tiles", "ptr"), rest, "ptr"), "ptr")
            f.repeat(self._least(rest, constant(1)), lambda _: call(smaller.text, done))


_POINTERS = frozenset(
    {
        *("left", "right", "out", "left_pack", "right_pack", "left_room", "right_room"),
        *("left_lanes", "left_depths", "row_counts", "row_places"),
        *("right_lanes", "right_depths", "column_counts", "column_places"),
        *("left_batches", "right_batches", "out_batches"),
    }
)


@dataclass(frozen=True)
class RegisterLoop:
    """The register tile alone, over and over on operands in the nearest cache: the limit of the machine."""

    field: Field

    @property
    def name(self) -> str:
        return f"register_loop_{self.field.name}"

    def module(self, variant: Variant) -> str:
        """void(ptr parameters): left, right, depth, repeats, out"""
        f = Function(self.name, ("ptr",), exported=True)
        (block,) = f.parameters
        kinds = ("ptr", "ptr", "i64", "i64", "ptr")
        left, right, depth, repeats, out = (
            f.load(f.address(block, constant(number)), kind) for number, kind in enumerate(kinds)
        )
        operations = LaneOperations(f, variant.lanes, variant.multiplier)
        arithmetic = Arithmetic(self.field, operations, plan(self.field, variant.multiplier))
        rows = tile_rows(self.field, variant)

        def once(_: Value) -> None:
            totals = sum_products(f, arithmetic, rows, rows, left, right, depth)
            for number, total in enumerate(total for row in totals for total in row):
                f.store(total, f.address(out, constant(number), total.type), 8)

        f.repeat(repeats, once)
        return module([f], triple=variant.triple)
