"""Which of a bundle's batch sizes a request runs in. A plan's messages have fixed lengths, so requests are padded."""

from __future__ import annotations

from collections.abc import Sequence

from ppc.errors import fail

MOST_EXAMPLES = 1_000_000_000


def padded(sizes: Sequence[int], examples: int) -> tuple[int, ...]:
    """The batches that a request of so many examples takes: full ones of the largest size, the rest padded up.

    What is padded is Σ padded(…) - examples: rows of zeros that cost what any row costs, and whose results are dropped.
    """
    if not 1 <= examples <= MOST_EXAMPLES:
        raise fail(
            "PPC547",
            f"A request of {examples:,} examples cannot be run.",
            hint=f"Ask for 1 to {MOST_EXAMPLES:,} examples.",
        )
    if not sizes or min(sizes) < 1:
        raise fail("PPC547", "There is no batch size to run a request in.", hint="Compile with `--batch 1,32,128`.")
    largest = max(sizes)
    full, rest = divmod(examples, largest)
    last = (min(size for size in sizes if size >= rest),) if rest else ()
    return (largest,) * full + last


def spans(sizes: Sequence[int]) -> tuple[tuple[int, int, int], ...]:
    """For each size, in order: the smallest and the largest request that runs in it, and the size."""
    ordered = sorted(sizes)
    return tuple((before + 1, size, size) for before, size in zip((0, *ordered), ordered, strict=False))
