"""Every error code: its title, and what `ppc explain CODE` says about it.

1xx language   2xx names and shapes   3xx numbers and ranges   4xx who may see what
5xx files and machines   6xx import from other systems
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A title for the heading and a paragraph for the reader who wants to know more."""

    title: str
    explanation: str


def _codes(**rows: tuple[str, str]) -> dict[str, Code]:
    return {name: Code(title, " ".join(text.split())) for name, (title, text) in rows.items()}


_LANGUAGE = _codes(
    PPC101=(
        "syntax",
        "The text does not follow the grammar at this place. The message says what was found and what could stand there; grammar/README.md shows every form with an example.",
    ),
    PPC102=(
        "unknown character",
        "This character has no meaning in the language. Comments start with `#`, names are letters, digits and `_`.",
    ),
    PPC103=("unfinished", "The text ends inside a block or a bracket. Every `{`, `(` and `[` needs its partner."),
)
_SHAPES = _codes(
    PPC216=(
        "loss does not fit",
        """`softmax_cross_entropy` compares a row of scores with the probabilities of the classes. It contains the
        softmax itself, so the model must end before its own `softmax`, in a row real[n] of at least two scores.
        Other results are trained with `mse`.""",
    ),
    PPC218=(
        "nothing to train",
        """A training step changes weights. Either no layer of the model has weights that its result depends on, or
        all of them are kept as they are.""",
    ),
    PPC219=(
        "one value a channel",
        """In training, `batch_norm` divides by the spread of a channel over the batch. One value has no spread:
        there must be at least two examples in a batch, or a feature map larger than 1×1.""",
    ),
    PPC220=(
        "no gradient",
        """Training follows the result back through every layer, so each layer between the first weight that is
        trained and the loss must have a derivative. The message names the layer and says why it has none.""",
    ),
)

_RANGES = _codes(
    PPC307=(
        "data out of bounds",
        """The program states between which numbers an input lies, and everything that follows is sized by that.
        Data beyond it, or data that is not a finite number, is refused before anything is computed with it.""",
    ),
)

_FLOW = _codes()

_FILES = _codes(
    PPC501=(
        "file not readable",
        "The file is missing, may not be read, or ended before it should have. Check the path and its rights.",
    ),
    PPC507=(
        "package missing",
        """This command needs a package that is not installed. The message names it and the extra that brings it, as
        in `pip install "ppc[torch]"`.""",
    ),
    PPC508=(
        "data does not fit",
        """The values given do not fit the model: a name is missing, a shape differs, or something is no array of
        numbers. Shapes start with the batch.""",
    ),
    PPC510=(
        "no graph text",
        """The text form of a graph is written by `ppc compile --emit=graph` and read back line by line. This line
        could not have been written by it; most often it was edited or cut short.""",
    ),
)

_IMPORTS = _codes()

CODES: dict[str, Code] = {**_LANGUAGE, **_SHAPES, **_RANGES, **_FLOW, **_FILES, **_IMPORTS}
