"""A node's examples: its own, or its part of those of the run. Read once in a process."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from torch import Tensor

from ppc.errors import fail
from ppc.flower.settings import Settings
from ppc.learning import Network
from ppc.selective.members import Labelled, labelled, part, unlabelled


def examples(settings: Settings, network: Network, members: int) -> Labelled:
    if not 1 <= settings.number <= members:
        message = f"This node is number {settings.number} of {members} participants."
        raise fail(
            "PPC689", message, hint='Start its SuperNode with `--node-config "partition-id=0 num-partitions=N"`.'
        )
    if not settings.data:
        hint = "Name the examples: `--run-config 'data=\"digits:1000,part=train\"'`, or in the `--node-config` of each."
        raise fail("PPC508", "There is nothing to learn from.", hint=hint)
    rows = _read(settings.data, network)
    return part(rows, settings.number, members, settings.each or None) if settings.shared else rows


def test(settings: Settings, network: Network) -> Labelled | None:
    """What a model is measured on, where there is something."""
    return _read(settings.test, network) if settings.test else None


def public(settings: Settings, network: Network) -> Tensor | None:
    """The examples to label, where they are named."""
    return _unlabelled(settings.public, network) if settings.public else None


def digest(images: Tensor | None) -> str:
    """All must label the same."""
    return "" if images is None else sha256(images.contiguous().numpy().tobytes()).hexdigest()


@cache
def _read(data: str, network: Network) -> Labelled:
    return labelled(Path(data), network)


@cache
def _unlabelled(data: str, network: Network) -> Tensor:
    return unlabelled(Path(data), network)
