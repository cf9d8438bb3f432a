"""What a training needs to go on, on the disk: whole at every moment, whatever ends the process.

`state.json` names the file of arrays that belongs to it, with its hash; it is written last. It also says of what it is
a training: of another program, other data or another recipe nothing goes on from it. Of a model that will be split it
holds the provider's half too: its owner alone may read it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from ppc.errors import PpcError, fail
from ppc.files import make_folder, remove_parts, write_whole
from ppc.learning.network import Tensors
from ppc.retraining.training import Lesson, Recipe, Row, State
from ppc.weights import save
from ppc.weights.stored import stored

STATE = "state.json"
VERSION = 1
GROUPS = ("weights", "momenta", "best")
MOST = 10_000_000  # bytes of a state; a row for each epoch


@dataclass(frozen=True)
class Checkpoints:
    """In a folder; `of` is the training's fingerprint."""

    folder: Path
    of: str

    @staticmethod
    def at(folder: Path, recipe: Recipe, lesson: Lesson, *texts: str) -> Checkpoints:
        """Of a training with this recipe on these data; `texts` say the rest of what it is."""
        found = sha256(json.dumps([asdict(recipe), *texts], sort_keys=True).encode())
        for tensor in (lesson.images, lesson.labels):
            found.update(tensor.contiguous().numpy().tobytes())
        return Checkpoints(folder, found.hexdigest())

    def check_new(self) -> None:
        """A training that begins overwrites none that is there."""
        if (self.folder / STATE).exists():
            raise there_already(self.folder)

    def keep(self, state: State) -> None:
        """The arrays under a new name, then the state that names them; older arrays go."""
        make_folder(self.folder, private=True)
        name = f"after.{state.steps}.{state.epoch}.safetensors"
        arrays = {f"{group}/{key}": tensor.numpy() for group in GROUPS for key, tensor in _group(state, group).items()}
        save(self.folder / name, arrays, private=True)
        facts = {
            "version": VERSION,
            "of": self.of,
            "arrays": name,
            "sha256": sha256((self.folder / name).read_bytes()).hexdigest(),
            "rows": [asdict(row) for row in state.rows],
            **{key: getattr(state, key) for key in ("epoch", "step", "steps", "seconds", "losses")},
        }
        text = json.dumps(facts, indent=2, sort_keys=True) + "\n"
        write_whole(self.folder / STATE, text.encode(), private=True)
        for old in self.folder.glob("after.*.safetensors"):
            if old.name != name:
                old.unlink(missing_ok=True)
        for start in ("after.", STATE):
            remove_parts(self.folder, start)

    def last(self, first: State) -> State:
        """What was kept last, of the training that begins with `first`."""
        facts = self._facts()
        if facts.get("of") != self.of:
            raise fail(
                "PPC581",
                f"`{self.folder}` has the checkpoint of another training: another program, recipe, data or seed.",
                hint="Resume with what it was begun with, or begin anew without `--resume`.",
            )
        path = self.folder / str(facts.get("arrays"))
        try:
            whole = path.parent == self.folder and sha256(path.read_bytes()).hexdigest() == facts.get("sha256")
            found = _state(facts, _arrays(path)) if whole else None
        except (OSError, KeyError, TypeError, ValueError):
            found = None
        if found is None or not _follows(found, first):
            raise _damaged(self.folder)
        return found

    def _facts(self) -> dict[str, Any]:
        path = self.folder / STATE
        try:
            data = path.read_bytes()
            found = json.loads(data) if len(data) <= MOST else None
        except FileNotFoundError:
            hint = "Begin without `--resume`."
            raise fail("PPC581", f"`{self.folder}` has no checkpoint to go on from.", hint=hint) from None
        except (OSError, ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or found.get("version") != VERSION:  # pyright: ignore[reportUnknownMemberType]
            raise _damaged(self.folder)
        return found  # pyright: ignore[reportUnknownVariableType]


def there_already(folder: Path) -> PpcError:
    hint = "Go on with it by `--resume`, or name another folder."
    return fail("PPC574", f"`{folder}` has checkpoints already.", hint=hint)


def _damaged(folder: Path) -> PpcError:
    return fail("PPC581", f"The checkpoint in `{folder}` is damaged.", hint="Begin anew without `--resume`.")


def _follows(state: State, first: State) -> bool:
    """Whether a training that begins with `first` may be there: a hash is no signature, who can write can make it."""
    shapes = {name: tensor.shape for name, tensor in first.weights.items()}
    same = [{name: tensor.shape for name, tensor in _group(state, group).items()} for group in GROUPS]
    weights, momenta, best = same
    counts = state.epoch == len(state.rows) and min(state.step, state.steps) >= 0
    return counts and weights == shapes and momenta.items() <= shapes.items() and best == (shapes if state.rows else {})


def _group(state: State, group: str) -> Tensors:
    return getattr(state, group)


def _arrays(path: Path) -> dict[str, Tensors]:
    found: dict[str, Tensors] = {group: {} for group in GROUPS}
    with stored(path) as arrays:
        for array in arrays:
            group, _, name = array.name.partition("/")
            found[group][name] = torch.from_numpy(array.read())
    return found


def _state(facts: dict[str, Any], arrays: dict[str, Tensors]) -> State:
    rows = tuple(_row(row) for row in facts["rows"])
    epoch, step, steps = (int(facts[key]) for key in ("epoch", "step", "steps"))
    seconds, losses = float(facts["seconds"]), float(facts["losses"])
    return State(**arrays, rows=rows, epoch=epoch, step=step, steps=steps, seconds=seconds, losses=losses)


def _row(facts: dict[str, Any]) -> Row:
    epoch, steps = (int(facts[key]) for key in ("epoch", "steps"))
    seconds, loss, accuracy = (float(facts[key]) for key in ("seconds", "loss", "accuracy"))
    return Row(epoch=epoch, steps=steps, seconds=seconds, loss=loss, accuracy=accuracy)
