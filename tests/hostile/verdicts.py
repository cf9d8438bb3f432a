"""What is wrong with how an honest side met a behaviour; nothing, if all is as it must be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ppc.errors import PpcError, render
from tests.hostile.mouth import deviations
from tests.hostile.stage import Scene
from tests.hostile.workloads import CANARY, CANARY_WEIGHT, Answer
from tests.hostile.world import same

# Everybody who may be at fault, as errors call them: by name, by address, or where neither is known yet.
NAMED = re.compile(r"`(hospital|lab|dealer)`|(server|dealer) at 127|[Tt]he other (side|party)|client came|sides differ")

SHOWN = 8  # signs of a number


def problems(scene: Scene, answer: Answer) -> Iterator[str]:
    behaviour = scene.behaviour
    if scene.broke is not None:
        yield f"the hostile side broke: {scene.broke!r}"
    if not deviations(scene.mouth):
        yield "it did nothing that an honest one would not"
    if scene.hanging:
        yield f"{scene.hanging} hangs"
    yield from _endings(scene)
    if not behaviour.believed:
        yield from _errors(scene)
    yield from _results(scene, answer)
    yield from _shown(scene)
    if behaviour.stranger and not scene.served_after:
        yield "nobody is served any more"
    if behaviour.burnt is not None and scene.used != [behaviour.burnt]:
        yield f"the pair is {'not ' if behaviour.burnt else ''}burnt"


def _endings(scene: Scene) -> Iterator[str]:
    for one in scene.honest:
        if one.failed is not None and not isinstance(one.failed, PpcError):
            yield f"{one.role} ended without a code: {one.failed!r}"


def _errors(scene: Scene) -> Iterator[str]:
    behaviour = scene.behaviour
    if not scene.told:
        yield "nobody is told"
    for error in scene.told:
        if not re.fullmatch(behaviour.codes, error.diagnostics[0].code):
            yield f"another code: {error}"
        if not NAMED.search(str(error)) and not re.match("PPC5|PPC66[13]", str(error)):
            yield f"nobody is named: {error}"
    texts = [re.sub(r"\s+", " ", render(error)) for error in scene.told]
    if behaviour.says and not any(re.search(behaviour.says, text) for text in texts):
        yield f"other words: {texts}"


def _results(scene: Scene, answer: Answer) -> Iterator[str]:
    """Nothing comes out of a run that went wrong, but what is right; what nobody can tell is believed."""
    for one in scene.honest:
        if one.results is None or scene.behaviour.believed or one.greets_only:
            continue
        if one.results and not same(one.results, {**one.results, **answer.get(one.role, {})}):
            yield f"{one.role} has a result that is wrong"
        elif scene.behaviour.who != "dealer" or not one.failed:
            yield f"{one.role} has a result of a run that failed: {sorted(one.results)}"


def _shown(scene: Scene) -> Iterator[str]:
    """Nothing that anybody could print has a number in it that only its owner has."""
    for text in scene.shown:
        if any(str(number)[:SHOWN] in text for number in (CANARY, CANARY_WEIGHT)):
            yield f"a secret is shown: {text[:300]}"
        if "Traceback" in text:
            yield f"a traceback is shown: {text[:300]}"
