"""From a `private` block to a policy: every line becomes one fact. Called by `resolve`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import inf

from ppc.errors import Note
from ppc.grammar import syntax
from ppc.grammar.arguments import Missing, Reader, nearest
from ppc.grammar.modes import check_counted, complement_of, cut_of, joint_of, network_of, sent_of
from ppc.grammar.parties import once, parties_of, sole_party
from ppc.ir.policy import PUBLIC, Grant, Owner, Policy, PublicLayer
from ppc.ir.types import Interval
from ppc.source import Span


@dataclass(frozen=True, kw_only=True)
class OwnBounds:
    """`dense2 from lab in -1..1`: a layer of the weights' owner whose bounds are not those of the others."""

    party: str
    bounds: Interval
    span: Span


@dataclass
class _Facts:
    """Collects the facts of one block."""

    block: syntax.Private
    model: syntax.Model
    parties: tuple[str, ...]
    reader: Reader
    weighted: Sequence[str] | None  # the layers that have weights, where the model could be understood
    owners: dict[str, Owner] = field(default_factory=dict[str, Owner])
    weight_bounds: Interval | None = None
    bounds_written: bool = False
    grants: dict[str, Grant] = field(default_factory=dict[str, Grant])
    layers: dict[str, PublicLayer] = field(default_factory=dict[str, PublicLayer])
    ranges: dict[str, OwnBounds] = field(default_factory=dict[str, OwnBounds])  # of layers that stay their owner's
    unknown: list[str] = field(default_factory=list[str])  # subjects that the block has and the model has not

    def collect(self) -> None:
        for fact in self.block.facts:
            match fact:
                case syntax.From():
                    self.owned(fact)
                case syntax.Public():
                    self.public(fact)
                case syntax.To():
                    self.granted(fact)
                case syntax.RevealRange():
                    self.revealed(fact)
                case syntax.ReuseInputs():
                    hint = "The train block says how long its data stay the same."
                    self.reader.blame("PPC112", "`reuse inputs` belongs in the train block.", fact.span, hint=hint)
                case _:
                    pass  # facts that stand alone are read by `once`

    def owned(self, fact: syntax.From) -> None:
        party = sole_party(fact.parties, "Data", self.parties, self.reader)
        if isinstance(party, Missing):
            self.owners.setdefault(fact.what.text, Owner(party="", span=fact.span))  # known, so not missed
            return
        if fact.what.text in (self.weighted or ()) and fact.what.text not in self.known():
            self.ranged(fact, party)
            return
        self.bounded(fact.what, fact.bounds)
        self.own(fact.what, party, fact.span)

    def bounded(self, what: syntax.Name, bounds: syntax.Range | None) -> None:
        if bounds is None or what.text not in self.known():
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

    def ranged(self, fact: syntax.From, party: str) -> None:
        """A layer of the weights' owner, with bounds of its own."""
        name, bounds = fact.what.text, self.reader.interval(fact.bounds) if fact.bounds else None
        if name in self.ranges or name in self.layers:
            before = (self.ranges.get(name) or self.layers[name]).span
            note = Note(text="it was said here", span=before)
            self.reader.blame("PPC113", f"Who holds `{name}` is said twice.", fact.span, notes=(note,))
        elif bounds is None:
            hint = f"Write its bounds, as in `{name} from {party} in -1..1`, or leave the line out."
            self.reader.blame("PPC112", f"`{name}` is one of the weights, whose owner is said.", fact.span, hint=hint)
        elif not isinstance(bounds, Missing):
            self.ranges[name] = OwnBounds(party=party, bounds=bounds, span=fact.span)

    def known(self) -> list[str]:
        return [*(input_.name.text for input_ in self.model.inputs), "weights"]

    def own(self, what: syntax.Name, party: str, span: Span) -> None:
        known = self.known()
        if what.text not in known:
            self.unknown.append(what.text)
            layers = list(self.weighted or ()) if party == PUBLIC else []
            self.reader.blame(
                "PPC112",
                f"The model `{self.model.name.text}` has no input{' or layer' if layers else ''} `{what.text}`.",
                what.span,
                hint=nearest(what.text, [*known, *layers]),
            )
        elif what.text in self.owners:
            note = Note(text="it was said here", span=self.owners[what.text].span)
            self.reader.blame("PPC113", f"Who holds `{what.text}` is said twice.", span, notes=(note,))
        else:
            self.owners[what.text] = Owner(party=party, span=span)

    def public(self, fact: syntax.Public) -> None:
        """An input, the weights, or the weights of one layer."""
        if fact.what.text in self.known() or (self.weighted is not None and fact.what.text not in self.weighted):
            self.bounded(fact.what, fact.bounds)
            self.own(fact.what, PUBLIC, fact.span)
            return
        name, bounds = fact.what.text, self.reader.interval(fact.bounds) if fact.bounds else None
        if name in self.layers or name in self.ranges:
            note = Note(text="it was said here", span=(self.layers.get(name) or self.ranges[name]).span)
            self.reader.blame("PPC113", f"Who holds `{name}` is said twice.", fact.span, notes=(note,))
        elif not isinstance(bounds, Missing):
            self.layers[name] = PublicLayer(bounds=bounds, span=fact.span)

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
        """Bounds that were taken from the weights tell of them; the line lets everybody know."""
        if fact.what.text == "weights":
            self.grants["range of weights"] = Grant(what="range of weights", to=self.parties[:2], span=fact.span)
            return
        self.reader.blame(
            "PPC112",
            f"There is no range of `{fact.what.text}` to reveal.",
            fact.what.span,
            hint="Bounds of an input stand in the model's head and are public.",
        )

    def complete(self) -> None:
        """Everything that must be said, is."""
        name = self.block.alias or self.block.model
        for input_ in self.model.inputs:
            if not self.said(input_.name.text):
                self.missed(name, f"who holds `{input_.name.text}`", f"{input_.name.text} from {self.parties[0]}")
        all_public = bool(self.weighted) and self.layers.keys() >= set(self.weighted or ())
        if not self.said("weights") and _has_weights(self.model) and not all_public:
            self.missed(name, "who holds the weights", f"weights from {self.parties[1]} in -4..4")
        if "result" not in self.grants:
            self.missed(name, "who gets the result", f"result to {self.parties[0]}")

        for layer, one in self.ranges.items():
            owner = self.owners.get("weights")
            if owner is not None and owner.party not in ("", one.party):
                note = Note(text="the weights are said to be here", span=owner.span)
                hint = f"Write `{layer} from {owner.party} in {one.bounds}`."
                blame = f"`{layer}` belongs to the owner of the weights, `{owner.party}`."
                self.reader.blame("PPC112", blame, one.span, hint=hint, notes=(note,))

    def said(self, subject: str) -> bool:
        """A subject that the block misspells is blamed there, and not missed here."""
        return subject in self.owners or bool(get_close_matches(subject, self.unknown, n=1))

    def missed(self, name: syntax.Name, what: str, line: str) -> None:
        self.reader.blame(
            "PPC131", f"The private block does not say {what}.", name.span, hint=f"Add a line such as `{line}`."
        )


