"""Bundles that are damaged, or made to mislead: each is refused with its code, whoever wrote the hashes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppc.bundle.reading import locate, read
from ppc.cli import main
from ppc.errors import PpcError, render
from ppc.passes.checks.verdict import accepted
from tests.bundle.damages import CASES, FILES, NOTATION, PLANS, ROLES, Case
from tests.bundle.made import build, replace_file, verify

LONGEST = 5.0  # seconds; a refusal takes far less than one


@pytest.mark.parametrize("case", CASES, ids=str)
def test_damaged(case: Case, tmp_path: Path) -> None:
    home = case.applied(tmp_path)
    start = time.perf_counter()
    with pytest.raises(PpcError) as caught:
        verify(home)

    assert time.perf_counter() - start < LONGEST
    assert {diagnostic.code for diagnostic in caught.value.diagnostics} == {case.code}
    assert all(diagnostic.hint for diagnostic in caught.value.diagnostics)
    assert "\x1b" not in render(caught.value)
    with pytest.raises(PpcError):
        verify(tmp_path)


def test_there_are_many() -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", [FILES[0], FILES[15], NOTATION[6], PLANS[0], ROLES[1]], ids=str)
def test_on_the_command_line(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = case.applied(tmp_path)
    for action in ("show", "verify"):
        code = main(["bundle", action, str(home)])
        said = capsys.readouterr()

        assert code == 3
        assert said.out == ""
        assert said.err.startswith(f"-- {case.code} ")


def test_every_byte_counts(tmp_path: Path) -> None:
    """Wherever a bit of a role's folder is another one, the bundle is refused."""
    server = build(tmp_path) / "server"
    for path in sorted(server.iterdir()):
        data = path.read_bytes()
        for place in range(0, len(data), max(1, len(data) // 40)):
            path.write_bytes(data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :])
            with pytest.raises(PpcError):
                read(server, accepted)
        path.write_bytes(data)

    assert read(server, accepted).role == "server"


def mutants(text: str) -> set[str]:
    return set(_mutants(text)) - {text}


def _mutants(text: str) -> Iterator[str]:
    """Lines left out, said twice and exchanged, numbers changed, and words of the plan at other places."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        before, after = "".join(lines[:number]), "".join(lines[number + 1 :])
        yield before + after
        yield before + line + line + after
        yield after + before + line
        yield before + line.replace("1", "7", 1) + after
        yield before + line.replace("2", "-2", 1) + after
        yield before + line.replace("shared", "bit").replace("masked", "digits") + after
        yield before + line.replace("(", "(image, ", 1) + after
        yield before + line.replace('": ', '": [1e999, 2], "more": ', 1) + after
        yield before + line.replace('": ', '": NaN, "more": ', 1) + after
        yield before + line.replace('": ', '": "", "also": ', 1) + after
        yield before + line.replace('": "', '": ["', 1).replace('"}', '"]}', 1) + after
        yield before + line[: len(line) // 2] + "\n" + after


def test_a_changed_plan_with_right_hashes_is_refused_or_keeps_every_rule(tmp_path: Path) -> None:
    """Whatever the text, it ends with a coded error, or with a plan that the checks accept; never with a traceback."""
    server = build(tmp_path) / "server"
    refused = 0
    made = sorted(mutants((server / "plan.b4.txt").read_text("utf-8")))
    for text in made:
        replace_file(server, "plan.b4.txt", text.encode())
        try:
            read(server, accepted).plan(4)
        except PpcError:
            refused += 1

    assert refused > 0.8 * len(made)


def test_a_bundle_is_read_once(tmp_path: Path) -> None:
    """What was looked at is what is run: files that change behind the reader's back change nothing."""
    client = build(tmp_path) / "client"
    found = read(client, accepted)
    (client / "plan.b4.txt").write_text("plan")

    assert found.plan(4).batch == 4


def test_a_role_that_was_asked_for(tmp_path: Path) -> None:
    home = build(tmp_path)

    for role in ("server", "lab"):
        assert read(locate(tmp_path, role), accepted, role=role).party == "lab"
        with pytest.raises(PpcError, match="PPC546"):
            read(home / "client", accepted, role=role)
    with pytest.raises(PpcError, match="PPC540"):
        locate(home, "auditor")


def test_a_batch_that_there_is_not(tmp_path: Path) -> None:
    found = verify(build(tmp_path))[0]

    with pytest.raises(PpcError, match="PPC547") as caught:
        found.plan(3)
    assert "--batch 1,4,8,3" in render(caught.value)


def test_a_folder_with_several_programs(tmp_path: Path) -> None:
    build(tmp_path)
    assert locate(tmp_path) == tmp_path / "small"
    build(tmp_path, "other")
    with pytest.raises(PpcError, match="PPC540") as caught:
        locate(tmp_path)

    assert all(f"`{tmp_path / name}`" in caught.value.diagnostics[0].hint for name in ("small", "other"))
    assert locate(tmp_path / "other") == tmp_path / "other"
    assert locate(tmp_path / "other" / "client") == tmp_path / "other" / "client"


def test_a_role_is_given_the_training_and_not_what_measures_it(tmp_path: Path) -> None:
    for name in ("small", "other"):
        build(tmp_path, name)
    (tmp_path / "small").rename(tmp_path / "small.evaluate")
    with pytest.raises(PpcError, match="PPC540"):
        locate(tmp_path, "server")
    (tmp_path / "other").rename(tmp_path / "small.train")

    assert locate(tmp_path, "server") == tmp_path / "small.train" / "server"
    assert locate(tmp_path / "small.evaluate", "server") == tmp_path / "small.evaluate" / "server"
    with pytest.raises(PpcError, match="PPC540"):
        locate(tmp_path)  # where both are asked for


@pytest.mark.parametrize("name", ["", "x" * 5000, "a\0b", "manifest.json"])
def test_folders_that_are_none(tmp_path: Path, name: str) -> None:
    home = build(tmp_path) / "client"
    with pytest.raises(PpcError, match="PPC540"):
        verify(tmp_path / "nothing" if not name else home / name)
