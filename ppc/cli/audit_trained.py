"""What `ppc audit` attacks of a trained model: who was learned from, what their labels are, what opened logits give.

Whoever holds the data runs it, before it lets others have the model: it has the examples that were learned from, and
others that were not.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppc.cli.audited import Audited
from ppc.errors import fail

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ppc.audit.trained import Victim
    from ppc.compiled import Compiled
    from ppc.data import Array
    from ppc.ir.graph import Graph
    from ppc.ir.policy import Training

FEWEST = 100  # examples of each kind
NO_LOGITS = "No logits are opened: nothing but the model could tell anything."


def options(verb: ArgumentParser) -> None:
    group = verb.add_argument_group("for a trained model")
    group.add_argument("--program", type=Path, metavar="MODEL.pnn", help="with whose train block it was trained")
    group.add_argument("--test", metavar="DATA", help="examples that it was not trained on; --data are the others")


def recognises(artifact: Path) -> bool:
    """Weights, as a training writes them."""
    return artifact.is_file() and artifact.suffix == ".safetensors"


def audit(arguments: Namespace) -> Audited:
    """All attacks on it."""
    from ppc.audit.trained import audit as attack
    from ppc.compiler import compile_program

    if arguments.program is None:
        raise fail("PPC501", "The program of this model is missing.", hint="Name it: `--program MODEL.pnn`.")
    compiled = compile_program(arguments.program, train=True)
    training, policy = compiled.training, compiled.policy
    assert training is not None
    if training.loss != "softmax_cross_entropy":
        raise fail(
            "PPC583",
            f"`{arguments.program}` trains with `{training.loss}`, and these attacks are on models that tell classes.",
            hint="Attack a model that was trained with `loss = softmax_cross_entropy`.",
        )
    victim = _victim(arguments, compiled, training)
    granted = {grant.what: ", ".join(grant.to) for grant in (*(policy.grants if policy else ()), *training.grants)}
    logits = granted.get("logits", "")
    findings = attack(victim, granted.get("model", ""), logits, arguments.seed)
    return Audited(findings=findings, notes=[_note(logits)])


def _note(logits: str) -> str:
    if not logits:
        return NO_LOGITS
    return f"`{logits}` sees logits and holds the labels: of them it learns nothing; of the model, what its copy shows."


def _victim(arguments: Namespace, compiled: Compiled, training: Training) -> Victim:
    from ppc.audit.trained import Victim
    from ppc.weights import load

    names = [step.name for step in compiled.steps]
    graph = compiled.steps[names.index("differentiate") - 1].graph
    seen, held = _examples(arguments.data, "--data", graph), _examples(arguments.test, "--test", graph)
    return Victim.of(graph, load(arguments.artifact, graph).weights, training, seen=seen, held=held)


def _examples(what: str | None, option: str, graph: Graph) -> tuple[Array, NDArray[Any]]:
    """Inputs and labels, as the program takes them."""
    from ppc.data import Expected, load_rows

    if what is None:
        hint = f"Those that it learned from are `--data`, the others `--test`: name both; `{option}` is missing."
        raise fail("PPC508", "The attacks need examples of both kinds.", hint=hint)
    inputs = [node for node in graph.inputs if node.word("role") == "data"]
    bounds = [node.typed.bounds for node in inputs]
    rows = [
        Expected(name=node.name, shape=node.shape[1:], bounds=(bound.low, bound.high) if bound else None)
        for node, bound in zip(inputs, bounds, strict=True)
    ]
    labels = Expected(name="labels", shape=(graph[graph.output("result").value].shape[-1],), label=True)
    if len(rows) != 1:
        raise fail("PPC583", "These attacks are on models with one input.", hint="Attack another model.")
    found = load_rows(Path(what), [*rows, labels])
    images = found[rows[0].name]
    if len(images) < FEWEST:
        hint = f"Give {FEWEST} or more as `{option}`."
        raise fail("PPC582", f"`{what}` has {len(images)} examples; the attacks need {FEWEST}.", hint=hint)
    return images, found["labels"].argmax(1)
