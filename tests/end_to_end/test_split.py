"""A model that is split: both halves over the wire in the clear, what others send, and three places of its layers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ppc import bundle, bundling
from ppc.cli.brought_files import brought
from ppc.errors import PpcError
from ppc.passes.checks.verdict import accepted
from ppc.runtime.channel import Header
from ppc.runtime.roles.brought import Array, Brought
from ppc.runtime.wire.tls_channel import TlsChannel
from tests.end_to_end.machines import ppc
from tests.end_to_end.split_house import SMALL, answers, built, house, nearest, scans, weights_of


@pytest.mark.parametrize(("as_", "close"), [("small", 1e-6), ("bytes", 2e-2)])
def test_the_answer_is_the_model_s(tmp_path: Path, as_: str, close: float) -> None:
    """For a signal that the client alone knows; in float32, or in bytes, which are a little off."""
    rows = scans(7)
    with house(tmp_path, as_) as here:
        found = here.client(rows)

    assert nearest(found, answers(as_, rows)).max() < close


def test_many_clients_at_once(tmp_path: Path) -> None:
    """Each gets its own answer."""
    sets = [scans(3, seed) for seed in range(12)]
    with house(tmp_path) as here, ThreadPoolExecutor(12) as pool:
        found = list(pool.map(here.client, sets))

    for rows, result in zip(sets, found, strict=True):
        assert nearest(result, answers("small", rows)).max() < 1e-6
    assert {said.split(": ")[1] for said in here.said} == {"done"}


def test_signals_are_drawn_anew_for_each_query(tmp_path: Path) -> None:
    """The same scan again and again: the answers are those of all signals."""
    rows = np.repeat(scans(1), 40, axis=0)
    with house(tmp_path) as here:
        found = here.client(rows)
    distances = np.abs(found[np.newaxis] - answers("small", rows)).max(axis=2)

    assert set(distances.argmin(axis=0)) == {0, 1, 2, 3}


@pytest.mark.parametrize("what", [np.nan, 1e9])
def test_a_client_that_sends_numbers_of_no_honest_run(tmp_path: Path, what: float) -> None:
    """Its session ends with a reason, and the next client is served."""
    bad = scans(3)
    bad[1, 0, 2, 3] = what
    with house(tmp_path) as here:
        with pytest.raises(PpcError):
            here.client(bad)
        found = here.client(scans(3))

    assert "PPC670" in here.said[0]
    assert nearest(found, answers("small", scans(3))).max() < 1e-6


@pytest.mark.parametrize("as_", ["small", "joined", "whole"])
@pytest.mark.parametrize("what", [np.nan, np.inf, 7.0])
def test_a_client_s_own_wrong_numbers_are_found_in_its_file(tmp_path: Path, as_: str, what: float) -> None:
    """With their row, in all three places, before it speaks to anybody."""
    rows = scans(3)
    rows[1, 0, 2, 3] = what
    np.savez(tmp_path / "rows.npz", scan=rows)
    home = bundle.write(bundling.program(bundling.at_batches(SMALL, as_=as_), weights_of), tmp_path / "build")
    client = bundle.read(home / "client", accepted)

    with pytest.raises(PpcError) as error:
        brought(client, inputs=tmp_path / "rows.npz", weights=None, seed=None, say=print)

    assert "1 of 3 rows; the first is row 1" in error.value.diagnostics[0].message
    assert [one.code for one in error.value.diagnostics] == ["PPC520"]


def test_a_client_that_sends_another_shape(tmp_path: Path) -> None:
    """A frame of another length is refused before it is read."""
    with house(tmp_path) as here:
        channel = TlsChannel(here.met(1))
        frame, room = Header("each", 0, 1, 8 * 17).frame()
        room[...] = 0
        channel.send(frame)
        with pytest.raises(PpcError):
            channel.receive(24)
        channel.close()
        found = here.client(scans(3))

    assert "PPC651" in here.said[0]
    assert nearest(found, answers("small", scans(3))).max() < 1e-6


@pytest.mark.parametrize("factor", [np.nan, 1e12])
def test_a_server_that_returns_nonsense(tmp_path: Path, factor: float) -> None:
    def change(whole: dict[str, Array]) -> dict[str, Array]:
        return {**whole, "dense2.bias": np.asarray(whole["dense2.bias"] * factor)}

    with house(tmp_path, change=change) as here, pytest.raises(PpcError) as error:
        here.client(scans(1))

    assert [one.code for one in error.value.diagnostics] == ["PPC670"]


def test_halves_of_different_compilations(tmp_path: Path) -> None:
    """The same program and other weights: the sides do not go on with each other."""
    with house(tmp_path) as here:
        here.bundles["client"] = built(tmp_path / "other", seed=2)["client"]
        with pytest.raises(PpcError) as error:
            here.client(scans(1))

    assert [one.code for one in error.value.diagnostics] == ["PPC668"]


def test_a_server_with_other_weights_than_those_given_away(tmp_path: Path) -> None:
    built(tmp_path)
    server = bundle.read(tmp_path / "small" / "server", accepted)
    compiled = bundling.at_batches(SMALL)[0].compiled
    server.same_as_published(weights_of(compiled, 1))

    with pytest.raises(PpcError) as error:
        server.same_as_published(weights_of(compiled, 2))

    assert [one.code for one in error.value.diagnostics] == ["PPC549"]


def test_the_client_is_given_its_layers_and_no_other(tmp_path: Path) -> None:
    given = built(tmp_path)["client"].given_away

    assert {name: array.shape for name, array in given.items()} == {
        "conv1.bias": (3,),
        "conv1.weight": (3, 1, 3, 3),
        "conv2.bias": (4,),
        "conv2.weight": (4, 7, 3, 3),
    }


@pytest.mark.parametrize("role", ["client", "server"])
def test_published_weights_are_held_to_their_hash(tmp_path: Path, role: str) -> None:
    """Changed at the client, or put where they do not belong."""
    built(tmp_path)
    path = tmp_path / "small" / "client" / "published.safetensors"
    data = path.read_bytes()
    (tmp_path / "small" / role / path.name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))

    with pytest.raises(PpcError) as error:
        bundle.read(tmp_path / "small" / role, accepted)

    assert error.value.diagnostics[0].code in ("PPC543", "PPC542")


def test_no_weights_no_bundle(tmp_path: Path) -> None:
    """A split gives weights away, so they are there when it is compiled."""
    (tmp_path / "small.pnn").write_text(SMALL, "utf-8")

    done = ppc("compile", "small.pnn", "-o", "build/", cwd=tmp_path)

    assert done.returncode == 3
    assert "--weights FILE" in done.stderr


@pytest.mark.parametrize(("as_", "dealt"), [("small", False), ("joined", True), ("whole", True)])
def test_three_placements_of_one_model(tmp_path: Path, as_: str, dealt: bool) -> None:
    """As processes: the same weights, the same answers, and every byte predicted."""
    (tmp_path / "small.pnn").write_text(SMALL, "utf-8")
    np.savez(tmp_path / "scans.npz", scan=scans(2))

    done = ppc("run", "small.pnn", "--as", as_, "--seed", 1, "--input", "scans.npz", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)

    assert nearest(np.array(found["result"]), answers(as_, scans(2))).max() < 2e-3
    assert found["measured"] == found["predicted"]
    assert any(found["predicted"]["dealt"]) == dealt


def test_brought_signals_are_the_client_s_alone(tmp_path: Path) -> None:
    """The server's part of the plan has no signal in it."""
    from ppc.runtime.roles.brought import given
    from ppc.runtime.roles.request import Request, stretches

    server = built(tmp_path)["server"]
    (stretch,) = stretches(server, Request(examples=3))

    assert given(stretch, "lab", Brought())("each", 0) == {}
