"""The one door to torch for weights: a `state_dict` file, read with `weights_only=True`.

Such a file is a pickle. torch's restricted reader makes tensors and plain containers of it and refuses everything
else, so that no code of the file runs. torch is an extra: a machine that has none is told what to install.
"""

from __future__ import annotations

import pickle  # for the name of torch's error; nothing is unpickled here
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ppc.errors import fail

if TYPE_CHECKING:
    from torch import Tensor

_WRAPPERS = ("state_dict", "model_state_dict", "model")
Row = tuple[str, tuple[int, ...], str, Callable[[], NDArray[Any]]]


def stored_by_torch(path: Path) -> Iterator[Row]:
    """Name, shape, element and reader of every tensor, in the order of the state_dict."""
    for name, tensor in _state_dict(path).items():
        element = str(tensor.dtype).removeprefix("torch.")
        yield name, tuple(tensor.shape), element, partial(_values, tensor)


def _values(tensor: Tensor) -> NDArray[Any]:
    return np.asarray(tensor.detach().cpu().numpy())


def _state_dict(path: Path) -> dict[str, Tensor]:
    loaded = _load(path)
    for key in _WRAPPERS:  # a checkpoint often keeps the state_dict beside its optimiser
        if isinstance(loaded, Mapping) and isinstance(inner := cast(dict[str, Any], loaded).get(key), Mapping):
            loaded = cast(object, inner)
            break
    rows = cast(dict[object, object], loaded) if isinstance(loaded, Mapping) else None
    if rows is None or not all(isinstance(name, str) and _is_plain(value) for name, value in rows.items()):
        raise fail(
            "PPC502",
            f"`{path.name}` is no state_dict: it does not hold tensors by name.",
            hint="Write it with `torch.save(model.state_dict(), path)`.",
        )
    return cast("dict[str, Tensor]", dict(rows))


def _is_plain(value: object) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.layout == torch.strided and not value.is_quantized


def _load(path: Path) -> object:
    try:
        import torch
    except ImportError:
        raise fail(
            "PPC507",
            f"`{path.name}` is a file of torch, and torch is not installed here.",
            hint="Install it with `pip install 'ppc[torch]'`, or save the weights as .safetensors or .npz.",
        ) from None
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its remarks on old pickles are no help to whoever reads this
        try:
            return cast(object, torch.load(file, map_location="cpu", weights_only=True))
        except pickle.UnpicklingError as error:
            raise fail(
                "PPC502",
                f"`{path.name}` holds more than tensors, or is damaged: {_first(error)}",
                hint="Loading anything else can run any code. Write `torch.save(model.state_dict(), path)`.",
            ) from None
        except Exception as error:  # on damaged bytes its reader fails with whatever it stumbles on
            raise fail(
                "PPC502",
                f"`{path.name}` is damaged, or no file of torch: {_first(error) or 'it ends too early'}",
                hint="Copy or write it again, and compare its size with the original.",
            ) from None


def _first(error: Exception) -> str:
    """The sentence of torch's message that says what is wrong; the rest is advice to switch the safety off."""
    return str(error).partition("\n")[0].partition(" In PyTorch 2.6")[0].strip()
