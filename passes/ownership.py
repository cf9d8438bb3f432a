"""Who may see what a run is given: the ownership lines of the blocks, read once for `place` and `check_flow`."""

from __future__ import annotations

from ppc.ir.graph import Node
from ppc.ir.policy import ON_SHARES, PUBLIC, Policy, Training
from ppc.ir.types import EVERYONE, NOBODY, Readers, only

LOSSES = ("softmax_cross_entropy", "softmax_cross_entropy_grad", "mse", "mse_grad")


def source_readers(node: Node, policy: Policy, training: Training | None) -> Readers:
    """Who may see an input or a parameter, by the words of the blocks."""
    if node.op == "parameter":
        return EVERYONE if policy.is_public(node.name) else weight_readers(policy, training)
    match node.word("role"):
        case "data":
            return _readers(policy.owners[node.name].party)
        case "label":
            return _readers(training.labels.party if training else PUBLIC)
        case "momentum":
            return weight_readers(policy, training)
        case "signal" | "picture":
            return only(policy.client)
        case _:
            return EVERYONE  # a dropout mask is public


def weight_readers(policy: Policy, training: Training | None) -> Readers:
    """Of weights that may learn. A step is repeated: after the first, they tell of the data, and public ones are not
    public any more."""
    if training is None:
        return _readers(policy.weights.party)
    return NOBODY if training.by == "joint" else only(trainer(policy))


def trainer(policy: Policy) -> str:
    """Who trains in the clear: the holder of the weights, or the client where everybody has them."""
    return policy.client if policy.weights.party == PUBLIC else policy.weights.party


def _readers(party: str) -> Readers:
    if party == ON_SHARES:
        return NOBODY
    return EVERYONE if party == PUBLIC else only(party)
