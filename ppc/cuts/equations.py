"""The paper's check of a split: whether a convolution gives fewer equations than it has unknowns, put right.

A kernel of n×n with stride s on l channels; k of them. Its equation (9) is printed without two squares: as it stands,
N = 27·l for the first layer of AlexNet, and not the 2187 of the paper's own example. That comes out with

    c = ⌈2n/s - 1⌉        M = c²·k        N = ((n - s) + c·s)²·l

where M equations concern the N unknowns of a patch. The check passes where N > M. It counts one patch, edges and all.
Of a whole image every stride cell gives k equations for s²·l unknowns: from k = s²·l on it is determined, whatever
the check says; and with fewer equations "not unique" is not "hidden", because inputs are not arbitrary numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from ppc.ir.graph import Graph, Node


@dataclass(frozen=True, kw_only=True)
class Check:
    """Of one convolution."""

    unknowns: int  # N of the paper
    equations: int  # M
    cells: float  # equations for each unknown of a stride cell: k / (s²·l)

    @property
    def passes(self) -> bool:
        """What the paper calls secure."""
        return self.unknowns > self.equations


def counted(kernel: int, stride: int, channels: int, kernels: int) -> Check:
    """The corrected equations (9) and (10)."""
    windows = ceil(2 * kernel / stride - 1)
    return Check(
        unknowns=((kernel - stride) + windows * stride) ** 2 * channels,
        equations=windows**2 * kernels,
        cells=kernels / (stride**2 * channels),
    )


def check(graph: Graph, layer: Node) -> Check:
    """Of a layer of a typed graph; a dense layer has one window, which is all of its input."""
    operand = graph[layer.inputs[0]].shape
    if layer.op != "conv2d":
        return Check(unknowns=operand[1], equations=layer.shape[1], cells=layer.shape[1] / operand[1])
    groups = layer.integer("groups")
    (high, wide), (down, across) = layer.pair("kernel"), layer.pair("stride")
    if high == wide and down == across:
        return counted(high, down, operand[1] // groups, layer.shape[1] // groups)
    rows, columns = ceil(2 * high / down - 1), ceil(2 * wide / across - 1)
    size = ((high - down) + rows * down) * ((wide - across) + columns * across)
    return Check(
        unknowns=size * operand[1] // groups,
        equations=rows * columns * layer.shape[1] // groups,
        cells=layer.shape[1] / (down * across * operand[1]),
    )
