"""Weights that all roles have: they are compared by hash before anything is computed, and what differs is said."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ppc.errors import PpcError, render
from ppc.runtime.roles.public import public_weights, together
from tests.hostile import world as first
from tests.hostile.test_behaviours import right, staged
from tests.hostile.workloads import INFERENCE, OPEN
from tests.hostile.world import CALM, HERE, Honest, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    yield from staged(OPEN, tmp_path_factory.mktemp("public"))


def other(world: World, role: str) -> World:
    """One number is another one at one role."""
    brought = world.brought[role]
    whole = dict(brought.whole) | {"dense1.bias": np.asarray(brought.whole["dense1.bias"]) + 0.125}
    return replace(world, brought={**world.brought, role: replace(brought, whole=whole)})


def run(of_client: World, of_server: World) -> dict[str, Honest]:
    server, listener = first.server(of_server, replace(CALM, patience=2.0))
    client = first.client(of_client, (HERE, listener.port), CALM)
    for one in (client, server):
        one.thread.join(60)
    return {"client": client, "server": server}


@pytest.mark.parametrize("files", [False, True], ids=["live", "files"])
def test_the_same_weights(world: World, files: bool) -> None:
    here = world.with_files() if files else world
    found = run(here, here)

    assert [one.failed for one in found.values()] == [None, None]
    assert right(world, found)


@pytest.mark.parametrize("role", ["client", "server"])
def test_a_party_with_others(world: World, role: str) -> None:
    """Both are told in the greeting, by the layer."""
    changed = other(world, role)
    found = run(changed if role == "client" else world, changed if role == "server" else world)
    client = found["client"].failed

    assert isinstance(client, PpcError)
    assert client.diagnostics[0].code == "PPC668"
    assert "public weights of dense1: ours" in render(client)
    assert "public weights of dense1" in str(found["server"].refused[0])


def test_a_dealer_with_others(world: World) -> None:
    dealing = first.Dealing(other(world, "dealer"))
    there = replace(world, dealer=dealing.address)
    found = run(there, there)
    dealing.close()

    for one in found.values():
        assert isinstance(one.failed, PpcError)
    assert "public weights of dense1" in " ".join(str(one.failed) for one in found.values())


def test_files_that_were_dealt_with_others(world: World) -> None:
    """The dealer's numbers depend on them."""
    dealt = other(world, "dealer").with_files()
    there = replace(dealt, brought=world.brought)
    client = run(there, there)["client"].failed

    assert isinstance(client, PpcError)
    assert client.diagnostics[0].code == "PPC553"
    assert "public weights" in str(client)


def test_equal_numbers_have_equal_hashes(world: World) -> None:
    """In single or double precision, and whichever of the zeros."""
    bundle, brought = world.bundles["server"], world.brought["server"]
    zero = {name: np.zeros_like(values) for name, values in brought.whole.items()}
    minus = {name: -np.zeros(values.shape, np.float64) for name, values in brought.whole.items()}

    assert public_weights(bundle, replace(brought, whole=zero)) == public_weights(bundle, replace(brought, whole=minus))
    assert list(public_weights(bundle, brought)) == ["public weights of dense1"]
    assert together({}) == ""


def test_nothing_is_said_of_private_weights(tmp_path: Path) -> None:
    world = first.build(INFERENCE, tmp_path)

    assert public_weights(world.bundles["server"], world.brought["server"]) == {}
