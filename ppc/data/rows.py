"""Inputs for a run: which array of a file goes to which input of the program.

A .npz or .npy of real numbers is taken as it is, each array for the input of its name; only what the program asks for
is read, once its header fits. A set of images goes to the only input of data, its pixels scaled to the bounds that the
program says, and its labels to the only input of labels; a sentence says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from ppc.arrays import StoredArray, reading
from ppc.data import archive
from ppc.data.examples import MOST_VALUES, Array, Examples
from ppc.data.sources import built_in, examples
from ppc.errors import PpcError, fail
from ppc.ir.graph import Graph
from ppc.source import Span

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One array that is needed, with an example in each row."""

    name: str
    shape: tuple[int, ...]  # of one example
    rows: int | None = None  # exactly so many, where that is known
    label: bool = False  # one of so many classes: whole numbers stand for their places
    bounds: tuple[float, float] | None = None  # between what pixels are scaled
    span: Span | None = None


def load_inputs(path: Path, graph: Graph, *, first: int | None = None, say: Say | None = None) -> dict[str, Array]:
    """The data inputs of a graph, by name; a single example gets a batch of one."""
    wanted = [
        Expected(
            name=node.name,
            shape=node.shape[1:],
            bounds=None if node.typed.bounds is None else (node.typed.bounds.low, node.typed.bounds.high),
            span=node.span,
        )
        for node in graph.inputs
        if node.word("role") == "data"
    ]
    return load_rows(path, wanted, first=first, say=say)


def load_rows(
    path: Path, wanted: Sequence[Expected], *, first: int | None = None, say: Say | None = None
) -> dict[str, Array]:
    """What is expected, by name; `first`: no more examples than so many. `say` is told what became of images."""
    loaded = _from_images(path, wanted, first, say) if _are_images(path, wanted) else _from_arrays(path, wanted)
    if len({len(array) for array in loaded.values()}) > 1:
        sizes = ", ".join(f"{name} {len(array):,}" for name, array in loaded.items())
        raise fail("PPC508", f"The arrays in {path} have different numbers of examples: {sizes}.")
    if any(len(array) == 0 for array in loaded.values()):
        raise fail("PPC508", f"{path} has no examples.", span=next(one.span for one in wanted))
    return {name: array[:first] for name, array in loaded.items()}


def check_bounds(path: Path, found: Mapping[str, Array], wanted: Sequence[Expected]) -> None:
    """Every number of every example, before the first is used: a batch that meets a wrong one later ends the run."""
    for one in wanted:
        low, high = one.bounds or (-np.inf, np.inf)
        values = found[one.name]
        wrong = ~((values >= low) & (values <= high) & np.isfinite(values)).reshape(len(values), -1).all(1)
        if wrong.any():
            first = int(wrong.argmax())
            raise fail(
                "PPC520",
                f"`{one.name}` in {path} has values that are not in {low:g}..{high:g} in {int(wrong.sum()):,} of "
                f"{len(values):,} rows; the first is row {first:,}, counted from 0.",
                span=one.span,
                hint="Bounds are part of the program: mend or leave out these rows, or write wider bounds.",
            )


# ---- arrays by their names ----


def _from_arrays(path: Path, wanted: Sequence[Expected]) -> dict[str, Array]:
    with reading(path), archive.stored(path, [one.name for one in wanted]) as found:
        arrays = {array.name: array for array in found}
        if missing := [one.name for one in wanted if one.name not in arrays]:
            raise fail(
                "PPC508",
                f"{path} has no array named {', '.join(missing)}; it has {', '.join(sorted(arrays)) or 'none'}.",
                hint="Save it with `numpy.savez(file, NAME=array)`, one array for each input.",
            )
        return {one.name: _loaded(path, arrays[one.name], one) for one in wanted}


def _loaded(path: Path, array: StoredArray, wanted: Expected) -> Array:
    """The numbers of one input, if its header says that they fit the model and this machine."""
    example, shape = wanted.shape, array.shape
    if wanted.label and len(shape) == 1 and len(example) == 1 and array.dtype.kind in "iu" and shape != example:
        return _classes(path, array, wanted)
    single = shape == example and wanted.rows is None
    if not single and (shape[1:] != example or wanted.rows not in (None, *shape[:1])):
        found = "×".join(map(str, shape)) or "a single number"
        raise fail(
            "PPC508",
            f"`{array.name}` in {path} is {found}; the model takes "
            f"{'×'.join(map(str, (wanted.rows or 'batch', *example)))}.",
            span=wanted.span,
            hint="Reshape the array; the first size counts the examples.",
        )
    if array.dtype.kind not in "fiub":
        raise fail("PPC508", f"`{array.name}` in {path} holds {array.dtype}, not real numbers.", span=wanted.span)
    if int(np.prod(shape, dtype=object)) > MOST_VALUES:
        raise fail("PPC508", f"`{array.name}` in {path} has more than {MOST_VALUES:,} values.", hint="Run it in parts.")
    values = array.read().astype(np.float64)
    return values[np.newaxis] if single else values


