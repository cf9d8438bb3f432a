"""What `import ppc` loads, and how ppc behaves where a package is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.sources import CHECKOUT

EXTRAS = ("lark", "networkx", "torch", "onnx", "onnxscript", "PIL", "scipy", "sklearn")
PARTY = ("numpy", "llvmlite", "cryptography", "safetensors", "rich")

# Runs the command line where some packages cannot be found, as on a machine that does not have them.
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from ppc.cli import main
sys.exit(main(sys.argv[1:]))
"""


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False
    )


def ppc_without(missing: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    return python(WITHOUT.format(missing=missing), *arguments)


def test_import_loads_no_other_package() -> None:
    done = python("import ppc, sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))")

    assert set(done.stdout.split()).isdisjoint((*EXTRAS, *PARTY))
    assert done.returncode == 0


@pytest.mark.parametrize("command", [["--version"], ["--help"], ["explain"], ["explain", "PPC203"]])
def test_some_commands_need_nothing(command: list[str]) -> None:
    done = ppc_without((*EXTRAS, *PARTY), *command)

    assert done.returncode == 0
    assert done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("missing", "extra", "command"),
    [
        ("lark", "compile", "check examples/shallow.pnn"),
        ("lark", "compile", "check --json examples/shallow.pnn"),
        ("lark", "compile", "fmt --check examples/shallow.pnn"),
        ("lark", "compile", "compile examples/shallow.pnn"),
        ("lark", "compile", "run examples/shallow.pnn --seed 1 --input examples/images.npz"),
        ("networkx", "compile", "graph examples/shallow.pnn -o never.svg"),
        ("onnx", "onnx", "import scripts/start"),
    ],
)
def test_a_missing_package_names_its_extra(missing: str, extra: str, command: str) -> None:
    done = ppc_without((missing,), *command.split())

    assert done.returncode == 3
    assert "PPC507" in done.stdout + done.stderr
    assert f"pip install 'ppc[{extra}]'" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_compiler_needs_no_extra_but_its_own() -> None:
    """`pip install 'ppc[compile]'` is enough to check, compile and evaluate."""
    for command in (
        "check examples/shallow.pnn",
        "compile examples/shallow_train.pnn --train",
        "run examples/shallow.pnn --seed 1 --input examples/images.npz",
        "weights list examples/shallow.pnn",
    ):
        done = ppc_without(("torch", "onnx", "onnxscript", "scipy"), *command.split())

        assert done.returncode == 0, done.stderr
