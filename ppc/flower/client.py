"""A node's answer to one letter, in Flower's ClientApp. Between two letters its state is in Flower's hands, as
bytes."""

from __future__ import annotations

from collections.abc import Callable

from ppc.errors import PpcError
from ppc.flower import participant, second, worker
from ppc.flower.mail import FAILED, TRUST, WHO, letter
from ppc.flower.settings import Settings
from ppc.flower.subject import Crew, found

Say = Callable[[str], None]


def answer(
    program: str, settings: Settings, text: bytes, state: bytes, say: Say = lambda _: None
) -> tuple[bytes, bytes]:
    """The answer, and the state behind it. Whatever goes wrong is said to the server, which goes on without us; to the
    node's own log, too, and there whom it trusts."""
    try:
        subject = found(program)
        if text[:1] == bytes([WHO]) and not settings.certificates and (isinstance(subject, Crew) or subject.second):
            say(TRUST.format(f"number {settings.number}, this node, comes"))
        if isinstance(subject, Crew):
            return worker.answer(subject, settings, text, state)
        if subject.second and settings.number == subject.second:
            return second.answer(subject, settings, text, state)
        return participant.answer(subject, settings, text, state)
    except PpcError as error:
        return refusal(error, say), state


def refusal(error: PpcError, say: Say) -> bytes:
    """Why this node cannot answer."""
    why = f"{error.diagnostics[0].message} {error.diagnostics[0].hint}".strip()
    say(why)
    return letter(FAILED, why.encode()[:1000])
