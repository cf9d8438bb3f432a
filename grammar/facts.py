"""From a `private` block to a policy: every line becomes one fact. Called by `resolve`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import Missing, Reader, nearest
from ppc.ir.policy import PUBLIC, Complement, Cut, Grant, Joint, Network, Owner, Policy
from ppc.ir.types import Interval
from ppc.source import Span

FIELDS = ("mersenne61", "mersenne127")
# Words that the language has and this version does not carry out: refused, so that nobody believes they were heard.
NOT_BUILT = {"malicious": "`security = malicious` (MACs against a cheating party)"}
T = TypeVar("T", bound=syntax.Tree)


def party_of(name: syntax.Name, parties: Sequence[str], reader: Reader) -> str | Missing:
    """The party that a name means; `client` and `server` are the first and the second."""
    aliases = {"client": 0, "server": 1}
    if name.text in parties:
        return name.text
    if name.text in aliases and len(parties) >= 2:
        return parties[aliases[name.text]]
    hint = nearest(name.text, parties)
    if name.text == PUBLIC:
        hint = "What everybody may see is written `weights public`."
    return reader.blame("PPC119", f"There is no party `{name.text}`.", name.span, hint=hint)


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


@dataclass
class _Facts:
    """Collects the facts of one block."""

    block: syntax.Private
    model: syntax.Model
    parties: tuple[str, ...]
    reader: Reader
    owners: dict[str, Owner] = field(default_factory=dict[str, Owner])
    weight_bounds: Interval | None = None
    bounds_written: bool = False
    grants: dict[str, Grant] = field(default_factory=dict[str, Grant])

    def collect(self) -> None:
        for fact in self.block.facts:
            match fact:
                case syntax.From():
                    self.owned(fact)
                case syntax.Public():
                    self.bounded(fact.what, fact.bounds)
                    self.own(fact.what, PUBLIC, fact.span)
                case syntax.To():
                    self.granted(fact)
                case syntax.RevealRange():
                    self.revealed(fact)
                case syntax.ReuseInputs():
                    not_built("`reuse inputs`", fact.span, self.reader)
                case _:
                    pass  # facts that stand alone are read by `once`

    def owned(self, fact: syntax.From) -> None:
        if len(fact.parties) > 1:
            not_built("Data from several parties", fact.span, self.reader, hint="Name one party.")
            return
        party = party_of(fact.parties[0], self.parties, self.reader)
        if isinstance(party, Missing):
            self.owners.setdefault(fact.what.text, Owner(party="", span=fact.span))  # known, so not missed
            return
        if party not in self.parties[:2]:
            not_built("A third party in a private block", fact.parties[0].span, self.reader)
        self.bounded(fact.what, fact.bounds)
        self.own(fact.what, party, fact.span)

    def bounded(self, what: syntax.Name, bounds: syntax.Range | None) -> None:
        if bounds is None:
            return
        interval = self.reader.interval(bounds)
        if what.text != "weights":
            self.reader.blame(
                "PPC112",
                f"The bounds of `{what.text}` belong in the model's head.",
                bounds.span,
                hint=f"Write `{what.text}: real[…] in {bounds.low.text}..{bounds.high.text}` there.",
            )
        else:
            self.bounds_written = True
            self.weight_bounds = interval if isinstance(interval, Interval) else None

    def own(self, what: syntax.Name, party: str, span: Span) -> None:
        known = [input_.name.text for input_ in self.model.inputs] + ["weights"]
        if what.text not in known:
            self.reader.blame(
                "PPC112",
                f"The model `{self.model.name.text}` has no input `{what.text}`.",
                what.span,
                hint=nearest(what.text, known),
            )
        elif what.text in self.owners:
            note = Note(text="it was said here", span=self.owners[what.text].span)
            self.reader.blame("PPC113", f"Who holds `{what.text}` is said twice.", span, notes=(note,))
        else:
            self.owners[what.text] = Owner(party=party, span=span)

    def granted(self, fact: syntax.To) -> None:
        to = parties_of(fact.parties, self.parties, self.reader)
        if fact.what.text != "result":
            hint = nearest(fact.what.text, ["result"])
            if fact.what.text in ("logits", "model"):
                hint = f"`{fact.what.text} to …` belongs in the train block."
            self.reader.blame("PPC112", f"A private block gives no `{fact.what.text}`.", fact.what.span, hint=hint)
        elif "result" in self.grants:
            note = Note(text="it was said here", span=self.grants["result"].span)
            self.reader.blame("PPC113", "Who gets the result is said twice.", fact.span, notes=(note,))
        else:
            receivers = () if isinstance(to, Missing) else to
            self.grants["result"] = Grant(what="result", to=receivers, span=fact.span)

    def revealed(self, fact: syntax.RevealRange) -> None:
        if fact.what.text != "weights":
            self.reader.blame("PPC112", f"There is no range of `{fact.what.text}` to reveal.", fact.what.span)
            return
        self.grants["range of weights"] = Grant(what="range of weights", to=self.parties[:2], span=fact.span)

    def complete(self) -> None:
        """Everything that must be said, is."""
        name = self.block.alias or self.block.model
        for input_ in self.model.inputs:
            if input_.name.text not in self.owners:
                self.missed(name, f"who holds `{input_.name.text}`", f"{input_.name.text} from {self.parties[0]}")
        if "weights" not in self.owners and _has_weights(self.model):
            self.missed(name, "who holds the weights", f"weights from {self.parties[1]} in -4..4")
        if "result" not in self.grants:
            self.missed(name, "who gets the result", f"result to {self.parties[0]}")

    def missed(self, name: syntax.Name, what: str, line: str) -> None:
        self.reader.blame(
            "PPC131", f"The private block does not say {what}.", name.span, hint=f"Add a line such as `{line}`."
        )


def _has_weights(model: syntax.Model) -> bool:
    weighted = ("conv2d", "dense", "batch_norm")
    return any(step.name.text in weighted for statement in model.body for step in statement.steps)


def resolve_private(
    block: syntax.Private, model: syntax.Model, parties: tuple[str, ...], reader: Reader
) -> Policy | None:
    """The policy that a private block states, or None where it has mistakes."""
    before = len(reader.mistakes)
    facts = _Facts(block, model, parties, reader)
    facts.collect()
    facts.complete()
    cut = _cut(once(block.facts, syntax.Split, "split", reader), reader)
    complement = _complement(once(block.facts, syntax.ComplementLine, "complement", reader), cut, reader)
    server = once(block.facts, syntax.ServerClear, "server clear", reader)
    joint_line = once(block.facts, syntax.JointLine, "joint", reader)
    if server and joint_line:
        note = Note(text="the other one is here", span=server.span)
        reader.blame(
            "PPC404",
            "`server clear` and `joint` contradict each other: the layers run in one of the two ways.",
            joint_line.span,
            notes=(note,),
        )
    joint = _joint(joint_line, reader) if joint_line else None
    network = _network(once(block.facts, syntax.NetworkLine, "network", reader), reader)
    weights = facts.owners.pop("weights", Owner(party=PUBLIC))
    if joint and not facts.bounds_written and _has_weights(model) and weights.party:
        reader.blame(
            "PPC306",
            "Joint layers need bounds on the weights: ranges are proved without looking at a secret.",
            weights.span if weights.party != PUBLIC or weights.span.line > 1 else block.span,
            hint="Write for example `weights from lab in -4..4`.",
        )
    if len(reader.mistakes) > before:
        return None
    return Policy(
        name=(block.alias or block.model).text,
        model=block.model.text,
        parties=parties[:2],
        owners=facts.owners,
        weights=weights,
        weight_bounds=facts.weight_bounds,
        grants=tuple(facts.grants.values()),
        cut=cut,
        complement=complement,
        server_clear=server.span if server else None,
        joint=joint,
        network=network,
        span=block.span,
    )


def _cut(split: syntax.Split | None, reader: Reader) -> Cut | None:
    if split is None:
        return None
    if split.after is not None:
        return Cut(after=split.after.text, span=split.span)
    if split.at is None:
        not_built("`split auto`", split.span, reader, hint="Write `split at 2`, or another layer.")
        return None
    layer = reader.count("the layer of `split`", split.at, 1, 1_000_000)
    return Cut(layer=layer, span=split.span) if isinstance(layer, int) else None


def _complement(line: syntax.ComplementLine | None, cut: Cut | None, reader: Reader) -> Complement | None:
    if line is None:
        return None
    if cut is None:
        reader.blame(
            "PPC213",
            "`complement` needs a `split`: its signal joins the input of layer k, which the client runs.",
            line.span,
            hint="Add a line such as `split at 2`.",
        )
    return Complement(offset=line.offset, span=line.span)


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


def _joint(line: syntax.JointLine, reader: Reader) -> Joint:
    options = options_of("joint", line.options, ("field", "fraction", "security", "truncation"), reader)

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
        field=word("field", FIELDS),
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


def _network(line: syntax.NetworkLine | None, reader: Reader) -> Network | None:
    if line is None:
        return None
    options = options_of("network", line.options, ("rtt", "bandwidth"), reader)
    limits = {"rtt": (0.0, 60.0), "bandwidth": (1.0, 1e15)}
    values = {key: reader.real(f"`{key}`", option.value, *limits[key]) for key, option in options.items()}
    real = {key: value for key, value in values.items() if isinstance(value, float)}
    return Network(rtt=real.get("rtt", 0.0), bandwidth=real.get("bandwidth", float("inf")), span=line.span)
