"""Writes a Flower app: its pyproject, the two components, and the program, whose text travels with it.

The folder is what `flwr run` takes. Beside it `flower/config.toml` says where the SuperLink is (`FLWR_HOME`).
"""

from __future__ import annotations

from pathlib import Path

from ppc.compiler import compile_program, read_source, training_of
from ppc.errors import fail
from ppc.files import write_whole
from ppc.flower.subject import found, models_of, on_flower

PACKAGE = "ppc_app"

PYPROJECT = """\
[project]
name = "{name}"
version = "1.0.0"
description = "Training of {model} by many, written by ppc"
dependencies = ["ppc[compile,data,flower,privacy,torch]"]

[tool.flwr.app]
publisher = "ppc"

[tool.flwr.app.components]
serverapp = "{package}.server_app:app"
clientapp = "{package}.client_app:app"

[tool.flwr.app.config]
data = ""
test = ""
public = ""
each = 0
seed = -1
patience = 120
trip = 120
weights = ""
checkpoint = ""
resume = false
output = ""

[tool.hatch.build.targets.wheel]
packages = ["{package}"]
"""
COMPONENT = '''\
"""The {what} of {model}. Written by ppc; the program is beside it."""

from ppc.flower.engine import {make}

from {package}.program import PROGRAM

app = {make}(PROGRAM)
'''
CONFIG = """\
[superlink]
default = "simulation"

[superlink.simulation]
address = "127.0.0.1:8000"
insecure = true
options.num-supernodes = {nodes}
options.backend.client-resources.num-cpus = 1

[superlink.deployment]
address = "127.0.0.1:8000"
root-certificates = "{home}/ca.crt"
"""


def write(program: Path, folder: Path) -> tuple[Path, ...]:
    """All files of the app."""
    source = read_source(program)
    training = on_flower(training_of(source))
    for model in models_of(training):
        compile_program(source, model=model)
    nodes = found(source.text).nodes
    words = {"package": PACKAGE, "model": training.model}
    files = {
        "pyproject.toml": PYPROJECT.format(name=f"ppc-{training.model.replace('_', '-')}", **words),
        f"{PACKAGE}/__init__.py": "",
        f"{PACKAGE}/program.py": f'"""The program, as it was compiled."""\n\nPROGRAM = {source.text!r}\n',
        f"{PACKAGE}/server_app.py": COMPONENT.format(what="server", make="server_app", **words),
        f"{PACKAGE}/client_app.py": COMPONENT.format(what="participants", make="client_app", **words),
        "flower/config.toml": CONFIG.format(nodes=nodes, home=(folder / "flower").resolve()),
    }
    written: list[Path] = []
    for name, content in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise fail("PPC509", f"`{path.parent}` cannot be made: {error.strerror}.", hint="Name another.") from None
        write_whole(path, content.encode())
        written.append(path)
    return tuple(written)
