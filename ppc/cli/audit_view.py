"""The server's view of queries, read off a plan: values that cross in the clear, or all that it receives on shares.

Of runs on shares the dealer's masks are kept too. What was opened less its mask is what the server would see if the
mask had been forgotten: a control, on the same way from the plan to the attacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ppc.field import decode
from ppc.plan.ops import OPENINGS
from ppc.plan.steps import Plan, Step

if TYPE_CHECKING:
    from ppc.runtime.desk import Desk
    from ppc.runtime.keys import Seed
    from ppc.weights import SomeWeights

Array = NDArray[Any]
# Of inputs, and of signals by name: a row for each query, of what is seen and of the same without masks.
View = Callable[[Array, Mapping[str, Array]], tuple[Array, Array]]
Source = tuple[bytes, "Sequence[Seed]"]  # a session, and seeds of the parties and the dealer
MOST = 4_096  # numbers of a query; of more, about as many are kept, from every opening
BITS = ("digits", "groups", "bit")  # what is opened as bits


def boundary(plan: Plan) -> tuple[tuple[str, ...], str]:
    """The last values that the client makes alone, and how they cross if they do so in the clear."""
    client = plan.parties[0]
    clear = [step for step in plan.steps() if step.op == "reveal" and step.word("grant") == "server clear"]
    if clear:
        return tuple(step.inputs[0] for step in clear), clear[0].word("numbers") or "float64"
    inputs = [step.inputs[0] for step in plan.section("each").steps if step.op == "encode" and step.wire.at == client]
    return tuple(dict.fromkeys(name for name in inputs if "data" in _origins(plan, name))), ""


def _origins(plan: Plan, name: str) -> set[str]:
    """What kinds of given values a value is made of."""
    step = plan.by_name[name]
    if step.op == "given":
        return {step.word("what")}
    return {kind for one in step.inputs for kind in _origins(plan, one)}


def received(plan: Plan, weights: SomeWeights, drawn_from: Callable[[], Source] | None = None) -> View:
    """Runs on shares, and everything that the server receives in them: opened values, opened bits, its messages. Tests
    say by which session and seeds all is drawn in each run: streams are bound to both."""
    from ppc.runtime.session import Watchers, run_in_memory

    client, server = plan.parties
    own = {name: np.asarray(array, np.float64) for name, array in weights.items()}

    def view(images: Array, drawn: Mapping[str, Array]) -> tuple[Array, Array]:
        turns = -(-len(images) // plan.batch)
        data = next(step.name for step in plan.steps() if step.op == "given" and step.word("what") == "data")
        values = {name: _padded(one, turns * plan.batch) for name, one in {data: images, **drawn}.items()}

        def given(_section: str, iteration: int) -> Mapping[str, Array]:
            start = iteration * plan.batch
            return {**own, **{name: array[start : start + plan.batch] for name, array in values.items()}}

        record = Record(plan)
        session, seeds = drawn_from() if drawn_from else (None, None)
        watchers = Watchers(party=record.party, dealer=record.dealer)
        both = {client: given, server: given}
        run_in_memory(plan, both, turns, public=given, watch=watchers, session=session, seeds=seeds)
        seen, bare = (np.concatenate(list(rows), axis=0) for rows in (record.seen(turns), record.bare(turns)))
        return seen[: len(images)], bare[: len(images)]

    return view


def _padded(array: Array, count: int) -> Array:
    return np.concatenate([array, np.repeat(array[-1:], count - len(array), axis=0)]) if len(array) < count else array


class Record:
    """What the server receives in a run, and the masks of it, by iteration and step."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.server = plan, plan.parties[1]
        self.opened: dict[int, dict[str, Array]] = {}
        self.masks: dict[int, dict[str, Array]] = {}
        numbers = sum(step.wire.size for step in plan.section("each").steps if step.op in OPENINGS)
        self.every = max(1, -(-numbers // (MOST * plan.batch)))

    def party(self, desk: Desk, step: Step, value: Any) -> None:
        if desk.name != self.server or desk.section.name != "each" or step.op not in OPENINGS:
            return
        opened = getattr(value, "opened", None)
        found = None if opened is None else self._bits(step, opened) if step.op in BITS else self._elements(opened)
        if found is not None:
            self.opened.setdefault(desk.iteration, {})[step.name] = found

    def dealer(self, section: str, iteration: int, step: Step, whole: Array) -> None:
        if section == "each" and step.op == "mask" and (found := self._elements(whole)) is not None:
            self.masks.setdefault(iteration, {})[step.name] = found

    def _elements(self, words: Array) -> Array | None:
        """Some of them, a row for each query."""
        if words.size % self.plan.batch:
            return None
        apart = () if self.plan.modulus_field.words == 1 else (self.plan.modulus_field.words,)
        return np.ascontiguousarray(words.reshape(self.plan.batch, -1, *apart)[:, :: self.every])

    def _bits(self, step: Step, planes: Array) -> Array | None:
        size, batch = self.plan.wires[self._measured(step)].size, self.plan.batch
        if size % batch:
            return None
        bits = np.unpackbits(np.ascontiguousarray(planes).view(np.uint8), axis=-1, bitorder="little")
        flat = bits.reshape(-1, bits.shape[-1])[:, :size]
        return np.concatenate([part.reshape(batch, -1)[:, :: self.every] for part in flat], axis=1)

    def _measured(self, step: Step) -> str:
        """The masked value whose bits these are."""
        while step.op != "digits":
            step = self.plan.by_name[step.inputs[0]]
        return step.inputs[0]

    def seen(self, turns: int) -> Iterator[Array]:
        """Elements as signed parts of the modulus, so that small ones are seen as such; bits as they are."""
        for turn in range(turns):
            rows = self.opened[turn].items()
            parts = [one if self.plan.by_name[name].op in BITS else self._parts(one) for name, one in rows]
            yield np.concatenate(parts, axis=1)

    def bare(self, turns: int) -> Iterator[Array]:
        """The elements, their masks taken off."""
        from ppc.runtime.lazy import Local, subtract

        local, width = Local(self.plan.modulus_field), 2
        for turn in range(turns):
            masks = self.masks[turn]
            both = [(one, masks[name]) for name, one in self.opened[turn].items() if name in masks]
            values = [local.stored(subtract(one.shape[:width], one, mask)) for one, mask in both]
            yield np.concatenate([self._parts(value) for value in values if value is not None], axis=1)

    def _parts(self, elements: Array) -> Array:
        field = self.plan.modulus_field
        return decode(elements, field, fraction=0) / float(field.modulus)
