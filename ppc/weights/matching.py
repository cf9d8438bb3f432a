"""Which array of a file is which parameter of the model.

Three ways, tried in order: by the model's names; by torch's names for a batch norm (`bn.running_mean`); and by
order, where the file's layers and the model's have the same roles and shapes one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from ppc.errors import Diagnostic
from ppc.weights.checks import counted, listed
from ppc.weights.expected import Parameter
from ppc.weights.stored import Stored

NORM_ROLES = {"weight": "scale", "bias": "shift", "running_mean": "mean", "running_var": "variance"}
IGNORED = "num_batches_tracked"


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Pairs of what belongs together, what is left over on either side, and how the names were read."""

    pairs: tuple[tuple[Parameter, Stored], ...]
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    note: str = ""


@dataclass
class _Layer:
    """The arrays of one layer, by the model's word for their role."""

    name: str
    parts: dict[str, Parameter | Stored] = field(default_factory=dict[str, Parameter | Stored])

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {role: part.shape for role, part in self.parts.items()}


def match(wanted: Sequence[Parameter], arrays: Iterable[Stored], *, ordered: bool) -> Matching:
    """Pair arrays and parameters. `ordered` tells whether the file keeps the order of its layers."""
    held = [array for array in arrays if array.role != IGNORED]
    norms = {parameter.layer for parameter in wanted if parameter.role == "variance"}
    named = {_own_name(array, norms): array for array in held}
    if len(named) == len(held) and set(named) == {parameter.name for parameter in wanted}:
        return Matching(pairs=tuple((parameter, named[parameter.name]) for parameter in wanted))
    return _by_order(wanted, held, ordered=ordered) or _partly(wanted, named)


def _own_name(array: Stored, norms: set[str]) -> str:
    return f"{array.module}.{NORM_ROLES.get(array.role, array.role)}" if array.module in norms else array.name


def _partly(wanted: Sequence[Parameter], named: Mapping[str, Stored]) -> Matching:
    return Matching(
        pairs=tuple((parameter, named[parameter.name]) for parameter in wanted if parameter.name in named),
        missing=tuple(parameter.name for parameter in wanted if parameter.name not in named),
        unexpected=tuple(name for name in named if name not in {parameter.name for parameter in wanted}),
    )


def _by_order(wanted: Sequence[Parameter], held: Sequence[Stored], *, ordered: bool) -> Matching | None:
    ours = _grouped((parameter.layer, parameter.role, parameter) for parameter in wanted)
    theirs = _grouped((array.module, array.role, array) for array in held)
    if not ordered:
        theirs = sorted(theirs, key=lambda layer: _natural(layer.name))
    if len(ours) != len(theirs):
        return None
    for mine, other in zip(ours, theirs, strict=True):
        if "variance" in mine.parts:
            other.parts = {NORM_ROLES.get(role, role): part for role, part in other.parts.items()}
        if mine.shapes != other.shapes:
            return None
    both = list(zip(ours, theirs, strict=True))
    if _contradicts(both) or not (ordered or _unambiguous(both)):
        return None
    named = {f"{mine.name}.{role}": part for mine, other in both for role, part in other.parts.items()}
    pairs = tuple((p, array) for p in wanted if isinstance(array := named[p.name], Stored))
    return Matching(pairs=pairs, note=_told(both))


def _grouped(rows: Iterable[tuple[str, str, Parameter | Stored]]) -> list[_Layer]:
    layers: dict[str, _Layer] = {}
    for layer, role, part in rows:
        layers.setdefault(layer, _Layer(layer)).parts[role] = part
    return list(layers.values())


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts features.9 before features.10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _contradicts(both: Sequence[tuple[_Layer, _Layer]]) -> bool:
    """A name that the model knows must not go to another layer only because it stands at its place."""
    known = {mine.name for mine, _ in both}
    return any(other.name in known and other.name != mine.name for mine, other in both)


def _unambiguous(both: Sequence[tuple[_Layer, _Layer]]) -> bool:
    """Sorted names give the order only where layers that look alike are told apart by their numbers alone."""
    kinds: dict[str, set[str]] = {}
    for _, other in both:
        kinds.setdefault(str(sorted(other.shapes.items())), set()).add(re.sub(r"\d+", "#", other.name))
    return all(len(names) == 1 for names in kinds.values())


def _told(both: Sequence[tuple[_Layer, _Layer]]) -> str:
    pairs = ", ".join(f"{other.name} → {mine.name}" for mine, other in both)
    return f"The file has names of its own; its layers were taken in their order, and every shape agrees: {pairs}."


def name_diagnostics(matching: Matching) -> list[Diagnostic]:
    """Missing and unexpected names, all in one message, each with the name that may have been meant."""
    lines = [f"missing     {_with_nearest(name, matching.unexpected)}" for name in matching.missing]
    lines += [f"unexpected  {_with_nearest(name, matching.missing)}" for name in matching.unexpected]
    return listed(
        "PPC503",
        f"The names in the file are not those of the model: {counted(len(matching.missing), 'name')} missing, "
        f"{len(matching.unexpected):,} unexpected.",
        lines,
        hint="`ppc weights list MODEL` prints the names and shapes that the model needs.",
    )


def _with_nearest(name: str, others: Sequence[str]) -> str:
    near = get_close_matches(name, others, n=1)
    return f"{name}  (nearest: {near[0]})" if near else name


def shape_diagnostics(pairs: Iterable[tuple[Parameter, Stored]]) -> list[Diagnostic]:
    """Every array whose shape is not its parameter's."""
    lines = [
        f"{parameter.name}: the model needs {_shape(parameter.shape)}, the file has {_shape(array.shape)}"
        for parameter, array in pairs
        if parameter.shape != array.shape
    ]
    return listed(
        "PPC504",
        f"The shapes in the file are not those of the model in {counted(len(lines), 'array')}.",
        lines,
        hint="The file may belong to another version of the model: compare channels, kernels and features.",
    )


def _shape(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"
