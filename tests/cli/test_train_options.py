"""Every option of `ppc train` is of use to a trainer, or refused by it: none is passed over."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from ppc.cli import train_verb
from ppc.cli.arguments import parser
from tests.cli.conftest import Ppc
from tests.sources import CHECKOUT

EVERYBODY = "--data --weights --seed -o -q -v --json --model --as --checkpoint --resume"
MANY = "--be --patience --each"
# What each takes with all roles here, beside what everybody takes.
USED = {
    "clear": "--every --order --start --holdout --stop-after --signals",
    "collaborative": f"--test {MANY} --public --labels",
    "distilled": "--every --test --key --bare --sheet",
    "joint": "--every --test --order --release -O --trace --threads",
    "selective": f"--test {MANY}",
}
VALUES = {
    "--data": "digits",
    "--weights": "w.npz",
    "--seed": "1",
    "-o": "x.npz",
    "--model": "small",
    "--as": "small",
    "--test": "digits",
    "--checkpoint": "kept",
    "--every": "3",
    "--order": "given",
    "--turn": "1",
    "--start": "he",
    "--holdout": "0.5",
    "--stop-after": "3",
    "--signals": "s.npz",
    "--key": "device.key",
    "--sheet": "a.svg",
    "--be": "1",
    "--peer": "a:1",
    "--aggregator": "a:1",
    "--dealer": "a:1",
    "--listen": "a:1",
    "--certificates": "rings",
    "--patience": "3",
    "--each": "5",
    "--public": "p.npz",
    "--labels": "l.npz",
    "-O": "1",
    "--trace": "t.json",
    "--threads": "2",
}
FLAGS = ["-q", "-v", "--json", "--resume", "--release", "--bare", "--insecure-local"]
OPTIONS = {**VALUES, **dict.fromkeys(FLAGS, "")}
# And of the trainers of many, what one role takes alone.
ALONE = {
    "collaborative": "--peer --aggregator --dealer --insecure-local --listen --certificates",
    "selective": "--peer --aggregator --listen --certificates",
}


@pytest.fixture
def trainer(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """It is named by the program, and would train."""
    name: str = request.param

    def named(program: Path, *, model: str | None, as_: str | None) -> SimpleNamespace:
        return SimpleNamespace(by=name)

    def trained(_: Namespace) -> int:
        return 0

    row = replace(train_verb.TRAINERS[name], train=trained)
    monkeypatch.setitem(train_verb.TRAINERS, name, row)
    monkeypatch.setattr("ppc.compiler.training_of", named)
    monkeypatch.chdir(tmp_path)
    return name


def words(option: str) -> list[str]:
    return [option, *filter(None, [OPTIONS[option]])]


def test_every_option_is_known_here() -> None:
    """One that somebody adds has to be decided on, for each trainer."""
    destinations = {"-o": "output", "-q": "quiet", "-v": "verbose", "-O": "level", "--as": "as_"}
    known = {destinations.get(name, name.strip("-").replace("-", "_")) for name in OPTIONS}
    beside = {"program", "all_data", "run", "share", "embedded"}

    assert vars(parser().parse_args(["train", "a.pnn"])).keys() == known | beside
    assert USED.keys() == train_verb.TRAINERS.keys()


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("trainer", USED, indirect=True)
def test_an_option_is_of_use_or_refused(ppc: Ppc, trainer: str, option: str) -> None:
    done = ppc("train", "a.pnn", *words(option))

    taken = option in f"{EVERYBODY} {USED[trainer]}".split()
    assert (done.code, "PPC599" in done.err) == ((0, False) if taken else (3, True))


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("trainer", ALONE, indirect=True)
def test_an_option_of_one_role(ppc: Ppc, trainer: str, option: str) -> None:
    """What is said of a role needs `--be`, and what shares all examples out is nothing for a role."""
    done = ppc("train", "a.pnn", "--be", "2", *words(option))

    taken = option in f"{EVERYBODY} {USED[trainer]} {ALONE[trainer]}".split() and option != "--each"
    assert (done.code, "PPC599" in done.err) == ((0, False) if taken else (3, True))
    if taken and option in ALONE[trainer].split():
        assert "--be" in ppc("train", "a.pnn", *words(option)).err


def test_a_role_of_a_training_on_shares_is_another_verb(ppc: Ppc) -> None:
    """Who names one does not get all three."""
    done = ppc("train", CHECKOUT / "examples" / "shallow_train.pnn", "--data", "digits28:256", "--be", "1")

    assert done.code == 3
    assert "`ppc party`" in done.err
