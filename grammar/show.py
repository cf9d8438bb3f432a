"""The syntax tree as indented text, for `ppc compile --emit=ast`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from ppc.grammar import syntax


def show_tree(tree: syntax.Tree) -> str:
    """One line a node: its kind, its plain fields, its span; children below it."""
    return "\n".join(_lines(tree, "", 0)) + "\n"


def _lines(tree: syntax.Tree, label: str, depth: int) -> Iterator[str]:
    plain: list[str] = []
    children: list[tuple[str, syntax.Tree]] = []
    for entry in fields(tree):
        value = getattr(tree, entry.name)
        if entry.name == "span":
            continue
        if isinstance(value, syntax.Tree):
            children.append((entry.name, value))
        elif isinstance(value, tuple):
            children += [(entry.name, item) for item in value if isinstance(item, syntax.Tree)]  # pyright: ignore[reportUnknownVariableType]
        else:
            plain.append(f" {entry.name}={value!r}")
    name = f"{label}: " if label else ""
    yield f"{'  ' * depth}{name}{type(tree).__name__}{''.join(plain)} @{tree.span}"
    for child_label, child in children:
        yield from _lines(child, child_label, depth + 1)
