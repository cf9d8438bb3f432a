"""Random programs: a random model under random private and train blocks, compiled and lowered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from ppc.compiler import Compiled
from ppc.errors import PpcError
from ppc.ir.graph import Graph, Node
from ppc.ir.policy import PUBLIC, Grant, Joint, Owner, Policy, Training
from ppc.ir.types import Interval
from ppc.passes.base import Step, steps
from ppc.passes.pipeline import pipeline
from ppc.protocol import Lowered, lowered
from ppc.source import Source
from tests.random_models import random_model

PARTIES = ("hospital", "lab")
TOO_WIDE = ("PPC302", "PPC303")  # no field has room for the ranges: another model is tried
ENDINGS = ("", "", "softmax", "argmax", "uncomplement")


@dataclass(frozen=True, kw_only=True)
class Program:
    """A compiled random program, and what to tell of it where it fails."""

    seed: int
    lowered: Lowered

    def __str__(self) -> str:
        policy, training = self.lowered.compiled.policy, self.lowered.compiled.training
        return f"seed {self.seed}, -O{self.lowered.level}\n{policy}\n{training}\n{self.lowered.compiled.graph}"


def random_program(seed: int) -> Program:
    """The first model of a seed whose ranges fit."""
    random = Random(seed)
    while True:
        normalised = seed % 12 == 5
        try:
            if normalised:
                return Program(seed=seed, lowered=lowered(_normalised(random), level=2))
            training = random.random() < 0.5
            compiled = _training(random) if training else _inference(random)
            return Program(seed=seed, lowered=lowered(compiled, level=random.choice([0, 1, 2])))
        except PpcError as error:
            if any(diagnostic.code not in TOO_WIDE for diagnostic in error.diagnostics):
                raise


def _inference(random: Random) -> Compiled:
    ending = random.choice(ENDINGS)
    graph = _at_the_client(random_model(random, complement=ending == "uncomplement", ending=ending))
    to = PARTIES[0] if ending == "uncomplement" else random.choice(PARTIES)
    return _compiled(graph, _policy(random, graph, to), None, batch=random.randint(1, 3))


def _normalised(random: Random) -> Compiled:
    """A batch norm that is behind its convolution only when the pool between them is fused, at level 2."""
    graph = random_model(random, pooled_norm=True)
    return _compiled(graph, _policy(random, graph, random.choice(PARTIES)), None, batch=random.randint(1, 3))


def _training(random: Random) -> Compiled:
    """A loss that fits the model's end; no batch norm, which is not trained jointly."""
    graph = random_model(random)
    while any(node.op == "batch_norm" for node in graph.nodes) or not any(n.op == "parameter" for n in graph.nodes):
        graph = random_model(random)
    policy = _policy(random, graph, random.choice(PARTIES))
    return _compiled(graph, policy, _how(random, graph), batch=random.randint(1, 3))


def _how(random: Random, graph: Graph) -> Training:
    labels = random.choice(PARTIES)
    end = graph[graph.output("result").value]
    classes = end.op == "dense" and end.integer("features") > 1
    model = random.choice([(), *((party,) for party in PARTIES)])
    grants = [Grant(what="model", to=model)]
    if random.random() < 0.5:
        grants.append(Grant(what="logits", to=(labels,)))
    return Training(
        model="random",
        labels=Owner(party=labels),
        loss="softmax_cross_entropy" if classes and random.random() < 0.8 else "mse",
        grants=tuple(grants),
        rate=random.choice([0.01, 0.1, 0.125]),
        batch=1,
        momentum=random.choice([0.0, 0.0, 0.9, 0.5]),
        weight_decay=random.choice([0.0, 0.0, 1e-3]),
    )


def _policy(random: Random, graph: Graph, to: str) -> Policy:
    wide = random.choice([0.05, 0.1, 0.25])
    owners = {node.name: Owner(party=random.choice(PARTIES)) for node in graph.inputs}
    others = [party for party in PARTIES if party != owners["x"].party]  # mostly: else one party has it all
    field = random.choice(["mersenne61", "mersenne127"])
    local = field == "mersenne127" and random.random() < 0.5
    return Policy(
        name="random",
        model="random",
        parties=PARTIES,
        owners=owners,
        weights=Owner(party=random.choice([*others, *others, *others, *PARTIES, PUBLIC])),
        weight_bounds=Interval(-wide, wide),
        grants=(Grant(what="result", to=(to,)),),
        joint=Joint(field=field, fraction=random.choice([None, 16, 12]), truncation="local" if local else "dealer"),
    )


def _steep(graph: Graph) -> Graph:
    """A polynomial that is a constant makes everything behind it public: nothing to compute jointly."""

    def sloped(node: Node) -> Node:
        constant = node.op == "polynomial" and len(node.numbers("coefficients")) == 1
        return replace(node, attrs={**node.attrs, "coefficients": (0.1, 0.4)}) if constant else node

    return replace(graph, nodes=tuple(map(sloped, graph.nodes)))


def _at_the_client(graph: Graph) -> Graph:
    """What is done with a signal is done by its owner."""

    def placed(node: Node) -> Node:
        return replace(node, place=PARTIES[0]) if node.op in ("signal_planes", "uncomplement") else node

    return replace(graph, nodes=tuple(map(placed, graph.nodes)))


def _compiled(graph: Graph, policy: Policy, training: Training | None, *, batch: int) -> Compiled:
    graph = replace(_steep(graph), parties=PARTIES)
    passes = pipeline(policy, training, batch=batch, promise=None, promise_span=graph.output("result").span)
    done = (Step(name="source", graph=graph, seconds=0.0), *steps(graph, passes))
    return Compiled(source=Source(graph.source, ""), policy=policy, training=training, batch=batch, steps=done)
