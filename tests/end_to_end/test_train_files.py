"""A training on machines of their own with the dealer's files: a pair for it and for each evaluation, used once; what
was not used when it was killed is used by nobody."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ppc.runtime.prep.ledger import Ledger
from tests.checkpoint.made import NARROW
from tests.end_to_end.machines import Machines, Running, machines, ppc, rows

TEXT = NARROW.replace("epochs=2", "epochs=30").replace("    loss", "    evaluate accuracy to lab every 10\n    loss")
EXAMPLES, TESTS, STEPS = 6, 4, 90


def started(here: Machines, dealer: str, *more: object) -> tuple[Running, Running]:
    """Server and client, which have their own ledgers and checkpoints."""
    common = ("--prep", "prep", "--trust", dealer, "--every", 5, *more)

    def own(role: str) -> tuple[object, ...]:
        return ("--ledger", f"{role}.ledger", "--checkpoint", f"{role}.kept", *common)

    server = here.start("server", "--listen", "127.0.0.1:0", "--seed", 1, "-o", "model.safetensors", *own("server"))
    data = ("--input", "data.npz", "--test", "data.npz", "-o", "losses.npz")
    client = here.start("client", "--peer", server.port(), *data, *own("client"))
    return server, client


def test_each_pair_is_used_once(tmp_path: Path) -> None:
    with machines(tmp_path) as here:
        (tmp_path / "tiny.pnn").write_text(TEXT, "utf-8")
        assert ppc("compile", "tiny.pnn", "--train", "-o", "lessons/", cwd=tmp_path).returncode == 0
        (tmp_path / "build").rename(tmp_path / "answers")
        (tmp_path / "build").symlink_to(tmp_path / "lessons" / "tiny.train")
        np.savez(tmp_path / "data.npz", row=rows(EXAMPLES), labels=np.arange(EXAMPLES) % 3)
        deal = ("deal", "build", "--count", 2, "--examples", EXAMPLES, "--tests", EXAMPLES, "-o", "prep", "--json")
        facts = json.loads(ppc(*deal, "--key", "dealer.key", cwd=tmp_path).stdout)
        assert len(facts["pairs"]) == 2 * (1 + 3)  # a training and its three evaluations, twice

        server, client = started(here, facts["dealer"])
        while not list((tmp_path / "client.kept").glob("step-*35*")) and client.process.poll() is None:
            pass
        server.process.kill()
        assert client.ends() == 5
        server, client = started(here, facts["dealer"], "--resume")
        assert (server.ends(), client.ends()) == (0, 0), server.text + client.text

        assert (tmp_path / "model.safetensors").exists()
        learned = [one.text.partition(" learned\n")[2] for one in (server, client)]
        assert ["accuracy" in text for text in learned] == [True, False]
        steps = [path.name for path in sorted((tmp_path / "server.kept").iterdir())]
        assert steps[-1] == f"step-{STEPS:09}.checkpoint"
        used = [Ledger(tmp_path / f"{role}.ledger").used() for role in ("client", "server")]
        assert used[0] == used[1] <= {*facts["pairs"]}
        with np.load(tmp_path / "losses.npz") as losses:
            assert 5 <= len(losses["loss"]) <= STEPS - 30
