"""A request is padded up to the next batch size; what does not fit one batch takes several."""

from __future__ import annotations

import pytest

from ppc.bundle import padded
from ppc.bundle.batches import MOST_EXAMPLES, spans
from ppc.errors import PpcError


@pytest.mark.parametrize(
    ("examples", "batches"),
    [
        (1, ((1, 1),)),
        (2, ((32, 1),)),
        (32, ((32, 1),)),
        (33, ((128, 1),)),
        (128, ((128, 1),)),
        (129, ((128, 1), (1, 1))),
        (150, ((128, 1), (32, 1))),
        (300, ((128, 3),)),
        (256, ((128, 2),)),
        (1_000_000_000, ((128, 7_812_500),)),
    ],
)
def test_requests(examples: int, batches: tuple[tuple[int, int], ...]) -> None:
    assert padded((1, 32, 128), examples) == batches
    assert padded((128, 1, 32), examples) == batches


@pytest.mark.parametrize("sizes", [(1,), (7,), (1, 2, 3), (4, 64), (5, 6, 1000)])
def test_every_example_has_a_row_and_only_the_last_batch_is_padded(sizes: tuple[int, ...]) -> None:
    for examples in range(1, 400):
        found = [size for size, count in padded(sizes, examples) for _ in range(count)]

        assert sum(found) >= examples > sum(found[:-1])
        assert set(found) <= set(sizes)
        assert all(size < examples - sum(found[:-1]) for size in sizes if size < found[-1])


def test_spans_are_the_requests_of_one_batch() -> None:
    assert spans((128, 1, 32)) == ((1, 1, 1), (2, 32, 32), (33, 128, 128))
    for low, high, size in spans((128, 1, 32)):
        assert {padded((1, 32, 128), examples) for examples in range(low, high + 1)} == {((size, 1),)}


@pytest.mark.parametrize(
    ("sizes", "examples"), [((1, 4), 0), ((1, 4), -1), ((1,), MOST_EXAMPLES + 1), ((), 1), ((0,), 1)]
)
def test_requests_that_cannot_be_run(sizes: tuple[int, ...], examples: int) -> None:
    with pytest.raises(PpcError, match="PPC547"):
        padded(sizes, examples)
