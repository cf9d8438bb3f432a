"""What each side says of itself before a run, and what must be the same on both.

Facts come from the caller as text or opaque bytes; nothing here knows what a ledger is. No secret is among them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast

from ppc import __version__
from ppc.errors import Note, PpcError, fail
from ppc.runtime.certificates import Certificate
from ppc.runtime.wire.refusals import not_understood, of_told
from ppc.runtime.wire.tls import Line

WIRE = 1  # the version of everything in this folder
NONCE_BYTES = 32
SESSION_BYTES = 16
LONGEST_SHOWN = 80
OPTIONS = {  # of a command line, by which facts they decide
    "checkpoints": "`--checkpoint` and `--every`",
    "order": "`--order`",
    "released": "`--release`",
    "resumed": "`--resume`",
    "turn": "`--turn`",
}


@dataclass(frozen=True, kw_only=True)
class Hello:
    """`agreed` must be equal on both sides, name by name; `told` is for the other side's caller to look at."""

    role: str
    party: str
    plan: str  # the hash that names what will be run
    preprocessing: tuple[str, ...] = ()  # the ids of the pairs of files, if there are files
    agreed: Mapping[str, str] = field(default_factory=dict[str, str])
    told: Mapping[str, bytes] = field(default_factory=dict[str, bytes])  # as heads of ledgers

    def message(self) -> dict[str, Any]:
        return {
            "wire": WIRE,
            "ppc": __version__,
            "role": self.role,
            "party": self.party,
            "plan": self.plan,
            "preprocessing": list(self.preprocessing),
            "agreed": dict(self.agreed),
            "told": {name: data.hex() for name, data in self.told.items()},
        }


def understood(found: Mapping[str, Any], line: Line, peer: Certificate) -> Hello:
    """The other side's hello, if it is one and of the party whose certificate was shown."""
    words, preprocessing = (found.get(name) for name in ("role", "party", "plan")), found.get("preprocessing")
    role, party, plan = words
    agreed, told = found.get("agreed"), found.get("told")
    right = isinstance(role, str) and isinstance(party, str) and isinstance(plan, str)
    if not right or not _texts(preprocessing) or not _pairs(agreed) or not _pairs(told):
        raise not_understood(line.who, "a greeting without what belongs into one")
    if (role, party) != (peer.role, peer.party):
        raise fail(
            "PPC665",
            f"The other side says that it is the {role} `{party}`, with the certificate of the {peer}.",
            hint="Each party and role has a certificate of its own.",
        )
    return Hello(
        role=peer.role,
        party=peer.party,
        plan=cast("str", plan),
        preprocessing=tuple(cast("list[str]", preprocessing)),
        agreed=cast("dict[str, str]", agreed),
        told=_bytes(cast("dict[str, str]", told), line),
    )


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in cast("list[object]", value))


def _pairs(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in cast("dict[str, object]", value).values())


def _bytes(told: Mapping[str, str], line: Line) -> dict[str, bytes]:
    try:
        return {name: bytes.fromhex(text) for name, text in told.items()}
    except ValueError:
        raise not_understood(line.who, "a greeting without what belongs into one") from None


# ---- what differs ----


def same_version(found: Mapping[str, Any]) -> None:
    """Before anything else is read: another version may mean something else by the same words."""
    versions = [("wire protocol", WIRE, found.get("wire")), ("version of ppc", __version__, found.get("ppc"))]
    _refuse([row for row in versions if row[1] != row[2]])


def same(ours: Hello, theirs: Hello) -> None:
    """Everything that must be equal is."""
    _refuse(list(_differences(ours, theirs)))


def _differences(ours: Hello, theirs: Hello) -> Iterator[tuple[str, object, object]]:
    if ours.plan != theirs.plan:
        yield "plan", ours.plan, theirs.plan
    if ours.preprocessing != theirs.preprocessing:
        yield "preprocessing", ", ".join(ours.preprocessing) or None, ", ".join(theirs.preprocessing) or None
    for name in sorted({*ours.agreed, *theirs.agreed}):
        here, there = ours.agreed.get(name), theirs.agreed.get(name)
        if here != there:
            yield name, here, there


def _refuse(rows: list[tuple[str, object, object]]) -> None:
    if rows:
        names = ", ".join(_shown(name) for name, _, _ in rows)
        notes = tuple(
            Note(text=f"{_shown(name)}: ours {_shown(here)}, theirs {_shown(there)}") for name, here, there in rows
        )
        raise fail(
            "PPC668",
            f"The two sides differ in: {names}.",
            notes=notes,
            hint=_hint({name for name, _, _ in rows}),
        )


def _hint(names: set[str]) -> str:
    """Where all that differs was said on a command line, nothing has to be compiled again."""
    if names <= OPTIONS.keys():
        options = " and ".join(OPTIONS[name] for name in sorted(names))
        return f"Start both sides with the same {options}."
    return "Compile the same program with the same ppc on both sides, and take files of one pair."


def _shown(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return "".join(sign if sign.isprintable() else " " for sign in text)[:LONGEST_SHOWN]


# ---- the end of the greeting ----


def nonce() -> str:
    return secrets.token_hex(NONCE_BYTES)


def nonce_of(found: Mapping[str, Any], line: Line) -> str:
    value = found.get("nonce")
    if not isinstance(value, str) or len(value) != 2 * NONCE_BYTES or set(value) - set("0123456789abcdef"):
        raise not_understood(line.who, "a greeting without its random number")
    return value


def session_id(nonces: tuple[str, str], fingerprints: tuple[str, str], plan: str) -> bytes:
    """Of the randomness of both sides (who dials stands first): neither can bring an old one about."""
    return sha256("|".join(["ppc/v1|session", *nonces, *fingerprints, plan]).encode()).digest()[:SESSION_BYTES]


def refusal(error: PpcError) -> dict[str, Any]:
    """What the other side is told of an error here. Nothing of a run is in it."""
    one = error.diagnostics[0]
    text = " ".join([one.message, *(note.text for note in one.notes)])
    return {"refused": one.code, "why": text[:2000]}


def not_refused(found: dict[str, Any], line: Line) -> dict[str, Any]:
    if "refused" in found:
        raise of_told(found.get("why"), line.who)
    return found


def verdicts(line: Line, problem: PpcError | None) -> None:
    """Both say whether they go on; only if both do, a session begins."""
    line.tell(refusal(problem) if problem else {"agreed": True})
    theirs = line.hear()
    if problem:
        raise problem
    if not_refused(theirs, line) != {"agreed": True}:
        raise not_understood(line.who, "neither yes nor no")
