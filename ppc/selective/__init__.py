"""Selective stochastic gradient descent: participants send a part of their updates to a parameter server.

Data flows one way round: the server hands out the coordinates that were updated most (`server`), a participant
overwrites its own with them, learns on its data (`participant`), chooses what it sends (`selection`), and the server
adds that. What travels is `message`; whose turn it is, `orders`. The facts come from `ppc.ir.selective`.
"""

from __future__ import annotations

from ppc.selective.message import Sparse
from ppc.selective.participant import Participant
from ppc.selective.rounds import Progress, train
from ppc.selective.server import ParameterServer

__all__ = ["ParameterServer", "Participant", "Progress", "Sparse", "train"]
