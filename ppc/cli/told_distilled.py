"""What is told of distilled samples: the table of their lock, their size, and what they do not promise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import log10, prod
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.bill.tables import table
from ppc.errors import Diagnostic, PpcError

if TYPE_CHECKING:
    from ppc.distilling import Lock, Row
    from ppc.distilling.attackers import Guessed
    from ppc.ir.distilled import Distilled

KEY_BITS = 256
YEAR = 365.25 * 86_400
BARE = (
    "THIS PACKAGE IS NOT ENCRYPTED (--bare). Everybody who sees it has the samples and their labels. Nothing but the",
    "rows above keeps them from training with it, and a better attacker than those may do better.",
)
SEALED = (
    "The package is encrypted and authenticated (AES-256-GCM): that is what keeps it secret. The samples are",
    "compression inside; what the table says of others holds for whoever gets behind the encryption, and is no proof.",
)
LEAKS = (
    "Whoever has the samples can read class proportions off the labels, and may learn who was among the data. There is",
    "no differential privacy.",
)


@dataclass(frozen=True, kw_only=True)
class Built:
    """What came out: the table, and the package with its key's name."""

    facts: Distilled
    key: str
    lock: Lock
    seen: int  # examples that were given to measure on, and left out: something was learned from the same ones
    rows: Sequence[Row]
    guessed: Guessed
    package: bytes
    bare: bool

    @property
    def original(self) -> int:
        """Bytes of the images that were learned from, at one byte for each number."""
        images = self.lock.task.data.images
        return prod(images.shape)


def told(built: Built, *, quiet: bool) -> str:
    """For a person."""
    lines = _rows(built) if quiet else (*_rows(built), "", *_guessing(built), "", *_sizes(built), "", *_words(built))
    return "".join(f"{line}\n" for line in lines)


def _rows(built: Built) -> Iterator[str]:
    tested = len(built.lock.test)
    left = f" ({built.seen:,} more were learned from, and left out)" if built.seen else ""
    chance = f"the commonest class: {built.lock.chance:.3f}"
    yield f"accuracy on {tested:,} examples that nothing was learned from{left}; {chance}"
    cells = [
        (row.what, row.measure, f"{row.mean:.3f}", f"{max(row.values):.3f}", str(len(row.values))) for row in built.rows
    ]
    yield from table(("", "required by", "mean", "most", "trials"), cells, words=2)


def _guessing(built: Built) -> Iterator[str]:
    """A key that is none, found; and what that says of one that is."""
    guessed = built.guessed
    found = "was opened" if guessed.samples is not None else "WAS NOT OPENED"
    yield f"The same samples in a package whose key was made from {guessed.bits} bits: it {found} after"
    yield f"{guessed.guesses:,} guesses, in {guessed.seconds:.2f} s ({guessed.rate:,.0f} a second)."
    years = (KEY_BITS - 1) * log10(2) - log10(guessed.rate * YEAR)
    yield f"One of {KEY_BITS} bits takes 10^{years:.0f} years at this rate."


def _sizes(built: Built) -> Iterator[str]:
    size, original, samples = len(built.package), built.original, built.lock.samples
    images = len(built.lock.task.data)
    single = 4 * (sum(values.size for values in samples.arrays.values()) + len(samples.rates))
    precision = f"in half precision ({single:,} in single, without a head)"
    yield f"package    {size:>12,} bytes: {len(samples)} samples {precision}"
    yield f"made of    {original:>12,} bytes: {images:,} images, one byte a pixel; {original / size:,.0f} times as much"


def _words(built: Built) -> Iterator[str]:
    yield from BARE if built.bare else SEALED
    yield from LEAKS


def unmet(built: Built) -> Iterator[Diagnostic]:
    """What the program requires and the table does not show; and a control that failed, so that nothing is shown."""
    if built.guessed.samples is None:
        yield Diagnostic(
            code="PPC595",
            message=f"The control failed: the package whose key has {built.guessed.bits} bits was not opened.",
            hint="This is a mistake of ppc; please report it. No package is written.",
        )
    found = {row.measure: row for row in built.rows if row.measure}
    for one in built.facts.requirements:
        value = found[one.measure].mean
        if not one.holds(value):
            yield Diagnostic(
                code="PPC595",
                message=f"`{one.measure}` is {value:.4f}; it is required to be {one.sign} {one.bound:g}.",
                span=one.span,
                hint="More `epochs`, other `steps`, another `lock`, or another architecture; or require less.",
            )


def as_json(built: Built, output: Path | None, failed: PpcError | None = None) -> str:
    """For a machine: one object, with what is not met among it."""
    from ppc.cli import as_dictionary

    facts = {
        "ok": True,
        "trainer": "distilled",
        "key": built.key,
        "rows": [asdict(row) | {"mean": row.mean} for row in built.rows],
        "chance": built.lock.chance,
        "tested": len(built.lock.test),
        "left_out": built.seen,
        "guessed": {
            "bits": built.guessed.bits,
            "opened": built.guessed.samples is not None,
            "guesses": built.guessed.guesses,
            "seconds": built.guessed.seconds,
        },
        "bytes": len(built.package),
        "original_bytes": built.original,
        "encrypted": not built.bare,
        "written": str(output) if output and failed is None else None,
    }
    return json.dumps(facts | (as_dictionary(failed) if failed else {})) + "\n"
