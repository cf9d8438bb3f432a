"""Who is not let in: every case over real sockets, and what each of the two sides says."""

from __future__ import annotations

import gc
import socket
import ssl
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ppc.errors import PpcError
from ppc.runtime.certificates import make
from ppc.runtime.keyring import Keyring, new, open_folder, pin, renew, revoke
from ppc.runtime.wire.link import dial
from ppc.runtime.wire.listener import Listener
from ppc.runtime.wire.tls import Deadline, context, secured
from tests.wire.ends import (
    HERE,
    Background,
    bare_context,
    bare_dial,
    bare_server,
    dialled,
    hello,
    keyrings,
    listening,
    refused,
)


@pytest.fixture
def own(tmp_path: Path) -> dict[str, Keyring]:
    """Folders that this test may change."""
    return keyrings(tmp_path)


def said(listener: Listener) -> PpcError:
    """Why the listener refused somebody."""
    limit = time.monotonic() + 5
    while not listener.refusals and time.monotonic() < limit:
        time.sleep(0.01)
    return listener.refusals[-1]


def code(error: PpcError) -> str:
    return error.diagnostics[0].code


def replaced(ring: Keyring, others: list[Keyring], **times: Any) -> Keyring:
    """The same party with a certificate of other times, pinned by the others."""
    certificate, key = make(ring.own.party, ring.own.role, **times)
    ring.certificate_file.write_bytes(certificate)
    ring.key_file.write_bytes(key)
    for other in others:
        pin(other.folder, ring.certificate_file)
    return open_folder(ring.folder)


def test_no_certificate(rings: dict[str, Keyring]) -> None:
    with listening(rings) as listener:
        bare_dial(listener, bare_context(accepting=False))
        assert code(said(listener)) == "PPC662"


def test_a_certificate_that_nobody_pinned(rings: dict[str, Keyring], tmp_path: Path) -> None:
    """The right names, another key."""
    impostor = new(tmp_path / "impostor", "hospital", "client")
    pin(impostor.folder, rings["server"].certificate_file)
    with listening(rings) as listener:
        error = refused(
            "PPC667", lambda: dialled(listener, {"client": open_folder(impostor.folder)}, expects=("server",))
        )
        assert "has not pinned our certificate" in str(error)
        assert code(said(listener)) == "PPC661"


def test_a_server_that_nobody_pinned(rings: dict[str, Keyring], tmp_path: Path) -> None:
    impostor = new(tmp_path / "impostor", "lab", "server")
    pin(impostor.folder, rings["client"].certificate_file)
    with listening({"server": open_folder(impostor.folder)}) as listener:
        refused("PPC661", lambda: dialled(listener, rings))
        assert code(said(listener)) == "PPC667"


@pytest.mark.parametrize(("begins", "days"), [(-10, 5), (10, 5)], ids=["expired", "not yet valid"])
def test_a_certificate_out_of_its_time(own: dict[str, Keyring], begins: int, days: int) -> None:
    """The listening side checks the other's; who dials with such a one would not even start."""
    client = own["client"]
    client = replaced(client, [own["server"]], begins=datetime.now(UTC) + timedelta(days=begins), days=days)
    with listening({"server": open_folder(own["server"].folder)}) as listener:
        refused("PPC663", lambda: dialled(listener, {"client": client}))
        bare_dial(listener, bare_context(accepting=False, certificate=client.certificate_file))
        assert code(said(listener)) == "PPC663"


def test_a_server_out_of_its_time(own: dict[str, Keyring]) -> None:
    server = replaced(own["server"], [own["client"]], begins=datetime.now(UTC) - timedelta(days=10), days=5)
    refused("PPC663", lambda: Listener((HERE, 0), server, hello("server"), expects=("client",)))
    context = bare_context(accepting=True, certificate=server.certificate_file)

    def serve(plain: socket.socket) -> None:
        context.wrap_socket(plain, server_side=True)

    with bare_server(serve) as port:
        client = open_folder(own["client"].folder)
        refused("PPC663", lambda: dial((HERE, port), client, hello("client"), expects=("server",)))


