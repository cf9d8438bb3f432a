"""What the two sides tell each other before a run: what must be equal, what is not understood, and session ids."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import pytest

from ppc import __version__
from ppc.errors import PpcError, fail, render
from ppc.runtime.certificates import Certificate
from ppc.runtime.keyring import Keyring
from ppc.runtime.wire.hello import Hello, session_id
from ppc.runtime.wire.link import dial
from ppc.runtime.wire.tls import Deadline, Line, context, secured
from ppc.runtime.wire.words import LARGEST, from_json, to_bytes
from tests.wire.ends import HERE, Background, bare_server, dialled, hello, linked, listening, refused


def test_both_sides_know_the_same_session_and_each_other(rings: dict[str, Keyring]) -> None:
    ours = hello("client", told={"ledger": b"\x00\xff head"}, preprocessing=("pair 1", "pair 2"))
    theirs = hello("server", told={"ledger": b"other"}, preprocessing=("pair 1", "pair 2"))
    with listening(rings, theirs) as listener:
        client = dialled(listener, rings, ours)
        server = listener.accept(5)
    assert client.session == server.session
    assert len(client.session) == 16
    assert (client.peer, server.peer) == (rings["server"].own, rings["client"].own)
    assert (client.theirs, server.theirs) == (theirs, ours)
    client.close()
    server.close()


def test_no_two_sessions_are_the_same(rings: dict[str, Keyring]) -> None:
    links = [link for _ in range(4) for link in linked(rings)]
    assert len({link.session for link in links}) == 4
    for link in links:
        link.close()


def test_a_session_id_has_the_randomness_of_both_sides_and_what_it_is_for() -> None:
    rows = [("a", "b", "c", "d", "p"), ("x", "b", "c", "d", "p"), ("a", "x", "c", "d", "p"), ("b", "a", "d", "c", "p")]
    rows += [("a", "b", "c", "d", "x"), ("a", "b", "x", "d", "p")]
    assert len({session_id(row[:2], row[2:4], row[4]) for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"plan": "b" * 64}, f"plan: ours {'a' * 64}, theirs {'b' * 64}"),
        ({"preprocessing": ("pair 2",)}, "preprocessing: ours nothing, theirs pair 2"),
        ({"agreed": {"batch": "128"}}, "batch: ours 32, theirs 128"),
        ({"agreed": {}}, "batch: ours 32, theirs nothing"),
    ],
)
def test_every_difference_is_told_on_both_sides(rings: dict[str, Keyring], changes: dict[str, Any], line: str) -> None:
    ours = hello("client", agreed={"batch": "32"})
    with listening(rings, hello("server", **{"agreed": {"batch": "32"}} | changes)) as listener:
        error = refused("PPC668", lambda: dialled(listener, rings, ours))
        assert line in render(error)
        assert line.split(":")[0] in str(refused("PPC668", lambda: listener.accept(5)))


def test_options_that_differ_are_no_reason_to_compile_again(rings: dict[str, Keyring]) -> None:
    ours = hello("client", agreed={"checkpoints": "every 5", "resumed": "True"})
    with listening(rings, hello("server", agreed={"checkpoints": "every 9", "resumed": "False"})) as listener:
        error = refused("PPC668", lambda: dialled(listener, rings, ours))
        refused("PPC668", lambda: listener.accept(5))
    assert "`--checkpoint` and `--every` and `--resume`" in render(error)
    assert "Compile" not in render(error)


def test_a_side_that_waits_for_one_other_refuses_what_differs_and_waits_on(rings: dict[str, Keyring]) -> None:
    """The next that comes may be right; where none is, the last one's difference is the reason."""
    told: list[PpcError] = []
    with listening(rings) as listener:
        refused("PPC668", lambda: dialled(listener, rings, hello("client", plan="b" * 64)))
        right = Background(lambda: dialled(listener, rings))
        link = listener.first(10.0, told.append)
        refused("PPC668", lambda: dialled(listener, rings, hello("client", plan="b" * 64)))
        last = refused("PPC668", lambda: listener.first(0.3, told.append))
        refused("PPC653", lambda: listener.first(0.1, told.append))
    assert [error.diagnostics[0].code for error in told] == ["PPC668", "PPC668"]
    assert told[1] is last
    for end in (link, right.result()):
        end.close()


