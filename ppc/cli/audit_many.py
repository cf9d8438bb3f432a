"""What `ppc audit` attacks of a program that trains with many participants: their updates, or their opened losses.

Whoever writes the program runs it, before anybody trains: participants with examples of `--data` send what the program
has them send, and the attacks look at what arrives.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.cli.audited import Audited
from ppc.errors import fail

if TYPE_CHECKING:
    from ppc.audit.federated import Victim
    from ppc.ir.graph import Graph
    from ppc.learning import Network
    from ppc.learning.network import Tensors

FEWEST = 100  # examples


def recognises(artifact: Path) -> bool:
    """A program."""
    return artifact.is_file() and artifact.suffix == ".pnn"


def audit(arguments: Namespace) -> Audited:
    """All attacks on what the program has its participants send."""
    from ppc.audit.federated import audit_losses, audit_updates
    from ppc.audit.pictures import side_by_side
    from ppc.compiler import compile_program, training_of
    from ppc.ir.collaborative import Collaborative
    from ppc.ir.selective import Selective
    from ppc.learning import Network
    from ppc.selective.members import fresh

    facts = training_of(arguments.artifact)
    if not isinstance(facts, Selective | Collaborative):
        message = f"`{arguments.artifact}` trains by {facts.by}: there is nothing that many participants send."
        raise fail("PPC583", message, hint="Attack what it makes: its bundles, or the model that it trained.")
    if facts.loss != "softmax_cross_entropy":
        message = (
            f"`{arguments.artifact}` trains with `{facts.loss}`, and these attacks are on models that tell classes."
        )
        raise fail("PPC583", message, hint="Attack a program with `loss softmax_cross_entropy`.")
    graph = compile_program(arguments.artifact, model=facts.model).after("infer-shapes")
    victim = _victim(arguments, graph, fresh if isinstance(facts, Selective) else Network.initial)
    if isinstance(facts, Selective):
        found = audit_updates(victim, facts, arguments.seed)
    else:
        found = audit_losses(victim, facts, arguments.seed)
    pictures: dict[str, Path] = {}
    if arguments.output is not None and found.pictures:
        pictures = side_by_side({name: image.numpy() for name, image in found.pictures.items()}, arguments.output)
    return Audited(findings=found.findings, notes=found.notes, pictures=pictures)


def _victim(arguments: Namespace, graph: Graph, first: Callable[[Network, int], Tensors]) -> Victim:
    """With the weights that are given, or those that the training begins with: an attacker sees the first round too."""
    from ppc.audit.federated import Victim
    from ppc.learning import Network
    from ppc.learning.network import as_tensors
    from ppc.selective.members import labelled
    from ppc.weights import load

    if arguments.data is None:
        hint = "Name them: `--data digits:400`."
        raise fail("PPC508", "There are no labelled examples to attack with.", hint=hint)
    network = Network(graph)
    images, labels = labelled(Path(arguments.data), network)
    if len(labels) < FEWEST:
        hint = f"Give {FEWEST} or more as `--data`."
        raise fail("PPC582", f"`{arguments.data}` has {len(labels)} examples; the attacks need {FEWEST}.", hint=hint)
    if arguments.weights is None:
        weights = first(network, arguments.seed)
    else:
        weights = as_tensors(load(arguments.weights, graph).weights)
    return Victim.of(network, weights, images, labels)
