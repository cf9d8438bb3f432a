"""What the attacks on one kind of artifact are to the verb audit, and what they return. A kind's module makes one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ppc.audit import Finding


@dataclass(frozen=True, kw_only=True)
class Audited:
    """What came out: findings, what a person should know besides, pictures by what they show."""

    findings: Sequence[Finding]
    notes: Sequence[str] = ()
    pictures: Mapping[str, Path] = field(default_factory=dict[str, Path])


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of artifact. `recognises` only looks at names and first bytes; `audit` gets the command line."""

    name: str
    what: str  # in words, for the message about a thing that is none of them
    recognises: Callable[[Path], bool]
    audit: Callable[[Namespace], Audited]
    options: Callable[[ArgumentParser], None] | None = None
