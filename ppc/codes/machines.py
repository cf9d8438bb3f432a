"""5xx: files, data and machines."""

from __future__ import annotations

from ppc.codes.base import codes

MACHINES = codes(
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
        batch_norm1.scale. Names of torch are accepted where the file's layers and the model's, taken in order,
        have the same shapes. The message lists every name that is missing and every name that the model does not
        have; `ppc weights list MODEL` prints what is needed.""",
    ),
    PPC504=(
        "weights of other shapes",
        """An array has another shape than its parameter. A conv2d weight is [channels out, channels in / groups,
        height, width] and a dense weight [features out, features in], as in PyTorch. The file may belong to
        another version of the model.""",
    ),
    PPC505=(
        "weights out of bounds",
        """The model declares between which numbers its weights lie (`weights from … in -4..4`), and every range of
        the private computation is proved from that, so no value may be outside. After a batch norm is folded into
        the layer before it, the folded weights must keep the same bounds.""",
    ),
    PPC506=(
        "weights not real numbers",
        """Weights are finite real numbers stored as float16, float32 or float64. Integers, booleans, bfloat16,
        complex numbers, nan and infinity are refused rather than converted silently.""",
    ),
    PPC507=(
        "package missing",
        """This needs a package that is an extra of ppc and is not installed here. The message names the extra; `pip
        install 'ppc[NAME]'` installs it.""",
    ),
    PPC508=(
        "data does not fit",
        """The values given do not fit the model: a name is missing, a shape differs, or something is no array of
        numbers. Shapes start with the batch.""",
    ),
    PPC509=(
        "file not writable",
        """The file could not be written completely, so nothing was changed: a file that was there before is still
        there as it was.""",
    ),
    PPC510=(
        "no graph text",
        """The text of a graph is what `ppc compile --emit=graph` prints, line for line. It was cut off, changed, or
        made by another version.""",
    ),
    PPC511=(
        "unknown pass",
        "The pipeline of this program has no pass of that name; `ppc compile --print-after-all` shows all of them.",
    ),
    PPC512=(
        "unknown code",
        "Error codes are `PPC` and three digits; `ppc explain` lists them.",
    ),
    PPC513=(
        "plan breaks a rule",
        """A plan says what two parties send each other, under which masks. Before one is used, its masks, ranges and
        rounds are worked out again from it alone. One that breaks a rule could show a secret, compute something
        else or wait for ever, so it is not run. It was damaged or changed, or made by another version.""",
    ),
)