def test_another_version_is_told_before_anything_else(
    rings: dict[str, Keyring], monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(rings) as listener:
        monkeypatch.setattr("ppc.runtime.wire.hello.__version__", "9.9.9")
        error = refused("PPC668", lambda: dialled(listener, rings))
    assert f"version of ppc: ours 9.9.9, theirs {__version__}" in render(error)


def test_a_caller_may_refuse_what_it_was_told(rings: dict[str, Keyring]) -> None:
    """As a ledger that was rolled back; the other side hears the reason."""

    def check(_peer: object, theirs: Hello) -> None:
        if theirs.told["ledger"] != b"new":
            raise fail("PPC655", "The ledger there is older than it was.", hint="Deal again.")

    with listening(rings, check=check) as listener:
        error = refused("PPC667", lambda: dialled(listener, rings, hello("client", told={"ledger": b"old"})))
        assert "The ledger there is older than it was." in str(error)
        refused("PPC655", lambda: listener.accept(5))
        dialled(listener, rings, hello("client", told={"ledger": b"new"})).close()
        listener.accept(5).close()


def test_the_answer_may_depend_on_who_asks(rings: dict[str, Keyring]) -> None:
    def answer(peer: Certificate, theirs: Hello) -> Hello:
        return hello("server", plan=theirs.plan, told={"for": peer.party.encode()})

    with listening(rings, answer) as listener:
        link = dialled(listener, rings, hello("client", plan="c"))
        assert link.theirs.told == {"for": b"hospital"}
        link.close()
        listener.accept(5).close()


# ---- what is not understood ----


def raw_line(port: int, ring: Keyring) -> Line:
    """A line that speaks TLS as it should, up to the greeting."""
    plain = socket.create_connection((HERE, port), timeout=5)
    return secured(plain, context(ring, accepting=False), Deadline(5), "the other side")


def framed(text: bytes, length: int | None = None) -> bytes:
    return (len(text) if length is None else length).to_bytes(4, "big") + text


NONCE = "0" * 64
GOOD = {"nonce": NONCE, **hello("client").message()}
GARBAGE = {
    "no json": framed(b"hello there"),
    "not utf-8": framed(b'{"a": "\xff\xfe"}'),
    "a list": framed(b"[1, 2]"),
    "too long": framed(b"", LARGEST + 1),
    "far too long": framed(b"", 2**32 - 1),
    "too deep": framed(b'{"a":' * 17 + b"1" + b"}" * 17),
    "far too deep": framed(b"[" * 60_000),
    "a name twice": framed(b'{"nonce": 1, "nonce": 2}'),
    "no number": framed(b'{"nonce": NaN}'),
    "a number of thousands of digits": framed(b'{"nonce": ' + b"9" * 10_000 + b"}"),
    "empty": framed(b""),
    "nothing in it": to_bytes({}),
    "no randomness": to_bytes(hello("client").message()),
    "short randomness": to_bytes(GOOD | {"nonce": "00"}),
    "randomness of another kind": to_bytes(GOOD | {"nonce": ["0"] * 64}),
    "a plan of another kind": to_bytes(GOOD | {"plan": 7}),
    "preprocessing of another kind": to_bytes(GOOD | {"preprocessing": [1]}),
    "facts of another kind": to_bytes(GOOD | {"agreed": {"a": []}}),
    "told in no hexadecimal": to_bytes(GOOD | {"told": {"ledger": "zz"}}),
    "a session of another kind": to_bytes({"session": {}}),
    "a session that is none": to_bytes({"session": "00" * 16}),
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
def test_a_dialling_side_that_talks_nonsense(rings: dict[str, Keyring], data: bytes) -> None:
    with listening(rings) as listener:
        line = raw_line(listener.port, rings["client"])
        assert line.hear()["ppc"] == __version__
        line.tls.sendall(data)
        reply = line.hear()
        assert reply["refused"] in ("PPC669", "PPC668")
        line.close()
        dialled(listener, rings).close()


FIRST = [name for name in GARBAGE if not re.search("session|of another kind|told", name)]
SECOND = [name for name in GARBAGE if not re.search("session|randomness", name)]
GREETING = to_bytes({"wire": 1, "ppc": __version__, "nonce": NONCE})


@pytest.mark.parametrize(("before", "name"), [*((b"", name) for name in FIRST), *((GREETING, name) for name in SECOND)])
def test_an_accepting_side_that_talks_nonsense(rings: dict[str, Keyring], before: bytes, name: str) -> None:
    """As its greeting, or as its hello."""
    made = context(rings["server"], accepting=True)

    def serve(plain: socket.socket) -> None:
        line = secured(plain, made, Deadline(5), "the other side")
        line.tls.sendall(before + GARBAGE[name])
        line.hear()
        line.close()

    with bare_server(serve) as port, pytest.raises(PpcError, match=r"PPC66[589]"):
        dial((HERE, port), rings["client"], hello("client"), expects=("server",), handshake=3)


@pytest.mark.parametrize("count", [0, 2, 4, 20])
def test_a_greeting_that_breaks_off(rings: dict[str, Keyring], count: int) -> None:
    with listening(rings) as listener:
        line = raw_line(listener.port, rings["client"])
        line.hear()
        line.tls.sendall(to_bytes(GOOD)[:count])
        line.close()
        with pytest.raises(PpcError, match="PPC653"):
            listener.accept(0.3)
        assert listener.refusals[-1].diagnostics[0].code == "PPC652"


def test_a_second_line_that_never_comes(rings: dict[str, Keyring]) -> None:
    with listening(rings, handshake=0.6) as listener:
        line = raw_line(listener.port, rings["client"])
        line.hear()
        line.tell(GOOD)
        line.hear()
        line.tell({"agreed": True})
        assert line.hear() == {"agreed": True}
        refused("PPC653", lambda: listener.accept(5))
        line.close()


def test_a_second_line_of_somebody_else(rings: dict[str, Keyring]) -> None:
    """Whoever hears of a session's id cannot step in."""
    with listening(rings, expects=("client", "dealer")) as listener:
        first = raw_line(listener.port, rings["client"])
        their_nonce = first.hear()["nonce"]
        first.tell(GOOD)
        first.hear()
        first.tell({"agreed": True})
        first.hear()
        fingerprints = (rings["client"].own.fingerprint, rings["server"].own.fingerprint)
        session = session_id((NONCE, their_nonce), fingerprints, "a" * 64).hex()
        other = raw_line(listener.port, rings["dealer"])
        other.hear()
        other.tell({"session": session})
        assert other.hear()["refused"] == "PPC669"
        second = raw_line(listener.port, rings["client"])
        second.hear()
        second.tell({"session": session})
        assert second.hear() == {"agreed": True}
        link = listener.accept(5)
        assert link.session.hex() == session
        link.close()
        third = raw_line(listener.port, rings["client"])
        third.hear()
        third.tell({"session": session})
        assert third.hear()["refused"] == "PPC669"
        for line in (first, other, second, third):
            line.close()


def test_the_deepest_text() -> None:
    for start, end in ((b'{"a":', b"}"), (b"[", b"]")):
        for depth, right in ((15, True), (16, False)):
            text = b'{"a":' + start * depth + b"1" + end * depth + b"}"
            assert (from_json(text) is not None) == right
    assert from_json(json.dumps({"a": '\\"' + "[" * 40}).encode()) is not None


def test_many_at_once(rings: dict[str, Keyring]) -> None:
    """Each link's two lines belong together, however they come in."""
    with listening(rings, handshake=10.0) as listener:
        clients = [Background(lambda: dialled(listener, rings, handshake=10.0)) for _ in range(8)]
        servers = {link.session: link for link in (listener.accept(20) for _ in clients)}
        for client in (work.result() for work in clients):
            server = servers[client.session]
            client.outgoing.sendall(client.session)
            server.outgoing.sendall(server.session)
            assert server.incoming.recv(16) == client.incoming.recv(16) == client.session
            client.close()
            server.close()
