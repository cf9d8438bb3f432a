"""Behaviours before a run: connections, TLS, certificates, greetings, second lines."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from tests.hostile.deeds import (
    as_many,
    before,
    beneath,
    changed,
    cut,
    dressed,
    first,
    framed,
    instead,
    left_out,
    saying,
    slowly,
    telling,
    twice,
    with_certificate_of,
)
from tests.hostile.endings import GOODBYE, HALF_CLOSE, HANG_UP, RESET, STALL, then
from tests.hostile.mouth import Mouth
from tests.hostile.stage import Behaviour, Row

TLS_HELLO = bytes.fromhex("160301020001000200")  # how the first message of TLS begins; the rest does not come
NOT_UNDERSTOOD, DIFFERENT, SILENT, GONE = "PPC669", "PPC668", "PPC653", "PPC652"

TEXTS = {
    "no JSON": framed(b"hello there"),
    "no UTF-8": framed(b'{"a": "\xff\xfe"}'),
    "a list": framed(b"[1, 2]"),
    "a number": framed(b"7"),
    "nothing": framed(b""),
    "an empty object": framed(b"{}"),
    "a length beyond what is allowed": framed(b"", 65_537),
    "a length of four thousand million": framed(b"", 2**32 - 1),
    "17 levels": framed(b'{"a":' * 17 + b"1" + b"}" * 17),
    "60,000 levels": framed(b"[" * 60_000),
    "a name twice": framed(b'{"nonce": 1, "nonce": 2}'),
    "not a number": framed(b'{"nonce": NaN}'),
    "a number of 10,000 digits": framed(b'{"nonce": ' + b"9" * 10_000 + b"}"),
    "half of a surrogate": framed(b'{"wire": "\\ud800"}'),
}


def _strangers() -> Iterator[Row]:
    """Who never gets further than the door: the server refuses, and goes on."""
    yield Row("connects and leaves", "tcp", HANG_UP, "PPC652")
    yield Row("connects and resets", "tcp", RESET, "PPC652")
    yield Row("connects and is silent", "tcp", STALL, SILENT, "did not come in time", quick=True)
    yield Row("half closes at once", "tcp", HALF_CLOSE, "PPC652|PPC666")
    yield Row("a browser", "tcp", first(instead(b"GET / HTTP/1.1\r\n\r\n"), Mouth.stall), "PPC666", "TLS 1.3")
    yield Row("plain JSON", "tcp", first(instead(b'\0\0\0\2{}{"wire": 1}'), Mouth.stall), "PPC666")
    yield Row("zeros", "tcp", first(instead(bytes(600)), Mouth.stall), "PPC666")
    yield Row("half of TLS's first message", "tcp", first(instead(TLS_HELLO), Mouth.stall), SILENT, quick=True)
    yield Row("half of it, and leaves", "tcp", first(instead(TLS_HELLO), Mouth.hang_up), "PPC652|PPC666")
    yield Row(
        "TLS byte by byte",
        "tcp",
        first(instead(TLS_HELLO[:1]), lambda mouth: mouth.drip(TLS_HELLO * 3)),
        "PPC653|PPC666",
        quick=True,
    )
    yield Row("TLS 1.2", "tls", dressed(newest=ssl.TLSVersion.TLSv1_2), "PPC666", "TLS 1.3")
    yield Row("no certificate", "tls", dressed(folder=None), "PPC662", "no certificate")
    yield Row("a certificate of its own making", "tls", with_certificate_of("stranger"), "PPC661", "not pinned")
    yield Row("an expired certificate", "tls", with_certificate_of("expired"), "PPC663", "expired")
    yield Row("a certificate of the future", "tls", with_certificate_of("early"), "PPC663", "not valid yet")
    yield Row("the dealer's certificate", "tls", with_certificate_of("dealer"), "PPC665", "is a dealer")
    yield Row("the server's own certificate", "tls", with_certificate_of("server"), "PPC661", "not pinned")
    yield Row("leaves instead of a greeting", "hello", HANG_UP, GONE)
    yield Row("says goodbye instead of a greeting", "hello", GOODBYE, GONE)
    yield Row("silent instead of a greeting", "hello", STALL, SILENT, "did not come in time", quick=True)
    yield Row("resets instead of a greeting", "hello", RESET, GONE)
    yield Row("half a length", "hello", first(cut(2), Mouth.hang_up), GONE)
    yield Row("half a greeting", "hello", first(cut(60), Mouth.hang_up), GONE)
    yield Row("half a greeting, and silence", "hello", first(cut(60), Mouth.stall), SILENT, quick=True)
    yield Row("a greeting byte by byte", "hello", slowly, SILENT, quick=True)
    yield Row("garbage under TLS", "hello", beneath(bytes(300)), "PPC652|PPC666")
    yield Row("ones for a greeting", "hello", changed(as_many(0xFF)), NOT_UNDERSTOOD)
    for name, text in TEXTS.items():
        codes = DIFFERENT if name in ("an empty object", "half of a surrogate") else NOT_UNDERSTOOD
        if codes == NOT_UNDERSTOOD:
            yield Row(f"greets with {name}", "hello", changed(text), codes)
    yield Row(
        "another session on the second line",
        "join",
        changed(saying(session="00" * 16)),
        NOT_UNDERSTOOD,
        "waits for none",
    )
    yield Row("a session of another kind", "join", changed(saying(session=[1])), NOT_UNDERSTOOD)
    yield Row("the dealer on the second line", "tls 2", with_certificate_of("dealer"), "PPC665")


# A known client with whom something differs: the server says what it is, and waits for a better one.
DIFFERING = (
    Row("an empty object", "hello", changed(framed(b"{}")), DIFFERENT, "wire protocol"),
    Row("half of a surrogate", "hello", changed(TEXTS["half of a surrogate"]), DIFFERENT, "wire protocol"),
    Row("another wire", "hello", changed(saying(wire=2)), DIFFERENT, "wire protocol"),
    Row("a wire of another kind", "hello", changed(saying(wire={"a": [1]})), DIFFERENT, "wire protocol"),
    Row("another ppc", "hello", changed(saying(ppc="99.0.0")), DIFFERENT, "version of ppc"),
    Row("another role than its certificate's", "hello", changed(saying(role="dealer")), "PPC665"),
    Row("the server's role", "hello", changed(saying(role="server")), "PPC665"),
    Row("another party's name", "hello", changed(saying(party="clinic")), "PPC665", "clinic"),
    Row("a role of another kind", "hello", changed(saying(role=7)), NOT_UNDERSTOOD),
    Row("another plan", "hello", changed(saying(plan="0" * 64)), DIFFERENT, "plan"),
    Row("a plan with a line break", "hello", changed(saying(plan="\n\x1b[2J" * 20)), DIFFERENT, "plan"),
    Row("no plan", "hello", changed(saying(plan=...)), NOT_UNDERSTOOD),
    Row("files where there is a dealer", "hello", changed(saying(agreed={"dealer": "files"})), DIFFERENT, "dealer"),
    Row("other pairs", "hello", changed(saying(preprocessing=["ab" * 16])), DIFFERENT, "preprocessing"),
    Row(
        "a hundred facts of its own",
        "hello",
        changed(saying(agreed={f"fact {n}": "x" for n in range(100)})),
        DIFFERENT,
        "fact 7",
    ),
    Row("no randomness", "hello", changed(saying(nonce=...)), NOT_UNDERSTOOD, "random"),
    Row("little randomness", "hello", changed(saying(nonce="00")), NOT_UNDERSTOOD, "random"),
    Row("no examples", "hello", changed(telling(examples=b"0".hex())), "PPC547|PPC576", "0 examples"),
    Row("ten thousand million examples", "hello", changed(telling(examples=b"9999999999".hex())), "PPC547"),
    Row("twenty digits of examples", "hello", changed(telling(examples=b"9".hex() * 20)), DIFFERENT, "examples"),
    Row("letters for examples", "hello", changed(telling(examples=b"many".hex())), DIFFERENT, "examples"),
    Row("less than no examples", "hello", changed(telling(examples=b"-5".hex())), DIFFERENT, "examples"),
    Row("nobody's examples", "hello", changed(telling(examples=None)), DIFFERENT, "examples"),
    Row("facts that are no hexadecimal", "hello", changed(telling(examples="zz")), NOT_UNDERSTOOD),
    Row("refuses for no reason", "verdict", changed(framed(b'{"refused": "PPC000"}')), "PPC667", "no reason"),
    Row(
        "refuses in colours",
        "verdict",
        changed(framed(b'{"refused": "x", "why": "\\u001b[31mred\\u0007"}')),
        "PPC667",
        "red",
    ),
    Row(
        "refuses with a thousand words",
        "verdict",
        changed(framed(b'{"refused": 1, "why": "' + b"word " * 10_000 + b'"}')),
        "PPC667",
    ),
    Row("neither yes nor no", "verdict", changed(framed(b'{"agreed": "perhaps"}')), NOT_UNDERSTOOD, "neither"),
    Row("leaves instead of a yes", "verdict", HANG_UP, GONE),
    Row("silent instead of a yes", "verdict", STALL, SILENT, quick=True),
    Row("its greeting twice", "hello", changed(twice), NOT_UNDERSTOOD),
    Row("frames before its yes", "verdict", changed(before(bytes(200))), NOT_UNDERSTOOD),
    Row("never comes with its second line", "tcp 2", STALL, SILENT, "did not come in time", quick=True),
    Row("leaves its second line", "tcp 2", HANG_UP, SILENT + "|PPC652", quick=True),
    Row(
        "its second line with another TLS",
        "tls 2",
        dressed(newest=ssl.TLSVersion.TLSv1_2),
        "PPC666|PPC653",
        quick=True,
    ),
    Row("its second line without a certificate", "tls 2", dressed(folder=None), "PPC662|PPC653", quick=True),
    Row("silent on its second line", "join", STALL, SILENT, quick=True),
)


def _to_clients() -> Iterator[Row]:
    """A server that a client has dialled."""
    yield Row("leaves at once", "accepted", HANG_UP, "PPC652|PPC666")
    yield Row("resets at once", "accepted", RESET, "PPC65[237]|PPC666", quick=True)
    yield Row("silent at once", "accepted", STALL, SILENT, "did not come in time", quick=True)
    yield Row(
        "a mail server", "accepted", first(instead(b"220 mail.example ESMTP\r\n"), Mouth.stall), "PPC666", "TLS 1.3"
    )
    yield Row("zeros at once", "accepted", first(instead(bytes(99)), Mouth.stall), "PPC666")
    yield Row("an older TLS", "tls", dressed(newest=ssl.TLSVersion.TLSv1_2), "PPC666", "TLS 1.3")
    yield Row("a certificate of its own making", "tls", with_certificate_of("impostor"), "PPC661", "not pinned")
    yield Row("an expired certificate", "tls", with_certificate_of("expired"), "PPC66[13]")
    yield Row("the dealer's certificate", "tls", with_certificate_of("dealer"), "PPC665", "is a dealer")
    yield Row("the client's own certificate", "tls", with_certificate_of("client"), "PPC661")
    yield Row("leaves instead of a greeting", "greeting", HANG_UP, GONE)
    yield Row("silent instead of a greeting", "greeting", STALL, SILENT, quick=True)
    yield Row("a greeting byte by byte", "greeting", slowly, SILENT, quick=True)
    yield Row("half a greeting", "greeting", first(cut(30), Mouth.hang_up), GONE)
    yield Row("another wire", "greeting", changed(saying(wire=0)), DIFFERENT, "wire protocol")
    yield Row("another ppc", "greeting", changed(saying(ppc=None)), DIFFERENT, "version of ppc")
    yield Row("no randomness", "greeting", changed(saying(nonce=...)), NOT_UNDERSTOOD, "random")
    yield Row(
        "refuses at the door", "greeting", changed(framed(b'{"refused": "PPC650", "why": "full"}')), "PPC667", "full"
    )
    for name, text in TEXTS.items():
        codes = DIFFERENT if name in ("an empty object", "half of a surrogate") else NOT_UNDERSTOOD
        yield Row(f"greets with {name}", "greeting", changed(text), codes)
    yield Row("answers with no JSON", "hello", changed(framed(b"{")), NOT_UNDERSTOOD)
    yield Row("answers with four thousand million bytes", "hello", changed(framed(b"", 2**32 - 1)), NOT_UNDERSTOOD)
    yield Row("leaves instead of an answer", "hello", HANG_UP, GONE)
    yield Row("silent instead of an answer", "hello", STALL, SILENT, quick=True)
    yield Row("another plan", "hello", changed(saying(plan="f" * 64)), DIFFERENT, "plan")
    yield Row("another party's name", "hello", changed(saying(party="clinic")), "PPC665")
    yield Row("the client's role", "hello", changed(saying(role="client")), "PPC665")
    yield Row("another dealer", "hello", changed(saying(agreed={"dealer": "files"})), DIFFERENT, "dealer")
    yield Row("other examples", "hello", changed(telling(examples=b"77".hex())), DIFFERENT, "examples")
    yield Row("facts of another kind", "hello", changed(saying(told=[])), NOT_UNDERSTOOD)
    yield Row("no yes", "verdict", left_out, "PPC653|PPC669", quick=True)
    yield Row("a late no", "verdict", changed(framed(b'{"refused": "PPC650", "why": "no"}')), "PPC667")
    yield Row("another certificate on its second line", "greeting 2", then(Mouth.hang_up), GONE)
    yield Row("silent on its second line", "greeting 2", STALL, SILENT, quick=True)
    yield Row("another version on its second line", "greeting 2", changed(saying(wire=7)), DIFFERENT, "wire protocol")
    yield Row("no to its second line", "joined", changed(framed(b'{"refused": "x", "why": "no"}')), "PPC667")
    yield Row("neither yes nor no to it", "joined", changed(framed(b'{"agreed": 2}')), NOT_UNDERSTOOD, "neither")
    yield Row("leaves its second line", "joined", HANG_UP, GONE)


def behaviours() -> Iterator[Behaviour]:
    yield from (row.by("client", "stranger", stranger=True) for row in _strangers())
    yield from (row.by("client", stranger=True) for row in DIFFERING)
    yield from (row.by("server") for row in _to_clients())
