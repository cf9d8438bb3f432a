"""`ppc party device model.secdd`: the device's side of distilled training. Needs no torch, and no compiler either where
the network comes as graph text (`ppc compile --after source`)."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.cli import answers
from ppc.cli.role_start import telling_of
from ppc.cli.unused import BUNDLES, check_unused
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from ppc.distilled import Floats, Target
    from ppc.ir.graph import Graph

LARGEST_TEXT = 10_000_000
TRIED = "`--data DATA` names the examples to try the trained model on."
FIRST = "The first weights come from the key: `--key FILE`."
HINTS = {"--test": TRIED, "--input": TRIED, "--weights": FIRST, "--seed": FIRST}


def options(verb: ArgumentParser) -> None:
    """What a device has beside the package."""
    group = verb.add_argument_group("for a device that trains with a package of samples, in place of a bundle")
    group.add_argument("--program", type=Path, metavar="FILE", help="the network: MODEL.pnn, or its graph as text")
    group.add_argument("--model", metavar="NAME", help="the model to take, where the program has several")
    group.add_argument("--key", type=Path, metavar="FILE", help="the key, of `ppc key new` (what the program says)")
    group.add_argument("--data", type=Path, metavar="DATA", help="labelled examples to try the trained model on")


def is_package(path: Path) -> bool:
    """By its name or its first bytes."""
    from ppc.distilled import package

    if path.suffix == ".secdd":
        return True
    if not path.is_file():  # a folder, or nothing: told where bundles are opened
        return False
    try:
        with path.open("rb") as file:
            return package.is_package(file.read(len(package.MAGIC)))
    except OSError:  # told there too
        return False


def device(arguments: Namespace) -> int:
    """Check everything, make the fixed steps, say how good the model is, and save it."""
    from ppc.distilled import device as side
    from ppc.distilled import is_bare, secret
    from ppc.weights import save

    if arguments.role != "device":
        hint = f"`ppc party device {arguments.bundle}`"
        raise fail("PPC665", f"A package of samples is for a device, and not for `{arguments.role}`.", hint=hint)
    check_unused(arguments, BUNDLES, "A device with a package of samples", HINTS)
    if arguments.output is not None and arguments.output.suffix not in (".safetensors", ".npz"):
        raise fail("PPC509", f"`{arguments.output}` does not end as weights do.", hint="Write `-o model.safetensors`.")
    answers.check_output(arguments.output, weights=True)
    telling = telling_of(arguments)
    graph, key_file = _network(arguments)
    key = secret.read(arguments.key or key_file)
    data = _bytes(arguments.bundle)
    package, target, start = side.opened(data, key, graph)
    bare = is_bare(data)
    if bare:  # also to who wants few words
        sys.stderr.write("note: the samples of this package are readable by everybody (--bare)\n")
    examples = None if arguments.data is None else labelled(arguments.data, target, telling.note)
    weights = side.trained(target, package.samples, start)
    accuracy = None if examples is None else side.accuracy(target, weights, *examples)
    if arguments.output is not None:
        save(arguments.output, weights, private=True)
    facts = {"samples": len(package.samples), "steps": len(package.samples.rates), "accuracy": accuracy}
    if arguments.json:
        written = None if arguments.output is None else str(arguments.output)
        sys.stdout.write(
            json.dumps({"ok": True, "key": key.name, "encrypted": not bare, **facts, "written": written}) + "\n"
        )
        return 0
    sys.stdout.write(f"{graph.name}: {facts['steps']} steps over {facts['samples']} samples, key {key.name}\n")
    if accuracy is not None and examples is not None:
        sys.stdout.write(f"accuracy {accuracy:.4f} on {len(examples[0]):,} examples\n")
    if arguments.output is not None:
        sys.stdout.write(f"wrote {arguments.output}\n")
    elif not arguments.quiet:
        sys.stdout.write("the trained weights were not kept: `-o model.safetensors` names a file for them\n")
    return 0


def _bytes(path: Path) -> bytes:
    from ppc.arrays import reading
    from ppc.distilled.package import LARGEST

    with reading(path), path.open("rb") as file:
        return file.read(LARGEST + 1)


def _network(arguments: Namespace) -> tuple[Graph, Path]:
    """The network as written, and where the program says that the key is."""
    path: Path | None = arguments.program
    if path is None:
        raise fail("PPC501", "Which network the package trains is not said.", hint="Name it: `--program MODEL.pnn`.")
    if path.suffix != ".pnn":
        if arguments.key is None:
            raise fail("PPC590", "Graph text does not say where the key is.", hint="Name it: `--key FILE`.")
        return _text(path), arguments.key
    from ppc.compiler import check, compile_program

    checked = check(path)
    graph = compile_program(checked.source, model=arguments.model).after("source")
    lessons = checked.resolved.lessons.get(graph.name)
    file = getattr(lessons, "key", "")
    if arguments.key is None and not file:
        raise fail("PPC590", f"The program names no key for `{graph.name}`.", hint="Name it: `--key FILE`.")
    return graph, arguments.key or path.parent / file


def _text(path: Path) -> Graph:
    from ppc.arrays import reading
    from ppc.ir.text import parse
    from ppc.ir.verify import problems

    with reading(path, UnicodeDecodeError), path.open("rb") as file:
        text = file.read(LARGEST_TEXT).decode()
    graph = parse(text)
    broken = next(problems(graph), "")
    if broken or graph.stage != "named" or [output.name for output in graph.outputs] != ["result"]:
        hint = f"`ppc compile MODEL.pnn --after source > {path.name}`"
        raise fail("PPC510", f"The graph in {path} is not as a program says it{broken and f': {broken}'}.", hint=hint)
    return graph


def labelled(path: Path, target: Target, say: Callable[[str], None]) -> tuple[Floats, Floats]:
    """Images within the bounds that the program says, and rows with a 1 at their class."""
    from ppc.data import Expected, load_rows
    from ppc.reference import outside

    name, bounds, span = target.data.name, target.data.typed.bounds, target.data.span
    limits = None if bounds is None else (bounds.low, bounds.high)
    wanted = (
        Expected(name=name, shape=target.image, bounds=limits, span=span),
        Expected(name="labels", shape=(target.classes,), label=True, span=span),
    )
    found = load_rows(path, wanted, say=say)
    if not len(found[name]):
        raise fail("PPC508", f"`{path}` has no examples.", hint="Give some that are labelled.")
    if mistakes := tuple(outside(target.data, found[name])):
        raise PpcError(*mistakes)
    return found[name], found["labels"]
