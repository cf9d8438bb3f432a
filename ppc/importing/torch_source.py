"""A torch module on its way in: made by the user's own function, exported to ONNX, then read like any ONNX model.

This imports and runs code that the user names, with the user's rights. Needs the extra `torch-import`.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from ppc.errors import PpcError, fail
from ppc.importing.reading import OnnxModel, read_proto

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch.nn import Module


def read_torch(origin: str, sizes: tuple[int, ...]) -> OnnxModel:
    """The model that `package.module:function` makes, exported for inputs of these sizes."""
    _require()
    module = _made(origin)
    with _quiet():
        proto = _attempt(origin, "exporting the module to ONNX", lambda: _exported(module, sizes))
    return read_proto(proto, label=origin)


def _require() -> None:
    for package in ("torch", "onnx", "onnxscript"):
        try:
            import_module(package)
        except ImportError:
            raise fail(
                "PPC507",
                f"Importing a torch module needs the package {package}, which is not installed here.",
                hint="Install it with `pip install 'ppc[torch-import]'`.",
            ) from None


def _made(origin: str) -> Module:
    import torch

    module_name, _, function = origin.partition(":")
    with _import_from_here():
        code = _attempt(origin, f"importing {module_name}", lambda: import_module(module_name))
        made = _attempt(origin, f"finding {function} in {module_name}", lambda: getattr(code, function))
        if not isinstance(made, torch.nn.Module):
            made = _attempt(origin, f"calling {function}()", made)
    if not isinstance(made, torch.nn.Module):
        raise fail(
            "PPC606",
            f"`{origin}` gave {type(made).__name__}, not a torch.nn.Module.",
            hint="Name a function without arguments that returns the module with its weights loaded.",
        )
    return made.eval()


def _exported(module: Module, sizes: tuple[int, ...]) -> ModelProto:
    """`optimize=False` keeps batch norms and the names of the parameters as they are in the module."""
    import torch

    dtype = next((parameter.dtype for parameter in module.parameters()), torch.float32)
    example = torch.rand(1, *sizes, dtype=dtype)
    export = cast(Callable[..., Any], torch.onnx.export)  # pyright: ignore[reportUnknownMemberType]
    return export(module, (example,), dynamo=True, optimize=False, verbose=False).model_proto


def _attempt(origin: str, what: str, action: Callable[[], Any]) -> Any:
    """Run code of others: whatever it raises is told, with the place where it was raised."""
    try:
        return action()
    except PpcError:
        raise
    except Exception as error:
        place = _place(error)
        reason = str(error).strip().partition("\n")[0]
        raise fail(
            "PPC606",
            f"`{origin}`: {what} failed with {type(error).__name__}: {reason}{place}",
            hint="Try the same in Python first; the origin is `package.module:function`.",
        ) from error


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace else ""


@contextmanager
def _import_from_here() -> Generator[None]:
    """Modules of the folder where the command runs are found, as with `python -m`."""
    sys.path.insert(0, os.getcwd())
    try:
        yield
    finally:
        sys.path.remove(os.getcwd())


@contextmanager
def _quiet() -> Generator[None]:
    """The exporter reports its progress and its internals; who imports a model asked for neither."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), open(os.devnull, "w") as sink, redirect_stdout(sink):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
