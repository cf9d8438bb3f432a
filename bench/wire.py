"""How fast frames travel between two processes on this machine, beside a bare loop over the same TLS connections.

    python -m bench.wire [--json FILE] [--rounds N] [--megabytes N]

Both systems use the same two connections in turns, and the best of all rounds counts. `one way` sends from one process
to the other; `both ways` sends from each to each at once, and counts one direction. The bare loop is `sendall` from one
buffer and `recv_into` another, with no frames, no names and no limits; ppc sends and receives frame by frame.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from ppc.plan.messages import HEADER
from ppc.runtime.channel import Header
from ppc.runtime.keyring import open_folder, throw_away
from ppc.runtime.wire.hello import Hello
from ppc.runtime.wire.link import Link, dial
from ppc.runtime.wire.listener import Listener
from ppc.runtime.wire.tls_channel import TlsChannel

PAYLOADS = (64_000, 1_000_000, 28_000_000)  # bytes; the last is about an iteration of the shallow net at batch 128
HERE = "127.0.0.1"


@dataclass(frozen=True)
class Row:
    workload: str
    system: str
    metric: str
    value: float
    unit: str


class End:
    """One of the two processes, with both systems on the same link."""

    def __init__(self, link: Link, first: bool) -> None:
        self.link, self.first = link, first
        self.channel = TlsChannel(link, idle=120.0)
        self.mine, self.theirs = (np.ones(max(PAYLOADS) + HEADER, np.uint8) for _ in range(2))

    def meet(self) -> None:
        """Both are here. Through the channel, whose background thread may still write."""
        header = Header("each", 0, 0, 0)
        self.channel.send(header.frame()[0])
        header.payload(self.channel.receive(HEADER, header))

    def bare_send(self, length: int, count: int) -> None:
        """In a thread of its own, as the channel does: on which core the system puts it matters much."""
        writer = Thread(target=self._bare_write, args=(length, count))
        writer.start()
        writer.join()

    def _bare_write(self, length: int, count: int) -> None:
        whole = self.mine.data[: length + HEADER]
        for _ in range(count):
            self.link.outgoing.sendall(whole)

    def bare_receive(self, length: int, count: int) -> None:
        whole = self.theirs.data[: length + HEADER]
        for _ in range(count):
            got = 0
            while got < len(whole):
                got += self.link.incoming.recv_into(whole[got:])

    def bare_both(self, length: int, count: int) -> None:
        writer = Thread(target=self._bare_write, args=(length, count))
        writer.start()
        self.bare_receive(length, count)
        writer.join()

    def ppc_send(self, length: int, count: int) -> None:
        frame, _ = Header("each", 0, 1, length).frame()
        for _ in range(count):
            self.channel.send(frame)

    def ppc_receive(self, length: int, count: int) -> None:
        header = Header("each", 0, 1, length)
        for _ in range(count):
            header.payload(self.channel.receive(HEADER + length, header))

    def ppc_both(self, length: int, count: int) -> None:
        frame, _ = Header("each", 0, 1, length).frame()
        header = Header("each", 0, 1, length)
        for _ in range(count):
            self.channel.send(frame)
            header.payload(self.channel.receive(HEADER + length, header))

    def job(self, system: str, direction: str) -> Callable[[int, int], None]:
        if direction == "both ways":
            return {"ppc": self.ppc_both, "bare loop": self.bare_both}[system]
        if self.first:
            return {"ppc": self.ppc_send, "bare loop": self.bare_send}[system]
        return {"ppc": self.ppc_receive, "bare loop": self.bare_receive}[system]


def measure(end: End, rounds: int, megabytes: int) -> list[Row]:
    """The same in both processes; the rows of the first count."""
    rows: list[Row] = []
    for direction in ("one way", "both ways"):
        for length in PAYLOADS:
            count = max(1, megabytes * 1_000_000 // length)
            best = dict.fromkeys(("bare loop", "ppc"), 0.0)
            for number in range(rounds + 1):
                for system in best:
                    end.meet()
                    start = time.perf_counter()
                    end.job(system, direction)(length, count)
                    end.meet()
                    rate = length * count / (time.perf_counter() - start) / 1e9
                    best[system] = max(best[system], rate) if number else 0.0  # the first warms up
            workload = f"{length // 1000:,} kB {direction}"
            rows += [Row(workload, system, "payload", rate, "GB/s") for system, rate in best.items()]
            rows.append(Row(workload, "ppc", "of the bare loop", 100 * best["ppc"] / best["bare loop"], "%"))
            if end.first:
                for row in rows[-3:]:
                    print(
                        f"{row.workload:<24} {row.system:<10} {row.metric:<18} {row.value:>8.3f} {row.unit}", flush=True
                    )
    return rows


def machine_rows(link: Link) -> list[Row]:
    cipher = (link.outgoing.cipher() or ("none",))[0]
    print(f"{ssl.OPENSSL_VERSION}, {link.outgoing.version()}, {cipher}, {os.cpu_count()} cores")
    return [Row("machine", f"{link.outgoing.version()} {cipher}", "cores", float(os.cpu_count() or 0), "")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the rows to a file")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megabytes", type=int, default=112, help="that each round sends")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rings = {
            role: open_folder(path) for role, path in throw_away(Path(folder), {"client": "a", "server": "b"}).items()
        }
        told, heard = os.pipe()
        child = os.fork()
        if not child:
            port = int(os.read(told, 16))
            link = dial(
                (HERE, port), rings["client"], Hello(role="client", party="a", plan="bench"), expects=["server"]
            )
            measure(End(link, first=False), arguments.rounds, arguments.megabytes)
            os._exit(0)
        listener = Listener(
            (HERE, 0), rings["server"], Hello(role="server", party="b", plan="bench"), expects=["client"]
        )
        os.write(heard, str(listener.port).encode())
        link = listener.accept(20.0)
        rows = machine_rows(link) + measure(End(link, first=True), arguments.rounds, arguments.megabytes)
        os.waitpid(child, 0)
        listener.close()
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
