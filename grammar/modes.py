"""How a private block has its layers run: `split`, `complement`, `joint { … }`, `network { … }`. Called by `facts`."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import Reader, nearest
from ppc.grammar.parties import not_built
from ppc.grammar.units import PLAIN, TIMES
from ppc.ir.policy import Complement, Cut, Joint, Limits, Network
from ppc.ir.sent import Sent

JOINT_OPTIONS = ("field", "fraction", "security", "truncation")
NETWORK_OPTIONS = ("rtt", "bandwidth")
FIELDS = ("mersenne61", "mersenne127")
SENT: tuple[Sent, ...] = ("float32", "byte")
MOST_LAYERS, MOST_PIXELS = 1_000_000, 10_000
# of `split auto`: from, to below, and units
LIMITS = {
    "weights": (1.0, 1e12, PLAIN),
    "bytes": (1.0, 1e12, PLAIN),
    "time": (1e-6, 1e6, TIMES),
    "density": (1e-6, 1e6, PLAIN),
}
# Words that the language has and this version does not carry out: refused, so that nobody believes they were heard.
NOT_BUILT = {"malicious": "`security = malicious` (MACs against a cheating party)"}


def cut_of(split: syntax.Split | None, reader: Reader) -> Cut | None:
    if split is None:
        return None
    if split.after is not None:
        return Cut(after=split.after.text, span=split.span)
    if split.at is None:
        return Cut(limits=_limits(split, reader), span=split.span)
    layer = reader.count("The layer of `split`", split.at, -MOST_LAYERS, MOST_LAYERS)  # the model says which there are
    return Cut(layer=layer, span=split.span) if isinstance(layer, int) else None


def complement_of(
    line: syntax.ComplementLine | None, split: syntax.Split | None, reader: Reader, *, joint: bool
) -> Complement | None:
    if line is None:
        return None
    if split is None and (line.at is None or not joint):
        reader.blame(
            "PPC213",
            "`complement` needs a `split`: its signal joins the input of layer k, which the client runs.",
            line.span,
            hint="Add a line such as `split at 2`; where all layers are `joint`, write `complement at 2`.",
        )
    at = reader.count("the layer of `complement`", line.at, 1, MOST_LAYERS) if line.at else None
    return Complement(
        offset=line.offset,
        picture=_picture(line.picture, reader) if line.picture else None,
        layer=at if isinstance(at, int) else None,
        span=line.span,
    )


def _picture(size: syntax.Numbers, reader: Reader) -> tuple[int, int] | None:
    """Height and width of the pictures that stand for the signal."""
    sides = [reader.count("A side of the picture", side, 1, MOST_PIXELS) for side in size.items]
    if len(sides) != 2:
        hint = "Write for example `complement picture [28, 28]`."
        reader.blame("PPC111", "A picture of the signal has a height and a width.", size.span, hint=hint)
        return None
    height, width = sides
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def sent_of(line: syntax.ServerClear | None, reader: Reader) -> Sent:
    """How the numbers that cross are written."""
    options = options_of("server clear", line.options, ("send",), reader) if line else {}
    if "send" not in options:
        return "float32"
    found = reader.word("`send`", options["send"].value, SENT)
    return "byte" if found == "byte" else "float32"


def _limits(split: syntax.Split, reader: Reader) -> Limits:
    """What `split auto` may not exceed."""
    options = options_of("split auto", split.limits, tuple(LIMITS), reader)
    found = {key: reader.real(f"`{key}`", option.value, *LIMITS[key]) for key, option in options.items()}
    real = {key: value for key, value in found.items() if isinstance(value, float)}
    if not split.limits:
        reader.blame(
            "PPC131",
            "`split auto` does not say within which limits.",
            split.span,
            hint="Write for example `split auto { weights = 400k, bytes = 64k }`.",
        )
    return Limits(**real)


def check_counted(cut: Cut | None, joint: syntax.JointLine | None, reader: Reader) -> None:
    """What crosses in the clear is counted before there is a plan; what layers on shares send is not."""
    limits = cut.limits if cut else None
    if cut is None or limits is None or joint is None:
        return
    if found := [f"`{key}`" for key in ("bytes", "time") if getattr(limits, key) < inf]:
        hint = "Limit `weights` or `density`; `ppc explain MODEL.pnn --split all` shows what each cut sends on shares."
        not_built(f"A limit of {' and '.join(found)} in `split auto` with `joint`", cut.span, reader, hint=hint)


def options_of(
    owner: str, options: Sequence[syntax.Option], known: Sequence[str], reader: Reader
) -> dict[str, syntax.Option]:
    """Options by name; unknown and repeated ones are mistakes."""
    found: dict[str, syntax.Option] = {}
    for option in options:
        if option.key.text not in known:
            reader.blame(
                "PPC112",
                f"`{owner}` has no option `{option.key.text}`.",
                option.key.span,
                hint=nearest(option.key.text, known),
            )
        elif option.key.text in found:
            note = Note(text="it was said here", span=found[option.key.text].span)
            reader.blame("PPC113", f"`{option.key.text}` is said twice.", option.span, notes=(note,))
        else:
            found[option.key.text] = option
    return found


def joint_of(line: syntax.JointLine, reader: Reader) -> Joint:
    options = options_of("joint", line.options, JOINT_OPTIONS, reader)

    def word(key: str, known: tuple[str, ...]) -> str:
        if key not in options:
            return known[0]
        value = options[key].value
        if isinstance(value, syntax.Word) and value.text in NOT_BUILT:
            not_built(NOT_BUILT[value.text], value.span, reader, hint=f"Write `{key} = {known[0]}`.")
            return known[0]
        found = reader.word(f"`{key}`", value, known)
        return found if isinstance(found, str) else known[0]

    fraction = reader.count("`fraction`", options["fraction"].value, 1, 60) if "fraction" in options else None
    joint = Joint(
        field=word("field", FIELDS) if "field" in options else None,
        fraction=fraction if isinstance(fraction, int) else None,
        security=word("security", ("semi_honest",)),
        truncation=word("truncation", ("dealer", "local")),
        span=line.span,
    )
    if joint.truncation == "local" and joint.field == "mersenne61":
        # each party shifts its own share: wrong by a multiple of p/2^f with probability |x|/p (SecureML, 2017)
        reader.blame(
            "PPC304",
            "Local truncation on mersenne61 fails about once in 2^21 values of size 2^40, with an error of p/2^f.",
            options["truncation"].span,
            hint="Write `field = mersenne127`, or leave `truncation` out.",
        )
    return joint


def network_of(line: syntax.NetworkLine | None, reader: Reader) -> Network | None:
    if line is None:
        return None
    options = options_of("network", line.options, NETWORK_OPTIONS, reader)
    limits = {"rtt": (0.0, 60.0, TIMES), "bandwidth": (1.0, 1e15, PLAIN)}
    values = {key: reader.real(f"`{key}`", option.value, *limits[key]) for key, option in options.items()}
    real = {key: value for key, value in values.items() if isinstance(value, float)}
    return Network(rtt=real.get("rtt", 0.0), bandwidth=real.get("bandwidth", float("inf")), span=line.span)
