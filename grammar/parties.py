"""What every block asks: which party a name means, whether a fact is said once, whether a word is built yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import Missing, Reader, nearest
from ppc.ir.policy import PUBLIC
from ppc.source import Span

T = TypeVar("T", bound=syntax.Tree)


def party_of(name: syntax.Name, parties: Sequence[str], reader: Reader) -> str | Missing:
    """The party that a name means; `client` and `server` are the first and the second."""
    aliases = {"client": 0, "server": 1}
    if name.text in parties[:2]:
        return name.text
    if name.text in parties:
        two = " and ".join(f"`{party}`" for party in parties[:2])
        hint = f"Name one of the first two of the program, {two}."
        return not_built("A third party", name.span, reader, hint=hint)
    if name.text in aliases and len(parties) >= 2:
        return parties[aliases[name.text]]
    hint = nearest(name.text, parties)
    if name.text == PUBLIC:
        hint = "What everybody may see is written `weights public`."
    return reader.blame("PPC119", f"There is no party `{name.text}`.", name.span, hint=hint)


def sole_party(names: Sequence[syntax.Name], what: str, parties: Sequence[str], reader: Reader) -> str | Missing:
    """The one party of a list that may only name one."""
    if len(names) > 1:
        return not_built(f"{what} from several parties", names[1].span, reader, hint="Name one party.")
    return party_of(names[0], parties, reader)


def parties_of(names: Sequence[syntax.Name], parties: Sequence[str], reader: Reader) -> tuple[str, ...] | Missing:
    """All parties of a list."""
    found = [party_of(name, parties, reader) for name in names]
    known = tuple(party for party in found if isinstance(party, str))
    return known if len(known) == len(found) else Missing()


def once(facts: Sequence[syntax.Tree], kind: type[T], words: str, reader: Reader) -> T | None:
    """The one fact of a kind; a second one is a mistake."""
    found = [fact for fact in facts if isinstance(fact, kind)]
    for second in found[1:]:
        note = Note(text="it was said here", span=found[0].span)
        reader.blame("PPC113", f"`{words}` is said twice.", second.span, notes=(note,))
    return found[0] if found else None


def not_built(what: str, span: Span, reader: Reader, *, hint: str = "") -> Missing:
    """Refuse a word whose meaning is not built yet."""
    return reader.blame("PPC115", f"{what} is not built yet.", span, hint=hint or "Leave the line out.")
