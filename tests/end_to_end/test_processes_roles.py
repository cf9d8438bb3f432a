"""`ppc party`, `ppc deal` and `ppc doctor` as processes of their own, and what becomes of them when others fail."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from tests.end_to_end.machines import machines, ppc

OWN = ("versions", "processor", "memory", "bundle", "plan", "certificate")  # what a doctor finds here


def test_many_sessions_and_an_orderly_end(tmp_path: Path) -> None:
    """A serving server and a dealer: several clients at once, each with its answer; SIGTERM drains both."""
    with machines(tmp_path, "--batch", "2,4") as here:
        dealer = here.dealer()
        server = here.server(dealer.port(), "--serve")
        clients = [here.client(server.port(), dealer.port(), "-o", name) for name in ("r0.npz", "r1.npz", "r2.csv")]

        assert [client.ends() for client in clients] == [0, 0, 0]
        answers = [np.load(tmp_path / f"r{n}.npz")["result"] for n in range(2)]
        answers.append(np.loadtxt(tmp_path / "r2.csv", delimiter=",", skiprows=1)[:, 1:4])  # a table of the same
        assert all(answer.shape == (5, 3) for answer in answers)
        assert all(np.abs(answer - answers[0]).max() < 1e-3 for answer in answers)
        assert "hospital learned" in clients[0].text
        assert server.told_to_end() == 0
        assert dealer.told_to_end() == 0
        assert "3 sessions were served, 0 failed" in server.text
        assert "3 sessions were dealt for" in dealer.text


def test_training_on_two_machines(tmp_path: Path) -> None:
    """The lab gets its trained model, the hospital the loss of every iteration."""
    with machines(tmp_path, "--train") as here:
        labels = np.array([0, 1, 2, 1])
        np.savez(tmp_path / "lessons.npz", row=np.load(tmp_path / "rows.npy")[:4], labels=labels)
        dealer = here.dealer("--once")
        server = here.server(dealer.port(), "-o", "model.npz")
        client = here.start(
            *("client", "--peer", server.port(), "--dealer", dealer.port()),
            *("--input", "lessons.npz", "-o", "losses.npz"),
        )

        assert (client.ends(), server.ends(), dealer.ends()) == (0, 0, 0), client.text + server.text
        with np.load(tmp_path / "model.npz") as model:
            assert {name: model[name].shape for name in model.files} == {
                "dense1.weight": (5, 6),
                "dense1.bias": (5,),
                "dense2.weight": (3, 5),
                "dense2.bias": (3,),
            }
        with np.load(tmp_path / "losses.npz") as losses:
            assert losses["loss"].shape == (4,)  # two epochs of two batches


def test_files_of_the_dealer(tmp_path: Path) -> None:
    """Dealt ahead, used once, counted; without whom one trusts there is no run."""
    with machines(tmp_path, "--batch", "2,4") as here:
        deal = ("deal", "build", "--count", 1, "--examples", 5, "--key", "dealer.key", "--json")  # into prep/
        name = json.loads(ppc(*deal, cwd=tmp_path).stdout)["dealer"]
        files = ("--prep", "prep", "--trust", name)
        line = here.command("server", "--listen", "127.0.0.1:0", "--seed", 1, *files)
        alone = ppc(*[one for one in line if one != "--insecure-local"], cwd=tmp_path)
        assert alone.returncode == 5
        assert "the files of the client" in alone.stderr.lower()
        said = ""
        for codes in ((0, 0), (3, 5)):
            server = here.start("server", "--listen", "127.0.0.1:0", "--seed", 1, *files, "--ledger", "theirs")
            client = here.start("client", "--peer", server.port(), "--input", "rows.npy", *files, "--ledger", "ours")
            assert (client.ends(), server.ends()) == codes, client.text + server.text
            said = client.text
        assert "PPC559" in said
        status = ppc("deal", "status", "prep", "--ledger", "ours", cwd=tmp_path)
        assert re.search(r"client: 0 left; 2 used", status.stdout)


def test_roles_on_one_machine_are_refused(tmp_path: Path) -> None:
    """Without the word for it, by both parties, before anything is sent."""
    with machines(tmp_path) as here:
        address = "127.0.0.1:9"
        for role, way in (("client", ("--peer", address, "--input", "rows.npy")), ("server", ("--seed", 1))):
            line = [one for one in here.command(role, "--dealer", address, *way) if one != "--insecure-local"]
            done = ppc(*line, cwd=tmp_path)

            assert done.returncode == 5
            assert "PPC659" in done.stderr
            assert "--insecure-local" in done.stderr


def test_a_dealer_beside_the_other_party_is_refused(tmp_path: Path) -> None:
    with machines(tmp_path) as here:
        line = here.command("client", "--dealer", "192.0.2.7", "--peer", "192.0.2.7", "--input", "rows.npy")
        done = ppc(*[one for one in line if one != "--insecure-local"], cwd=tmp_path)

        assert done.returncode == 5
        assert "the other party's machine" in done.stderr


@pytest.mark.parametrize("victim", ["server", "dealer"])
def test_a_process_that_is_killed(tmp_path: Path, victim: str) -> None:
    """The others end soon and in order, and say what happened."""
    with machines(tmp_path) as here:
        dealer = here.dealer("--once")
        address = dealer.port()
        server = here.server(address)
        place = server.port()
        if victim == "dealer":
            dealer.process.kill()
            dealer.process.wait()
        else:
            server.process.kill()
            server.process.wait()
        start = monotonic()
        client = here.client(place, address, "--patience", 1)

        assert client.ends() == 5
        assert re.search(r"PPC65[27]", client.text)
        if victim == "dealer":
            server.process.terminate()
            assert server.ends() in (5, 130)
        assert monotonic() - start < 20


def test_another_program_is_refused(tmp_path: Path) -> None:
    """The two sides' hashes differ, and both say so. The server goes on waiting, and the right client has its run."""
    with machines(tmp_path) as here:
        dealer = here.dealer()
        server = here.server(dealer.port())
        place = server.port()
        (tmp_path / "build").rename(tmp_path / "right")
        ppc("compile", "tiny.pnn", "--batch", "3", "-o", "build/", cwd=tmp_path)
        wrong = here.client(place, dealer.port())

        assert wrong.ends() == 5
        assert server.waits(r"the next one is waited for: PPC668: .*plan")
        assert "PPC668" in wrong.text + server.text

        (tmp_path / "build").rename(tmp_path / "wrong")
        (tmp_path / "right").rename(tmp_path / "build")
        right = here.client(place, dealer.port())
        assert (right.ends(), server.ends()) == (0, 0)


