"""What the house keeps to, as far as a test can see it without getting in the way."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.sources import CHECKOUT, dotted

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
FOLDERS = ("bench", "ppc", "grammar", "passes", "runtime", "scripts", "tests")


def files() -> list[Path]:
    """Every Python file of the house, each once."""
    found = {path.resolve() for folder in FOLDERS for path in (CHECKOUT / folder).rglob("*.py")}
    return sorted(found)


def name(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


FILES = files()


@cache
def comments(path: Path) -> tuple[tuple[int, str], ...]:
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
    return tuple((token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_are_short() -> None:
    assert [name(path) for path in FILES if len(path.read_text("utf-8").splitlines()) > LONGEST_FILE] == []


def test_functions_are_short() -> None:
    found = (
        f"{name(path)}: {function.name}"
        for path in FILES
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION
    )

    assert sorted(found) == []


def test_every_module_of_the_package_says_what_lives_in_it() -> None:
    silent = (name(path) for path in FILES if path.read_text("utf-8").strip() and ast.get_docstring(tree(path)) is None)

    assert sorted(silent) == []


@pytest.mark.parametrize(
    ("banned", "why"),
    [
        (r"\b(TODO|FIXME|XXX|HACK)\b", "what is to be done stands in an issue, and code is finished when it lands"),
        (r"#\s*type:\s*ignore", "pyright's own comment names the rule that it switches off"),
        (r"#\s*pyright:\s*ignore(?!\[\w)", "a comment that switches a check off names the check"),
        (r"#\s*noqa(?!:)", "a comment that switches a check off names the check"),
    ],
)
def test_no_comment_says(banned: str, why: str) -> None:
    found = (f"{name(path)}:{line}" for path in FILES for line, text in comments(path) if re.search(banned, text))

    assert sorted(found) == [], why


def test_no_test_is_skipped() -> None:
    """A test that does not run is a claim without a proof."""
    switches = {"pytest.skip", "pytest.xfail", "pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"}
    found = (
        f"{name(path)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and dotted(node) in switches
    )

    assert sorted(found) == []


def test_scripts_say_what_they_do() -> None:
    for path in [*sorted((CHECKOUT / "scripts").iterdir()), CHECKOUT / ".ci" / "run"]:
        if path.is_file() and not path.suffix:
            first, *rest = path.read_text("utf-8").splitlines()

            assert rest[0].startswith("# ") or first.startswith("# "), name(path)
            assert first == "#!/usr/bin/env bash" or path.name == "environment"
