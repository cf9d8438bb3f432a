"""Placed graphs for tests of passes on them: the client's image, the server's weights, and all else on shares."""

from __future__ import annotations

from dataclasses import replace

from ppc.ir.graph import Graph
from ppc.ir.policy import Grant, Joint, Owner, Policy, Training
from ppc.ir.types import Interval
from ppc.ir.verify import verify
from ppc.passes.check_flow import CheckFlow
from ppc.passes.differentiate import Differentiate
from ppc.passes.place import Place
from ppc.passes.prepare_inference import PrepareInference
from tests.nets import Net

CLIENT = Owner(party="client")
WEIGHTS = Interval(-1.0, 1.5)
POLICY = Policy(
    name="net",
    model="net",
    parties=("client", "server"),
    owners={"image": CLIENT},
    weights=Owner(party="server"),
    weight_bounds=WEIGHTS,
    grants=(Grant(what="result", to=("client",)),),
    joint=Joint(),
)
TRAINING = Training(model="net", labels=CLIENT, loss="mse", rate=0.1, batch=2)


def typed(net: Net, *, batch: int = 2) -> Graph:
    return replace(net.typed(batch=batch, weights=WEIGHTS), parties=POLICY.parties)


def inference(net: Net) -> Graph:
    return Place(POLICY).run(PrepareInference().run(typed(net)))


def training(net: Net, how: Training = TRAINING) -> Graph:
    return Place(POLICY, how).run(Differentiate(training=how).run(typed(net)))


def checked(graph: Graph, how: Training | None = None) -> Graph:
    """The graph, if it is valid and shows nobody more than the blocks say."""
    return CheckFlow(POLICY, how).run(verify(graph))
