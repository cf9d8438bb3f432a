"""A workload with SPU 0.9.5, protocol SEMI2K: two processes on loopback, one line of JSON.

    spu/bin/python bench/peers/run_spu.py --workload W2 [--repeat N]

The triples are made by party 0 (TrustedFirstParty) while the program runs: SPU has no way to make them before. Inputs
are shared and results opened by file, and that is not timed. No TLS, ring 2^64, its default of 18 fraction bits.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import workbench as bench

SCALE = 18
WAIT = 600_000  # milliseconds
SENT = re.compile(r"total send bytes (\d+), recv bytes \d+, send actions (\d+)")


@dataclass
class Job:
    """The function, its operands by the party that brings them, and what it should come to."""

    function: Callable[..., Any]
    operands: list[Any]
    wanted: list[Any]


def job_of(name: str) -> Job:
    import jax
    import jax.numpy as jnp
    import numpy as np

    drawn = np.random.default_rng(1)

    def normal(*shape: int, scale: float) -> Any:
        return (drawn.normal(size=shape) * scale).astype(np.float32)

    if name in ("W1", "W1b"):
        rows, inner, columns = (1024, 1024, 1024) if name == "W1" else (bench.BATCH, 6272, 10)
        x, y = normal(rows, inner, scale=0.5), normal(inner, columns, scale=0.5)
        return Job(lambda left, right: left @ right, [x, y], [x @ y])
    if name in ("W5", "W6"):
        x = normal(bench.ELEMENTS, scale=3.0)
        if name == "W5":
            return Job(lambda value: jnp.maximum(value, 0), [x], [np.maximum(x, 0)])
        return Job(jax.nn.sigmoid, [x], [1 / (1 + np.exp(-x))])
    return network(name, drawn)


def network(name: str, drawn: Any) -> Job:
    import numpy as np

    deep = name in ("W3", "W4d")
    forward = layers(deep=deep, cubic=name == "W2p")

    def uniform(*shape: int, fan: int) -> Any:
        return (drawn.uniform(-1, 1, size=shape) / np.sqrt(fan)).astype(np.float32)

    weights = [uniform(3, 3, 1, 32, fan=9), uniform(32, fan=9)]  # in the layout that SPU's convolution wants
    if deep:
        weights += [uniform(3, 3, 32, 32, fan=288), uniform(32, fan=288)]
    width = 1568 if deep else 6272
    weights += [uniform(width, 10, fan=width), uniform(10, fan=width)]
    images = drawn.uniform(size=(bench.BATCH, 28, 28, 1)).astype(np.float32)
    if not name.startswith("W4"):
        return Job(forward, [images, *weights], [np.asarray(forward(images, *weights))])
    labels = np.eye(10, dtype=np.float32)[drawn.integers(0, 10, bench.BATCH)]
    step = training(forward)
    wanted = [np.asarray(value) for value in step(images, labels, *weights)]
    return Job(step, [images, labels, *weights], wanted)


def layers(*, deep: bool, cubic: bool) -> Callable[..., Any]:
    import jax.numpy as jnp
    from jax import lax

    def act(x: Any) -> Any:
        return 0.12 + 0.5 * x + 0.25 * x * x - 0.01 * x * x * x if cubic else jnp.maximum(x, 0)

    def convolved(x: Any, kernel: Any, bias: Any) -> Any:
        found = lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return found + bias

    def pooled(x: Any) -> Any:
        count, height, width, channels = x.shape
        return x.reshape(count, height // 2, 2, width // 2, 2, channels).sum((2, 4)) * 0.25

    def forward(x: Any, *weights: Any) -> Any:
        x = act(pooled(convolved(x, *weights[:2])))
        if deep:
            x = act(pooled(convolved(x, *weights[2:4])))
        return x.reshape(x.shape[0], -1) @ weights[-2] + weights[-1]

    return forward


def training(forward: Callable[..., Any]) -> Callable[..., Any]:
    """One iteration: forward, backward, plain SGD."""
    import jax
    import jax.numpy as jnp

    def step(x: Any, y: Any, *weights: Any) -> Any:
        def loss(found: Any) -> Any:
            return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(forward(x, *found)), axis=1))

        gradients = jax.grad(loss)(list(weights))
        return [weight - 0.01 * gradient for weight, gradient in zip(weights, gradients, strict=True)]

    return step


# ---- a party ----


class Runtime:
    """SPU's program and its link to the other party."""

    def __init__(self, rank: int, folder: Path, job: Job) -> None:
        import spu
        import spu.api
        import spu.utils.frontend as frontend
        from spu import libspu

        self.rank, self.folder, self.job, self.libspu, self.api = rank, folder, job, libspu, spu.api
        names = [f"in{number}" for number in range(len(job.operands))]
        secret = [libspu.Visibility.VIS_SECRET] * len(names)
        self.program, _ = frontend.compile(
            frontend.Kind.JAX, job.function, job.operands, {}, names, secret, lambda outs: outputs(len(outs))
        )
        links = libspu.link.Desc()
        for number, port in enumerate(json.loads((folder / "ports.json").read_text())):
            links.add_party(f"id{number}", f"127.0.0.1:{port}")
        links.recv_timeout_ms = links.http_timeout_ms = WAIT
        self.link = libspu.link.create_brpc(links, rank)
        self.shares = self._shares()

    def configured(self, *, counting: bool = False) -> Any:
        made = self.libspu.RuntimeConfig(
            protocol=self.libspu.ProtocolKind.SEMI2K,
            field=self.libspu.FieldType.FM64,
            fxp_fraction_bits=SCALE,
        )
        made.beaver_type = self.libspu.RuntimeConfig.BeaverType.TrustedFirstParty
        made.enable_pphlo_profile = made.enable_hal_profile = counting
        return made

    def runtime(self, *, counting: bool = False) -> Any:
        return self.api.Runtime(self.link, self.configured(counting=counting))

    def meet(self) -> None:
        self.link.all_gather("here")

    def agree(self, wanted: bool) -> bool:
        return all(str(answer).strip("b'") == "1" for answer in self.link.all_gather("1" if wanted else "0"))

    def _shares(self) -> list[Any]:
        """Party 0 shares all inputs, and hands over the other's part by file."""
        if self.rank == 0:
            wrapped = self.api.Io(bench.PARTIES, self.configured())
            secret = self.libspu.Visibility.VIS_SECRET
            made = [wrapped.make_shares(value, secret, -1) for value in self.job.operands]
            for party in range(bench.PARTIES):
                write_shares(self.folder / f"in{party}", [shares[party] for shares in made])
            (self.folder / "shared").touch()
        while not (self.folder / "shared").exists():
            time.sleep(0.05)
        return read_shares(self.libspu, self.folder / f"in{self.rank}")

    def give(self, runtime: Any) -> None:
        for number, share in enumerate(self.shares):
            runtime.set_var(f"in{number}", share)

    def opened(self, runtime: Any) -> tuple[list[Any], int]:
        """The results, at party 0, and how many bytes of shares party 1 has shown."""
        mine = [runtime.get_var(name) for name in self.program.output_names]
        write_shares(self.folder / f"out{self.rank}", mine)
        self.meet()
        if self.rank:
            return [], 0
        theirs = read_shares(self.libspu, self.folder / "out1")
        wrapped = self.api.Io(bench.PARTIES, self.configured())
        shown = sum(len(chunk) for share in theirs for chunk in share.share_chunks)
        return [wrapped.reconstruct(list(pair)) for pair in zip(mine, theirs, strict=True)], shown


