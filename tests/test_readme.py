"""The README does what it says: its runnable blocks run, and print what stands below them.

A block marked `sh run` or `python run` is run in a folder where only `examples` is at hand; a number behind `run` is
the exit code that is expected. The `text` block below it is the output, to the letter, and `pytest --update-golden`
writes it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import UPDATE
from tests.sources import CHECKOUT

PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    *sorted(str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "docs").glob("*.md")),
)
README = CHECKOUT / "README.md"
BLOCK = re.compile(r"^```(sh|python) run ?(\d*)\n(.*?)^```\n```text\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
INTERPRETERS = {"sh": ("bash", "-e", "-c"), "python": (sys.executable, "-c")}


def printed(language: str, code: str, text: str, folder: Path) -> str:
    beside = Path(sys.executable).parent
    done = subprocess.run(
        [*INTERPRETERS[language], text],
        cwd=folder,
        env={**os.environ, "PATH": f"{beside}:{os.environ['PATH']}", "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == int(code or 0), done.stdout
    return done.stdout


def test_runnable_blocks_print_what_stands_below(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    page = README.read_text("utf-8")

    def as_run(block: re.Match[str]) -> str:
        before, _, after = block[0].rpartition(block[4])
        return before + printed(block[1], block[2], block[3], tmp_path) + after

    found = BLOCK.sub(as_run, page)
    if request.config.getoption(UPDATE):
        README.write_text(found, "utf-8")

    assert found == README.read_text("utf-8")


def test_every_runnable_block_has_its_output() -> None:
    page = README.read_text("utf-8")

    assert len(BLOCK.findall(page)) == len(re.findall(r"^```\w+ run", page, re.MULTILINE)) == 10


def test_the_program_shown_is_the_example() -> None:
    shown = re.search(r"^```\n(party .*?)^```\n", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)

    assert shown
    assert (CHECKOUT / "examples" / "shallow.pnn").read_text("utf-8").endswith(f"\n{shown[1]}")


@pytest.mark.parametrize("page", PAGES)
def test_links_and_files_of_a_page_exist(page: str) -> None:
    text = (CHECKOUT / page).read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
    files = re.findall(r"`((?:ppc|grammar|passes|runtime|examples|tests|scripts|\.ci)/[\w./]*)`", text)

    assert [name for name in links if not ((CHECKOUT / page).parent / name).exists()] == []
    assert [name for name in files if not (CHECKOUT / name).exists()] == []


def test_every_verb_stands_in_the_table() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "ppc", "--help"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    verbs = re.findall(r"^    (\w+) ", said.stdout, re.MULTILINE)
    table = README.read_text("utf-8").partition("| verb | now |")[2].partition("\n\n")[0]

    assert len(verbs) == 19
    assert [verb for verb in verbs if f"| `{verb}" not in table] == []


def test_every_exit_code_stands_in_the_table() -> None:
    import ppc.cli

    promised = dict(re.findall(r"^\| (\d+) \| (.*?) \|$", README.read_text("utf-8"), re.MULTILINE))
    documented = dict(re.findall(r"^(\d+) +(.+)$", ppc.cli.__doc__ or "", re.MULTILINE))

    assert promised.keys() == documented.keys()
