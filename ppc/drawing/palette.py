"""Which colour means which place. Both the SVG and the DOT writer read this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ppc.ir.graph import JOINT

Kind = Literal["client", "server", "other", "joint", "clear", "opening"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """A light fill, the same colour darker for lines, and darker still for text on the fill."""

    fill: str
    line: str
    ink: str


# Told apart by people who see few colours too: the lines differ in lightness, and every box names its place.
PALETTE: dict[Kind, Colours] = {
    "client": Colours(fill="#dceafd", line="#2563c9", ink="#163f85"),
    "server": Colours(fill="#d9f2e3", line="#1d8a58", ink="#0f5535"),
    "other": Colours(fill="#fbe0e8", line="#c2366b", ink="#7f1d43"),
    "joint": Colours(fill="#ebe3fb", line="#6f42c1", ink="#46257f"),
    "clear": Colours(fill="#eef1f5", line="#7a8798", ink="#3d4856"),
    "opening": Colours(fill="#ffe9c2", line="#c46a00", ink="#7a4100"),
}


def kind_of(place: str | None, parties: Sequence[str]) -> Kind:
    """The role that a place has in its graph: the first party is the client, the second the server."""
    if place is None:
        return "clear"
    if place == JOINT:
        return "joint"
    roles: tuple[Kind, ...] = ("client", "server")
    where = parties.index(place) if place in parties else len(roles)
    return roles[where] if where < len(roles) else "other"


def place_in_words(place: str | None, parties: Sequence[str], *, block: str) -> str:
    """A place as the legend explains it. Without a private block nothing is ever placed."""
    kind = kind_of(place, parties)
    if kind == "joint":
        return f"joint: computed on shares held by {' and '.join(parties[:2])}"
    if kind == "clear":
        return "not placed yet" if block else "in the clear"
    return f"at {place}" if kind == "other" else f"at {place} (the {kind})"
