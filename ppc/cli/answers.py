"""How a result is printed, or written to a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.errors import fail
from ppc.files import write_whole

if TYPE_CHECKING:
    from ppc.data import Array

MOST_SHOWN = 12  # numbers of an example
MOST_ROWS = 200  # of a table on a terminal


def check_output(path: Path | None, *, weights: bool = False) -> None:
    """Before anything is computed: whether the result, which may be `weights`, can have this name."""
    if path is None:
        return
    if path.suffix not in ((".npz", ".safetensors") if weights else (".npz",)):
        raise fail("PPC509", f"`{path}` does not end in .npz, as results do.", hint=f"Write `-o {path.stem}.npz`.")
    if not path.parent.is_dir():
        raise fail("PPC509", f"`{path}` cannot be written: its folder is not there.", hint="Make the folder first.")


def save_model(path: Path, weights: Mapping[str, Array]) -> None:
    """A trained model, as any other weights."""
    import numpy as np

    from ppc.weights import save as save_weights

    save_weights(path, {name: np.asarray(value, np.float32) for name, value in weights.items()})


def save(path: Path, results: Mapping[str, Array]) -> None:
    import numpy as np

    held = BytesIO()
    np.savez(held, **dict(results))  # pyright: ignore[reportArgumentType]
    write_whole(path, held.getvalue())


def rows(result: Array) -> Iterator[str]:
    """A line for each example."""
    flat = result.reshape(len(result), -1)
    for number, row in enumerate(flat[:MOST_ROWS]):
        shown = "  ".join(f"{value:9.4f}" for value in row[:MOST_SHOWN]) + (" …" if len(row) > MOST_SHOWN else "")
        best = f"   largest: {int(row.argmax())}" if len(row) > 1 else ""
        yield f"{number:>4}  {shown}{best}"
    if len(flat) > MOST_ROWS:
        yield f"… {len(flat) - MOST_ROWS:,} more; `-o FILE.npz` keeps all"


def shown(results: Mapping[str, Array]) -> Iterator[str]:
    """The answer as a table; of what training returns, how large it is and how it went."""
    for name, value in results.items():
        if name == "result" and value.ndim:
            yield from rows(value)
        elif value.size and value.ndim <= 1:
            yield f"{name}: {value.ravel()[0]:.4f} … {value.ravel()[-1]:.4f}, {value.size:,} values"
        else:
            yield f"{name}: {'×'.join(map(str, value.shape))}"
