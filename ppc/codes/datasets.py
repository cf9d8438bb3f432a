"""53x: sets of images and their labels."""

from __future__ import annotations

from ppc.codes.base import codes

DATASETS = codes(
    PPC530=(
        "unknown data",
        """Data are a file of numpy's (.npz, .npy), MNIST's IDX files, SVHN's .mat, batches of CIFAR-10, a folder of
        pictures, or one of the sets that are built in. A file is told by how it begins, a built-in set by its name:
        `digits`, or `digits28:60000,seed=1,part=test`. What was named is neither.""",
    ),
    PPC531=(
        "data too large",
        """A file says of itself how much it holds, and a small compressed one can say, or inflate to, more than any
        memory has. What is larger than ppc reads is refused before memory is taken for it. Split the data into
        several files, or keep fewer examples in it.""",
    ),
    PPC532=(
        "data incomplete",
        """A set of images is not whole: labels are missing or not as many as images, a class is beyond the last one,
        pictures of a folder differ in size or kind, or a batch is missing. Nothing is resized, converted or left out
        to make it fit. The message names what was found where.""",
    ),
)
