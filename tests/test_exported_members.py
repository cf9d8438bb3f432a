"""What `import ppc` offers: sorted, complete, and really there."""

from __future__ import annotations

import ast

import ppc
from tests.sources import CHECKOUT

EXPECTED = ["Checked", "Compiled", "InternalError", "PpcError", "__version__", "check", "compile"]


def test_the_list_is_what_users_were_promised() -> None:
    assert ppc.__all__ == EXPECTED
    assert ppc.__all__ == sorted(ppc.__all__)


def test_every_name_is_there() -> None:
    for name in ppc.__all__:
        assert getattr(ppc, name) is not None


def test_type_checkers_see_the_same_names() -> None:
    """The imports that only a type checker sees are those that `__getattr__` makes."""
    tree = ast.parse((CHECKOUT / "ppc" / "__init__.py").read_text("utf-8"))
    seen = {alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}

    assert {name for name in seen if name} == set(EXPECTED) - {"__version__"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(ppc, "decompile")


def test_the_version_is_that_of_the_project_file() -> None:
    import tomllib

    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]

    assert ppc.__version__ == project["version"]
