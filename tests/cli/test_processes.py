"""The installed command in a process of its own: pipes, standard input, output that cannot be written, odd locales."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sources import CHECKOUT

PPC = (sys.executable, "-m", "ppc")
ALEXNET = "examples/alexnet.pnn"


def shell(command: str, *, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """A line of bash, in which `ppc` is this ppc; its exit code is that of the first command of the pipe."""
    line = f"ppc() {{ '{sys.executable}' -m ppc \"$@\"; }}; {command}; exit ${{PIPESTATUS[0]}}"
    return subprocess.run(["bash", "-c", line], cwd=CHECKOUT, input=given, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("verb", ["compile --print-after-all", "compile --json", "check", "fmt --check"])
def test_a_reader_that_leaves_is_no_mistake(verb: str) -> None:
    done = shell(f"ppc {verb} {ALEXNET} | head -c 1")

    assert done.returncode == 0
    assert done.stderr == b""


def test_output_to_a_full_disk() -> None:
    for command in (f"ppc compile {ALEXNET} >/dev/full", f"ppc compile {ALEXNET} --print-after-all >/dev/full"):
        done = shell(command)

        assert done.returncode == 3
        assert b"PPC509" in done.stderr
        assert b"Traceback" not in done.stderr
        assert b"Exception ignored" not in done.stderr


def test_a_device_is_written_to_and_not_replaced() -> None:
    done = shell(f"ppc compile {ALEXNET} -o /dev/null")

    assert done.returncode == 0
    assert Path("/dev/null").is_char_device()


def test_fmt_reads_and_prints() -> None:
    text = (CHECKOUT / ALEXNET).read_bytes()
    done = shell("ppc fmt -", given=text.replace(b"    relu", b"relu"))

    assert done.stdout == text
    assert done.returncode == 0


def test_fmt_of_something_that_is_no_text() -> None:
    done = shell("ppc fmt -", given=b"\xff\xfe\x00")

    assert done.returncode == 3
    assert b"PPC502" in done.stderr


def test_fmt_keeps_the_rights_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.pnn"
    path.write_bytes((CHECKOUT / ALEXNET).read_bytes().replace(b"    relu", b"relu"))
    path.chmod(0o640)
    done = shell(f"ppc fmt '{path}'")

    assert done.returncode == 0
    assert path.read_bytes() == (CHECKOUT / ALEXNET).read_bytes()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_terminal_that_knows_ascii_only() -> None:
    done = shell(f"PYTHONIOENCODING=ascii ppc weights list {ALEXNET}")

    assert done.returncode == 0
    assert b"64?3?11?11" in done.stdout
    assert done.stderr == b""


def test_the_command_is_installed_under_its_name() -> None:
    """`ppc` beside this Python is the same program as `python -m ppc`."""
    beside = Path(sys.executable).with_name("ppc")
    if not beside.exists():
        pytest.fail(f"there is no {beside}: install the checkout with `pip install -e '.[dev]'`")
    version = subprocess.run([beside, "--version"], capture_output=True, check=True).stdout

    assert version == subprocess.run([*PPC, "--version"], cwd=CHECKOUT, capture_output=True, check=True).stdout
