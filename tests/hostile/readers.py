"""Everything that reads bytes of somebody else's: a sample that is right, and the reader. For each, how many tries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from ppc.bundle.manifest import read_manifest
from ppc.field import MERSENNE61
from ppc.plan.text import parse
from ppc.runtime.certificates import make
from ppc.runtime.certificates import read as read_certificate
from ppc.runtime.channel import Header
from ppc.runtime.prep.header import decode
from ppc.runtime.prep.heads import Head, agree, decode_head
from ppc.runtime.prep.ledger import Ledger
from ppc.runtime.prep.reading import open_prep
from ppc.runtime.prep.record import Seen
from ppc.runtime.received import checked
from ppc.runtime.roles.request import told_request
from ppc.runtime.wire.hello import Hello, nonce, nonce_of, not_refused, same, same_version, understood
from ppc.runtime.wire.refusals import not_understood
from ppc.runtime.wire.words import from_json, to_bytes
from tests.bundle.made import build
from tests.prep.hosts import CERTIFICATES, PLAN, TEXT, deal, hosts

LINE = cast("Any", SimpleNamespace(who="the other side"))
PEER = cast("Any", SimpleNamespace(role="client", party="hospital", fingerprint="0" * 64))
HELLO = Hello(
    role="client", party="hospital", plan="1" * 64, agreed={"dealer": "live"}, told={"examples": b"5", "start": b"0"}
)
HEADER = Header("each", 1, 2, 24)
OURS = Head(
    pair="1" * 32,
    artifact="2" * 64,
    dealer="3" * 64,
    session="4" * 32,
    role=0,
    iterations=2,
    next=0,
    ledger=Seen(3, "5" * 64),
)


@dataclass(frozen=True)
class Reader:
    """`times` is how often it is tried for each of the others' hundred tries: some read files, or long texts."""

    name: str
    sample: bytes
    read: Callable[[bytes], object]
    times: int = 100


def greeting(data: bytes) -> None:
    found = from_json(data)
    if found is None:
        raise not_understood("the other side", "something that is no message")
    not_refused(found, LINE)
    same_version(found)
    nonce_of(found, LINE)
    theirs = understood(found, LINE, PEER)
    same(HELLO, theirs)
    told_request(theirs)


def frame(data: bytes) -> None:
    HEADER.check(np.frombuffer(data[:16].ljust(16, b"\0"), np.uint64))


def elements(data: bytes) -> None:
    step = next(step for step in PLAN.steps() if step.op == "mask")
    found = np.frombuffer(data[: len(data) // 8 * 8], np.uint64)
    checked(PLAN, step, found, HEADER, "hospital")


def heads(data: bytes) -> None:
    decode_head(data)
    agree(OURS.encode(), data, seen=Seen(2, "6" * 64))


def from_file(path: Path, read: Callable[[], object]) -> Callable[[bytes], object]:
    def written(data: bytes) -> object:
        path.write_bytes(data)
        return read()

    return written


def readers(folder: Path) -> tuple[Reader, ...]:
    (pair,) = deal(folder / "dealt")
    prep = folder / "dealt" / "server" / f"{pair}.prep"
    client, server = hosts(folder, folder / "dealt")
    offer = client.shelf().offer(client.peer).data
    header = open_prep(prep).header.encode()
    ledger = folder / "ledger"
    Ledger(ledger).take(pair, 0, session="7" * 32, peer=CERTIFICATES[0])
    written = ledger / "ledger"
    plan = TEXT.encode()
    elements_of_p = (np.arange(6, dtype=np.uint64) + np.uint64(MERSENNE61.modulus - 6)).tobytes()

    def chosen(data: bytes) -> None:
        with server.shelf().choose(data, session=bytes(16), peer=server.peer):
            pass

    def used() -> None:
        found = Ledger(ledger)
        found.close()

    return (
        Reader("a greeting", to_bytes({"nonce": nonce(), **HELLO.message()})[4:], greeting),
        Reader("a frame's header", np.array(HEADER.words(), np.uint64).tobytes(), frame),
        Reader("elements", elements_of_p, elements),
        Reader("the head of a pair", replace(OURS, role=1).encode(), heads),
        Reader("the header of a dealer's file", header, lambda data: decode(data, "it")),
        Reader("a dealer's file", prep.read_bytes(), from_file(prep, lambda: open_prep(prep).verify()), 4),
        Reader("an offer of pairs", offer, chosen, 4),
        Reader("a ledger", written.read_bytes(), from_file(written, used), 4),
        Reader("a manifest", (build(folder / "program") / "server" / "manifest.json").read_bytes(), read_manifest, 8),
        Reader("a plan", plan, lambda data: parse(data.decode("utf-8", "replace")), 4),
        Reader("a certificate", make("hospital", "client")[0], lambda data: read_certificate(data, "it"), 16),
    )