def test_another_role(rings: dict[str, Keyring]) -> None:
    """The dealer's certificate is good, but not where the client is expected."""
    with listening(rings) as listener:
        refused("PPC667", lambda: dialled(listener, {"client": rings["dealer"]}, hello("dealer")))
        assert code(said(listener)) == "PPC665"
        refused("PPC665", lambda: dialled(listener, rings, expects=("dealer",)))


def test_both_sides_in_the_same_role(own: dict[str, Keyring], tmp_path: Path) -> None:
    other = new(tmp_path / "other", "lab", "server")
    pin(other.folder, own["server"].certificate_file)
    pin(own["server"].folder, other.certificate_file)
    with listening({"server": open_folder(own["server"].folder)}, expects=("client", "server")) as listener:
        refused("PPC667", lambda: dialled(listener, {"client": open_folder(other.folder)}, hello("server")))
        error = said(listener)
        assert code(error) == "PPC665"
        assert "this server needs a client" in str(error)


def test_another_name_than_the_certificates(rings: dict[str, Keyring]) -> None:
    with listening(rings) as listener:
        refused("PPC667", lambda: dialled(listener, rings, hello("dealer")))
        assert code(said(listener)) == "PPC665"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED], ids=["1.2", "plain"])
def test_an_older_tls_or_none(rings: dict[str, Keyring], version: ssl.TLSVersion) -> None:
    certificate = rings["client"].certificate_file
    old = bare_context(accepting=False, certificate=certificate, maximum_version=version)
    with listening(rings) as listener:
        bare_dial(listener, old if version == ssl.TLSVersion.TLSv1_2 else None, b"GET / HTTP/1.1\r\n\r\n")
        assert code(said(listener)) == "PPC666"


def test_a_server_with_an_older_tls(rings: dict[str, Keyring]) -> None:
    context = bare_context(
        accepting=True,
        certificate=rings["server"].certificate_file,
        maximum_version=ssl.TLSVersion.TLSv1_2,
    )

    def serve(plain: socket.socket) -> None:
        context.wrap_socket(plain, server_side=True)

    with bare_server(serve) as port:
        refused("PPC666", lambda: dial((HERE, port), rings["client"], hello("client"), expects=("server",)))


def test_a_server_without_tls(rings: dict[str, Keyring]) -> None:
    with bare_server(lambda plain: plain.sendall(b"220 mail.example ESMTP ready\r\n")) as port:
        refused("PPC666", lambda: dial((HERE, port), rings["client"], hello("client"), expects=("server",)))


def test_only_tls_1_3_is_offered(rings: dict[str, Keyring]) -> None:
    """A side that would take anything is given TLS 1.3 with one of its ciphers, which are all sound."""
    with listening(rings) as listener, socket.create_connection((HERE, listener.port), timeout=5) as plain:
        context = bare_context(accepting=False, certificate=rings["client"].certificate_file)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with context.wrap_socket(plain) as line:
            assert line.version() == "TLSv1.3"
            assert (line.cipher() or ("",))[0].startswith("TLS_")


def test_a_revoked_certificate(own: dict[str, Keyring]) -> None:
    """At once, also for a side that listens already."""
    with listening(own) as listener:
        dialled(listener, own).close()
        listener.accept(5.0).close()
        revoke(own["server"].folder, own["client"].own.fingerprint)
        refused("PPC667", lambda: dialled(listener, own))
        assert code(said(listener)) == "PPC664"
    revoke(own["client"].folder, own["server"].own.fingerprint)
    with listening({"server": own["dealer"]}, hello("dealer")) as listener:
        refused("PPC665", lambda: dialled(listener, {"client": open_folder(own["client"].folder)}))