def test_doctors_of_both_sides(tmp_path: Path) -> None:
    """The dealer's waits for both, the server's for the client's; all see the others."""
    with machines(tmp_path) as here:
        ways = {
            role: ("doctor", "build", "--role", role, "--certificates", tmp_path / "certificates" / role)
            for role in ("client", "server", "dealer")
        }
        doctors = [here.spawn(*ways["dealer"], "--insecure-local", "--listen", "127.0.0.1:0")]
        dealer = ("--insecure-local", "--dealer", "127.0.0.1:" + doctors[0].waits(r"waits at port (\d+)")[1])
        doctors.append(here.spawn(*ways["server"], *dealer, "--listen", "127.0.0.1:0"))
        peer = ("--json", "--peer", "127.0.0.1:" + doctors[1].waits(r"waits at port (\d+)")[1])
        found = json.loads(ppc(*ways["client"], *dealer, *peer, cwd=tmp_path).stdout)

        sides = ["port", "TLS", "network", "clock", "other side"]
        assert found["ok"] is True
        assert [row["check"] for row in found["checks"]] == [*OWN, *(f"dealer {side}" for side in sides), *sides]
        assert [doctor.ends() for doctor in doctors] == [0, 0]
        assert [doctor.text.count("round trip") for doctor in doctors] == [2, 2]


def test_a_doctor_alone(tmp_path: Path) -> None:
    """Nobody listens; and whoever is on this machine is told so before a run is tried."""
    with machines(tmp_path):
        way = ("doctor", "build", "--role", "client", "--certificates", tmp_path / "certificates" / "client", "--json")
        for options, code in ((("--insecure-local",), "PPC657"), ((), "PPC659")):
            found = json.loads(ppc(*way, *options, "--peer", "127.0.0.1:1", cwd=tmp_path).stdout)

            assert found["ok"] is False
            assert {row["check"]: row["code"] for row in found["checks"]} == {**dict.fromkeys(OWN, ""), "port": code}


def test_no_process_outlives_the_one_that_started_it(tmp_path: Path) -> None:
    """Neither where it is told to end, nor where it is killed."""
    with machines(tmp_path) as here:
        for number in (signal.SIGTERM, signal.SIGKILL):
            run = here.spawn("run", "tiny.pnn", "--seed", 1, "--input", "rows.npy", "-v")
            run.waits("client: process")
            children = [int(found) for found in re.findall(r"process (\d+)", run.text)]
            run.process.send_signal(number)

            assert run.ends() in (130, -number)
            assert len(children) == 3
            assert _gone(children)


def _gone(processes: list[int]) -> bool:
    limit = monotonic() + 20
    while monotonic() < limit:
        if not any(Path(f"/proc/{one}/stat").exists() and not _dead(one) for one in processes):
            return True
        sleep(0.05)
    return False


def _dead(process: int) -> bool:
    """Ended, and only waiting for somebody to ask how."""
    try:
        return ") Z " in Path(f"/proc/{process}/stat").read_text("utf-8")
    except OSError:
        return True
