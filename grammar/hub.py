"""Several data owners beside one owner of the weights: each of them is a pair with it, and all pairs say the same.

`image from hospital_1, hospital_2` in a private block makes a policy for each hospital, and `data from hospital_1,
hospital_2` in the train block has them train in turn. A block is read as that of its first pair, so that every mistake
is told once; the other pairs are that one renamed (`Policy.at`, `Training.at`). Called by `resolve`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import Missing, Reader, nearest
from ppc.ir.policy import Policy
from ppc.source import Span

Line = TypeVar("Line", bound=syntax.Tree)
WEIGHTS, DATA, LABELS = "weights", "data", "labels"
AGREE = "All data owners have the same lines: name all of them, or none."


@dataclass(frozen=True, kw_only=True)
class Spokes:
    """The data owners, in the order of their line, and the one that each of them is a pair with."""

    names: tuple[str, ...]
    hub: str
    span: Span

    def first(self, parties: Sequence[str]) -> tuple[str, ...]:
        """The first pair, and behind it whoever has no part."""
        return (*self.pair(self.names[0], parties), *(one for one in parties if one not in (*self.names, self.hub)))

    def pair(self, name: str, parties: Sequence[str]) -> tuple[str, str]:
        """In all pairs the owner of the weights has the same role: that which it has in the first one."""
        before = parties.index(self.hub) < parties.index(self.names[0])
        return (self.hub, name) if before else (name, self.hub)


def spokes_of(block: syntax.Private, parties: Sequence[str], reader: Reader) -> Spokes | Missing | None:
    """None where one party has the data, as usual."""
    lines = [fact for fact in block.facts if isinstance(fact, syntax.From)]
    several = next((line for line in lines if len(line.parties) > 1 and line.what.text != WEIGHTS), None)
    if several is None:
        return None
    names = tuple(name.text for name in several.parties)
    for name in several.parties:
        if name.text not in parties:
            return reader.blame(
                "PPC119", f"There is no party `{name.text}`.", name.span, hint=nearest(name.text, parties)
            )
        if names.count(name.text) > 1:
            return reader.blame("PPC113", f"`{name.text}` is named twice.", name.span)
    owners = [name for line in lines if line.what.text == WEIGHTS for name in line.parties]
    if len(owners) != 1 or owners[0].text in names or owners[0].text not in parties:
        return reader.blame(
            "PPC135",
            "Several parties have data, and no other one alone has the weights.",
            several.span,
            hint="Each data owner is a pair with the owner of the weights: write `weights from PARTY in -4..4`.",
        )
    return Spokes(names=names, hub=owners[0].text, span=several.span)


def private_of(block: syntax.Private, spokes: Spokes, reader: Reader) -> syntax.Private:
    """The block as the first pair has it."""
    return replace(block, facts=tuple(_named(block.facts, spokes, reader)))


def lessons_of(block: syntax.Train, spokes: Spokes | None, reader: Reader) -> tuple[syntax.Train, tuple[str, ...]]:
    """The train block as the first pair has it, and whose turn it is when."""
    data = next((one for one in block.lessons if isinstance(one, syntax.From) and one.what.text == DATA), None)
    labels = next((one for one in block.lessons if isinstance(one, syntax.From) and one.what.text == LABELS), None)
    if data is None and (spokes is None or labels is None):
        return block, ()
    if spokes is None or data is None or labels is not None or (block.by and block.by.text != "joint"):
        _unlike(block, spokes, data or labels or block, reader)
        return block, ()
    before, turns = len(reader.mistakes), tuple(name.text for name in data.parties)
    if sorted(turns) != sorted(spokes.names):
        note = Note(text="these have data", span=spokes.span)
        hint = f"Write `data from {', '.join(spokes.names)}`, in the order of their turns."
        reader.blame(
            "PPC135", "The data owners that train are not those that have data.", data.span, notes=(note,), hint=hint
        )
    _handed(block, spokes, reader)
    if len(reader.mistakes) > before:
        return block, ()
    own = replace(data, what=replace(data.what, text=LABELS), parties=(replace(data.parties[0], text=spokes.names[0]),))
    others = _named([one for one in block.lessons if one is not data], spokes, reader)
    return replace(block, lessons=(own, *others)), turns


def _unlike(block: syntax.Train, spokes: Spokes | None, line: syntax.Tree, reader: Reader) -> None:
    """Why the lines about the data do not go together."""
    if spokes is None:
        message = "`data from …` is of several data owners, and no private block of this model names several."
        hint = "Name them there, as in `image from hospital_1, hospital_2`; for one owner write `labels from …`."
    elif block.by and block.by.text != "joint":
        message, hint = "Several data owners train in turn on shares only.", "Train by `joint`."
    else:
        message = "Each of several data owners has its own labels."
        hint = f"Write `data from {', '.join(spokes.names)}` in the place of `labels from …`."
    reader.blame("PPC135", message, line.span, hint=hint)


def _handed(block: syntax.Train, spokes: Spokes, reader: Reader) -> None:
    """Only the last pair is there when the training ends."""
    given = [line for line in block.lessons if isinstance(line, syntax.To) and line.what.text == "model"]
    owner = next((name for line in given for name in line.parties if name.text in spokes.names), None)
    if owner is not None:
        message = f"The model is given to `{owner.text}`, which need not be there when the last turn ends."
        hint = f"Write `model to {spokes.hub}` or `model kept shared`."
        reader.blame("PPC135", message, owner.span, hint=hint)


def _named(lines: Sequence[Line], spokes: Spokes, reader: Reader) -> Iterator[Line]:
    """The lines with the first data owner in the place of all of them."""
    for line in lines:
        if isinstance(line, syntax.From | syntax.To | syntax.Evaluate):
            yield replace(line, parties=tuple(_first(line.parties, spokes, reader)))
        else:
            yield line


def _first(names: Sequence[syntax.Name], spokes: Spokes, reader: Reader) -> Iterator[syntax.Name]:
    there = [name for name in names if name.text in spokes.names]
    missing = [name for name in spokes.names if name not in {one.text for one in there}]
    if there and missing:
        note = Note(text="these have data", span=spokes.span)
        message = f"The line names `{there[0].text}`, and not `{missing[0]}`, which has data as well."
        reader.blame("PPC135", message, there[0].span, notes=(note,), hint=AGREE)
    for name in names:
        if name not in there:
            yield name
        elif name is there[0]:
            yield replace(name, text=spokes.names[0])


def pairs(policy: Policy, spokes: Spokes, parties: Sequence[str]) -> Iterator[Policy]:
    """The private block of every pair; each has the name of its data owner, behind the block's own if it has one."""
    block = "" if policy.name == policy.model else f"{policy.name}."
    for name in spokes.names:
        found = policy.at(name, spokes.pair(name, parties))
        yield replace(found, name=f"{block}{name}", spokes=spokes.names)
