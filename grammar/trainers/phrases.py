"""Reading blocks that speak in phrases: `samples 50`, `upload 10% largest`, `require accuracy >= 0.93`.

A trainer states its lines in a table and reads each one word by word. Every mistake becomes a diagnostic: a line that
there is none of, that is said twice or not at all, a word or a number that does not fit, a phrase that is too short or
too long. Where a mistake was found, what is returned only has the right type: whoever reads looks at the reader's
mistakes before it builds facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import Missing, Reader, described, nearest
from ppc.grammar.units import PLAIN
from ppc.source import Span

T = TypeVar("T")
W = TypeVar("W", bound=str)
Part = syntax.Number | syntax.Word | syntax.Text | syntax.Comparison


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line that a block may have, by its first word."""

    word: str
    example: str
    needed: str = ""  # what the block does not say without it; empty where it may be left out
    many: bool = False  # may be said again, about something else
    kind: type[syntax.Lesson] = syntax.Phrase


@dataclass
class Phrase:
    """The words of one phrase behind its first, taken one after the other. After a mistake the rest is not judged."""

    said: syntax.Phrase
    example: str
    reader: Reader
    rest: list[Part] = field(init=False)
    spoilt: bool = False

    def __post_init__(self) -> None:
        self.rest = list(self.said.rest)

    @property
    def span(self) -> Span:
        return self.said.span

    def count(self, what: str, low: int, high: int) -> int:
        """A whole number within limits."""
        return self._take(what, lambda part: self.reader.count(what, part, low, high), low)

    def real(self, what: str, low: float, high: float, units: Sequence[str] = PLAIN) -> float:
        """A number from `low` to below `high`."""
        return self._take(what, lambda part: self.reader.real(what, part, low, high, units), low)

    def share(self, what: str) -> float:
        """A part of a whole, its ends included: 0.93 or 93%."""
        return self._take(what, lambda part: self.reader.share(what, part), 0.0)

    def word(self, what: str, known: Sequence[W]) -> W:
        """One of a few words."""
        found = self._take(what, lambda part: self.reader.word(what, part, known), known[0])
        return next(word for word in known if word == found)

    def only(self, what: str, known: Sequence[W]) -> W:
        """One of a few words, and the end."""
        found = self.word(what, known)
        self.end()
        return found

    def name(self, what: str) -> str:
        """A name that the program gives something."""
        return self._take(what, lambda part: self._named(what, part), "")

    def text(self, what: str) -> str:
        """What stands in quotes."""
        return self._take(what, lambda part: self._quoted(what, part), "")

    def sign(self, wanted: str, why: str) -> None:
        """`>=` or `<=`, of which only one makes sense here."""
        self._take(f"`{wanted}`", lambda part: self._compared(wanted, part, why), wanted)

    def took(self, word: str) -> bool:
        """Does this word come next? Then it is taken."""
        here = bool(self.rest) and isinstance(self.rest[0], syntax.Word) and self.rest[0].text == word
        if here:
            self.rest.pop(0)
        return here

    def end(self) -> None:
        """Nothing may follow."""
        if self.rest and not self.spoilt:
            message = f"`{self.said.head.text} …` ends before {described(self.rest[0])}."
            self.reader.blame("PPC108", message, self.rest[0].span, hint=self._hint)

    @property
    def _hint(self) -> str:
        return f"Write for example `{self.example}`."

    def _take(self, what: str, read: Callable[[Part], T | Missing], otherwise: T) -> T:
        if self.spoilt:
            return otherwise
        if self.rest:
            found = read(self.rest.pop(0))
        else:
            message = f"`{self.said.head.text} …` ends too early: {what[0].lower()}{what[1:]} is missing."
            found = self.reader.blame("PPC107", message, self.span, hint=self._hint)
        if isinstance(found, Missing):
            self.spoilt = True
            return otherwise
        return found

    def _quoted(self, what: str, part: Part) -> str | Missing:
        if isinstance(part, syntax.Text) and part.text:
            return part.text
        message = f"{what} is a text in quotes that is not empty; this is {described(part)}."
        return self.reader.blame("PPC110", message, part.span, hint=self._hint)

    def _named(self, what: str, part: Part) -> str | Missing:
        if isinstance(part, syntax.Word):
            return part.text
        return self.reader.blame("PPC110", f"{what} is a name; this is {described(part)}.", part.span, hint=self._hint)

    def _compared(self, wanted: str, part: Part, why: str) -> str | Missing:
        if isinstance(part, syntax.Comparison) and part.text == wanted:
            return wanted
        return self.reader.blame("PPC114", f"{why}; this is {described(part)}.", part.span, hint=f"Write `{wanted}`.")


class Block:
    """The lines of one block, by their first words. Whatever no row of the table allows is a mistake."""

    def __init__(
        self, owner: str, head: Span, lessons: Sequence[syntax.Lesson], lines: Sequence[Line], reader: Reader
    ) -> None:
        self.reader = reader
        self.lines = {line.word: line for line in lines}
        self.said: dict[str, list[syntax.Lesson]] = {line.word: [] for line in lines}
        before = len(reader.mistakes)
        for lesson in lessons:
            self._sort(owner, lesson)
        if len(reader.mistakes) > before:  # what seems to be missing may be there, misspelt
            return
        for line in lines:
            if line.needed and not self.said[line.word]:
                hint = f"Add a line such as `{line.example}`."
                reader.blame("PPC131", f"{owner} does not say {line.needed}.", head, hint=hint)

    def phrases(self, word: str) -> Iterator[Phrase]:
        """The phrases that begin with a word, in the order of the text."""
        for said in self.said[word]:
            if isinstance(said, syntax.Phrase):
                yield Phrase(said, self.lines[word].example, self.reader)

    def phrase(self, word: str) -> Phrase | None:
        """The one phrase that begins with a word, if there is one."""
        return next(self.phrases(word), None)

    def setting(self, word: str, what: str, known: Sequence[W]) -> W | None:
        """One of a few words behind an equals sign, if there is such a line."""
        options = (said for said in self.said[word] if isinstance(said, syntax.Option))
        found = [self.reader.word(what, option.value, known) for option in options]
        return next((word for word in known if word in found), None)

    def _sort(self, owner: str, lesson: syntax.Lesson) -> None:
        head = head_of(lesson)
        line = self.lines.get(head.text)
        if line is None:
            hint = nearest(head.text, list(self.lines))
            self.reader.blame("PPC112", f"{owner} has no line `{head.text} …`.", head.span, hint=hint)
        elif not isinstance(lesson, line.kind):
            hint = f"Write for example `{line.example}`."
            self.reader.blame("PPC112", f"The line `{head.text} …` has another form.", lesson.span, hint=hint)
        elif (earlier := self.said[head.text]) and not line.many:
            note = Note(text="it was said here", span=earlier[0].span)
            self.reader.blame("PPC113", f"`{head.text} …` is said twice.", lesson.span, notes=(note,))
        else:
            earlier.append(lesson)


def head_of(lesson: syntax.Lesson) -> syntax.Name:
    """The word by which a line is known."""
    match lesson:
        case syntax.From() | syntax.To() | syntax.Kept():
            return lesson.what
        case syntax.Option():
            return lesson.key
        case syntax.Method():
            return lesson.name
        case syntax.ReuseInputs():
            return syntax.Name(text="reuse", span=lesson.span)
        case syntax.Evaluate():
            return syntax.Name(text="evaluate", span=lesson.span)
        case syntax.Phrase():
            return lesson.head
