"""Options of other trainers, and of bundles: refused where they would change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppc.cli import main
from ppc.cli.arguments import parser
from ppc.cli.unused import BUNDLES
from tests.distilled.made import packed, target
from tests.distilling.commands import DEVICE, TRAIN, codes

OF_OTHERS = {
    "--holdout 0.5": "train",
    "--holdout 0.2": "train",
    "--hold=0.2": "train",
    "-O2": "train",
    "--threads=1": "train device",
    "--start he": "train",
    "--stop-after 3": "train",
    "--signals data.npz": "train device",
    "--be server": "train",
    "--each 10": "train",
    "--public data.npz": "train",
    "--labels labels.npz": "train",
    "--aggregator 127.0.0.1:1": "train",
    "--peer 127.0.0.1:1": "train device",
    "--listen 127.0.0.1:1": "train device",
    "--certificates rings": "train device",
    "--patience 3": "train device",
    "--release": "train device",
    "--turn 1": "train device",
    "--order given": "train device",
    "--trace trace.json": "train device",
    "--threads 2": "train device",
    "-O 1": "train",
    "--test test.npz": "device",
    "--input test.npz": "device",
    "--examples 3": "device",
    "--weights weights.npz": "device",
    "--seed 3": "device",
    "--shares a.shares": "device",
    "--leave a.shares": "device",
    "--checkpoint kept": "device",
    "--every 3": "device",
    "--resume": "device",
    "--dealer 127.0.0.1:1": "device",
    "--serve": "device",
    "--most 3": "device",
    "--prep prep": "device",
    "--trust a": "device",
    "--ledger ledger": "device",
    "--idle 3": "device",
    "--insecure-local": "device",
}


@pytest.mark.parametrize("option", OF_OTHERS)
def test_options_of_others_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    """And not passed over: nothing is learned, and no step made."""
    monkeypatch.setattr("ppc.distilling.Learner.epoch", lambda *_: pytest.fail("an epoch was learned"))
    monkeypatch.setattr("ppc.distilled.device.trained", lambda *_: pytest.fail("a step was made"))
    (folder / "small.secdd").write_bytes(packed(target()))
    commands = {"train": [*TRAIN], "device": [*DEVICE]}

    for name in OF_OTHERS[option].split():
        assert main([*commands[name], *option.split()]) == 3
        assert codes(capsys) == ["PPC599"]


def test_every_option_of_a_party_is_of_use_or_refused() -> None:
    """One that somebody adds to this verb has to be decided on here too."""
    used = {"program", "model", "key", "data", "output", "quiet", "verbose", "json"}
    used |= {"role", "bundle", "embedded", "traced", "run"}
    refused = {one.strip("-").replace("-", "_") for one in BUNDLES}

    assert vars(parser().parse_args(["party", "device", "a.secdd"])).keys() - used - refused == set()


@pytest.mark.parametrize("option", ["--key device.key", "--data data.npz", "--program small.pnn", "--model small"])
def test_options_of_a_device_are_refused_for_a_bundle(
    folder: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert main(["party", "client", str(folder), *option.split()]) == 3
    assert codes(capsys) == ["PPC599"]
