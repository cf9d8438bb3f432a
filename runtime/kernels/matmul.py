"""The matrix product on arrays of any shape and strides, one or many at a time.

Called by the workbench. Knows shapes and strides; the product itself is bilinear.py's.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ppc.field import Field, Words
from ppc.runtime.kernels.bilinear import Maps, Product
from ppc.runtime.kernels.buffers import check_apart, check_elements, check_own_places, check_shape, wrong
from ppc.runtime.kernels.library import Library

Axes = tuple[tuple[int, int], ...]  # (length, stride in words) of each axis of elements


def check_matmul(field: Field, left: Words, right: Words, out: Words) -> None:
    """left[…, i, k] · right[…, k, j] into out[…, i, j]; leading axes are a batch and broadcast as numpy's do."""
    for name, array in (("left", left), ("right", right), ("out", out)):
        check_elements(array, name, field, written=name == "out")
        if len(axes(array, field)) < 2:
            raise wrong(name, "has fewer than two axes of elements", "A vector is a matrix of one row or column.")
    a, b = shape(left, field), shape(right, field)
    if a[-1] != b[-2]:
        raise wrong("right", f"has {b[-2]} rows; `left` has {a[-1]} columns", "They must be equal.")
    try:
        batch = np.broadcast_shapes(a[:-2], b[:-2])
    except ValueError as error:
        raise wrong("right", f"has batch {b[:-2]}; `left` has {a[:-2]}", "They must broadcast.") from error
    check_shape(out, "out", field, (*batch, a[-2], b[-1]))
    check_own_places(out, "out")
    check_apart(out, "out", (("left", left), ("right", right)))


def shape(array: Words, field: Field) -> tuple[int, ...]:
    """The shape in elements."""
    return array.shape if field.words == 1 else array.shape[:-1]


def axes(array: Words, field: Field) -> Axes:
    strides = array.strides if field.words == 1 else array.strides[:-1]
    return tuple((length, stride // 8) for length, stride in zip(shape(array, field), strides, strict=True))


def matmul(
    library: Library,
    field: Field,
    left: Words,
    right: Words,
    out: Words,
    *,
    keep: bool,
    negate: bool,
    threads: int,
) -> None:
    """The arrays have been checked."""
    if out.size == 0:
        return
    if shape(left, field)[-1] == 0:
        if not keep:
            out[...] = 0
        return
    product = _prepared(library, field, axes(left, field), axes(right, field), axes(out, field))
    product.run(left.ctypes.data, right.ctypes.data, out.ctypes.data, keep=keep, negate=negate, threads=threads)


@lru_cache(maxsize=256)
def _prepared(library: Library, field: Field, left: Axes, right: Axes, out: Axes) -> Product:
    return Product(library, field, matrix_maps(left, right, out))


def matrix_maps(left: Axes, right: Axes, out: Axes) -> Maps:
    """The index maps of matrices with these layouts."""
    (rows, left_row), (depth, left_depth) = left[-2:]
    (_, right_depth), (columns, right_column) = right[-2:]
    (_, out_row), (_, out_column) = out[-2:]
    return Maps(
        left_rows=_steps(rows, left_row),
        left_depths=_steps(depth, left_depth),
        right_depths=_steps(depth, right_depth),
        right_columns=_steps(columns, right_column),
        out_rows=_steps(rows, out_row),
        out_columns=_steps(columns, out_column),
        run=columns,
        step=out_column,
        left_batches=_batches(left[:-2], out[:-2]),
        right_batches=_batches(right[:-2], out[:-2]),
        out_batches=_batches(out[:-2], out[:-2]),
    )


def _steps(count: int, stride: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(count, dtype=np.int64) * stride


def _batches(own: Axes, whole: Axes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where each matrix of the batch starts: missing axes and axes of length 1 stay where they are."""
    places = np.zeros(1, np.int64)
    padded = ((1, 0),) * (len(whole) - len(own)) + own
    for (length, stride), (count, _) in zip(padded, whole, strict=True):
        places = (places[:, None] + _steps(count, stride if length > 1 else 0)).ravel()
    return places
