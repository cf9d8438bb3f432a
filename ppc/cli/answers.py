"""How a result is printed, or written to a file: .npz keeps the arrays, .csv is a table for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO, StringIO
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.errors import fail
from ppc.files import check_writable, write_whole

if TYPE_CHECKING:
    from ppc.data import Array

MOST_SHOWN = 12  # numbers of an example
MOST_ROWS = 200  # of a table on a terminal


def check_output(path: Path | None, *, weights: bool = False) -> None:
    """Before anything is computed: whether the result, which may be `weights`, can have this name."""
    if path is None:
        return
    if path.suffix not in ((".npz", ".csv", ".safetensors") if weights else (".npz", ".csv")):
        raise fail(
            "PPC509",
            f"`{path}` does not end as results do.",
            hint=f"Write `-o {path.stem}.npz`, or `-o {path.stem}.csv` for a table.",
        )
    if not path.parent.is_dir():
        raise fail("PPC509", f"`{path}` cannot be written: its folder is not there.", hint="Make the folder first.")
    check_writable(path)


def save_model(path: Path, weights: Mapping[str, Array]) -> None:
    """A trained model, as any other weights, and readable to its owner only."""
    import numpy as np

    from ppc.weights import save as save_weights

    save_weights(path, {name: np.asarray(value, np.float32) for name, value in weights.items()}, private=True)


def save(path: Path, results: Mapping[str, Array]) -> None:
    """Answers are for whoever was given them: no other user of the machine reads the file."""
    import numpy as np

    if path.suffix == ".csv":
        write_whole(path, table(results).encode(), private=True)
        return
    held = BytesIO()
    np.savez(held, **dict(results))  # pyright: ignore[reportArgumentType]
    write_whole(path, held.getvalue(), private=True)


def table(results: Mapping[str, Array]) -> str:
    """A line for each example with every digit of its numbers, a column for each number."""
    import csv

    columns: dict[str, list[str]] = {}
    for name, value in results.items():
        flat = value.reshape(len(value) if value.ndim else 1, -1)
        for place in range(flat.shape[1]):
            columns[name if flat.shape[1] == 1 else f"{name}.{place}"] = [repr(float(one)) for one in flat[:, place]]
        if name == "result" and flat.shape[1] > 1:
            columns["largest"] = [str(int(row.argmax())) for row in flat]
    held = StringIO()
    lines = csv.writer(held, lineterminator="\n")
    lines.writerow(["example", *columns])
    for number, cells in enumerate(zip_longest(*columns.values(), fillvalue="")):
        lines.writerow([number, *cells])
    return held.getvalue()


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
        elif 0 < value.size <= MOST_SHOWN and value.ndim <= 1:
            yield f"{name}: {'  '.join(f'{one:.4f}' for one in value.ravel())}"
        elif value.size and value.ndim <= 1:
            yield f"{name}: first {value[0]:.4f}, last {value[-1]:.4f}, of {value.size:,} values"
        else:
            yield f"{name}: {'×'.join(map(str, value.shape))}"