def _classes(path: Path, array: StoredArray, wanted: Expected) -> Array:
    """Numbers of classes as rows with a 1 at their places."""
    (count,), numbers = wanted.shape, array.read()
    if len(numbers) * count > MOST_VALUES or (len(numbers) and not 0 <= numbers.min() <= numbers.max() < count):
        raise fail("PPC508", f"`{array.name}` in {path} has classes outside of 0 to {count - 1}.", span=wanted.span)
    return np.eye(count)[numbers]


# ---- sets of images ----


def _are_images(path: Path, wanted: Sequence[Expected]) -> bool:
    """Anything but a numpy file that has arrays of the names that are wanted. A set may call its labels as they are."""
    if built_in(path) or path.is_dir():
        return True
    with reading(path):
        with path.open("rb") as file:
            start = file.read(len(archive.NUMPY))
        if path.suffix in (".npy", ".npz") and not start.startswith(b"PK"):
            return False
        if not start.startswith(b"PK"):
            return start != archive.NUMPY
        with archive.stored(path, []) as found:
            names = {array.name for array in found}
    own = [one.name for one in wanted if not one.label] or [one.name for one in wanted]
    return archive.IMAGES in names and not names.intersection(own)


def _from_images(path: Path, wanted: Sequence[Expected], first: int | None, say: Say | None) -> dict[str, Array]:
    pictures = [one for one in wanted if not one.label]
    answers = [one for one in wanted if one.label]
    if len(pictures) > 1 or len(answers) > 1:
        raise fail(
            "PPC508",
            f"`{path}` is one set of images, and the program takes {', '.join(one.name for one in wanted)}.",
            hint="Write a .npz with one array for each input, under its name.",
        )
    found = examples(path)
    found = found if first is None else found.first(first)
    loaded: dict[str, Array] = {}
    said = list(found.notes)
    for one in pictures:
        loaded[one.name] = _pixels(found, one)
        said.append(_told(found, one))
    for one in answers:
        loaded[one.name] = _answers(found, one)
        said.append(f"{one.name}: the labels of {found.name}, {len(found.classes)} classes")
    for sentence in said if say else ():
        say(sentence)  # pyright: ignore[reportOptionalCall]
    return loaded


def _pixels(found: Examples, wanted: Expected) -> Array:
    if prod(found.shape) != prod(wanted.shape) or wanted.rows not in (None, len(found)):
        raise _misfit(found, wanted)
    return found.scaled(*(wanted.bounds or (0.0, 1.0))).reshape(len(found), *wanted.shape)


def _misfit(found: Examples, wanted: Expected) -> PpcError:
    return fail(
        "PPC508",
        f"{found.name} has images {'×'.join(map(str, (len(found), *found.shape)))}; `{wanted.name}` takes "
        f"{'×'.join(map(str, (wanted.rows or 'batch', *wanted.shape)))}.",
        span=wanted.span,
        hint="Take data of the size of the program's input, or change the program.",
    )


def _told(found: Examples, wanted: Expected) -> str:
    low, high = wanted.bounds or (0.0, 1.0)
    shape = "×".join(map(str, found.shape))
    flat = "" if found.shape == wanted.shape else f" in rows of {'×'.join(map(str, wanted.shape))}"
    return (
        f"{wanted.name}: {len(found):,} images of {found.name}, {shape}{flat}, "
        f"pixels 0 to {found.brightest} scaled to {low:g} to {high:g}"
    )


def _answers(found: Examples, wanted: Expected) -> Array:
    """Rows with a 1 at the place of the class."""
    if found.labels is None:
        raise fail("PPC532", f"{found.name} has no labels.", hint=f"`{wanted.name}` of the program needs them.")
    if wanted.shape != (len(found.classes),):
        raise fail(
            "PPC508",
            f"{found.name} has {len(found.classes)} classes; `{wanted.name}` takes one of {prod(wanted.shape)}.",
            span=wanted.span,
            hint="Let the program have as many classes as the data.",
        )
    return np.eye(len(found.classes))[found.labels]
