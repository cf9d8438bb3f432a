"""The real engine, both ways: Flower's simulation, and a SuperLink with SuperNodes over TLS. The result is that of one
process, to the bit. Run with scripts/flower, which takes some minutes; nothing is installed while it runs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ppc.flower.app import write
from ppc.flower.subject import subject
from ppc.learning import Layout
from ppc.learning.network import as_tensors
from ppc.weights import load
from tests.flower.programs import DATA, PROGRAM, SEED, TEST, in_one_process
from tests.sources import CHECKOUT

pytestmark = pytest.mark.flower

BIN = Path(sys.executable).parent
NO_INSTALLING = "--disable-runtime-dependency-installation"


def app_of(folder: Path, program: str = PROGRAM) -> Path:
    """The app of a program, in a folder that is made for it."""
    folder.mkdir()
    (folder / "digits.pnn").write_text(program, "utf-8")
    write(folder / "digits.pnn", folder / "app")
    return folder / "app"


@contextmanager
def started(app: Path, *command: object) -> Generator[None]:
    """A process of the engine, until the test is over."""
    words = [str(BIN / str(command[0])), *map(str, command[1:])]
    with (app / f"{command[0]}-{time.monotonic_ns()}.log").open("wb") as log:
        process = subprocess.Popen(words, env=environment(app), stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def environment(app: Path) -> dict[str, str]:
    return {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "PYTHONPATH": str(CHECKOUT),
        "HOME": os.environ["HOME"],
        "FLWR_HOME": str(app / "flower"),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "OMP_NUM_THREADS": "1",
    }


def ran(app: Path, where: str, port: int, output: Path, **more: str) -> str:
    """`flwr run`, once the SuperLink listens."""
    config = app / "flower" / "config.toml"
    config.write_text(config.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{port}"))
    wait_for(port)
    told = f'data="{DATA}" test="{TEST}" seed={SEED} output="{output}"'
    told += "".join(f" {name}={value}" for name, value in more.items())
    line = [str(BIN / "flwr"), "run", str(app), where, "--stream", "--run-config", told]
    done = subprocess.run(line, env=environment(app), capture_output=True, text=True, timeout=600)
    return done.stdout + done.stderr


def wait_for(port: int) -> None:
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def same(output: Path) -> bool:
    network = subject(PROGRAM).network
    weights = as_tensors(load(output / "model.safetensors", network.graph).weights)
    return np.array_equal(Layout.of(network).vector(weights).numpy(), in_one_process())


@contextmanager
def simulation(app: Path) -> Generator[int]:
    """A SuperLink that simulates the nodes; its port."""
    port = free_port()
    link = ("flower-superlink", "--simulation", "--insecure", NO_INSTALLING, "--host", "127.0.0.1", "--port", port)
    with started(app, *link):
        yield port


def test_simulation(tmp_path: Path) -> None:
    """To the end; then half of it with checkpoints, and from these to the same end."""
    app, half = app_of(tmp_path / "whole"), app_of(tmp_path / "half", PROGRAM.replace("rounds 2", "rounds 1"))
    kept = f'"{tmp_path / "kept"}"'
    with simulation(app) as port:
        said = ran(app, "simulation", port, tmp_path / "out")
        ran(half, "simulation", port, tmp_path / "first", checkpoint=kept)
        later = ran(app, "simulation", port, tmp_path / "second", checkpoint=kept, resume="true")

    assert "round    2 of 2" in said, said
    assert same(tmp_path / "out")
    assert not same(tmp_path / "first")
    assert "round    1 of 2" not in later, later
    assert same(tmp_path / "second"), later


def test_the_asynchronous_order_in_a_simulation(tmp_path: Path) -> None:
    program = PROGRAM.replace("order random", "order asynchronous\n    exchange every 5 batches\n    scale 0.5")
    app = app_of(tmp_path / "loose", program)
    with simulation(app) as port:
        said = ran(app, "simulation", port, tmp_path / "out")

    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["exchanges"] == 2 * 2 * 2, said
    assert told["up"] == told["predicted_up"]
    assert set(told["reports"]) == {"1", "2"}


def test_superlink_and_supernodes_over_tls(tmp_path: Path) -> None:
    app = app_of(tmp_path / "whole")
    port, certificates = free_port(), certificate(app / "flower")
    link = ("--ssl-ca-certfile", "--ssl-certfile", "--ssl-keyfile")
    options = [word for pair in zip(link, certificates, strict=True) for word in pair]
    with (
        started(app, "flower-superlink", NO_INSTALLING, "--host", "127.0.0.1", "--port", port, *options),
        started(app, *supernode(app, port, 0)),
        started(app, *supernode(app, port, 1)),
    ):
        said = ran(app, "deployment", port, tmp_path / "out")

    assert "round    2 of 2" in said, said
    assert same(tmp_path / "out")


def supernode(app: Path, port: int, number: int) -> tuple[object, ...]:
    link = ("--superlink", f"127.0.0.1:{port}", "--root-certificates", app / "flower" / "ca.crt")
    own = ("--port", free_port(), "--node-config", f"partition-id={number} num-partitions=2")
    return ("flower-supernode", *link, *own)


def certificate(folder: Path) -> tuple[Path, Path, Path]:
    """An authority for this one run, and the SuperLink's certificate."""
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of one test")])
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    root = _builder(name, name, authority).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    leaf = _builder(own, name, server).add_extension(names, critical=False)
    ca, crt, key = (folder / file for file in ("ca.crt", "server.pem", "server.key"))
    ca.write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    crt.write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        server.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return ca, crt, key


def _builder(subject_: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject_).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
