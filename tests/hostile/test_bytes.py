"""Random bytes where the other side's are read: an error with a code or a value, soon, and with little memory.

pytest tests/hostile/test_bytes.py              100,000 texts and frames
pytest tests/hostile/test_bytes.py -m long    3,000,000
"""

from __future__ import annotations

import resource

import numpy as np
import pytest

from ppc.errors import PpcError
from tests.fuzz.examine import no_hang
from tests.hostile.mutate import mutated
from tests.hostile.readers import Reader, readers

QUICK, MANY = 180, 5_400  # hundreds of hundredths: of the quick readers 100 times as many
LONGEST = 1.0  # seconds of computing
MOST_MEMORY = 64_000  # kB beyond what was there


@pytest.fixture(scope="module")
def all_readers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Reader, ...]:
    return readers(tmp_path_factory.mktemp("readers"))


def memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def tried(reader: Reader, seed: int, count: int) -> tuple[int, int]:
    """How many were refused, of those that were not the sample."""
    draw = np.random.default_rng(seed)
    refused = other = 0
    for number in range(count):
        data = mutated(draw, reader.sample)
        try:
            with no_hang(LONGEST):
                reader.read(data)
        except PpcError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"{reader.name}, seed {seed}, number {number}: {data!r}") from error
        other += data != reader.sample
    return refused, other


def hold(found: tuple[Reader, ...], seed: int, times: int) -> int:
    """All readers; the number of tries. Most of what differs from the sample is refused."""
    before, tries = memory(), 0
    for reader in found:
        count = times * reader.times
        refused, other = tried(reader, seed, count)
        assert refused > other * 0.4, f"{reader.name}: {refused} of {other} were refused"
        tries += count
    assert memory() - before < MOST_MEMORY
    return tries


def test_the_samples_are_right(all_readers: tuple[Reader, ...]) -> None:
    """Nothing of what follows is refused because its reader refuses everything."""
    for reader in all_readers:
        reader.read(reader.sample)


def test_random_bytes(all_readers: tuple[Reader, ...]) -> None:
    assert hold(all_readers, 1, QUICK) > 95_000


@pytest.mark.long
def test_many_random_bytes(all_readers: tuple[Reader, ...]) -> None:
    assert hold(all_readers, 2, MANY) > 2_900_000
