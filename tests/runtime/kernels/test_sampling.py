"""Uniform sampling: the cipher's stream, the cut, and the rejection that nature never shows."""

from __future__ import annotations

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ppc.errors import PpcError
from ppc.field import Field, Words, from_integers
from ppc.runtime.kernels import CipherStream, Workbench, counter
from tests.elements import ALL_FIELDS, EVERYWHERE, integers

ONES = 2**64 - 1


class Scripted:
    """A stream that holds p (in all its disguises) wherever `rejected` says so for its attempt."""

    def __init__(self, attempt: int, field: Field, rejected: dict[int, int]) -> None:
        self.attempt, self.field, self.rejected = attempt, field, rejected

    def fill(self, out: Words, first: int = 0) -> None:
        for place in range(out.size):
            index = (first + place) // self.field.words
            refused = self.rejected.get(index, 0) > self.attempt
            out[place] = ONES if refused else self.word(first + place)

    def word(self, place: int) -> int:
        return (place * 0x9E3779B97F4A7C15 + self.attempt * 0xD1342543DE82EF95 + 1) % 2**63


def expected(field: Field, rejected: dict[int, int], count: int, first: int) -> list[int]:
    result: list[int] = []
    for index in range(first, first + count):
        stream = Scripted(rejected.get(index, 0), field, {})
        words = [stream.word(index * field.words + word) for word in range(field.words)]
        result.append(sum(word << 64 * number for number, word in enumerate(words)) & field.modulus)
    return result


@pytest.mark.parametrize("variant", EVERYWHERE)
@pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
@pytest.mark.parametrize("count", [0, 1, 5, 8, 50])
def test_forced_rejection(field: Field, variant: str, count: int) -> None:
    """Element i comes from the first stream that does not hold p at index i: once, twice, three times rejected."""
    rejected = {0: 1, 3: 2, 4: 1, 7: 3, 8: 1, 31: 1, 49: 1, 60: 1}
    usable = {i: n for i, n in rejected.items() if field.modulus not in expected(field, {i: n}, 1, i)}
    for first in (0, 11):
        attempts: list[int] = []

        def streams(attempt: int, attempts: list[int] = attempts) -> Scripted:
            attempts.append(attempt)
            return Scripted(attempt, field, usable)

        out = field.empty(count)
        Workbench(field, variant=variant).uniform(streams, out, first=first)
        wanted = expected(field, usable, count, first)
        if field.modulus not in wanted:  # small fields meet p by nature; then only the rule of the next test applies
            assert np.array_equal(out, from_integers(np.array(wanted, dtype=object), field))
            inside = [usable[i] for i in usable if first <= i < first + count]
            assert max(attempts) == max(inside, default=0)


@pytest.mark.parametrize("variant", EVERYWHERE)
@pytest.mark.parametrize("field", ALL_FIELDS, ids=lambda field: field.name)
def test_a_cipher_s_stream(field: Field, variant: str) -> None:
    """By hand: cut the words of AES-CTR, and replace every p by the next stream's element."""

    def streams(attempt: int) -> CipherStream:
        return CipherStream(bytes([attempt]) * 16)

    count = 20_000
    words = np.empty((8, count * field.words), np.uint64)
    for attempt in range(8):
        streams(attempt).fill(words[attempt])
    numbers = [words[:, word :: field.words].astype(object) << 64 * word for word in range(field.words)]
    candidates = np.sum(numbers, axis=0) & field.modulus
    wanted = [next(int(v) for v in column if v != field.modulus) for column in candidates.T]
    out = field.empty(count)
    Workbench(field, variant=variant).uniform(streams, out)
    assert [int(value) for value in integers(out, field)] == wanted
    part = field.empty(10, 30)
    Workbench(field, variant=variant).uniform(streams, part, first=777)
    assert np.array_equal(part.reshape(300, -1), out.reshape(count, -1)[777:1077])


def test_small_fields_are_uniform() -> None:
    """mersenne13 meets its p once in 8192 draws: the counts of all residues fit a uniform law (χ²)."""
    field = ALL_FIELDS[0]
    out = field.empty(2_000_000)
    Workbench(field).uniform(lambda attempt: CipherStream(bytes([7, attempt]) * 8), out)
    counts = np.bincount(out, minlength=field.modulus)
    assert counts.size == field.modulus
    mean = out.size / field.modulus
    chi = float(np.sum((counts - mean) ** 2) / mean)
    degrees = field.modulus - 1
    assert abs(chi - degrees) < 6 * (2 * degrees) ** 0.5


def test_the_stream_is_aes_in_counter_mode() -> None:
    """FIPS 197's cipher at counters 0, 1, 2 of a fixed key; AES-128 of zeros under a zero key is well known."""
    out = np.empty(6, np.uint64)
    CipherStream(bytes(16)).fill(out)
    assert out[:2].tobytes().hex() == "66e94bd4ef8a2c3b884cfa59ca342b2e"
    key = bytes(range(16))
    CipherStream(key).fill(out)
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    assert out.tobytes() == block.update(b"".join(number.to_bytes(16, "big") for number in range(3)))


def test_a_stream_can_be_read_from_any_place() -> None:
    stream, whole = CipherStream(bytes(range(32))), np.empty(300_000, np.uint64)
    stream.fill(whole)
    for first, count in ((0, 0), (1, 1), (1, 7), (2, 3), (131_071, 140_000), (299_999, 1)):
        part = np.empty(count, np.uint64)
        stream.fill(part, first)
        assert np.array_equal(part, whole[first : first + count])


@pytest.mark.parametrize("vectors", [True, False])
def test_every_way_to_the_stream_is_the_same(vectors: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """NIST's SP 800-38A is big-endian counters; from places within a block and a group, over a carry of 32 bits."""
    if not vectors:
        monkeypatch.setattr(counter, "cipher_library", lambda: None)
    key = bytes(range(100, 116))
    for first in (0, 1, 2, 63, 64, 2**33 - 5):
        for count in (0, 1, 2, 62, 63, 64, 65, 127, 128, 1000):
            out = np.full(count + 2, ONES, np.uint64)
            CipherStream(key).fill(out[1:-1], first)
            block, skipped = divmod(first, 2)
            wanted = Cipher(algorithms.AES(key), modes.CTR(block.to_bytes(16, "big"))).encryptor()
            words = wanted.update(bytes(8 * (count + skipped)))[8 * skipped :]

            assert out[1:-1].tobytes() == words
            assert out[0] == out[-1] == ONES


def test_keys_have_a_length() -> None:
    with pytest.raises(PpcError, match="PPC525"):
        CipherStream(bytes(8))
