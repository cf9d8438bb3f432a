"""What `ppc run` takes where no data are named: examples drawn within the program's bounds, and seeded weights.

An answer about data that somebody named is never given by weights that nobody named.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from io import BytesIO
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.errors import fail

if TYPE_CHECKING:
    from ppc.data import Array
    from ppc.ir.graph import Graph

SEED = 1


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """What of a run was drawn."""

    examples: int
    weights: bool

    @property
    def drawn(self) -> list[str]:
        return ["input", "weights"] if self.weights else ["input"]

    def __str__(self) -> str:
        what = "the example was" if self.examples == 1 else f"the {self.examples:,} examples were"
        said = f"Only a demonstration: {what} drawn from a seed, within the program's bounds"
        if not self.weights:
            return f"{said}, so the answer means nothing. `--input DATA` takes real ones."
        return (
            f"{said}, and so were the weights of a model that nobody trained, so the answer means nothing. "
            "`--input DATA` and `--weights FILE` take real ones."
        )


def of(arguments: Namespace) -> Demonstration | None:
    """Whether the user named no data; the weights are seeded where none are named either."""
    if arguments.input is not None:
        return None
    named = (arguments.weights, arguments.seed, arguments.shares)
    return Demonstration(examples=arguments.examples or 1, weights=all(one is None for one in named))


def completed(arguments: Namespace, shown: Demonstration | None) -> Namespace:
    """The same, with a seed for weights that are drawn."""
    if shown is None or not shown.weights:
        return arguments
    return Namespace(**{**vars(arguments), "seed": SEED})


def inputs(graph: Graph) -> dict[str, Array]:
    """The data of a graph, drawn."""
    from ppc.data import MOST_VALUES
    from ppc.diff.drawn import examples

    count = sum(prod(node.shape) for node in graph.inputs if node.word("role") == "data")
    if count > MOST_VALUES:
        raise fail("PPC508", f"{count:,} values are more than are drawn for a demonstration.", hint="Take fewer.")
    return examples(graph, SEED)


def kept(folder: Path, drawn: dict[str, Array]) -> Path:
    """In a file, for the processes that read data from files."""
    import numpy as np

    from ppc.files import write_whole

    held, path = BytesIO(), folder / "drawn.npz"
    np.savez(held, **drawn)  # pyright: ignore[reportArgumentType]
    write_whole(path, held.getvalue())
    return path
