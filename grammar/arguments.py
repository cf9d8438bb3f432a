"""Reading what is written between brackets: `conv2d(32, kernel=3)`, `joint { fraction = 16 }`, `sgd(rate=0.01)`.

Every mistake becomes a diagnostic that names the layer, the argument, and what it would take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from ppc.errors import Diagnostic, Note
from ppc.grammar import syntax
from ppc.grammar.layers import REQUIRED, Parameter
from ppc.grammar.units import PLAIN, UNITS
from ppc.ir.types import Interval
from ppc.source import Span

MOST_MISTAKES = 100  # of one program; nobody reads more at a time


class TooManyMistakesError(Exception):
    """Raised to stop looking. The mistakes found so far are with the reader."""


UNSAID = ("PPC131", "PPC213", "PPC306")


class Missing:
    """Stands for an argument that could not be read; its mistake is reported already."""


MISSING = Missing()


def nearest(word: str, known: Sequence[str]) -> str:
    """`Did you mean …?`, or the list of what there is."""
    by_lower = {name.lower(): name for name in reversed(known)}
    near = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.55)
    if near:
        return f"Did you mean `{by_lower[near[0]]}`?"
    return f"There {'is' if len(known) == 1 else 'are'} {', '.join(f'`{name}`' for name in known)}." if known else ""


@dataclass
class Reader:
    """Collects mistakes while arguments are read."""

    mistakes: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def blame(self, code: str, message: str, span: Span, *, hint: str = "", notes: tuple[Note, ...] = ()) -> Missing:
        self.mistakes.append(Diagnostic(code=code, message=message, span=span, hint=hint, notes=notes))
        if len(self.mistakes) >= MOST_MISTAKES:
            raise TooManyMistakesError
        return MISSING

    def forgive(self, before: int) -> None:
        """Take back that something was not said: a line that could not be read may have said it."""
        self.mistakes[before:] = [mistake for mistake in self.mistakes[before:] if mistake.code not in UNSAID]

    def read(
        self, owner: str, parameters: Sequence[Parameter], arguments: Sequence[syntax.Argument], span: Span
    ) -> dict[str, object] | None:
        """Values by name; None where anything was wrong."""
        before = len(self.mistakes)
        written = self._assign(owner, parameters, arguments)
        missing = [p.name for p in parameters if p.default is REQUIRED and p.name not in written]
        if missing and len(self.mistakes) == before:  # otherwise it may be there, misspelt
            names = " and ".join(f"`{name}`" for name in missing)
            self.blame(
                "PPC107",
                f"`{owner}` needs its argument{'s' if len(missing) > 1 else ''} {names}.",
                span,
                hint=f"Write for example `{_example(owner, parameters)}`.",
            )
        values: dict[str, object] = {}
        for parameter in parameters:
            found = written.get(parameter.name, ())
            values[parameter.name] = self._value(owner, parameter, found) if found else parameter.default
        return values if len(self.mistakes) == before else None

    def _assign(
        self, owner: str, parameters: Sequence[Parameter], arguments: Sequence[syntax.Argument]
    ) -> dict[str, list[syntax.Argument]]:
        """Which argument belongs to which parameter: first by place, then by name, as in Python."""
        names = [parameter.name for parameter in parameters]
        placed = [parameter.name for parameter in parameters if not parameter.by_name]
        written: dict[str, list[syntax.Argument]] = {}
        for place, argument in enumerate(arguments):
            many = parameters[-1].kind == "values" if parameters else False
            if argument.key is None and place >= len(placed) and not many:
                self._one_too_many(owner, placed, names, place, argument)
                continue
            name = argument.key.text if argument.key else names[min(place, len(names) - 1)]
            if name not in names:
                self.blame("PPC105", f"`{owner}` has no argument `{name}`.", argument.span, hint=nearest(name, names))
            elif name in written and not (many and argument.key is None):
                earlier = Note(text="it was given here", span=written[name][0].span)
                self.blame("PPC109", f"`{name}` of `{owner}` is given twice.", argument.span, notes=(earlier,))
            else:
                written.setdefault(name, []).append(argument)
        return written

    def _one_too_many(
        self, owner: str, placed: Sequence[str], names: Sequence[str], place: int, argument: syntax.Argument
    ) -> None:
        most = f"at most {len(placed)} argument{'s' if len(placed) > 1 else ''}" if placed else "no arguments"
        listed = ", ".join(f"`{name}`" for name in names)
        hint = f"It takes {listed}." if names else f"Write `{owner}` alone."
        if owner in ("conv2d", "dense"):  # as in PyTorch, where what comes in stands first
            example = "conv2d(64, kernel=3)" if owner == "conv2d" else "dense(10)"
            hint = f"What comes in is known and not written: `{example}`. It takes {listed}, the later ones by name."
        unnamed = " without a name" if len(placed) < len(names) else ""
        self.blame(
            "PPC108",
            f"`{owner}` takes {most}{unnamed}; this is number {place + 1}.",
            argument.span,
            hint=hint,
        )

    def _value(self, owner: str, parameter: Parameter, found: Sequence[syntax.Argument]) -> object:
        if parameter.kind in ("value", "values"):
            return self._names(owner, found)
        value, subject = found[0].value, f"`{parameter.name}` of `{owner}`"
        match parameter.kind:
            case "count":
                return self.count(subject, value, parameter.low, parameter.high)
            case "size" | "pad":
                if parameter.kind == "pad" and isinstance(value, syntax.Word) and value.text == "same":
                    return "same"
                return self._size(subject, value, parameter)
            case "flag":
                return self.word(subject, value, ("true", "false")) == "true"
            case "share":
                return self.real(subject, value, parameter.low, parameter.high)
            case "sizes":
                return self._sizes(subject, value)
            case "interval":
                return self._interval(subject, value, parameter)
            case _:
                raise AssertionError(parameter.kind)

    def _names(self, owner: str, found: Sequence[syntax.Argument]) -> object:
        for argument in found:
            if not isinstance(argument.value, syntax.Word):
                return self._kind(f"`{owner}`", argument.value, "names of earlier values, as in `add(skip)`")
        return tuple(
            syntax.Name(text=argument.value.text, span=argument.value.span)
            for argument in found
            if isinstance(argument.value, syntax.Word)
        )

    def _kind(self, subject: str, value: syntax.Value, needed: str) -> Missing:
        return self.blame("PPC110", f"{subject} is {needed}; this is {described(value)}.", value.span)

    def has_unit(self, subject: str, value: syntax.Number, units: Sequence[str] = PLAIN) -> bool:
        """A number has the dimension that its place asks for: no layer has a size in seconds."""
        if value.unit in units or value.unit not in UNITS:  # an unknown unit is blamed where it is read
            return True
        if "" in units:
            message, hint = f"{subject} is a plain number; {value.text} is a time.", ""
        else:
            message = f"{subject} is a time; {value.text} has no unit of time."
            hint = f"Write for example `{value.text.rstrip('kMG%')}ms`."
        self.blame("PPC104", message, value.span, hint=hint)
        return False

    def count(self, subject: str, value: syntax.Value, low: float, high: float) -> int | Missing:
        """A whole number within limits."""
        if isinstance(value, syntax.Number) and not self.has_unit(subject, value):
            return MISSING
        if not isinstance(value, syntax.Number) or value.whole is None:
            return self._kind(subject, value, "a whole number")
        return value.whole if self._within(subject, value, low, high) else MISSING

    def real(
        self, subject: str, value: syntax.Value, low: float, high: float, units: Sequence[str] = PLAIN
    ) -> float | Missing:
        """A real from `low` to below `high`."""
        if not isinstance(value, syntax.Number):
            return self._kind(subject, value, "a number")
        if not self.has_unit(subject, value, units):
            return MISSING
        if low <= value.value < high:
            return value.value
        return self._outside(subject, value, f"{low:g} to below {high:g}")

    def share(self, subject: str, value: syntax.Value) -> float | Missing:
        """A part of a whole, both ends included."""
        if not isinstance(value, syntax.Number):
            return self._kind(subject, value, "a part of a whole, such as 0.9 or 90%")
        if not self.has_unit(subject, value):
            return MISSING
        return value.value if 0 <= value.value <= 1 else self._outside(subject, value, "0 to 1, or 0% to 100%")

    def word(self, subject: str, value: syntax.Value, known: Sequence[str]) -> str | Missing:
        """One of a few words."""
        if not isinstance(value, syntax.Word):
            return self._kind(subject, value, f"one of the words {', '.join(known)}")
        if value.text not in known:
            return self.blame(
                "PPC114", f"{subject} cannot be `{value.text}`.", value.span, hint=nearest(value.text, known)
            )
        return value.text

    def _within(self, subject: str, value: syntax.Number, low: float, high: float) -> bool:
        if low <= value.value <= high:
            return True
        self._outside(subject, value, f"{low:,.0f} to {high:,.0f}")
        return False

    def _outside(self, subject: str, value: syntax.Number, allowed: str) -> Missing:
        return self.blame("PPC111", f"{subject} is {value.text}; it may be {allowed}.", value.span)

    def _size(self, subject: str, value: syntax.Value, parameter: Parameter) -> tuple[int, int] | Missing:
        if isinstance(value, syntax.Numbers) and len(value.items) == 2:
            height, width = (self.count(subject, item, parameter.low, parameter.high) for item in value.items)
        elif isinstance(value, syntax.Number):
            height = width = self.count(subject, value, parameter.low, parameter.high)
        else:
            words = " or the word same" if parameter.kind == "pad" else ""
            return self._kind(subject, value, f"a whole number, [height, width]{words}")
        if isinstance(height, Missing) or isinstance(width, Missing):
            return MISSING
        return height, width

    def _sizes(self, subject: str, value: syntax.Value) -> tuple[int, ...] | Missing:
        items = value.items if isinstance(value, syntax.Numbers) else (value,)
        counts = [self.count(subject, item, 1, 1_000_000_000) for item in items]
        return MISSING if MISSING in counts else tuple(count for count in counts if isinstance(count, int))

    def _interval(self, subject: str, value: syntax.Value, parameter: Parameter) -> Interval | Missing:
        if not isinstance(value, syntax.Range):
            return self._kind(subject, value, "a range such as -4..4")
        if not all(self._within(subject, end, parameter.low, parameter.high) for end in (value.low, value.high)):
            return MISSING
        return self.interval(value)

    def interval(self, value: syntax.Range) -> Interval | Missing:
        """A range that holds more than one number."""
        if not all(self.has_unit("The end of a range", end) for end in (value.low, value.high)):
            return MISSING
        if value.low.value >= value.high.value:
            return self.blame(
                "PPC301",
                f"The range {value.low.text}..{value.high.text} is empty: its low end is not below its high end.",
                value.span,
                hint=f"Write `{value.high.text}..{value.low.text}`."
                if value.high.value < value.low.value
                else "Leave some room between the two ends.",
            )
        return Interval(value.low.value, value.high.value)


_EXAMPLES = {"channels": "32", "features": "10", "rate": "0.01", "batch": "128", "sizes": "[8, 7, 7]"}


def _example(owner: str, parameters: Sequence[Parameter]) -> str:
    """A call with everything that must be there, the first argument by its place: `conv2d(32, kernel=3)`."""
    needed = [parameter for parameter in parameters if parameter.default is REQUIRED]
    values = ["skip" if p.kind in ("value", "values") else _EXAMPLES.get(p.name, "3") for p in needed]
    named = [f"{parameter.name}={value}" for parameter, value in zip(needed[1:], values[1:], strict=True)]
    return f"{owner}({', '.join([*values[:1], *named])})"


def described(value: syntax.Value) -> str:
    """What stands there, in a message."""
    match value:
        case syntax.Number():
            return f"the number {value.text}"
        case syntax.Word():
            return f"the word `{value.text}`"
        case syntax.Text():
            return "a text"
        case syntax.Range():
            return f"the range {value.low.text}..{value.high.text}"
        case syntax.Numbers():
            return "a list"
        case syntax.Comparison():
            return f"the sign `{value.text}`"
