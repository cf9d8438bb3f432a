# The calls that ppc/data/svhn.py and its tests make.

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

def whosmat(file_name: BinaryIO) -> list[tuple[str, tuple[int, ...], str]]: ...
def loadmat(file_name: BinaryIO, *, variable_names: Sequence[str]) -> dict[str, NDArray[Any]]: ...
def savemat(file_name: Path, mdict: Mapping[str, object], *, do_compression: bool = False) -> None: ...
