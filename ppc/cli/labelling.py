"""Behind a collaborative training: the workers' noisy votes label public examples, and a student learns from them."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppc.cli import answers
from ppc.cli.telling import as_facts
from ppc.errors import PpcError

if TYPE_CHECKING:
    from ppc.cli.collaborative_task import Task
    from ppc.collaborative.host import Host
    from ppc.collaborative.winners import Pair
    from ppc.ir.collaborative import Pate
    from ppc.learning import Network
    from ppc.selective.members import Images


def labels(
    arguments: Namespace, task: Task, host: Host, network: Network, public: Images, pair: Pair | None
) -> dict[str, Any]:
    """Labels as many examples as the budget pays for; writes them, what they cost, and the student."""
    from ppc.collaborative.student import taught
    from ppc.learning.network import as_weights
    from ppc.weights import save

    assert task.pate is not None
    asked = task.asked(public)
    classes, privacy, carried = _opened(task.pate, host, asked, network.classes, pair)
    if arguments.labels is not None:  # before the student learns: they are paid for, whatever becomes of it
        _write(arguments.labels, network, public[:asked], classes, privacy)
    seed = arguments.seed or 0
    student = taught(task.facts, network, public[:asked], classes, task.first(network, seed), seed)
    found: dict[str, Any] = {"privacy": privacy, "labelled": asked, **carried}
    if (test := task.test(network)) is not None:
        found["student"] = student.accuracy(*test)
    if (right := _right(arguments, network)) is not None:
        found["labels_right"] = float((right[:asked] == classes).mean())
    if arguments.output is not None:
        save(arguments.output, as_weights(student.weights), private=True)
    return found


def _opened(
    pate: Pate, host: Host, asked: int, classes: int, pair: Pair | None
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The classes, what they cost, and what a comparison carried. Of equal counts the first class wins."""
    from ppc.collaborative.privacy import statement
    from ppc.collaborative.student import by_counts
    from ppc.collaborative.winners import winners

    if pair is None:
        return *by_counts(pate, host, asked, classes), {}
    found, times = winners(host, pair, pate, asked, classes)
    carried = {"predicted": as_facts(found.predicted), "measured": as_facts(found.measured)}
    carried["measured"]["dealt"][0] = None  # what the dealer sends the second aggregator, the server does not see
    return found.classes, statement(pate, asked, times, len(host.there)), {"comparison": carried}


def _write(path: Path, network: Network, images: Images, classes: Any, privacy: dict[str, Any]) -> None:
    """A data set as any other, and beside it what its labels cost."""
    from ppc.files import write_whole

    answers.save(path, {network.data: images.numpy(), "labels": classes})
    write_whole(path.with_suffix(".privacy.json"), (json.dumps(privacy, indent=2) + "\n").encode())


def _right(arguments: Namespace, network: Network) -> Any:
    """The true classes of the public examples, where the data set has them: for measuring, nobody votes with them."""
    from ppc.selective.members import labelled

    try:
        return labelled(arguments.public, network)[1].numpy()
    except PpcError:
        return None
