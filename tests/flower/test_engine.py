"""The real engine, both ways: Flower's simulation, and a SuperLink with SuperNodes over TLS. The result is that of one
process, to the bit. Run with scripts/flower, which takes some minutes; nothing is installed while it runs."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from ppc.flower.subject import subject
from ppc.learning import Layout
from ppc.learning.network import as_tensors
from ppc.weights import load
from tests.flower.engines import app_of, ran, simulation, started, superlink, supernode
from tests.flower.programs import DATA, PROGRAM, SEED, SPARSE, TEST, in_one_process

pytestmark = pytest.mark.flower


def told(output: Path, **more: str) -> str:
    said = f'data="{DATA}" test="{TEST}" seed={SEED} output="{output}"'
    return said + "".join(f" {name}={value}" for name, value in more.items())


def same(output: Path, program: str = PROGRAM) -> bool:
    network = subject(PROGRAM).network
    weights = as_tensors(load(output / "model.safetensors", network.graph).weights)
    return np.array_equal(Layout.of(network).vector(weights).numpy(), in_one_process(program))


def test_simulation(tmp_path: Path) -> None:
    """To the end; then half of it with checkpoints, and from these to the same end."""
    app, half = app_of(tmp_path / "whole", PROGRAM), app_of(tmp_path / "half", PROGRAM.replace("rounds 2", "rounds 1"))
    kept = f'"{tmp_path / "kept"}"'
    with simulation(app) as port:
        said = ran(app, "simulation", port, told(tmp_path / "out"))
        ran(half, "simulation", port, told(tmp_path / "first", checkpoint=kept))
        later = ran(app, "simulation", port, told(tmp_path / "second", checkpoint=kept, resume="true"))

    assert "round    2 of 2" in said, said
    assert same(tmp_path / "out")
    assert not same(tmp_path / "first")
    assert "round    1 of 2" not in later, later
    assert same(tmp_path / "second"), later


def test_the_asynchronous_order_in_a_simulation(tmp_path: Path) -> None:
    program = PROGRAM.replace("order random", "order asynchronous\n    exchange every 5 batches\n    scale 0.5")
    app = app_of(tmp_path / "loose", program)
    with simulation(app) as port:
        said = ran(app, "simulation", port, told(tmp_path / "out"))

    found = json.loads((tmp_path / "out" / "report.json").read_text())
    assert found["exchanges"] == 2 * 2 * 2, said
    assert found["up"] == found["predicted_up"]
    assert set(found["reports"]) == {"1", "2"}


def test_superlink_and_supernodes_over_tls(tmp_path: Path) -> None:
    app = app_of(tmp_path / "whole", PROGRAM)
    with superlink(app) as port, started(app, *supernode(app, port, 0)), started(app, *supernode(app, port, 1)):
        said = ran(app, "deployment", port, told(tmp_path / "out"))

    assert "round    2 of 2" in said, said
    assert same(tmp_path / "out")


def test_updates_on_shares_in_a_simulation(tmp_path: Path) -> None:
    """The node behind the participants is the second aggregator."""
    app = app_of(tmp_path / "shared", SPARSE)
    with simulation(app) as port:
        said = ran(app, "simulation", port, told(tmp_path / "out"))

    assert same(tmp_path / "out", SPARSE), said
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    assert found["up"] == found["up_second"] == found["predicted_up"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of packages that the engine imports
def test_what_a_node_answers_that_is_no_letter_is_nothing() -> None:
    """A node may answer by any message of Flower's."""
    from flwr.app import ConfigRecord, RecordDict  # pyright: ignore[reportMissingModuleSource]

    from ppc.flower.engine import LETTER, GridMail

    for content in (
        RecordDict(),
        RecordDict({LETTER: ConfigRecord()}),
        RecordDict({LETTER: ConfigRecord({"bytes": 5})}),
    ):
        grid = Mock()
        grid.pull_messages.return_value = [Mock(content=content, has_error=lambda: False)]
        assert GridMail(grid).answer("1") == b""
