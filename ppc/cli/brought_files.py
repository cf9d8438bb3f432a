"""A party's files, read by their owner: examples and weights, as the plan takes them. Nothing here sends anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.errors import PpcError, fail
from ppc.plan.kept import kept

if TYPE_CHECKING:
    from ppc.bundle import Bundle, Needed
    from ppc.data import Array
    from ppc.ir.graph import Graph
    from ppc.plan.wires import Wire
    from ppc.runtime.checkpoint.left import Left
    from ppc.runtime.roles.brought import Brought
    from ppc.runtime.roles.signals import Pictures
    from ppc.weights import SomeWeights


Say = Callable[[str], None]


def brought(
    bundle: Bundle,
    *,
    inputs: Path | None,
    weights: Path | None,
    seed: int | None,
    say: Say,
    shares: Path | None = None,
    first: int | None = None,
    signals: str | None = None,
    turn: int = 0,
) -> Brought:
    """What this party brings; whatever it must bring and does not is an error, and so is what it need not bring.

    `say` is told how files were read; `first`: no more examples than so many; `signals`: pictures of a secret number.
    """
    from ppc.runtime.roles.brought import Brought

    rows, left = _rows(bundle, inputs, first, say), _left(bundle, shares, turn)
    whole, shown = _weights(bundle, weights, seed, say), _pictures(bundle, signals)
    found = Brought(rows=rows, whole=whole, pictures=shown)
    return replace(found, shares=left.shares, mark=left.mark) if left else found


def tests_by(file: Path | None, bundle: Bundle, say: Say) -> Brought:
    """What a party brings to the evaluations of a training: examples only."""
    from ppc.runtime.roles.brought import Brought

    if bundle.measure is None:
        if file is not None:
            hint = "Write `evaluate accuracy to …` into the train block, or leave `--test` out."
            raise fail("PPC508", "This program measures no training.", hint=hint)
        return Brought()
    return Brought(rows=_rows(bundle.measure, file, None, say, option="--test"))


def _left(bundle: Bundle, file: Path | None, turn: int) -> Left | None:
    """This party's part of a model that is on shares, where the plan begins with one, or the turn before left one."""
    from ppc.runtime.checkpoint import left
    from ppc.runtime.roles.brought import wanted_shares
    from ppc.runtime.roles.course import first_turn

    plan = bundle.plan(bundle.batches[-1])
    handed = bool(bundle.turns and turn) and not first_turn(bundle, turn)
    wanted = kept(plan) if handed else wanted_shares(plan)
    if not wanted or bundle.role == "dealer":
        if file is not None:
            hint = f"Compile it for them: `ppc compile MODEL.pnn --shares {file.name} -o build/`."
            raise fail("PPC578", "This program takes weights of their owner, and no shares.", hint=hint)
        return None
    if file is None:
        hint = f"Name the file that the training left here: `--shares FILE{left.ENDING}`."
        raise fail("PPC578", f"`{bundle.party}` must bring its shares of the weights.", hint=hint)
    found = left.read(file)
    holders = bundle.turns if handed and bundle.party in bundle.turns else (bundle.party,)
    place = bundle.parties.index(bundle.party)
    if found.party not in holders or found.role != place:
        last = f"Of several data owners the one that trained last has it: `--as {found.party}`."
        raise left.unfit(file, f"is the part of `{found.party}`", hint=last if found.role == place else "")
    if {name: found.wires.get(name) for name in wanted} != {name: _bare(wire) for name, wire in wanted.items()}:
        raise left.unfit(file, "was left by another program")
    return found


def _bare(wire: Wire) -> Wire:
    """As a file of shares knows it."""
    return replace(wire, bounds=None)


