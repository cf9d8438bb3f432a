"""Who may see what a run is given: the ownership lines of the blocks, read once for `place` and `check_flow`."""

from __future__ import annotations

from ppc.ir.graph import Node
from ppc.ir.policy import PUBLIC, Policy, Training
from ppc.ir.types import EVERYONE, NOBODY, Readers, only

LOSSES = ("softmax_cross_entropy", "softmax_cross_entropy_grad", "mse", "mse_grad")


def source_readers(node: Node, policy: Policy, training: Training | None) -> Readers:
    """Who may see an input or a parameter, by the words of the blocks."""
    shared = training is not None and training.by == "joint"
    if node.op == "parameter":
        return NOBODY if shared else _readers(policy.weights.party)  # after one joint step nobody knows the weights
    match node.word("role"):
        case "data":
            return _readers(policy.owners[node.name].party)
        case "label":
            return _readers(training.labels.party if training else PUBLIC)
        case "momentum":
            return NOBODY if shared else _readers(policy.weights.party)
        case "signal":
            return only(policy.client)
        case _:
            return EVERYONE  # a dropout mask is public


def _readers(party: str) -> Readers:
    return EVERYONE if party == PUBLIC else only(party)
