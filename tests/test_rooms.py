"""Who may import whom, and which doors lead out of the house. Read from the sources, so nothing hides in a branch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from sys import stdlib_module_names

import pytest

from tests.sources import CHECKOUT, LINKED, Module, dotted, imported, modules

MODULES = modules()

FOUNDATIONS = frozenset({"codes", "errors", "files", "source"})
EVERYTHING = frozenset({module.room for module in MODULES})

# A room and the rooms that it may know. Rooms further down know more; nobody knows the front door.
MAY_KNOW: dict[str, frozenset[str]] = {
    "codes": frozenset(),
    "source": frozenset(),
    "errors": frozenset({"codes", "source"}),
    "files": frozenset({"errors"}),
    "arrays": frozenset({"errors"}),
    "approximation": frozenset(),
    "field": FOUNDATIONS,
    "ir": FOUNDATIONS,
    "grammar": FOUNDATIONS | {"approximation", "ir"},
    "reference": FOUNDATIONS | {"ir"},
    "cost": FOUNDATIONS | {"field", "ir"},
    # Every place where a model can be cut in two.
    "cuts": FOUNDATIONS | {"cost", "ir"},
    "drawing": FOUNDATIONS | {"ir"},
    "data": FOUNDATIONS | {"arrays", "ir"},
    "weights": FOUNDATIONS | {"arrays", "ir"},
    # Training and attacks in the clear, with torch.
    "learning": FOUNDATIONS | {"ir", "weights"},
    "sharing": FOUNDATIONS | {"field"},
    "coins": frozenset(),
    "collaborative": FOUNDATIONS | {"bundle", "coins", "field", "ir", "learning", "runtime", "sharing"},
    "selective": FOUNDATIONS | {"coins", "data", "field", "ir", "learning", "runtime", "sharing"},
    "retraining": FOUNDATIONS | {"ir", "learning", "weights"},
    # Samples that train one network: the device's side needs no torch, the owner's does.
    "distilled": FOUNDATIONS | {"ir", "passes", "reference", "weights"},
    "distilling": FOUNDATIONS | {"distilled", "ir", "learning", "weights"},
    "audit": FOUNDATIONS | {"arrays", "collaborative", "data", "ir", "learning", "selective", "weights"},
    "passes": FOUNDATIONS | {"approximation", "cost", "cuts", "field", "ir", "plan"},
    "plan": FOUNDATIONS | {"field", "ir"},
    "bill": FOUNDATIONS | {"cost", "field", "files", "ir", "plan"},
    "leak": FOUNDATIONS | {"field", "ir", "plan"},
    "difference": FOUNDATIONS,
    "bundle": FOUNDATIONS | {"field", "ir", "plan", "weights"},
    # A party's machine has no compiler: what runs there may not need one.
    "runtime": FOUNDATIONS | {"bundle", "field", "ir", "plan", "reference"},
    # Compiles the program by which two parties compare what they hold shares of.
    "winner_program": FOUNDATIONS
    | {"bundle", "bundling", "compiler", "ir", "leak", "passes", "plan", "protocol", "runtime", "sharing"},
    "compiled": FOUNDATIONS | {"grammar", "ir", "passes", "plan"},
    "bundling": EVERYTHING - {"cli", "diff", "flower", "importing", "report", "winner_program"},
    "protocol": EVERYTHING - {"bundling", "cli", "compiler", "diff", "flower", "importing", "report", "winner_program"},
    "compiler": EVERYTHING - {"bundling", "cli", "diff", "flower", "importing", "report", "winner_program"},
    # Runs a program in float and as a twin of its plan.
    "diff": EVERYTHING - {"cli", "importing", "report"},
    "report": EVERYTHING - {"cli", "importing"},
    # The same servers, participants and workers as apps of Flower, which compile the program that they carry.
    "flower": FOUNDATIONS
    | {"collaborative", "compiler", "field", "ir", "learning", "runtime", "selective", "sharing", "weights"},
    # Compiles the program that it wrote, and runs it beside the model that it read.
    "importing": EVERYTHING - {"bundling", "cli", "diff", "flower", "protocol", "report", "runtime"},
    "cli": EVERYTHING,
    "__main__": frozenset({"cli"}),
    "ppc": frozenset({"compiler", "errors"}),
}

# Packages that one place of the house knows. Everywhere else they would be loaded by chance, or bind us to them.
DOORS: dict[str, tuple[str, ...]] = {
    "dp_accounting": ("ppc/collaborative/accountant.py", "ppc/selective/accountant.py"),
    "cryptography": ("ppc/distilled/", "ppc/flower/sealing.py", "runtime/"),
    "flwr": ("ppc/flower/engine.py",),
    "lark": ("grammar/parse.py", "grammar/build.py", "grammar/words.py"),
    "llvmlite": ("runtime/kernels/",),
    "networkx": ("ppc/drawing/",),
    "PIL": ("ppc/audit/pictures.py", "ppc/data/folders.py"),
    "numpy": ("ppc/", "passes/", "runtime/"),
    "onnx": ("ppc/importing/",),
    "onnxscript": ("ppc/importing/",),
    "rich": ("ppc/cli/", "runtime/"),
    "safetensors": ("ppc/weights/", "ppc/importing/"),
    "scipy": ("ppc/data/svhn.py",),
    "sklearn": ("ppc/data/digits.py",),
    "torch": (
        "ppc/audit/",
        "ppc/collaborative/",
        "ppc/distilling/",
        "ppc/flower/",
        "ppc/importing/torch_source.py",
        "ppc/learning/",
        "ppc/retraining/",
        "ppc/selective/",
        "ppc/weights/torch_file.py",
    ),
}

# Modules of the standard library that run code from data, or draw from a generator that can be predicted.
BANNED = {
    "dill": "it runs code of the file it reads",
    "marshal": "it crashes on a file that was made to",
    "pickle": "it runs code of the file it reads",
    "random": "shares and masks come from a cryptographic generator, tests from numpy's",
    "shelve": "it is pickle",
    "yaml": "its loader runs code; manifests are JSON",
}
# torch raises pickle's error for a file that it refuses; the name of that error is all that is taken.
PICKLE_ERROR = ("ppc/weights/torch_file.py", "pickle.UnpicklingError")

SEEDED = {
    "ppc/data/digits28.py": "images of nobody, to the bit the same on every machine",
    "ppc/cuts/rank.py": "a vector by which the rank of a map is estimated, the same at every try",
    "ppc/diff/drawn.py": "data of nobody, on which two evaluations are compared, the same at every try",
    "ppc/selective/adding.py": "which coordinates a round has is public",
    "ppc/selective/orders.py": "whose turn it is, the same for everybody",
    "ppc/selective/participant.py": "which coordinates are sent is told by sending them",
    "ppc/selective/selection.py": "draws from the participant's generator",
    "ppc/weights/initial.py": "weights of an untrained model are the same on every machine, and no secret",
    "ppc/importing/agreement.py": "inputs on which a model and its import are compared, the same at every try",
}


def rooms_known(module: Module) -> Iterator[str]:
    for name in imported(module):
        first, *rest = name.split(".")
        if first == "ppc" and rest != ["__version__"]:
            yield rest[0] if rest else "ppc"


def test_every_room_has_its_row() -> None:
    assert MAY_KNOW.keys() >= EVERYTHING


def test_rooms_know_only_what_they_may() -> None:
    found = (
        f"{module.name} knows ppc.{room}"
        for module in MODULES
        for room in rooms_known(module)
        if room != module.room and room not in MAY_KNOW[module.room]
    )

    assert sorted(found) == []


def test_the_table_itself_has_no_circles() -> None:
    """Below the front door a room is never known by one that it knows, by whatever way round."""
    front = {"__main__", "bundling", "cli", "compiler", "diff", "flower", "importing", "ppc", "protocol", "report"}
    front.add("winner_program")
    below = {room: known - front for room, known in MAY_KNOW.items() if room not in front}

    assert set(TopologicalSorter(below).static_order()) == below.keys()


def test_packages_are_known_at_their_doors_only() -> None:
    found = (
        f"{module.name} knows {package}"
        for module in MODULES
        for package in {name.partition(".")[0] for name in imported(module)} & DOORS.keys()
        if not module.name.startswith(DOORS[package])
    )

    assert sorted(found) == []


def test_nothing_else_is_imported() -> None:
    """A package that no door names would be a dependency that pyproject.toml may not have."""
    known = {"ppc", *DOORS, *stdlib_module_names}
    found = (f"{module.name} knows {name}" for module in MODULES for name in imported(module))

    assert sorted(line for line in found if line.split()[-1].partition(".")[0] not in known) == []


def test_nothing_runs_code_from_data() -> None:
    found = (
        f"{module.name} imports {name}: {BANNED[name.partition('.')[0]]}"
        for module in MODULES
        for name in imported(module)
        if name.partition(".")[0] in BANNED and (module.name, name) != (PICKLE_ERROR[0], "pickle")
    )

    assert sorted(found) == []


def test_of_pickle_only_the_name_of_an_error_is_used() -> None:
    module = next(module for module in MODULES if module.name == PICKLE_ERROR[0])
    used = {name for node in ast.walk(module.tree) if isinstance(node, ast.Attribute) and (name := dotted(node))}

    assert {name for name in used if name.startswith("pickle")} == {PICKLE_ERROR[1]}


def calls(module: Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


@pytest.mark.parametrize("name", ["eval", "exec", "compile", "__import__", "globals", "os.system"])
def test_nobody_calls(name: str) -> None:
    assert [module.name for module in MODULES if name in {called for called, _ in calls(module)}] == []


# What is loaded by a name that is worked out: exports that load late, packages that are extras, a user's own module.
LOADERS = {"ppc/__init__.py", "ppc/importing/reading.py", "ppc/importing/torch_source.py", "ppc/weights/torch_file.py"}


def test_modules_are_loaded_by_name_only_at_the_doors() -> None:
    """Otherwise a room could be known without an import that these tests see."""
    loading = {module.name for module in MODULES if any("import_module" in called for called, _ in calls(module))}

    assert loading <= LOADERS


@pytest.mark.parametrize(
    ("reader", "option", "value"), [("np.load", "allow_pickle", False), ("torch.load", "weights_only", True)]
)
def test_readers_of_arrays_say_that_they_run_no_code(reader: str, option: str, value: bool) -> None:
    for module in MODULES:
        for called, node in calls(module):
            said = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}

            assert called != reader or said.get(option) == str(value), f"{module.name}:{node.lineno}"


def test_predictable_numbers_are_drawn_only_where_they_are_no_secret() -> None:
    drawing = {
        module.name
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and dotted(node).startswith(("np.random", "numpy.random"))
    }

    assert drawing <= SEEDED.keys()


@pytest.mark.parametrize("room", LINKED)
def test_the_rooms_at_the_top_are_linked_into_the_package(room: str) -> None:
    link = CHECKOUT / "ppc" / room

    assert link.is_symlink()
    assert link.readlink().as_posix() == f"../{room}"
