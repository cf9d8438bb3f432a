"""Data for a run: arrays by the names of a program's inputs, and sets of labelled images.

    examples   one set of images with their labels and classes, wherever it came from
    sources    the one door: a name of data that are built in, a file or a folder becomes Examples
    rows       what a program asks for, from numpy's files as it is, from images scaled to the program's bounds
    idx · svhn · cifar · folders · archive   readers, each of one kind of file
    digits · digits28                        what is built in
    stream     compressed files, read no further than they may go
    layout     CIFAR-10's files in Python's format, taken apart without running what they say

Called by the front door. Nothing here knows a plan or a party. What a file says of its size is believed only as far as
it is allowed to be large.
"""

from ppc.data.examples import MOST_VALUES, Array, Examples
from ppc.data.rows import Expected, check_bounds, load_inputs, load_rows
from ppc.data.sources import built_in, examples

__all__ = [
    "MOST_VALUES",
    "Array",
    "Examples",
    "Expected",
    "built_in",
    "check_bounds",
    "examples",
    "load_inputs",
    "load_rows",
]
