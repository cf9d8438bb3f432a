"""Distilled training: a few samples that train one exact network, without torch.

    secret     the key: 256 bits, and what is derived from them
    gaussian   a Gaussian in whole numbers
    target     the network that the samples train, and its steps
    start      the first weights that a key makes of it
    samples    images, labels and sizes of steps
    package    the file that they travel in
    device     from a package and a key to trained weights

The owner's side, which learns the samples, is `ppc.distilling`. The samples are compression; what keeps them from
others is the encryption of the package. No privacy of the data that they were made of is claimed.
"""

from ppc.distilled.package import Package, is_bare, is_package, pack, tag, unpack
from ppc.distilled.samples import Floats, Samples
from ppc.distilled.secret import Key
from ppc.distilled.start import fingerprint, first_weights
from ppc.distilled.target import Target

__all__ = [
    "Floats",
    "Key",
    "Package",
    "Samples",
    "Target",
    "fingerprint",
    "first_weights",
    "is_bare",
    "is_package",
    "pack",
    "tag",
    "unpack",
]
