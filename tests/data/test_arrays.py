"""Inputs are judged by their headers: nothing is read that the model does not take."""

from __future__ import annotations

import os
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from ppc.data import load_inputs
from ppc.errors import PpcError, render
from ppc.files import write_whole
from ppc.ir.text import parse
from tests.programs import compiled, program

GRAPH = compiled(program("joint"), batch=1).graph


def npz(path: Path, **members: bytes) -> Path:
    """An archive whose members are just these bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def saved(array: np.ndarray) -> bytes:
    held = BytesIO()
    np.save(held, array)
    return held.getvalue()


def header(shape: tuple[int, ...]) -> bytes:
    """The beginning of an array of this shape, and nothing of its numbers."""
    held = BytesIO()
    np.lib.format.write_array_header_1_0(held, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return held.getvalue()


def test_other_members_are_not_read(tmp_path: Path) -> None:
    """Beside the input stands an array that no machine could hold."""
    path = npz(tmp_path / "in.npz", image=saved(np.ones((3, 2, 8, 8))), junk=header((2**40,)))

    assert load_inputs(path, GRAPH)["image"].shape == (3, 2, 8, 8)


@pytest.mark.parametrize("shape", [(2**40, 2, 8, 8), (2**40,), (7,), ()])
def test_a_header_that_does_not_fit_is_enough(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Too many examples, or other sizes, are refused before any number is read."""
    for path in (npz(tmp_path / "in.npz", image=header(shape)), tmp_path / "in.npy"):
        if path.suffix == ".npy":
            path.write_bytes(header(shape))
        with pytest.raises(PpcError, match="PPC508"):
            load_inputs(path, GRAPH)


def test_numbers_that_end_early_are_damage(tmp_path: Path) -> None:
    """The header promises more than the file holds."""
    with pytest.raises(PpcError, match="PPC502"):
        load_inputs(npz(tmp_path / "in.npz", image=header((1, 2, 8, 8))), GRAPH)


def test_names_from_a_file_do_not_reach_the_terminal_as_commands(tmp_path: Path) -> None:
    """An array may be named like an escape sequence."""
    from ppc.weights import load

    path = npz(tmp_path / "w.npz", **{"\x1b]0;mine\x07\x1b[31m": saved(np.ones(1))})
    with pytest.raises(PpcError) as caught:
        load(path, compiled(program("joint")).after("infer-shapes"))

    assert "\x1b" not in render(caught.value)


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    """What is written goes through a new file under a name that cannot be foreseen, with the rights of the old one."""
    target = tmp_path / "out.npz"
    target.write_bytes(b"old")
    target.chmod(0o600)
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / f".out.npz.{os.getpid()}.part").symlink_to(victim)

    write_whole(target, b"new")

    assert (target.read_bytes(), victim.read_text()) == (b"new", "untouched")
    assert target.stat().st_mode & 0o777 == 0o600


def test_runs_of_dots_in_a_graph_text_cost_no_time() -> None:
    """A bound is one number; there is one way to read it."""
    line = "x = relu() : real[1] in " + "1.." * 100_000 + "1 ; 1:1-1:1 source"
    text = f'graph g {{\n  stage typed\n  source "g"\n  parties a\n  {line}\n}}\n'

    with pytest.raises(PpcError, match="PPC510"):
        parse(text)