def _bounds_missed(span: Span, line: str, reader: Reader) -> None:
    reader.blame(
        "PPC306",
        "Joint layers need bounds on the weights: ranges are proved without looking at a secret.",
        span,
        hint=f"Write for example `{line} in -4..4`.",
    )


def _contradict(server: syntax.ServerClear, joint: syntax.JointLine, reader: Reader) -> None:
    reader.blame(
        "PPC404",
        "`server clear` and `joint` contradict each other: the layers run in one of the two ways.",
        joint.span,
        notes=(Note(text="the other one is here", span=server.span),),
    )


def _has_weights(model: syntax.Model) -> bool:
    weighted = ("conv2d", "dense", "batch_norm")
    return any(step.name.text in weighted for statement in model.body for step in statement.steps)


def resolve_private(
    block: syntax.Private,
    model: syntax.Model,
    parties: tuple[str, ...],
    reader: Reader,
    *,
    weighted: Sequence[str] | None = None,
) -> Policy | None:
    """The policy that a private block states, or None where it has mistakes; `weighted` are layers with weights."""
    before = len(reader.mistakes)
    facts = _Facts(block, model, parties, reader, weighted)
    facts.collect()
    facts.complete()
    split = once(block.facts, syntax.Split, "split", reader)
    cut = cut_of(split, reader)
    server = once(block.facts, syntax.ServerClear, "server clear", reader)
    sent = sent_of(server, reader)
    joint_line = once(block.facts, syntax.JointLine, "joint", reader)
    signal = once(block.facts, syntax.ComplementLine, "complement", reader)
    complement = complement_of(signal, split, reader, joint=joint_line is not None)
    if server and joint_line:
        _contradict(server, joint_line, reader)
    joint = joint_of(joint_line, reader) if joint_line else None
    network = network_of(once(block.facts, syntax.NetworkLine, "network", reader), reader)
    check_counted(cut, joint_line, reader)
    if cut and cut.limits and cut.limits.time < inf and network is None:
        hint = "Add a line such as `network { rtt = 20ms, bandwidth = 100M }`."
        reader.blame("PPC131", "`time` needs a network to be spent on, and no line names one.", cut.span, hint=hint)
    holder = facts.owners.pop("weights", None)
    if joint and holder and holder.party and not facts.bounds_written and _has_weights(model):
        line = "weights public" if holder.party == PUBLIC else f"weights from {holder.party}"
        _bounds_missed(holder.span, line, reader)
    if joint and holder is None:
        for name, layer in facts.layers.items():
            if layer.bounds is None:
                _bounds_missed(layer.span, f"{name} public", reader)
    if len(reader.mistakes) > before:
        return None
    return Policy(
        name=(block.alias or block.model).text,
        model=block.model.text,
        parties=(parties[0], parties[1]),
        owners=facts.owners,
        weights=holder or Owner(party=PUBLIC),
        weight_bounds=facts.weight_bounds,
        public_layers=facts.layers,
        layer_bounds={name: one.bounds for name, one in facts.ranges.items()},
        grants=tuple(facts.grants.values()),
        cut=cut,
        complement=complement,
        server_clear=server.span if server else None,
        sent=sent,
        joint=joint,
        network=network,
        span=block.span,
    )
