"""A folder of checkpoints: one training at a time, and none beyond what was given out."""

from __future__ import annotations

from pathlib import Path

from tests.checkpoint.made import folder, kept
from tests.runtime.test_failures import refused


def test_two_trainings_do_not_share_a_folder(tmp_path: Path) -> None:
    first = folder(tmp_path / "kept")
    first.hold()

    refused("PPC589", folder(tmp_path / "kept").hold)
    folder(tmp_path / "another").hold()


def test_what_was_given_out_is_remembered(tmp_path: Path) -> None:
    here = folder(tmp_path / "kept")
    here.write(kept(3))
    assert not here.released
    here.release(3)
    here.release(3)

    assert folder(tmp_path / "kept").released
    assert [path.name for path in here.files()] == ["step-000000003.checkpoint"]
