"""A contract as a file, and what a plan reveals beyond a saved one.

The file is JSON in one fixed order, so that the same contract is the same bytes. Lines and sentences are in it for
people; what is compared is who sees which value, how much of it, how often and how exactly, and each caveat's measure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Any, cast

from ppc.errors import Diagnostic, PpcError, fail
from ppc.leak.caveats import Caveat
from ppc.leak.contract import EVALUATION, OWN, Contract, Seen
from ppc.source import START, Span

VERSION = 1
# once, once, again, again and again
_OFTEN = {name: rank for rank, name in enumerate(("setup", "finish", EVALUATION, "each"))}
_LARGEST = 10_000_000  # bytes; a contract is a few thousand
_LARGEST_NUMBER = 2**53  # what every reader of JSON has exactly; more than a value has elements


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference from a saved contract, in words, with the line of the program where there is one."""

    text: str
    span: Span | None = None


# ---- the file ----


def as_dictionary(contract: Contract) -> dict[str, object]:
    """As JSON has it."""
    return {
        "version": VERSION,
        "model": contract.model,
        "parties": list(contract.parties),
        "field": contract.field,
        "training": contract.training,
        "batch": contract.batch,
        "adversary": contract.adversary,
        "dealer": contract.dealer,
        "seen": [_seen(one) for one in contract.seen],
        "caveats": [{"kind": c.kind, "measure": c.measure, "text": c.text} for c in contract.caveats],
    }


def _seen(one: Seen) -> dict[str, object]:
    shape = list(one.shape)
    facts = {"party": one.party, "value": one.value, "grant": one.grant, "shape": shape, "when": one.when}
    return {**facts, "digits": one.digits, "drowned": one.drowned, "line": one.span.line}


def written(contract: Contract) -> bytes:
    return (json.dumps(as_dictionary(contract), indent=2, sort_keys=True) + "\n").encode()


def read(path: Path) -> Contract:
    """A saved contract; a file that is none is refused."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise fail("PPC501", f"{path} cannot be read: {error.strerror}.") from None
    try:
        if len(data) > _LARGEST:
            raise ValueError
        return _contract(json.loads(data.decode("utf-8")))
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError, OverflowError):
        hint = "Write it anew with `--leak --save`, and read what changed before you keep it."
        raise fail("PPC502", f"{path} is no leakage contract of version {VERSION}.", hint=hint) from None


def _contract(found: Any) -> Contract:
    if _whole(found["version"]) != VERSION:
        raise ValueError
    client, server = (_word(name) for name in _list(found["parties"]))
    return Contract(
        model=_word(found["model"]),
        parties=(client, server),
        field=_word(found["field"]),
        training=_flag(found["training"]),
        batch=_whole(found["batch"]),
        seen=tuple(_read_seen(one) for one in _list(found["seen"])),
        caveats=tuple(_read_caveat(one) for one in _list(found["caveats"])),
        adversary=_word(found["adversary"]),
        dealer=_word(found["dealer"]),
    )


def _read_seen(one: Mapping[str, Any]) -> Seen:
    when = _word(one["when"])
    if when not in _OFTEN:
        raise ValueError
    return Seen(
        party=_word(one["party"]),
        value=_word(one["value"]),
        grant=_word(one["grant"]),
        shape=tuple(_whole(size) for size in _list(one["shape"])),
        when=when,
        digits=None if one["digits"] is None else _whole(one["digits"]),
        drowned=_whole(one["drowned"]),
        span=Span(_whole(one["line"]), 1, _whole(one["line"]), 1),
    )


def _read_caveat(one: Mapping[str, Any]) -> Caveat:
    return Caveat(kind=_word(one["kind"]), text=_word(one["text"]), measure=_measure(one["measure"]))


def _measure(value: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value):
        raise TypeError
    return float(cast(float, value))


def _word(value: Any) -> str:
    """What is printed again: nothing in it moves a cursor."""
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return cast(list[Any], value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) > _LARGEST_NUMBER:
        raise TypeError
    return value


# ---- comparing ----


def more(now: Contract, saved: Contract) -> tuple[Change, ...]:
    """What is revealed now and was not in the saved contract; swapped, what is not revealed any more."""
    return (*_protocol(now, saved), *_values(now, saved), *_caveats(now, saved))


def _protocol(now: Contract, saved: Contract) -> Iterator[Change]:
    if now.parties != saved.parties:
        yield Change(text=f"the parties are {', '.join(now.parties)} and were {', '.join(saved.parties)}")
    if now.adversary != saved.adversary:
        yield Change(text=f"the adversary is now: {now.adversary}; it was: {saved.adversary}")
    if now.dealer != saved.dealer:
        yield Change(text=f"the dealer is now: {now.dealer}; it was: {saved.dealer}")


def _values(now: Contract, saved: Contract) -> Iterator[Change]:
    before = {one.key: one for one in saved.seen}
    for one in now.seen:
        name, old = f"{one.party} sees `{one.value}`", before.get(one.key)
        how = "which it brings itself" if one.grant == OWN else f"by `{one.grant}`"
        if old is None:
            yield Change(text=f"{name}, {how}", span=_place(one.span))
        elif one.grant != OWN:
            yield from (Change(text=f"{name} {text}", span=_place(one.span)) for text in _closer(one, old))


def _closer(one: Seen, old: Seen) -> Iterator[str]:
    """More of a value, more often, or more exactly."""
    count, before = _count(one.shape), _count(old.shape)
    if count > before:
        yield f"with {count:,} numbers, and with {before:,} before"
    if _OFTEN[one.when] > _OFTEN[old.when]:
        seldom = "at each evaluation" if old.when == EVALUATION else "once"
        often = f"again and again, and {seldom} before"
        yield "at the end, and at the start before" if one.when == "finish" else often
    digits, old_digits = (inf if each.digits is None else each.digits for each in (one, old))
    if digits > old_digits:
        yield f"to {one.digits} binary digits, and to {old.digits} before"


def _caveats(now: Contract, saved: Contract) -> Iterator[Change]:
    before = {caveat.kind: caveat for caveat in saved.caveats}
    for caveat in now.caveats:
        old = before.get(caveat.kind)
        if old is None or caveat.measure > old.measure:
            yield Change(text=caveat.text, span=_place(caveat.span))


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _place(span: Span) -> Span | None:
    return None if span == START else span


def refuse(changes: tuple[Change, ...], path: Path) -> PpcError:
    """All that is revealed beyond the contract, each at its line."""
    hint = f"If it is meant, write the contract anew with `--leak --save {path.name}`."
    return PpcError(
        *(
            Diagnostic(
                code="PPC408", message=f"More is revealed than {path.name} allows: {c.text}.", span=c.span, hint=hint
            )
            for c in changes
        )
    )
