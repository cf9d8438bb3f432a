"""From the syntax tree to meaning: one graph for each model, one policy for each private block, and the trainings.

Reports every mistake that can be seen without shapes. Called by the compiler.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ppc.errors import Diagnostic, Note
from ppc.grammar import syntax
from ppc.grammar.arguments import Missing, Reader, TooManyMistakesError, nearest
from ppc.grammar.bodies import Body, BodyResolver
from ppc.grammar.facts import resolve_private
from ppc.grammar.hub import Spokes, lessons_of, pairs, private_of, spokes_of
from ppc.grammar.trainers import Lessons, resolve_train
from ppc.grammar.trainers.pate import resolve_label
from ppc.ir.collaborative import Collaborative, Pate
from ppc.ir.graph import Graph
from ppc.ir.policy import Policy, Training

T = TypeVar("T", bound=syntax.Tree)


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What a program means, as far as it could be understood, and the mistakes in the rest."""

    parties: tuple[str, ...]
    bodies: dict[str, Body]
    sketches: tuple[Graph, ...]  # what could be understood of models with mistakes, so that shapes are judged too
    policies: tuple[Policy, ...]
    trainings: dict[str, Training]  # by `joint` and `clear`
    lessons: dict[str, Lessons]  # by trainers that speak in phrases
    labels: tuple[Pate, ...]
    mistakes: tuple[Diagnostic, ...]


def resolve(program: syntax.Program, *, source: str, whole: bool = True) -> Resolved:
    """`whole` is False when blocks were left out because they did not parse: what they define is not missed then."""
    reader = Reader()
    try:
        return _resolved(program, reader, source=source, whole=whole)
    except TooManyMistakesError:
        nothing = Resolved(
            parties=(), bodies={}, sketches=(), policies=(), trainings={}, lessons={}, labels=(), mistakes=()
        )
        return replace(nothing, mistakes=tuple(reader.mistakes))


def _resolved(program: syntax.Program, reader: Reader, *, source: str, whole: bool) -> Resolved:
    parties = _parties(program, reader, whole=whole)
    models = {model.name.text: model for model in _unique_models(program, reader)}
    bodies: dict[str, Body] = {}
    sketches: list[Graph] = []
    for name, model in models.items():
        gaps = program.gaps_in(model)
        resolver = BodyResolver(model, reader, source=source, parties=parties, gaps=gaps)
        body = resolver.resolve()
        if body is not None:
            bodies[name] = body
        else:
            sketches.append(resolver.sketch())
    weighted = {name: _weighted(body.graph) for name, body in bodies.items()}
    private = [(block, spokes_of(block, parties, reader)) for block in _blocks(program, syntax.Private)]
    hubs = {block.model.text: found for block, found in private if found is not None}
    policies = tuple(_policies(program, private, models, weighted, parties, reader, whole=whole))
    trainings = tuple(_trainings(program, hubs, models, parties, reader, whole=whole))
    lessons = {found.model: found for found in trainings if not isinstance(found, Training)}
    for lesson in lessons.values():
        _name_models(lesson, models, reader, whole=whole)
    return Resolved(
        parties=parties,
        bodies=bodies,
        sketches=tuple(sketches),
        policies=policies,
        trainings={found.model: found for found in trainings if isinstance(found, Training)},
        lessons=lessons,
        labels=tuple(_labels(program, lessons, models, reader, whole=whole)),
        mistakes=tuple(reader.mistakes),
    )


def _name_models(lesson: Lessons, models: dict[str, syntax.Model], reader: Reader, *, whole: bool) -> None:
    """Models that single workers learn must be there."""
    for _, name in lesson.models if isinstance(lesson, Collaborative) else ():
        _known_model(syntax.Name(text=name, span=lesson.span), models, reader, whole=whole)


def _labels(
    program: syntax.Program,
    lessons: dict[str, Lessons],
    models: dict[str, syntax.Model],
    reader: Reader,
    *,
    whole: bool,
) -> Iterator[Pate]:
    for block in _blocks(program, syntax.Label):
        before = len(reader.mistakes)
        found = resolve_label(block, lessons, reader)
        if program.gaps_in(block):
            reader.forgive(before)
        elif found and _known_model(syntax.Name(text=found.student, span=block.span), models, reader, whole=whole):
            yield found


def _blocks(program: syntax.Program, kind: type[T]) -> list[T]:
    return [block for block in program.blocks if isinstance(block, kind)]


