"""A node's key in this run, and its folder of certificates, where its `--node-config` names one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ppc.flower.sealing import Seal
from ppc.flower.settings import Settings
from ppc.flower.subject import Crew, Subject, training_id
from ppc.runtime.keyring import open_folder


def seal_of(subject: Subject | Crew, settings: Settings, head: Mapping[str, Any]) -> Seal | None:
    """The one that its state has, if it is of this run; None where nothing is sealed."""
    if isinstance(subject, Subject) and not subject.second:
        return None
    training = training_id(subject.program, settings)
    known = {"secret": bytes.fromhex(head["secret"])} if head.get("training") == training.hex() else {}
    ring = open_folder(Path(settings.certificates)) if settings.certificates else None
    return Seal(number=settings.number, members=subject.members, training=training, ring=ring, **known)