def outputs(count: int) -> list[str]:
    return [f"out{number}" for number in range(count)]


def write_shares(folder: Path, shares: list[Any]) -> None:
    folder.mkdir(exist_ok=True)
    for number, share in enumerate(shares):
        (folder / f"{number}.meta").write_bytes(share.meta)
        for place, chunk in enumerate(share.share_chunks):
            (folder / f"{number}.{place}").write_bytes(chunk)
    (folder / "counts.json").write_text(json.dumps([len(share.share_chunks) for share in shares]))


def read_shares(libspu: Any, folder: Path) -> list[Any]:
    found: list[Any] = []
    for number, count in enumerate(json.loads((folder / "counts.json").read_text())):
        share = libspu.Share()
        share.meta = (folder / f"{number}.meta").read_bytes()
        share.share_chunks = [(folder / f"{number}.{place}").read_bytes() for place in range(count)]
        found.append(share)
    return found


def party(options: Any) -> None:
    import numpy as np

    job = job_of(options.workload)
    ours = Runtime(options.rank, options.folder, job)
    counting = ours.runtime(counting=True)  # prints what the link has carried
    ours.give(counting)
    ours.meet()
    counting.run(ours.program)
    opened, shown = ours.opened(counting)
    error = max((float(np.abs(got - want).max()) for got, want in zip(opened, job.wanted, strict=False)), default=0.0)
    given = sum(len(chunk) for share in ours.shares for chunk in share.share_chunks)
    counts = {"error": error, "sharing_bytes": given, "revealing_bytes": shown}
    bench.tell({**measured(ours, options.repeat, options.limit), **counts})
    time.sleep(1.5)  # until what was sent last has left: the other party would wait for it for ever
    os._exit(0)


def measured(ours: Runtime, repeat: int, limit: float) -> dict[str, Any]:
    """Without the profiler; behind `limit` seconds no further run is begun."""
    runtime = ours.runtime()
    seconds: list[float] = []
    carried: list[int] = []
    while len(seconds) < repeat and ours.agree(sum(seconds) < limit):
        ours.give(runtime)
        ours.meet()
        before, start = bench.loopback_bytes(), time.perf_counter()
        runtime.run(ours.program)
        ours.meet()
        seconds.append(time.perf_counter() - start)
        carried.append(bench.loopback_bytes() - before)
    return {"seconds": seconds, "loopback": bench.median(carried)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    options = bench.arguments(__doc__)
    if options.rank is not None:
        party(options)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ports.json").write_text(json.dumps([free_port(), free_port()]))
        found = bench.together(folder, {})
    counted = [SENT.findall(result.pop("said")) for result in found]
    if not all(counted):
        sys.exit("SPU printed no counts of its link")
    last = [tuple(map(int, rows[-1])) for rows in counted]
    counts = {"bytes": max(sent for sent, _ in last), "rounds": max(actions for _, actions in last)}
    print(json.dumps({"system": "SPU SEMI2K", "workload": options.workload, **found[0], **counts}))


if __name__ == "__main__":
    main()