def _parties(program: syntax.Program, reader: Reader, *, whole: bool) -> tuple[str, ...]:
    names: dict[str, syntax.Name] = {}
    for name in (name for block in _blocks(program, syntax.Party) for name in block.names):
        if name.text in names:
            note = Note(text="it was named here", span=names[name.text].span)
            reader.blame("PPC121", f"The party `{name.text}` is named twice.", name.span, notes=(note,))
        elif name.text in ("joint", "public", "shares", "all", "nobody"):
            hint = f"Choose another name, for example `{name.text}_party`."
            reader.blame("PPC117", f"`{name.text}` is a word of the language, not a party.", name.span, hint=hint)
        elif (name.text, len(names)) in (("server", 0), ("client", 1)):
            reader.blame(
                "PPC117",
                f"`{name.text}` is the other party: the first one named is the client, the second the server.",
                name.span,
                hint="Write `party client, server`, or give the parties names of their own.",
            )
        names.setdefault(name.text, name)
    private = _blocks(program, syntax.Private)
    if len(names) < 2 and private and whole:
        reader.blame(
            "PPC128",
            f"A private block needs two parties; the program names {len(names)}.",
            private[0].span,
            hint="Begin the program with a line such as `party hospital, lab`: the client first, then the server.",
        )
    return tuple(names)


def _unique_models(program: syntax.Program, reader: Reader) -> Iterator[syntax.Model]:
    seen: dict[str, syntax.Name] = {}
    for model in _blocks(program, syntax.Model):
        if model.name.text in seen:
            note = Note(text="it was defined here", span=seen[model.name.text].span)
            reader.blame("PPC122", f"The model `{model.name.text}` is defined twice.", model.name.span, notes=(note,))
            continue
        seen[model.name.text] = model.name
        yield model


def _known_model(name: syntax.Name, models: dict[str, syntax.Model], reader: Reader, *, whole: bool) -> bool:
    if name.text in models:
        return True
    if whole:
        reader.blame("PPC123", f"There is no model `{name.text}`.", name.span, hint=nearest(name.text, list(models)))
    return False


def _weighted(graph: Graph) -> tuple[str, ...]:
    """The layers that have weights."""
    return tuple(dict.fromkeys(parameter.name.rpartition(".")[0] for parameter in graph.parameters))


def _policies(
    program: syntax.Program,
    private: Sequence[tuple[syntax.Private, Spokes | Missing | None]],
    models: dict[str, syntax.Model],
    weighted: dict[str, tuple[str, ...]],
    parties: tuple[str, ...],
    reader: Reader,
    *,
    whole: bool,
) -> Iterator[Policy]:
    seen: dict[tuple[str, str], syntax.Private] = {}
    for block, spokes in private:
        name = block.alias or block.model
        if (earlier := seen.setdefault((block.model.text, name.text), block)) is not block:
            note = Note(text="the first one is here", span=(earlier.alias or earlier.model).span)
            reader.blame(
                "PPC129",
                f"Two private blocks of `{block.model.text}` are named `{name.text}`.",
                name.span,
                notes=(note,),
                hint=f"Give one another name: `private {block.model.text} as other {{ … }}`.",
            )
        elif _known_model(block.model, models, reader, whole=whole) and len(parties) >= 2:
            before = len(reader.mistakes)
            found = _private(block, spokes, models, parties, reader, weighted)
            if program.gaps_in(block):
                reader.forgive(before)
            else:
                yield from found


def _private(
    block: syntax.Private,
    spokes: Spokes | Missing | None,
    models: dict[str, syntax.Model],
    parties: tuple[str, ...],
    reader: Reader,
    weighted: dict[str, tuple[str, ...]],
) -> tuple[Policy, ...]:
    """What a block states: for one pair, or for each of several data owners."""
    model, layers = models[block.model.text], weighted.get(block.model.text)
    if isinstance(spokes, Missing):
        return ()
    if spokes is None:
        policy = resolve_private(block, model, parties, reader, weighted=layers)
        return () if policy is None else (policy,)
    own, before = private_of(block, spokes, reader), len(reader.mistakes)
    policy = resolve_private(own, model, spokes.first(parties), reader, weighted=layers)
    return () if policy is None or len(reader.mistakes) > before else tuple(pairs(policy, spokes, parties))


def _trainings(
    program: syntax.Program,
    hubs: Mapping[str, Spokes | Missing],
    models: dict[str, syntax.Model],
    parties: tuple[str, ...],
    reader: Reader,
    *,
    whole: bool,
) -> Iterator[Training | Lessons]:
    seen: dict[str, syntax.Name] = {}
    for block in _blocks(program, syntax.Train):
        if (earlier := seen.setdefault(block.model.text, block.model)) is not block.model:
            note = Note(text="the first one is here", span=earlier.span)
            reader.blame("PPC130", f"`{block.model.text}` has two train blocks.", block.model.span, notes=(note,))
        elif _known_model(block.model, models, reader, whole=whole):
            before = len(reader.mistakes)
            training = _training(block, hubs.get(block.model.text), parties, reader)
            if program.gaps_in(block):
                reader.forgive(before)
            elif training is not None:
                yield training


def _training(
    block: syntax.Train, spokes: Spokes | Missing | None, parties: tuple[str, ...], reader: Reader
) -> Training | Lessons | None:
    if isinstance(spokes, Missing):
        return None
    before = len(reader.mistakes)
    block, turns = lessons_of(block, spokes, reader)
    if len(reader.mistakes) > before:
        return None
    training = resolve_train(block, spokes.first(parties) if spokes and turns else parties, reader)
    return replace(training, turns=turns) if isinstance(training, Training) and turns else training
