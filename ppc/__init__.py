"""ppc compiles private neural networks.

    import ppc
    ppc.check(source)             every mistake of a program, or its models compiled
    ppc.compile(source).graph     one model under one private block, after every pass

`import ppc` loads neither lark nor networkx nor torch: what needs them is loaded when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ppc.compiler import Checked as Checked
    from ppc.compiler import Compiled as Compiled
    from ppc.compiler import check as check
    from ppc.compiler import compile_program as compile  # noqa: A004  `ppc.compile` is the name that users expect
    from ppc.errors import InternalError as InternalError
    from ppc.errors import PpcError as PpcError

__version__ = "0.1.0"
__all__ = ["Checked", "Compiled", "InternalError", "PpcError", "__version__", "check", "compile"]

_HOMES = {
    "Checked": ("ppc.compiler", "Checked"),
    "Compiled": ("ppc.compiler", "Compiled"),
    "InternalError": ("ppc.errors", "InternalError"),
    "PpcError": ("ppc.errors", "PpcError"),
    "check": ("ppc.compiler", "check"),
    "compile": ("ppc.compiler", "compile_program"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ppc' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
