"""The verb audit: which attacks an artifact meets, and how their findings are told."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from ppc.audit import Finding, share_interval
from ppc.cli import audit_verb
from ppc.cli.audited import Audited, Kind
from tests.cli.conftest import Ppc

FOUND = Finding(
    attack="guess",
    target="a coin",
    knowledge="nothing",
    budget="100 tries",
    metric="accuracy",
    value=0.5,
    interval=share_interval(50, 100),
    baseline=0.5,
    verdict="no advantage found",
)


def coins(arguments: Namespace) -> Audited:
    return Audited(findings=[FOUND], notes=["it was a coin"], pictures={"the coin": arguments.artifact / "coin.png"})


def blind(_: Namespace) -> Audited:
    return Audited(findings=[FOUND])


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """One kind of artifact: folders whose name is `coin`."""
    kind = Kind(name="coin", what="a folder with a coin", recognises=lambda path: path.name == "coin", audit=coins)
    monkeypatch.setattr(audit_verb, "KINDS", (kind,))


def test_the_kind_that_recognises_an_artifact_attacks_it(ppc: Ppc, kinds: None, tmp_path: Path) -> None:
    coin = tmp_path / "coin"
    coin.mkdir()

    done = ppc("audit", coin)

    assert done.code == 0
    assert done.out.startswith("no advantage found  guess on a coin\n")
    assert done.out.endswith(f"it was a coin\nwrote {coin}/coin.png: the coin\n")


def test_for_a_machine(ppc: Ppc, kinds: None, tmp_path: Path) -> None:
    coin = tmp_path / "coin"
    coin.mkdir()

    found = json.loads(ppc("audit", coin, "--json").out)

    assert list(found) == ["ok", "kind", "findings", "notes", "pictures"]
    assert found["findings"][0]["interval"] == {"low": FOUND.interval.low, "high": FOUND.interval.high}


def test_where_there_are_no_pictures_it_is_said(
    ppc: Ppc, monkeypatch: pytest.MonkeyPatch, kinds: None, tmp_path: Path
) -> None:
    (tmp_path / "coin").mkdir()
    (kind,) = audit_verb.KINDS
    monkeypatch.setattr(audit_verb, "KINDS", (replace(kind, audit=blind),))

    done = ppc("audit", tmp_path / "coin", "-o", tmp_path / "pictures")

    assert f"Nothing was written to `{tmp_path / 'pictures'}`" in done.out
    assert "Nothing was written" not in ppc("audit", tmp_path / "coin").out


def test_another_thing_is_refused(ppc: Ppc, kinds: None, tmp_path: Path) -> None:
    done = ppc("audit", tmp_path)

    assert done.code == 3
    assert "PPC580" in done.err
    assert "a folder with a coin" in done.err


def test_what_is_not_there_is_refused(ppc: Ppc, kinds: None, tmp_path: Path) -> None:
    done = ppc("audit", tmp_path / "nothing")

    assert done.code == 3
    assert "PPC501" in done.err
