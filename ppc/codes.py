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
_SHAPES = _codes()

_RANGES = _codes()

_FLOW = _codes()

_FILES = _codes(
    PPC501=(
        "file not readable",
        "The file is missing, may not be read, or ended before it should have. Check the path and its rights.",
    ),
    PPC502=(
        "file damaged",
        """The file is not what its ending says, was cut off or changed on its way, or holds something that ppc does
        not load. Weights are plain arrays by name: .safetensors, .npz, or a torch state_dict (.pt, .pth). Nothing
        that could run code while it loads (a pickled model, an array of Python objects) is ever loaded.""",
    ),
    PPC503=(
        "weights of other names",
        """Every parameter of the model needs one array of its name, `<layer>.<role>`: conv1.weight, conv1.bias,
        batch_norm1.scale. Names of torch are accepted where the file's layers and the model's, taken in order, have
        the same shapes. The message lists every name that is missing and every name that the model does not have;
        `ppc weights list MODEL` prints what is needed.""",
    ),
    PPC504=(
        "weights of other shapes",
        """An array has another shape than its parameter. A conv2d weight is [channels out, channels in / groups,
        height, width] and a dense weight [features out, features in], as in PyTorch. The file may belong to another
        version of the model.""",
    ),
    PPC505=(
        "weights out of bounds",
        """The model declares between which numbers its weights lie (`weights from … in -4..4`), and every range of the
        private computation is proved from that, so no value may be outside. After a batch norm is folded into the
        layer before it, the folded weights must keep the same bounds.""",
    ),
    PPC506=(
        "weights not real numbers",
        """Weights are finite real numbers stored as float16, float32 or float64. Integers, booleans, bfloat16, complex
        numbers, nan and infinity are refused rather than converted silently.""",
    ),
    PPC507=(
        "package missing",
        """This needs a package that is an extra of ppc and is not installed here. The message names the extra; `pip
        install 'ppc[NAME]'` installs it.""",
    ),
    PPC509=(
        "file not writable",
        """The file could not be written completely, so nothing was changed: a file that was there before is still
        there as it was.""",
    ),
)

_IMPORTS = _codes()

CODES: dict[str, Code] = {**_LANGUAGE, **_SHAPES, **_RANGES, **_FLOW, **_FILES, **_IMPORTS}
