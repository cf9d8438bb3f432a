"""Learning in the clear: a graph as a PyTorch function, its losses, its batches, its weights as one vector.

Every trainer that works with floating-point numbers builds on this room: split, selective, collaborative, distilled.
The only rooms with torch are this one and those above it; nothing of it is needed on a party's machine.
"""

from __future__ import annotations

from ppc.learning.batches import batches, coins, dropping
from ppc.learning.losses import loss_of
from ppc.learning.network import Network
from ppc.learning.vector import Layout

__all__ = ["Layout", "Network", "batches", "coins", "dropping", "loss_of"]
