"""The private block of a program as it would be with another cut: what it would cost can be asked of every k."""

from __future__ import annotations

from dataclasses import replace

from ppc.ir.policy import Complement, Cut, Joint, Policy
from ppc.ir.types import Interval

UNIT = Interval(-1.0, 1.0)  # of weights, where the program says none


def uncut(policy: Policy) -> Policy:
    """Everything on shares, with weights of a size that fits them."""
    bounds = policy.weight_bounds or UNIT
    joint = policy.joint or Joint()
    return replace(policy, cut=None, complement=None, server_clear=None, joint=joint, weight_bounds=bounds)


def jointly(policy: Policy, layer: int) -> Policy:
    """Layers 1 to k at the client, the rest on shares."""
    return replace(uncut(policy), cut=Cut(layer=layer))


def signalled(policy: Policy, layer: int) -> Policy:
    """The signal joins layer k, behind which it is cut, or the one that the program names."""
    return replace(policy, cut=Cut(layer=layer), complement=policy.complement or Complement(offset=True))
