"""The house's own Python files, read for the tests that hold it together."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
LINKED = ("grammar", "passes", "runtime")


@dataclass(frozen=True)
class Module:
    """One file, under the name by which it is imported (`grammar/parse.py` is `ppc.grammar.parse`)."""

    path: Path
    parts: tuple[str, ...]

    @property
    def room(self) -> str:
        """The first name below `ppc`; for `ppc/__init__.py` it is `ppc` itself."""
        return self.parts[1] if len(self.parts) > 1 else "ppc"

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def name(self) -> str:
        return self.path.relative_to(CHECKOUT).as_posix()


def modules() -> tuple[Module, ...]:
    """Every module of the package, each once, behind the links and not through them."""
    return tuple(_modules())


def _modules() -> Iterator[Module]:
    package = CHECKOUT / "ppc"
    for path in sorted(package.rglob("*.py")):
        if not any(package / room in path.parents for room in LINKED):
            yield Module(path, _parts(path))
    for room in LINKED:
        for path in sorted((CHECKOUT / room).rglob("*.py")):
            yield Module(path, ("ppc", *_parts(path)))


def _parts(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imported(module: Module) -> Iterator[str]:
    """Every dotted name that a module imports, wherever the import stands."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name}:{node.lineno}: imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(node: ast.expr) -> str:
    """`np.random.Generator` of an attribute or a name; empty for anything else."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""
