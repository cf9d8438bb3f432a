"""The server of a training, in Flower's ServerApp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ppc.flower import collaborative_server, selective_server
from ppc.flower.mail import Mail
from ppc.flower.settings import Settings
from ppc.flower.subject import Crew, found


def serve(program: str, settings: Settings, mail: Mail, say: Callable[[str], None]) -> dict[str, Any]:
    """Of whichever trainer the program has; what came out."""
    subject = found(program)
    if isinstance(subject, Crew):
        return collaborative_server.serve(subject, settings, mail, say)
    return selective_server.serve(subject, settings, mail, say)
