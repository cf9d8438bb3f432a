"""Which of a bundle's batch sizes a request runs in. A plan's messages have fixed lengths, so requests are padded."""

from __future__ import annotations

from collections.abc import Sequence

from ppc.errors import fail

MOST_EXAMPLES = 1_000_000_000


def padded(sizes: Sequence[int], examples: int) -> tuple[tuple[int, int], ...]:
    """The batches that a request of so many examples takes, as sizes and how often: the largest, then the rest padded.

    The rows beyond the examples are zeros that cost what any row costs, and whose results are dropped. The number may
    come from another machine, so it takes no memory.
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
    last = min((size for size in sizes if size >= rest), default=0) if rest else 0
    if last == largest:
        full, last = full + 1, 0
    return tuple((size, count) for size, count in ((largest, full), (last, 1)) if size and count)


def spans(sizes: Sequence[int]) -> tuple[tuple[int, int, int], ...]:
    """For each size, in order: the smallest and the largest request that runs in it, and the size."""
    ordered = sorted(sizes)
    return tuple((before + 1, size, size) for before, size in zip((0, *ordered), ordered, strict=False))
