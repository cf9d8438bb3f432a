"""Where in a run a behaviour happens, by the plan: the first mask of a party, the middle, the last revealed value."""

from __future__ import annotations

from collections.abc import Iterator

from ppc.plan.messages import messages
from ppc.runtime.roles import request
from tests.hostile.world import World


def frames(world: World, role: str) -> Iterator[list[str]]:
    """The frames that a party sends, in order; of each, the ops of its messages."""
    bundle = world.bundles[role]
    for stretch in request.stretches(bundle, world.request):
        plan = stretch.plan
        for name, _ in stretch.passes:
            found: dict[int, list[str]] = {}
            for message in messages(plan, plan.section(name)):
                if message.sender == bundle.party and message.bytes:
                    found.setdefault(message.round, []).append(plan.by_name[message.step].op)
            yield from (found[number] for number in sorted(found))


def place_of(world: World, role: str, at: str) -> str:
    """`frame first`, `mask last`, `reveal first`, …: the frame of that number; any other place is as it is called."""
    kind, _, which = at.partition(" ")
    if which not in ("first", "second", "middle", "last"):
        return at
    all_frames = list(frames(world, role))
    found = [number for number, ops in enumerate(all_frames) if kind == "frame" or ops[0] == kind]
    place = {"first": 0, "second": 1, "middle": len(found) // 2, "last": -1}[which]
    return f"frame {found[place]}"
