"""Packing: each element of a factor is cut into limbs once, in the order in which the register tile reads them.

Called by bilinear.py through the library. Knows addresses by tables and no shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppc.field import Field
from ppc.runtime.kernels.arithmetic import Arithmetic
from ppc.runtime.kernels.emit import Function, Value, constant, lanes_of, module
from ppc.runtime.kernels.lanes import LaneOperations
from ppc.runtime.kernels.limbs import plan
from ppc.runtime.kernels.memory import depths_at_once, load_across, load_columns, load_lanes
from ppc.runtime.kernels.product import SLIVER, tile_rows
from ppc.runtime.kernels.variants import Variant


@dataclass(frozen=True)
class PackKernel:
    """Copies elements, cut into limbs, into the order of the register tile.

    `neighbours` in memory are the elements of one depth ("lanes"), those of a few depths that follow each other
    ("depths"), or none that can be counted on ("none").
    """

    field: Field
    side: str
    neighbours: str

    @property
    def name(self) -> str:
        return f"pack_{self.side}_{self.neighbours}_{self.field.name}"

    def module(self, variant: Variant) -> str:
        """void(ptr from, ptr depths, i64 depth, ptr lanes, ptr counts, i64 tiles, ptr to, i64 flip)

        flip is 0, or -1 to pack the negated elements: p - x flips every bit of x.
        """
        return module([_Pack(self, variant).function()], triple=variant.triple)


class _Pack:
    """The kernel's function under construction."""

    def __init__(self, kernel: PackKernel, variant: Variant) -> None:
        self.kernel, self.variant, self.field = kernel, variant, kernel.field
        kinds = ("ptr", "ptr", "i64", "ptr", "ptr", "i64", "ptr", "i64")
        self.f = Function(kernel.name, kinds, exported=True)
        limbs = plan(self.field, variant.multiplier)
        left = kernel.side == "left"
        self.limbs = limbs.left if left else limbs.right
        self.width = SLIVER if left else variant.lanes
        self.group = tile_rows(self.field, variant) if left else self.width
        self.across = kernel.neighbours == "depths" and variant.lanes > 1
        operations = LaneOperations(self.f, variant.lanes, variant.multiplier)
        self.type = operations.type
        self.arithmetic = Arithmetic(self.field, operations, limbs)

    def function(self) -> Function:
        f, tiles, flip = self.f, self.f.parameters[5], self.f.parameters[7]
        masks = [(1 << min(64, self.field.bits - 64 * word)) - 1 for word in range(self.field.words)]
        self.flips = [f.splat(f.both(flip, constant(mask)), self.variant.lanes) for mask in masks]
        f.repeat(tiles, self._tile)
        return f

    def _tile(self, index: Value) -> None:
        f, (base, depths, depth, lanes, counts, *_) = self.f, self.f.parameters
        first = f.multiply(index, constant(self.width))
        count = f.load(f.address(counts, index), "i64")
        start = f.multiply(f.multiply(index, depth), constant(len(self.limbs) * self.width))
        parts = range(0, self.width, self.variant.lanes)
        places = [f.load(f.address(lanes, f.add(first, constant(part))), self.type) for part in parts]

        def step(k: Value) -> None:
            address = f.address(base, f.load(f.address(depths, k), "i64"))
            for part, place in enumerate(places):
                for number, words in enumerate(self._load(address, places[0], place, count, part)):
                    flipped = [f.differ(word, flip) for word, flip in zip(words, self.flips, strict=True)]
                    split = self.arithmetic.split(flipped, self.limbs)
                    self._store([start, depth, f.add(k, constant(number))], split, part * self.variant.lanes)

        f.repeat(depth, step, step=depths_at_once(self.field) if self.across else 1)

    def _load(self, address: Value, first: Value, place: Value, count: Value, part: int) -> list[list[Value]]:
        """The words of one part of a tile, for as many depths as are loaded at once."""
        f, variant, field = self.f, self.variant, self.field
        if self.across:
            return load_across(f, variant, address, place, field.words)
        if self.kernel.neighbours == "lanes" and variant.lanes > 1:
            return [load_columns(f, variant, field, f.address(address, f.lane(first, 0)), count, part)]
        return [load_lanes(f, variant, field, address, place)]

    def _store(self, place: list[Value], limbs: Sequence[Value], first: int) -> None:
        """Tile by tile, group by group: for each depth the first limb of the group's elements, the second, …"""
        f, group, (start, depth, k) = self.f, self.group, place
        lanes = lanes_of(limbs[0].type)
        size = min(group, lanes)
        for lane in range(0, lanes, size):
            number, within = divmod(first + lane, group)
            here = f.multiply(f.add(f.multiply(depth, constant(number)), k), constant(len(limbs) * group))
            target = f.address(f.parameters[6], f.add(start, here))
            for index, limb in enumerate(limbs):
                piece = limb if size == lanes else f.shuffle(limb, limb, range(lane, lane + size))
                piece = f.lane(piece, 0) if size == 1 else piece
                f.store(piece, f.address(target, constant(index * group + within)))
