"""Seeds and keys: HKDF as PROTOCOL.md, section 7 writes it, no key for two purposes, and nothing shows itself."""

from __future__ import annotations

import logging
from itertools import product

import numpy as np
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ppc.field import MERSENNE61, Words
from ppc.plan.text import show
from ppc.runtime.channel import memory_channels
from ppc.runtime.dealer import Dealer
from ppc.runtime.desk import Desk
from ppc.runtime.keys import Coins, Keys, Seed, artifact_hash
from ppc.runtime.lazy import Local
from ppc.runtime.party import Party
from tests.runtime.plans import plan_of, same_as_twin

TEXT = """
    x.real = given() {"what": "data"} : clear[40] at hospital ; 0
    x = encode(x.real) : clear[40] @16 at hospital ; 0
    y.real = given() {"what": "data"} : clear[40] at lab ; 0
    y = encode(y.real) : clear[40] @16 at lab ; 0
    s = add(x, y) : shared[40] @16 ; 0
    es = mask(s) {"mask": "m"} : masked[40] @16 ; 1
    z = product(es, es) {"map": "multiply", "share": "c"} : shared[40] @32 ; 1
    ez = mask(z) {"mask": "m2"} : masked[40] @32 ; 2
    t = truncate(ez) {"shift": 16, "offset": 1099511627776, "tuple": "t"} : truncated[40] @16 ; 2
"""
GIVEN = {"x.real": np.linspace(-1, 1, 40), "y.real": np.linspace(2, -2, 40)}


def test_keys_are_hkdf() -> None:
    secret, session = bytes(range(32)), b"session"
    keys = Seed(secret).keys(session, "lab", "abc")
    whole = HKDF(SHA256(), 16, salt=session, info=b"ppc/v1|lab|abc|mask.3|each 7")
    assert keys.key("mask.3", "each", 7) == whole.derive(secret)


def test_no_two_purposes_share_a_key() -> None:
    seed = Seed()
    made = [
        seed.keys(session, role, artifact).key(secret, section, iteration, attempt)
        for session, role, artifact, secret, section, iteration, attempt in product(
            (b"a", b"b"), ("lab", "hospital"), ("h", "i"), ("m", "m2"), ("each", "setup"), (0, 1), (0, 1)
        )
    ]
    assert len(set(made)) == len(made) == 128


def test_seeds_are_fresh() -> None:
    first, second = (Seed().keys(b"s", "lab", "a").key("m", "each", 0) for _ in range(2))
    assert first != second


def test_the_hash_of_a_plan_is_its_text_s() -> None:
    plan, other = plan_of(MERSENNE61, each=TEXT), plan_of(MERSENNE61, each=TEXT.replace('"m2"', '"m3"'))
    assert len(artifact_hash(plan)) == 64
    assert artifact_hash(plan) != artifact_hash(other)
    assert show(plan) != show(other)


def test_nothing_secret_shows_itself(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    secret = bytes(range(100, 132))
    plan, seed = plan_of(MERSENNE61, each=TEXT), Seed(secret)
    channel, _ = memory_channels()
    local = Local(MERSENNE61)
    things = [
        seed,
        seed.keys(b"s", "lab", "a"),
        Coins(seed),
        Party(plan, "lab", channel, seed, b"s"),
        Dealer(plan, (seed, Seed()), b"s"),
        Desk(plan, "lab", local, Coins(seed)),
    ]
    with caplog.at_level(logging.DEBUG):
        found = same_as_twin(plan, GIVEN)
    for thing in [*things, *found.held.values()]:
        if not isinstance(thing, np.ndarray):
            text = repr(thing) + str(thing)
            assert secret.hex() not in text
            assert "array" not in text
            assert not any(character.isdigit() for character in text.split(" at 0x")[0] if thing in things[:3])
    assert caplog.text == ""
    assert capsys.readouterr() == ("", "")


class Refusing:
    """A stream that holds p at some places, so that the rule of rejection, which nature never shows, decides."""

    def __init__(self, inner: object, attempt: int) -> None:
        self.inner, self.attempt = inner, attempt

    def fill(self, out: Words, first: int = 0) -> None:
        self.inner.fill(out, first)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        for place in range(out.size):
            if (first + place) % 5 == 0 and self.attempt < 1 + (first + place) % 3:
                out[place] = np.uint64(2**64 - 1)


@pytest.mark.parametrize("variant", [None, "slow"])
def test_rejected_draws(monkeypatch: pytest.MonkeyPatch, variant: str | None) -> None:
    """Every party and the dealer replace the same elements by the same ones, and the run is right."""
    attempts: set[int] = set()
    stream = Keys.stream

    def refusing(self: Keys, secret: str, section: str, iteration: int, attempt: int = 0) -> Refusing:
        attempts.add(attempt)
        return Refusing(stream(self, secret, section, iteration, attempt), attempt)

    monkeypatch.setattr(Keys, "stream", refusing)
    same_as_twin(plan_of(MERSENNE61, each=TEXT), GIVEN, variant=variant)
    assert attempts == {0, 1, 2, 3}
