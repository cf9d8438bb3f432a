"""The trainer `clear`: with PyTorch, by the party that holds everything, on its own machine.

Of a model whose private block splits it and joins a signal, it trains the model that will be split: with the weights of
an old model (`--weights`), whose first layers stay as they are, or all of it.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.cli import model_verbs
from ppc.cli.options import natural, signals_of
from ppc.errors import fail

if TYPE_CHECKING:
    from ppc.compiled import Compiled
    from ppc.data import Array
    from ppc.ir.graph import Graph
    from ppc.retraining import Lesson, Old, Recipe, Signals, Subject, Trained
    from ppc.retraining.training import Row


def options(verb: ArgumentParser) -> None:
    """What this trainer adds; `--weights` is the old model, checkpoints and the order are those of all trainings."""
    group = verb.add_argument_group("for a training in the clear")
    group.add_argument(
        "--start",
        choices=("fresh", "he", "old"),
        default="fresh",
        help="layers that learn begin anew by PyTorch's law (fresh), anew by He's, which suits many layers with ReLU "
        "(he), or as the old model has them (old)",
    )
    group.add_argument("--holdout", type=share, default=0.2, metavar="P", help="part of the data to check by (0.2)")
    group.add_argument(
        "--stop-after",
        type=natural,
        default=0,
        metavar="N",
        help="end after N epochs without a better one (0: no)",
    )
    signals_of(group)


def share(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1.0:
        raise ArgumentTypeError("must be between 0 and 1")
    return value


def train(arguments: Namespace) -> int:
    """Train in the clear."""
    from ppc.compiler import compile_program
    from ppc.retraining import Checkpoints, Signals, begin
    from ppc.retraining.training import train as carry_out

    _check(arguments)
    chosen = {"model": arguments.model, "as_": arguments.as_}
    compile_program(arguments.program, train=True, **chosen)  # whether everything is at one party
    compiled = compile_program(arguments.program, **chosen)
    graph = model_verbs.typed_graph(compiled)
    subject, recipe = _subject(arguments, compiled, graph), recipe_of(arguments)
    with model_verbs.pointing_into(compiled.source):
        lesson, signals = lesson_of(arguments, subject), Signals.of(graph, pictures_of(arguments, graph))
    kept, state = None, None
    if arguments.checkpoint is not None:
        kept = Checkpoints.at(arguments.checkpoint, recipe, lesson, *_identity(arguments, subject, signals))
        if arguments.resume:
            state = kept.last(begin(subject, recipe.seed))
        else:
            kept.check_new()
    _say(arguments, _beginning(subject, lesson))
    done = carry_out(
        subject,
        lesson,
        recipe,
        signals=signals,
        state=state,
        keep=kept.keep if kept else None,
        every=arguments.every,
        say=lambda row: _say(arguments, shown(row)),
    )
    return _tell(arguments, compiled, subject, done)


# ---- what it is given ----


def _check(arguments: Namespace) -> None:
    from ppc.cli.training_options import check_options

    check_options(arguments)
    if arguments.data is None:
        raise fail("PPC508", "There is nothing to learn from.", hint="Name the examples: `--data digits28:6000`.")
    path: Path | None = arguments.output
    if path is not None and path.suffix not in (".safetensors", ".npz"):
        raise fail("PPC509", f"`{path}` does not end as weights do.", hint=f"Write `-o {path.stem}.safetensors`.")


def _subject(arguments: Namespace, compiled: Compiled, graph: Graph) -> Subject:
    from ppc.retraining import Subject

    return Subject(graph, old_of(arguments, compiled), law="he" if arguments.start == "he" else "torch")


def old_of(arguments: Namespace, compiled: Compiled) -> Old | None:
    """The weights of the model as it was without a split and a signal."""
    from ppc.retraining import Old
    from ppc.weights import load

    if arguments.weights is None:
        return None
    with model_verbs.pointing_into(compiled.source):
        found = load(arguments.weights, compiled.after("infer-shapes"))
    _say(arguments, *(f"note: {note}" for note in found.notes))
    signal = any(node.word("role") == "signal" for node in model_verbs.typed_graph(compiled).inputs)
    return Old(found.weights, start=arguments.start == "old" or not signal)


def recipe_of(arguments: Namespace) -> Recipe:
    from ppc.compiler import training_of
    from ppc.ir.policy import RATE_BITS, Training
    from ppc.retraining import Recipe

    training = training_of(arguments.program, model=arguments.model, as_=arguments.as_)
    assert isinstance(training, Training)
    order: str = arguments.order or "drawn"
    seed = int(order) if order.isdecimal() else training.seed or arguments.seed or 0
    return Recipe(
        loss=training.loss,
        rate=training.rate,
        batch=training.batch,
        epochs=training.epochs,
        momentum=training.momentum,
        weight_decay=training.weight_decay,
        falls=tuple(part / 2**RATE_BITS for part in training.schedule),
        seed=seed,
        shuffled=order != "given",
        holdout=arguments.holdout,
        patience=arguments.stop_after,
    )


def lesson_of(arguments: Namespace, subject: Subject) -> Lesson:
    import numpy as np

    from ppc.data import Expected, load_rows
    from ppc.retraining import Lesson

    data = next(node for node in subject.graph.inputs if node.word("role") == "data")
    bounds = data.typed.bounds
    wanted = [
        Expected(
            name=data.name,
            shape=data.shape[1:],
            bounds=None if bounds is None else (bounds.low, bounds.high),
            span=data.span,
        ),
        Expected(name="labels", shape=(subject.classes,), label=True),
    ]
    found = load_rows(arguments.data, wanted, say=lambda text: _say(arguments, text))
    images, labels = np.asarray(found[data.name], np.float32), found["labels"].argmax(1)
    if not np.isfinite(images).all():
        raise fail("PPC508", f"`{data.name}` in {arguments.data} holds values that are no numbers.", span=data.span)
    return Lesson.of(images, labels)


def pictures_of(arguments: Namespace, graph: Graph) -> tuple[Array, ...]:
    from ppc.data.pictures import pictures

    inputs = {node.word("role"): node for node in graph.inputs}
    if "picture" not in inputs or arguments.signals is None:
        return ()
    bounds, shape = inputs["signal"].typed.bounds, inputs["picture"].shape
    return pictures(arguments.signals, (shape[-2], shape[-1]), int(bounds.high) + 1 if bounds else 2)


def _identity(arguments: Namespace, subject: Subject, signals: Signals | None) -> tuple[str, ...]:
    """What a training is, beside its recipe and its data."""
    from hashlib import sha256

    from ppc.ir.text import show

    old = sha256()
    for name, array in sorted(subject.old.weights.items() if subject.old else ()):
        old.update(name.encode() + array.tobytes())
    return show(subject.graph), old.hexdigest(), arguments.start, signals.fingerprint if signals else ""


# ---- what it says ----


def _say(arguments: Namespace, *lines: str) -> None:
    if not arguments.quiet and not arguments.json:
        sys.stderr.write("".join(f"{line}\n" for line in lines))
        sys.stderr.flush()


def _beginning(subject: Subject, lesson: Lesson) -> str:
    layers = subject.whole.layers
    examples = f"{len(lesson.labels):,} examples"
    if not subject.kept:
        return f"all layers learn, on {examples}"
    kept = ", ".join(layers[: subject.kept])
    return f"{kept} stay as the old model has them, {', '.join(layers[subject.kept :])} learn, on {examples}"


def shown(row: Row) -> str:
    return (
        f"epoch {row.epoch}: {row.steps:,} steps, {row.seconds:.1f} s, loss {row.loss:.4f}, "
        f"accuracy {row.accuracy:.4f} on examples that were held out"
    )


def _tell(arguments: Namespace, compiled: Compiled, subject: Subject, done: Trained) -> int:
    from ppc.learning.network import as_weights
    from ppc.weights import save

    if arguments.output is not None:
        save(arguments.output, as_weights(done.weights), private=True)
    written = [str(arguments.output)] if arguments.output else []
    if arguments.json:
        rows = [vars(row) for row in done.rows]
        facts = {"ok": True, "trainer": "clear", "accuracy": done.accuracy, "checked": done.checked}
        sys.stdout.write(json.dumps({**facts, "seconds": done.seconds, "epochs": rows, "written": written}) + "\n")
        return 0
    ended = ", ended early" if done.stopped else ""
    steps = done.rows[-1].steps
    lines = [
        f"{done.accuracy:.4f} right of {done.checked:,} examples that were held out; {steps:,} steps in "
        f"{done.seconds:.1f} s{ended}"
    ]
    if subject.joined:
        lines.append(f"the signal joins layer {subject.joined}; answers were taken back by it before they were counted")
    if compiled.policy and compiled.policy.server_clear:
        lines.append("What the split protects is not shown by an accuracy: `ppc audit` measures what it gives away.")
    sys.stdout.write("".join(f"{line}\n" for line in [*lines, *(f"wrote {name}" for name in written)]))
    return 0
