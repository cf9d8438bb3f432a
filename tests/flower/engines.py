"""Processes of the real engine for tests: a SuperLink, SuperNodes, and `flwr run`. Nothing is installed meanwhile."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ppc.flower.app import write
from tests.sources import CHECKOUT

BIN = Path(sys.executable).parent
NO_INSTALLING = "--disable-runtime-dependency-installation"


def app_of(folder: Path, program: str) -> Path:
    """The app of a program, in a folder that is made for it."""
    folder.mkdir()
    (folder / "digits.pnn").write_text(program, "utf-8")
    write(folder / "digits.pnn", folder / "app")
    return folder / "app"


@contextmanager
def started(app: Path, *command: object) -> Generator[subprocess.Popen[bytes]]:
    """A process of the engine, until the test is over."""
    words = [str(BIN / str(command[0])), *map(str, command[1:])]
    with (app / f"{command[0]}-{time.monotonic_ns()}.log").open("wb") as log:
        process = subprocess.Popen(words, env=environment(app), stdout=log, stderr=log, start_new_session=True)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)
            killed(process)


def killed(process: subprocess.Popen[bytes]) -> None:
    """With all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
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
        "PYTHONUNBUFFERED": "1",  # what a run says is read while it runs
        "OMP_NUM_THREADS": "1",
    }


def ran(app: Path, where: str, port: int, told: str, midway: Callable[[str], None] | None = None) -> str:
    """`flwr run`, once the SuperLink listens; all that it says. `midway` is shown what it has said, again and again."""
    config = app / "flower" / "config.toml"
    config.write_text(config.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{port}"))
    wait_for(port)
    line = [str(BIN / "flwr"), "run", str(app), where, "--stream", "--run-config", told]
    said, limit = app / f"run-{time.monotonic_ns()}.log", time.monotonic() + 900
    with said.open("wb") as log, subprocess.Popen(line, env=environment(app), stdout=log, stderr=log) as running:
        try:
            while running.poll() is None and time.monotonic() < limit:
                if midway is not None:
                    midway(said.read_text("utf-8", "replace"))
                time.sleep(0.5)
        finally:
            running.kill()
    return said.read_text("utf-8", "replace")


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


@contextmanager
def simulation(app: Path) -> Generator[int]:
    """A SuperLink that simulates the nodes; its port."""
    port = free_port()
    link = ("flower-superlink", "--simulation", "--insecure", NO_INSTALLING, "--host", "127.0.0.1", "--port", port)
    with started(app, *link):
        yield port


@contextmanager
def superlink(app: Path) -> Generator[int]:
    """A SuperLink over TLS; its port."""
    port, certificates = free_port(), certificate(app / "flower")
    link = ("--ssl-ca-certfile", "--ssl-certfile", "--ssl-keyfile")
    options = [word for pair in zip(link, certificates, strict=True) for word in pair]
    with started(app, "flower-superlink", NO_INSTALLING, "--host", "127.0.0.1", "--port", port, *options):
        wait_for(port)
        yield port


def supernode(app: Path, port: int, number: int, of: int = 2, more: str = "") -> tuple[object, ...]:
    link = ("--superlink", f"127.0.0.1:{port}", "--root-certificates", app / "flower" / "ca.crt")
    own = ("--port", free_port(), "--node-config", f"partition-id={number} num-partitions={of} {more}".strip())
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