def _pictures(bundle: Bundle, what: str | None) -> Pictures:
    from ppc.data.pictures import pictures
    from ppc.runtime.roles.brought import wanted_pictures

    wanted = wanted_pictures(bundle.plan(bundle.batches[-1]), bundle.party)
    if wanted is None:
        if what is not None:
            raise fail("PPC508", f"`{bundle.party}` shows no signal as a picture here.", hint="Leave `--signals` out.")
        return ()
    if what is None:
        hint = "Name a set of images of digits: `--signals digits28:1000`."
        raise fail("PPC508", f"`{bundle.party}` must bring pictures that show its signal.", hint=hint)
    return pictures(what, *wanted)


def _rows(
    bundle: Bundle, file: Path | None, first: int | None, say: Say, *, option: str = "--input"
) -> dict[str, Array]:
    from ppc.data import Expected, check_bounds, load_rows
    from ppc.runtime.roles.brought import wanted_rows

    plan = bundle.plan(bundle.batches[-1])
    wanted = wanted_rows(plan, bundle.party) if bundle.role != "dealer" else ()
    if not wanted:
        if file is not None:
            raise fail("PPC508", f"`{bundle.party}` brings no examples to this program.", hint=f"Leave `{option}` out.")
        return {}
    if file is None:
        names = ", ".join(f"`{one.name}`" for one in wanted)
        hint = f"Name a .npz with {names}, or a set of images: `{option} FILE`."
        raise fail("PPC508", f"`{bundle.party}` must bring {names}.", hint=hint)
    rows = [
        Expected(
            name=one.name,
            shape=one.shape,
            rows=one.rows,
            label=one.what == "label" and len(one.shape) == 1,
            bounds=one.bounds,
        )
        for one in wanted
    ]
    found = load_rows(file, rows, first=first, say=say)
    check_bounds(file, found, rows)
    return found


def _weights(bundle: Bundle, file: Path | None, seed: int | None, say: Say) -> dict[str, Array]:
    """What was given to this party, and what is its own."""
    import numpy as np

    given = {name: np.asarray(array, np.float64) for name, array in bundle.given_away.items()}
    return {**given, **_own_weights(bundle, file, seed, say)}


def _own_weights(bundle: Bundle, file: Path | None, seed: int | None, say: Say) -> dict[str, Array]:
    needed = bundle.weights
    if needed is None or not needed.arrays:
        if file is not None or seed is not None:
            hint = "Leave `--weights` and `--seed` out."
            raise fail("PPC508", f"`{bundle.party}` brings no weights to this program.", hint=hint)
        return {}
    if file is None and seed is None:
        raise fail("PPC501", f"`{bundle.party}` must bring the weights.", hint="Name them: `--weights FILE`.")
    found = _loaded(needed, file, seed, say)
    bundle.same_as_published(found)
    return {one.name: found[one.name] for one in needed.arrays}  # pyright: ignore[reportReturnType]


def _loaded(needed: Needed, file: Path | None, seed: int | None, say: Say) -> SomeWeights:
    """Folded here, by their owner, where the program has batch norms."""
    from ppc.weights import fold, graph_of, initial, load

    written, folded = needed.written, needed.folded
    if file is None:
        return _folded(needed, initial(written, seed or 0))
    try:
        graph = graph_of(file, written, folded) if folded is not None else written
        found = load(file, graph)
        for note in found.notes:
            say(note)
        return found.weights if graph is folded else fold(written, found.weights) if folded else found.weights
    except PpcError as error:
        raise PpcError(*error.diagnostics) from None  # its lines are of a program that is not on this machine


def owned(bundle: Bundle, file: Path) -> tuple[Graph, SomeWeights]:
    """The model of a bundle with all of its weights, batch norms folded, as their owner has them."""
    needed = bundle.weights
    if needed is None:
        raise fail("PPC508", f"`{bundle.party}` has no weights in this program.", hint="Its other party has them.")
    found = _loaded(needed, file, None, lambda _note: None)
    bundle.same_as_published(found)
    return needed.folded or needed.written, found


def _folded(needed: Needed, weights: SomeWeights) -> SomeWeights:
    from ppc.weights import fold

    return fold(needed.written, weights) if needed.folded is not None else weights
