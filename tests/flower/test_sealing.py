"""Keys and sealed texts of nodes whose letters a server carries."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppc.cli.crowd import certificates
from ppc.errors import PpcError
from ppc.flower import mail
from ppc.flower.sealing import KEY, OVERHEAD, RECORD, Seal
from ppc.runtime import keyring
from ppc.runtime.keyring import open_folder
from ppc.runtime.signatures import SIGNATURE_BYTES, sign, signed
from tests.flower.crews import Workers, served

TRAINING = b"one training"


def seals(ring: dict[str, Path] | None = None) -> dict[int, Seal]:
    rings = {number: open_folder(ring[str(number)]) if ring else None for number in (1, 2, 3)}
    return {number: Seal(number=number, members=3, training=TRAINING, ring=one) for number, one in rings.items()}


def test_only_the_receiver_opens_what_was_sealed_for_this_purpose() -> None:
    one, two, three = seals().values()
    sealed = one.sealed(2, two.record, b"round 1", b"a share")

    assert len(sealed) == len(b"a share") + OVERHEAD
    assert two.opened(1, one.record, b"round 1", sealed) == b"a share"
    assert two.opened(1, one.record, b"round 2", sealed) is None
    assert two.opened(3, one.record, b"round 1", sealed) is None
    assert two.opened(1, three.record, b"round 1", sealed) is None
    assert three.opened(1, one.record, b"round 1", sealed) is None
    assert one.opened(2, two.record, b"round 1", sealed) is None  # each direction has a key of its own
    assert two.opened(1, one.record, b"round 1", sealed[:-1] + bytes([sealed[-1] ^ 1])) is None
    assert two.opened(1, one.record, b"round 1", sealed[:OVERHEAD]) is None
    assert two.opened(1, one.record, b"round 1", b"") is None


def test_the_same_share_is_never_sealed_twice_to_the_same_bytes() -> None:
    one, two, _ = seals().values()

    assert one.sealed(2, two.record, b"", b"share") != one.sealed(2, two.record, b"", b"share")


def test_a_key_of_another_training_opens_nothing() -> None:
    one, two, _ = seals().values()
    other = Seal(number=2, members=3, training=b"another", secret=two.secret)

    assert other.opened(1, one.record, b"", one.sealed(2, two.record, b"", b"share")) is None


def test_a_point_of_small_order_is_no_key() -> None:
    one = seals()[1]
    with pytest.raises(PpcError, match="PPC687"):
        one.sealed(2, bytes(RECORD), b"", b"share")
    assert one.opened(2, bytes(RECORD), b"", bytes(40)) is None
    with pytest.raises(PpcError, match="PPC687"):
        one.sealed(2, b"", b"", b"share")


def test_a_secret_key_does_not_show_itself() -> None:
    one = seals()[1]

    assert repr(one.secret)[2:-1] not in repr(one)


def test_with_certificates_only_signed_keys_are_taken(tmp_path: Path) -> None:
    rings = certificates(tmp_path, 3, mesh=True)
    one, two, three = seals(rings).values()
    sealed = one.sealed(2, two.record, b"", b"share")
    assert two.opened(1, one.record, b"", sealed) == b"share"

    servers_own = Seal(number=2, members=3, training=TRAINING).record
    earlier = Seal(number=2, members=3, training=b"another", ring=two.ring).record
    swapped = servers_own[:KEY] + two.record[KEY:]
    for record in (servers_own, earlier, swapped, three.record):
        with pytest.raises(PpcError, match="PPC661"):
            one.sealed(2, record, b"", b"share")
    with pytest.raises(PpcError, match="PPC661"):
        one.opened(3, two.record, b"", sealed)


def test_a_certificate_that_was_revoked_signs_no_key(tmp_path: Path) -> None:
    rings = certificates(tmp_path, 3, mesh=True)
    keyring.revoke(rings["1"], open_folder(rings["2"]).own.fingerprint)
    one, two, _ = seals(rings).values()

    with pytest.raises(PpcError, match="PPC661"):
        one.check(2, two.record)


def test_signatures(tmp_path: Path) -> None:
    ring = keyring.new(tmp_path / "own", "participant_1", "participant")
    signature = sign(ring, b"text")

    assert len(signature) == SIGNATURE_BYTES
    assert signed(ring.own, b"text", signature)
    assert not signed(ring.own, b"another", signature)
    assert not signed(ring.own, b"text", bytes(SIGNATURE_BYTES))
    assert not signed(ring.own, b"text", signature[:-1])
    ring.key_file.write_text("no key")
    with pytest.raises(PpcError, match="PPC660"):
        sign(ring, b"text")


def test_a_training_with_certificates_opens_its_sums(tmp_path: Path) -> None:
    rings = certificates(tmp_path, 3, mesh=True)
    own = {node: {"certificates": str(rings[str(node - 9)])} for node in (10, 11, 12)}
    out, said = served(Workers(own=own))

    assert all(one is not None for epoch in out["sums"] for one in epoch)
    assert not any("trusted" in line for line in said)


def test_a_server_that_puts_its_own_key_in_gets_no_share(tmp_path: Path) -> None:
    """It says that it is worker 3, with a key of its own: whoever has certificates refuses, and leaves."""
    rings = certificates(tmp_path, 3, mesh=True)
    own = {node: {"certificates": str(rings[str(node - 9)])} for node in (10, 11)}
    nodes = Workers(own=own)
    with pytest.raises(PpcError, match="PPC683"):
        served(nodes)

    after = [said[0] for node, _, said in nodes.kept if node in own][2:]
    assert set(after) == {mail.FAILED}
