"""What `ppc audit` attacks of a program's bundles: the server's view of queries, and a client's of the model.

The server's owner runs it: it has the weights. Examples of its own (`--data`) stand for the attacker's and, others of
them, for the clients'. Where layers run on shares, the view is everything that the server receives in such runs.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.cli.audited import Audited
from ppc.cli.options import positive, signals_of
from ppc.errors import fail

if TYPE_CHECKING:
    from ppc.audit.splits import Victim
    from ppc.bundle import Bundle
    from ppc.data import Array

ON_SHARES = 1_500  # queries; each is run
FEWEST = 100  # examples


def options(verb: ArgumentParser) -> None:
    group = verb.add_argument_group("for bundles")
    group.add_argument("--known", type=positive, default=2_000, metavar="N", help="examples of the attacker (2000)")
    group.add_argument("--judged", type=positive, default=1_000, metavar="N", help="queries it is judged on (1000)")
    signals_of(group)


def recognises(artifact: Path) -> bool:
    """A folder that `ppc compile -o` wrote, of a program or around it."""
    from ppc.bundle.folder import MANIFEST

    homes = [artifact, *(sorted(artifact.iterdir()) if artifact.is_dir() else [])]
    return any((home / "server" / MANIFEST).is_file() for home in homes)


def audit(arguments: Namespace) -> Audited:
    """All attacks on a bundle."""
    from ppc.audit.pictures import side_by_side
    from ppc.audit.splits import Budget
    from ppc.audit.splits import audit as attack

    victim, target, on_shares = _victim(arguments)
    known, judged = arguments.known, arguments.judged
    if on_shares and known + judged > ON_SHARES:
        known, judged = ON_SHARES * 2 // 3, ON_SHARES // 3
    found = attack(victim, Budget(known=known, judged=judged, seed=arguments.seed), target)
    pictures: dict[str, Path] = {}
    if arguments.output is not None:
        pictures = side_by_side({name: tensor.numpy() for name, tensor in found.pictures.items()}, arguments.output)
    return Audited(findings=found.findings, notes=found.notes, pictures=pictures)


def _victim(arguments: Namespace) -> tuple[Victim, str, bool]:
    """What is attacked, its name in the report, and whether the server sees shares."""
    from ppc.audit.splits import Victim
    from ppc.bundle import locate, read
    from ppc.cli.audit_view import boundary, received
    from ppc.cli.brought_files import owned
    from ppc.passes.checks.verdict import accepted
    from ppc.plan.needs import needs_dealer

    bundle = read(locate(arguments.artifact, "server"), accepted, role="server")
    if arguments.weights is None:
        hint = "Name them: `--weights FILE`, as the server has them."
        raise fail("PPC501", "The attacks are the server's, and its weights are missing.", hint=hint)
    graph, weights = owned(bundle, arguments.weights)
    images, labels = _examples(arguments, bundle)
    plan = bundle.plan(bundle.batches[-1])
    numbers, numbers_sent = boundary(plan)
    pictures = _pictures(arguments, bundle)
    on_shares = needs_dealer(plan)
    view = received(plan, weights) if on_shares else None
    victim = Victim.of(
        graph,
        weights,
        images,
        labels,
        numbers,
        pictures=pictures,
        sent=numbers_sent,
        view=view,
        published=bundle.manifest.published is not None,
    )
    where = "all that it receives on shares" if on_shares else f"`{', '.join(numbers)}` in the clear"
    return victim, f"the server's view of {bundle.manifest.private}: {where}", on_shares


def _examples(arguments: Namespace, bundle: Bundle) -> tuple[Array, Array]:
    """Images and labels, as the program takes them."""
    from ppc.data import Expected, load_rows
    from ppc.runtime.roles.brought import wanted_rows

    client = bundle.parties[0]
    wanted = wanted_rows(bundle.plan(bundle.batches[-1]), client)
    if arguments.data is None or len(wanted) != 1:
        raise fail(
            "PPC508", "There are no labelled examples to attack with.", hint="Name them: `--data digits28:3000`."
        )
    (one,) = wanted
    rows = [
        Expected(name=one.name, shape=one.shape, bounds=one.bounds),
        Expected(name="labels", shape=(_classes(bundle),), label=True),
    ]
    found = load_rows(Path(arguments.data), rows)
    if len(found[one.name]) < FEWEST:
        hint = f"Name {FEWEST} or more: `--data digits28:3000`."
        raise fail("PPC582", "There are too few examples to learn from some and judge by others.", hint=hint)
    return found[one.name], found["labels"].argmax(1)


def _classes(bundle: Bundle) -> int:
    needed = bundle.weights
    assert needed is not None
    graph = needed.folded or needed.written
    return max(2, graph[graph.output("result").value].shape[1])


def _pictures(arguments: Namespace, bundle: Bundle) -> tuple[Array, ...]:
    from ppc.data.pictures import pictures
    from ppc.runtime.roles.brought import wanted_pictures

    wanted = wanted_pictures(bundle.plan(bundle.batches[-1]), bundle.parties[0])
    if wanted is None:
        return ()
    if arguments.signals is None:
        hint = "Name a set of images of digits: `--signals digits28:1000`."
        raise fail("PPC508", "The signal of this program shows as a picture, and none are named.", hint=hint)
    return pictures(arguments.signals, *wanted)