def test_a_certificate_that_was_renewed_meanwhile(own: dict[str, Keyring]) -> None:
    """By a side that listens, then by one that dials: both go on with the new one."""
    client, server = own["client"], own["server"]
    with listening(own) as listener:
        for renewed, other in ((server, client), (client, server)):
            renew(renewed.folder)
            pin(other.folder, renewed.certificate_file)
            link = dialled(listener, own)  # with the keyrings that were read before
            found = listener.accept(5.0)
            assert link.session == found.session
            assert renewed.own.fingerprint not in (link.peer.fingerprint, found.peer.fingerprint)
            for one in (link, found):
                one.close()


def test_a_service_says_why_it_refuses_strangers(rings: dict[str, Keyring], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a code, and none of the bytes that they sent; a flood of them gets a line now and then."""
    lines: list[str] = []
    monkeypatch.setattr("ppc.runtime.wire.refusals.monotonic", lambda: now)
    now = 1.0
    with listening(rings, say=lines.append) as listener:
        for _ in range(3):
            listener.refusals.clear()
            bare_dial(listener, None, b"GET /secret HTTP/1.1\r\n\r\n")
            said(listener)
        assert len(lines) == 1
        assert "PPC666" in lines[0]
        assert "secret" not in lines[0]
        listener.refusals.clear()
        now = 2.5
        bare_dial(listener, bare_context(accepting=False))
        said(listener)
    assert len(lines) == 2
    assert "PPC662" in lines[1]
    assert "2 more before" in lines[1]


def test_a_server_that_was_revoked(own: dict[str, Keyring]) -> None:
    revoke(own["client"].folder, own["server"].own.fingerprint)
    with listening(own) as listener:
        refused("PPC664", lambda: dialled(listener, {"client": open_folder(own["client"].folder)}))
        assert code(said(listener)) == "PPC667"


def test_silence_in_the_handshake(rings: dict[str, Keyring]) -> None:
    """Neither TLS nor the greeting waits for ever; a side that sends a byte now and then gains nothing."""
    with listening(rings, handshake=0.5) as listener:
        start = time.monotonic()
        work = Background(lambda: bare_dial(listener, None))
        assert code(said(listener)) == "PPC653"
        listener.refusals.clear()
        bare_dial(listener, bare_context(accepting=False, certificate=rings["client"].certificate_file))
        assert code(said(listener)) == "PPC653"
        work.result()
        assert time.monotonic() - start < 5
    with bare_server(lambda plain: time.sleep(1)) as port:
        refused(
            "PPC653",
            lambda: dial((HERE, port), rings["client"], hello("client"), expects=("server",), handshake=0.3),
        )


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_gone_before_tls_begins(rings: dict[str, Keyring]) -> None:
    """A reset between the connection and TLS: refused, and nothing is left open, whichever call sees it first."""
    for _ in range(3):
        with socket.create_server((HERE, 0)) as server, socket.create_connection(server.getsockname()) as far:
            near, _ = server.accept()
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # so that it ends by a reset
        made = context(rings["server"], accepting=True)
        refused("PPC652", lambda near=near, made=made: secured(near, made, Deadline(1.0), "the client"))
        gc.collect()


def test_nobody_there(rings: dict[str, Keyring]) -> None:
    with socket.create_server((HERE, 0)) as server:
        port = int(server.getsockname()[1])
    error = refused("PPC657", lambda: dial((HERE, port), rings["client"], hello("client"), expects=("server",)))
    assert f"{HERE}:{port} cannot be reached" in str(error)
    with listening(rings) as listener:
        refused("PPC657", lambda: Listener((HERE, listener.port), rings["server"], hello("server"), expects=()))
        error = refused("PPC653", lambda: listener.accept(0.05))
        assert "No client came" in str(error)


def test_a_listener_goes_on_after_all_of_them(rings: dict[str, Keyring]) -> None:
    """And strangers who only hold the line keep a known party from nothing but their few places, for a time."""
    with listening(rings, handshake=1.0) as listener:
        strangers = [Background(lambda: bare_dial(listener, None)) for _ in range(6)]
        client = Background(lambda: dialled(listener, rings, handshake=6.0))
        link = listener.accept(10.0)
        assert link.session == client.result().session
        for one in (link, client.result()):
            one.close()
        for stranger in strangers:
            stranger.result()
