"""The server's view of queries, read off a plan: values that cross in the clear, or all that it receives on shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ppc.plan.ops import OPENINGS
from ppc.plan.steps import Plan, Step

if TYPE_CHECKING:
    from ppc.runtime.keys import Seed
    from ppc.weights import SomeWeights

Array = NDArray[Any]
View = Callable[[Array, Mapping[str, Array]], Array]  # of inputs, and of signals by name: a row for each query
MOST = 4_096  # numbers of a query; of more, as many are kept


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


def received(plan: Plan, weights: SomeWeights, seeds: Callable[[], Sequence[Seed]] | None = None) -> View:
    """Runs on shares, and everything that the server receives in them: opened values, opened bits, its messages. Tests
    say from which `seeds` the dealer of each run draws."""
    from ppc.runtime.session import Watchers, run_in_memory

    client, server = plan.parties
    own = {name: np.asarray(array, np.float64) for name, array in weights.items()}

    def view(images: Array, drawn: Mapping[str, Array]) -> Array:
        turns = -(-len(images) // plan.batch)
        rows = [list[Array]() for _ in range(turns)]
        data = next(step.name for step in plan.steps() if step.op == "given" and step.word("what") == "data")
        values = {name: _padded(one, turns * plan.batch) for name, one in {data: images, **drawn}.items()}

        def given(_section: str, iteration: int) -> Mapping[str, Array]:
            start = iteration * plan.batch
            return {**own, **{name: array[start : start + plan.batch] for name, array in values.items()}}

        def watch(desk: Any, step: Step, value: Any) -> None:
            if desk.name == server and desk.section.name == "each" and step.op in OPENINGS:
                turn: int = desk.iteration
                rows[turn].extend(_row(plan, step, value))

        own_seeds = seeds() if seeds else None
        watchers = Watchers(party=watch)
        run_in_memory(plan, {client: given, server: given}, turns, public=given, watch=watchers, seeds=own_seeds)
        joined = np.concatenate([np.concatenate(parts, axis=1) for parts in rows])
        return joined[: len(images), :MOST].astype(np.float32)

    return view


def _padded(array: Array, count: int) -> Array:
    return np.concatenate([array, np.repeat(array[-1:], count - len(array), axis=0)]) if len(array) < count else array


def _row(plan: Plan, step: Step, value: Any) -> list[Array]:
    """One opening as numbers for each query: elements as parts of the modulus, bits as they are."""
    opened = getattr(value, "opened", None)
    if opened is None:
        return []
    if step.op in ("digits", "groups", "bit"):
        bits = np.unpackbits(np.ascontiguousarray(opened).view(np.uint8), axis=-1, bitorder="little")
        size = plan.wires[_measured(plan, step)].size
        flat = bits.reshape(-1, bits.shape[-1])[:, :size]
        return [part.reshape(plan.batch, -1) for part in flat] if size % plan.batch == 0 else []
    words = np.asarray(opened)
    if words.size % plan.batch:
        return []
    field = plan.modulus_field
    top = words.reshape(plan.batch, -1, field.words)[:, :, -1] if field.words > 1 else words.reshape(plan.batch, -1)
    return [top / float(2 ** (field.bits - 64 * (field.words - 1)))]


def _measured(plan: Plan, step: Step) -> str:
    """The masked value whose bits these are."""
    while step.op != "digits":
        step = plan.by_name[step.inputs[0]]
    return step.inputs[0]
