"""What samples are distilled from, and what they are measured on: nothing of the one is in the other."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from ppc.cli.device_verb import labelled
from ppc.cli.telling import Telling
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ppc.distilled import Floats, Target
    from ppc.distilling import Data
    from ppc.ir.distilled import Distilled

HELD = 5  # one example of so many is held out, where none are brought to measure on


@dataclass(frozen=True, kw_only=True, eq=False)
class Given:
    """`brought` are the images of another data set that samples are made of, where the program says so."""

    learned: Data
    test: Data
    brought: Floats | None
    seen: int  # examples that were given to measure on, and are not in `test`: something is learned from the same ones


def given(arguments: Namespace, target: Target, facts: Distilled, telling: Telling) -> Given:
    """All data of a build."""
    from ppc.distilling import Data

    (images, labels), (asked, answers) = _parts(arguments, target, telling)
    brought = _brought(arguments.program.parent, target, facts, telling) if facts.images.file else None
    new = _new(asked, images if brought is None else (*images, *brought))
    if not new.any():
        message = f"All {len(asked):,} examples to measure on are among those that are learned from."
        raise fail("PPC508", message, hint="Name others that have the same law: `--test DATA`.")
    if seen := int((~new).sum()):
        telling.note(f"{seen:,} of {len(asked):,} examples to measure on are learned from too: they are left out")
    test = Data.of(asked[new], answers[new])
    return Given(learned=Data.of(images, labels), test=test, brought=brought, seen=seen)


def _parts(arguments: Namespace, target: Target, telling: Telling) -> tuple[tuple[Floats, Floats], ...]:
    """What is learned from, and what is measured on: brought, or one of so many held out."""
    import numpy as np

    images, labels = labelled(arguments.data, target, telling.note)
    if arguments.test is not None:
        return (images, labels), labelled(arguments.test, target, telling.note)
    held = np.arange(len(images)) % HELD == HELD - 1
    if not held.any():
        raise fail("PPC508", f"{len(images)} examples are too few to hold some out.", hint="Name some: `--test DATA`.")
    telling.note(f"every {HELD}th example is held out, to measure on: {int(held.sum()):,} of {len(images):,}")
    return (images[~held], labels[~held]), (images[held], labels[held])


def _new(asked: Floats, known: Iterable[Floats]) -> NDArray[np.bool_]:
    """Which images are not among those that are known: by their numbers, in the precision that is learned in."""
    import numpy as np

    seen = {_digest(image) for image in known}
    return np.array([_digest(image) not in seen for image in asked])


def _digest(image: Floats) -> bytes:
    import numpy as np

    return blake2b(np.ascontiguousarray(image + 0.0, np.float32).tobytes(), digest_size=16).digest()  # -0 is 0


def _brought(beside: Path, target: Target, facts: Distilled, telling: Telling) -> Floats:
    """The images of another data set that the samples will be; a set that is built in lies in no folder."""
    from ppc.data import Expected, built_in, load_rows
    from ppc.distilling import richest
    from ppc.reference import outside

    file = facts.images.file
    path = Path(file) if built_in(file) else beside / file
    wanted = Expected(name=target.data.name, shape=target.image, span=target.data.span)
    found = load_rows(path, (wanted,), say=telling.note)[wanted.name]
    unbounded = target.typed(1)[wanted.name]  # each image is scaled by its own mean and deviation
    if mistakes := tuple(outside(unbounded, found)):
        raise PpcError(*mistakes)
    if len(found) < facts.samples:
        message = f"{path} has {len(found)} images; {facts.samples} samples are asked for."
        raise fail("PPC596", message, span=facts.span, hint="Bring more images, or ask for fewer samples.")
    return richest(found, facts.samples)
