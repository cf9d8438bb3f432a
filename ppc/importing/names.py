"""Which layers of an imported model get a name, and which: those that others refer to, and those that had a good one.

A layer without a name is called by its op and number (`conv2`), as in any program. A name must never be one that
another layer would get that way.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ppc.grammar.bodies import RESERVED
from ppc.grammar.layers import LAYERS
from ppc.importing.network import Layer, Network

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Words that begin or divide lines of a program, and the names that exporters make up.
_WORDS = (
    "party model private train label from to public split at after auto complement offset server client clear joint "
    "network reveal range of reuse inputs kept shared by in as index same true false"
)
_TAKEN = RESERVED | frozenset(_WORDS.split())
_OPERATORS = "relu|sigmoid|tanh|conv2d|linear|addmm|add|cat|clone|view|mean|(max|avg)_pool2d|batch_norm"
_MADE_UP = re.compile(rf"(val|getitem|node|tensor|output|input|x|t|{_OPERATORS})_?\d*", re.IGNORECASE)


def is_good(name: str) -> bool:
    """Whether a program can use this name as it is."""
    return bool(_NAME.fullmatch(name)) and name not in _TAKEN


def model_name(file: str) -> str:
    """A model's name from that of its file."""
    name = re.sub(r"\W+", "_", Path(file).stem, flags=re.ASCII).strip("_").lower()
    return name if is_good(name) else f"net_{name}".rstrip("_")


@dataclass(frozen=True, kw_only=True)
class Names:
    """`called` names every layer as the graph will; `written` are the names that the text must write."""

    called: dict[str, str]
    written: frozenset[str]


@dataclass
class _Naming:
    network: Network
    defaults: dict[str, str]
    names: dict[str, str] = field(default_factory=dict[str, str])

    def take(self, key: str, name: str) -> bool:
        """Give a layer this name, unless somebody else has it or would get it by its number."""
        others = {other for layer, other in self.defaults.items() if layer != key} | set(self.names.values())
        if not is_good(name) or name in others:
            return False
        self.names[key] = name
        return True


def named(network: Network) -> Names:
    """Names for all inputs and layers."""
    naming = _Naming(network, _defaults(network))
    for number, given in enumerate(network.inputs, 1):
        stem = "image" if len(given.shape) == 4 else "x"
        made_up = _MADE_UP.fullmatch(given.key) is not None
        if made_up or not naming.take(given.key, given.key):
            naming.take(given.key, stem if len(network.inputs) == 1 else f"{stem}_{number}")
    for layer in network.body:
        naming.take(layer.key, layer.title)
    referred = _referred(network)
    for layer in network.body:
        if layer.key in referred and layer.key not in naming.names:
            _name_value(naming, layer, referred[layer.key])
    written = {key for key, name in naming.names.items() if key in referred or naming.defaults.get(key) != name}
    return Names(called=naming.defaults | naming.names, written=frozenset(written))


def _defaults(network: Network) -> dict[str, str]:
    counts: Counter[str] = Counter()
    names: dict[str, str] = {}
    for layer in network.body:
        prefix = LAYERS[layer.op].prefix
        counts[prefix] += 1
        names[layer.key] = f"{prefix}{counts[prefix]}"
    return names


def _referred(network: Network) -> dict[str, str]:
    """The layers that a line refers to by name, with the op that does: all but the value of the line before."""
    found: dict[str, str] = {}
    before = network.inputs[0].key if len(network.inputs) == 1 else ""
    for layer in network.body:
        for key in operands_by_name(layer, before):
            found.setdefault(key, layer.op)
        before = layer.key
    return found


def first_operand(layer: Layer, before: str) -> str:
    """What a line works on: what the line before computed, if it may be that one."""
    return before if layer.op == "add" and before in layer.inputs else layer.inputs[0]


def operands_by_name(layer: Layer, before: str) -> list[str]:
    """The operands that the line must name."""
    first = first_operand(layer, before)
    others = list(layer.inputs)
    others.remove(first)
    return others if first == before else [first, *others]


def _name_value(naming: _Naming, layer: Layer, reader: str) -> None:
    made_up = _MADE_UP.fullmatch(layer.value) is not None
    if not made_up and naming.take(layer.key, layer.value):
        return
    stem, number = ("skip" if reader == "add" else "branch"), 1
    while not naming.take(layer.key, stem if number == 1 else f"{stem}{number}"):
        number += 1
