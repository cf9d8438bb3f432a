"""Parties that keep no checkpoints are told so before a training begins, and again when it ends early."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.end_to_end.machines import TINY, machines, ppc, rows


def test_parties_without_checkpoints_are_told(tmp_path: Path) -> None:
    with machines(tmp_path) as here:
        (tmp_path / "tiny.pnn").write_text(
            TINY.replace("rate=0.1", "rate=20").replace("epochs=2", "epochs=50"), "utf-8"
        )
        assert ppc("compile", "tiny.pnn", "--train", "-o", "lessons/", cwd=tmp_path).returncode == 0
        (tmp_path / "build").rename(tmp_path / "answers")
        (tmp_path / "build").symlink_to(tmp_path / "lessons" / "tiny.train")
        np.savez(tmp_path / "data.npz", row=rows(6), labels=np.arange(6) % 3)
        dealer = here.dealer().port()
        server = here.server(dealer)
        client = here.start("client", "--peer", server.port(), "--dealer", dealer, "--input", "data.npz")
        ended = (server.ends(), client.ends())
        said = [" ".join(one.text.split()) for one in (server, client)]

    assert ended == (5, 5), said
    assert all("`--checkpoint FOLDER` keeps it" in text for text in said)
    assert any("PPC656" in text and "Nothing of this training was kept" in text for text in said)
