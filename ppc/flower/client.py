"""A node's answer to one letter, in Flower's ClientApp. Between two letters its state is in Flower's hands, as
bytes."""

from __future__ import annotations

from ppc.errors import PpcError
from ppc.flower import participant, second, worker
from ppc.flower.mail import FAILED, letter
from ppc.flower.settings import Settings
from ppc.flower.subject import Crew, found


def answer(program: str, settings: Settings, text: bytes, state: bytes) -> tuple[bytes, bytes]:
    """The answer, and the state behind it. Whatever goes wrong is said to the server, which goes on without us."""
    try:
        subject = found(program)
        if isinstance(subject, Crew):
            return worker.answer(subject, settings, text, state)
        if subject.second and settings.number == subject.second:
            return second.answer(subject, settings, text, state)
        return participant.answer(subject, settings, text, state)
    except PpcError as error:
        why = f"{error.diagnostics[0].message} {error.diagnostics[0].hint}".strip()
        return letter(FAILED, why.encode()[:1000]), state
