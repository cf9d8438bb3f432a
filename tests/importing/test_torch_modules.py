"""torch modules through the documented command, and their state_dicts back into what it wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import ppc
from ppc.cli import main
from ppc.errors import PpcError
from ppc.importing import import_model
from ppc.reference import evaluate
from ppc.weights import load

MODULES = '''
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, taken, made, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(taken, made, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(made)
        self.conv2 = nn.Conv2d(made, made, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(made)
        self.short = nn.Conv2d(taken, made, 1, stride=stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.short(x))

def trained(module, *shape):
    """A forward pass in training mode: running statistics that are not those of a new module."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -0.4, 0.4)
    module(torch.rand(8, *shape))
    return module

def residual():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), Block(4, 4, 1), Block(4, 8, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                        nn.Linear(8, 3))
    return trained(net, 1, 10, 10)

def cnn():
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.3),
                        nn.Conv2d(4, 6, (3, 1), groups=2), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12, 3),
                        nn.Softmax(1))
    return trained(net, 1, 10, 10)

def mlp():
    return trained(nn.Sequential(nn.Linear(12, 8), nn.Sigmoid(), nn.Linear(8, 4, bias=False)), 12)

def double():
    return mlp().double()

def broken():
    raise ValueError("the checkpoint is not there")

def number():
    return 3

module = mlp()
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with modules of a name that no other test uses; the command runs there."""
    (tmp_path / f"nets_{abs(hash(tmp_path))}.py").write_text(MODULES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def nets(folder: Path) -> str:
    return next(folder.glob("nets_*.py")).stem


def module_of(nets: str, function: str) -> torch.nn.Module:
    import importlib
    import sys

    sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(importlib.import_module(nets), function)()
    finally:
        sys.path.pop(0)


@pytest.mark.parametrize(
    ("function", "sizes"), [("residual", (1, 10, 10)), ("cnn", (1, 10, 10)), ("mlp", (12,)), ("double", (12,))]
)
def test_a_module_becomes_a_program_that_takes_its_state_dict(nets: str, function: str, sizes: tuple[int, ...]) -> None:
    import_model(f"{nets}:{function}", output=Path("net.pnn"), input_shape=",".join(map(str, sizes)))
    typed = ppc.compile(Path("net.pnn")).after("infer-shapes")
    module = module_of(nets, function).eval()
    torch.save(module.state_dict(), "net.pt")  # pyright: ignore[reportUnknownMemberType]
    given = np.random.default_rng(0).uniform(0, 1, (1, *sizes))
    (name,) = (node.name for node in typed.inputs)
    expected = module(torch.as_tensor(given, dtype=next(module.parameters()).dtype)).detach().numpy()

    for file in ("net.safetensors", "net.pt"):
        found = evaluate(typed, {name: given, **load(file, typed).weights})["result"]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_program_keeps_the_module_s_layers(nets: str) -> None:
    import_model(f"{nets}:cnn", output=Path("net.pnn"), input_shape="1,10,10")
    text = Path("net.pnn").read_text()

    for line in ("batch_norm", "max_pool(2)  # real[4, 5, 5]", "conv2d(6, kernel=[3, 1], groups=2)", "softmax"):
        assert f"    {line}" in text


def test_a_module_that_is_made_already(nets: str) -> None:
    import_model(f"{nets}:module", input_shape="12")

    assert Path("module.pnn").exists()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("broken", "calling broken() failed with ValueError: the checkpoint is not there"),
        ("number", "gave int, not a torch.nn.Module"),
        ("nothing", "finding nothing in"),
        ("residual", "exporting the module to ONNX failed"),
    ],
)
def test_code_that_fails_is_told_about(nets: str, function: str, words: str) -> None:
    with pytest.raises(PpcError) as caught:
        import_model(f"{nets}:{function}", output=Path("net.pnn"), input_shape="7")

    assert caught.value.diagnostics[0].code == "PPC606"
    assert words in str(caught.value)
    assert not Path("net.pnn").exists()


@pytest.mark.parametrize("sizes", [None, "1,x", ""])
def test_sizes_are_needed(nets: str, sizes: str | None) -> None:
    with pytest.raises(PpcError, match="PPC606"):
        import_model(f"{nets}:mlp", input_shape=sizes)


def test_a_module_that_cannot_be_imported() -> None:
    with pytest.raises(PpcError, match="importing nowhere_at_all failed with ModuleNotFoundError"):
        import_model("nowhere_at_all:net", input_shape="3")


def test_the_command(nets: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["import", f"{nets}:mlp", "--input", "12", "-o", "mlp.pnn"])
    out, err = capsys.readouterr()

    assert (code, out) == (0, "wrote mlp.pnn\nwrote mlp.safetensors\n")
    assert "agree on 3 random inputs" in err
