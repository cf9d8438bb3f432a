"""A small training's plan, and checkpoints of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from ppc.compiler import compile_program
from ppc.field import Words
from ppc.plan.steps import Plan
from ppc.protocol import lowered
from ppc.runtime.checkpoint.common import mark_of
from ppc.runtime.checkpoint.folder import Folder
from ppc.runtime.checkpoint.kept import Header, Kept
from ppc.runtime.keys import artifact_hash
from ppc.runtime.prep.disk import Disk
from tests.end_to_end.machines import TINY

KEY = b"k" * 32
SESSION = b"s" * 16
NARROW = TINY.replace("    joint\n", "    joint { field = mersenne61 }\n")
WIDE = TINY.replace("    joint\n", "    joint { field = mersenne127, truncation = local, fraction = 16 }\n")


@cache
def plan(text: str = NARROW) -> Plan:
    return lowered(compile_program(text, train=True)).plan


def shares(of: Plan, seed: int = 1) -> dict[str, Words]:
    generator = np.random.default_rng(seed)
    return {
        carry.name: generator.integers(0, 1 << 61, of.modulus_field.shape(*carry.wire.shape), np.uint64)
        % np.uint64((1 << 61) - 1)
        for carry in of.section("each").carries
    }


def kept(step: int, *, session: bytes = SESSION, party: str = "hospital", of: Plan | None = None) -> Kept:
    of = of or plan()
    header = Header(
        party=party,
        role=of.parties.index(party),
        plan=artifact_hash(of),
        training=session.hex(),
        mark=mark_of(session, step),
        session=session.hex(),
        step=step,
        steps=40,
        examples=80,
    )
    return Kept(header=header, order=b"o" * 32, data=b"d" * 32, shares=shares(of, step))


def folder(path: Path, *, disk: Disk | None = None, of: Plan | None = None, key: bytes = KEY) -> Folder:
    return Folder(path, key, of or plan(), "hospital", disk=disk)
