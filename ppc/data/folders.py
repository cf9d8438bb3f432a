"""Pictures in a folder: each class in a sub-folder of its name, or all in one folder without classes. Read by pillow.

Nothing is guessed: pictures are grey or in colour, all alike and of one size; none is resized or converted. A header
says how large a picture is, so one that would inflate to more than may be is refused before it does.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ppc.arrays import damaged, reading
from ppc.data.examples import Examples, checked_size, too_large
from ppc.errors import fail

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("BMP", "JPEG", "PNG", "PPM")
ENDINGS = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm")
CHANNELS = {"L": 1, "RGB": 3}
MOST_PICTURES = 1_000_000
MOST_PIXELS = 2**24  # of one picture


def read(path: Path) -> Examples:
    """All pictures, by class and then by name."""
    with reading(path):
        homes = sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith("."))
        own, others = _listed(path)
        if own and homes:
            raise fail(
                "PPC532",
                f"`{path}` has pictures beside its sub-folders, so what their class is is not said.",
                hint="Put each into the sub-folder of its class, or take the sub-folders out.",
            )
        found = [(one, -1) for one in own]
        for number, home in enumerate(homes):
            pictures, left = _listed(home)
            found += [(one, number) for one in pictures]
            others += left
    classes = tuple(home.name for home in homes)
    notes = (f"{others:,} other files in {path.name} were left out",) if others else ()
    return _examples(path, found, classes, notes)


def read_one(path: Path) -> Examples:
    """A single picture."""
    return _examples(path, [(path, -1)], (), ())


def _listed(path: Path) -> tuple[list[Path], int]:
    """The pictures of a folder, and how many other files are there."""
    files = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    found = [one for one in files if one.suffix.lower() in ENDINGS]
    return found, len(files) - len(found)


def _examples(path: Path, found: list[tuple[Path, int]], classes: tuple[str, ...], notes: tuple[str, ...]) -> Examples:
    if not found:
        hint = f"Pictures end in {', '.join(ENDINGS)}; they lie in the folder, or in one sub-folder for each class."
        raise fail("PPC532", f"`{path}` has no pictures.", hint=hint)
    if len(found) > MOST_PICTURES:
        raise too_large(path, f"it has {len(found):,} pictures")
    first = _pixels(found[0][0])
    checked_size(path, (len(found), *first.shape))
    images = np.empty((len(found), *first.shape), np.uint8)
    for number, (file, _) in enumerate(found):
        pixels = _pixels(file)
        if pixels.shape != first.shape:
            raise _differ(found[0][0], first, file, pixels)
        images[number] = pixels
    labels = np.array([number for _, number in found], np.int64) if classes else None
    return Examples(images=images, labels=labels, classes=classes, name=path.name, notes=notes)


def _differ(first: Path, one: NDArray[Any], second: Path, other: NDArray[Any]) -> Exception:
    shapes = ("×".join(map(str, pixels.shape)) for pixels in (one, other))
    return fail(
        "PPC532",
        f"The pictures are not alike: `{first}` is {next(shapes)}, and `{second}` is {next(shapes)}.",
        hint="Channels, height and width are the same for all; resize or convert them before.",
    )


def _pixels(path: Path) -> NDArray[np.uint8]:
    """One picture [channels, height, width]."""
    from PIL import Image, UnidentifiedImageError

    with reading(path), path.open("rb") as file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                with Image.open(file, formats=FORMATS) as picture:
                    return _decoded(path, picture)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise too_large(path, "it is a picture of more pixels than can be meant") from None
        except (UnidentifiedImageError, OSError, SyntaxError, struct.error, zlib.error, IndexError, Warning) as error:
            raise damaged(path, str(error).removesuffix(".")) from None


def _decoded(path: Path, picture: Image) -> NDArray[np.uint8]:
    if picture.width * picture.height > MOST_PIXELS:
        raise too_large(path, f"it is a picture of {picture.width:,}×{picture.height:,} pixels")
    if picture.mode not in CHANNELS:
        raise fail(
            "PPC532",
            f"`{path}` is a picture of the kind {picture.mode}, neither grey (L) nor in colour (RGB).",
            hint="Save it as one of these: what is transparent, or stands in a palette, has no one value.",
        )
    found = np.asarray(picture, np.uint8)
    return found[np.newaxis] if found.ndim == 2 else np.ascontiguousarray(found.transpose(2, 0, 1))
