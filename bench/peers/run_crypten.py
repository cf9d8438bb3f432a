"""A workload with CrypTen 0.4.1: two processes on loopback, one line of JSON.

    crypten/bin/python bench/peers/run_crypten.py --workload W2 [--cache] [--repeat N]

The triples are made by party 0 (its default, TFP), within the time that is measured; with `--cache` they are traced in
the warm-up and made before the clock starts. Sharing inputs and opening results is not timed. No TLS, ring 2^64.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import workbench as bench

SCALE = 16  # fraction bits


@dataclass
class Job:
    """What is timed, what it should come to, and what has to be put back before each run."""

    run: Callable[[], Any]
    wanted: list[Any]
    opened: Callable[[Any], list[Any]]
    reset: Callable[[], None] = lambda: None


def elementwise(name: str, crypten: Any, drawn: Callable[..., Any]) -> Job:
    x = drawn(bench.ELEMENTS, scale=3.0)
    secret = crypten.cryptensor(x, src=bench.CLIENT)
    act = {"W5": "relu", "W6": "sigmoid"}[name]
    return Job(lambda: getattr(secret, act)(), [getattr(x, act)()], lambda found: [found.get_plain_text()])


def product(name: str, crypten: Any, drawn: Callable[..., Any]) -> Job:
    rows, inner, columns = (1024, 1024, 1024) if name == "W1" else (bench.BATCH, 6272, 10)
    x, y = drawn(rows, inner, scale=0.5), drawn(inner, columns, scale=0.5)
    left, right = crypten.cryptensor(x, src=bench.CLIENT), crypten.cryptensor(y, src=bench.SERVER)
    return Job(lambda: left.matmul(right), [x @ y], lambda found: [found.get_plain_text()])


def layers(nn: Any, act: Callable[[], Any], *, deep: bool) -> Any:
    """The shallow or the deep net, of torch's modules or of CrypTen's."""
    made = [nn.Conv2d(1, 32, 3, padding=1), nn.AvgPool2d(2), act()]
    if deep:
        made += [nn.Conv2d(32, 32, 3, padding=1), nn.AvgPool2d(2), act()]
    return nn.Sequential(*made, nn.Flatten(), nn.Linear(1568 if deep else 6272, 10))


def cubic(nn: Any, *, shared: bool) -> Callable[[], Any]:
    class Cubic(nn.Module):
        def forward(self, x: Any) -> Any:
            if shared:
                return x.polynomial([0.5, 0.25, -0.01]) + 0.12
            return 0.12 + 0.5 * x + 0.25 * x * x - 0.01 * x**3

    return Cubic


def networks(name: str, torch: Any, secret_nn: Any) -> tuple[Any, Any]:
    deep, polynomial = name in ("W3", "W4d"), name == "W2p"
    torch.manual_seed(7)
    clear_act = cubic(torch.nn, shared=False) if polynomial else torch.nn.ReLU
    secret_act = cubic(secret_nn, shared=True) if polynomial else secret_nn.ReLU
    clear, secret = layers(torch.nn, clear_act, deep=deep), layers(secret_nn, secret_act, deep=deep)
    for mine, theirs in zip(secret.parameters(), clear.parameters(), strict=True):
        mine.data = theirs.data.clone()
    return clear, secret


def network(name: str, crypten: Any, torch: Any, drawn: Drawn) -> Job:
    import crypten.nn as secret_nn

    clear, secret = networks(name, torch, secret_nn)
    images = torch.rand(bench.BATCH, 1, 28, 28, generator=drawn.generator)
    labels = torch.randint(0, 10, (bench.BATCH,), generator=drawn.generator)
    secret.encrypt(src=bench.SERVER)
    x = crypten.cryptensor(images, src=bench.CLIENT)
    if name.startswith("W4"):
        hot = torch.nn.functional.one_hot(labels, 10).float()
        y = crypten.cryptensor(hot, src=bench.CLIENT)
        return training(crypten, secret_nn, torch, (clear, images, labels), (secret, x, y))
    secret.eval()

    def predict() -> Any:
        with crypten.no_grad():
            return secret(x)

    with torch.no_grad():
        return Job(predict, [clear(images)], lambda found: [found.get_plain_text()])


def training(crypten: Any, secret_nn: Any, torch: Any, clear: tuple[Any, ...], secret: tuple[Any, ...]) -> Job:
    """One iteration: forward, backward, plain SGD."""
    model, x, y = secret
    model.train()
    loss, optimizer = secret_nn.CrossEntropyLoss(), crypten.optim.SGD(model.parameters(), lr=0.01)
    saved = [parameter.data.clone() for parameter in model.parameters()]

    def reset() -> None:
        for parameter, old in zip(model.parameters(), saved, strict=True):
            parameter.data.copy_(old)

    def step() -> Any:
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()
        return model

    net, images, labels = clear
    plain = torch.optim.SGD(net.parameters(), lr=0.01)
    torch.nn.CrossEntropyLoss()(net(images), labels).backward()
    plain.step()
    wanted = [parameter.detach() for parameter in net.parameters()]
    return Job(step, wanted, lambda found: [one.get_plain_text() for one in found.parameters()], reset)


class Drawn:
    """Normal numbers of one seed, the same at both parties."""

    def __init__(self, torch: Any) -> None:
        self.torch, self.generator = torch, torch.Generator().manual_seed(1)

    def __call__(self, *shape: int, scale: float = 1.0) -> Any:
        return self.torch.randn(*shape, generator=self.generator) * scale


def party(options: Any) -> None:
    import crypten
    import crypten.communicator
    import torch
    from crypten.config import cfg

    torch.set_num_threads(1)
    cfg.mpc.provider, cfg.encoder.precision_bits = "TFP", SCALE
    crypten.init()
    cfg.communicator.verbose = True  # counts
    link = crypten.communicator.get()
    drawn = Drawn(torch)
    link.reset_communication_stats()
    if options.workload in ("W5", "W6"):
        job = elementwise(options.workload, crypten, drawn)
    elif options.workload in ("W1", "W1b"):
        job = product(options.workload, crypten, drawn)
    else:
        job = network(options.workload, crypten, torch, drawn)
    shared = link.get_communication_stats()
    provider = crypten.mpc.get_default_provider()
    counted = warmed(job, link, provider, cache=options.cache)
    cfg.communicator.verbose = False
    timed = measured(job, link, provider, repeat=options.repeat, cache=options.cache)
    bench.tell({**counted, **timed, "sharing_bytes": shared["bytes"] // 2})


def warmed(job: Job, link: Any, provider: Any, *, cache: bool) -> dict[str, Any]:
    """The first run: counted, compared, and with `cache` traced."""
    job.reset()
    provider.trace(cache)
    link.barrier()
    link.reset_communication_stats()
    found = job.run()
    run = link.get_communication_stats()
    provider.trace(False)
    link.reset_communication_stats()
    opened = job.opened(found)
    shown = link.get_communication_stats()
    error = max(float((mine - wanted).abs().max()) for mine, wanted in zip(opened, job.wanted, strict=True))
    return {
        "rounds": run["rounds"],
        "bytes": run["bytes"] // 2,  # it counts what is sent and what is received
        "revealing_bytes": shown["bytes"] // 2,
        "error": error,
    }


def measured(job: Job, link: Any, provider: Any, *, repeat: int, cache: bool) -> dict[str, Any]:
    seconds: list[float] = []
    before: list[float] = []
    carried: list[int] = []
    for _ in range(repeat):
        job.reset()
        link.barrier()
        start = time.perf_counter()
        if cache:
            provider.tuple_cache = {}
            provider.fill_cache()
            before.append(time.perf_counter() - start)
        link.barrier()
        loopback, start = bench.loopback_bytes(), time.perf_counter()
        job.run()
        link.barrier()
        seconds.append(time.perf_counter() - start)
        carried.append(bench.loopback_bytes() - loopback)
    return {"seconds": seconds, "offline": before, "loopback": bench.median(carried)}


def main() -> None:
    options = bench.arguments(__doc__)
    if options.rank is not None:
        party(options)
        return
    with tempfile.TemporaryDirectory() as name:
        environment = {
            "WORLD_SIZE": str(bench.PARTIES),
            "RENDEZVOUS": f"file://{Path(name) / 'meeting'}",
            "DISTRIBUTED_BACKEND": "gloo",
            "GLOO_SOCKET_IFNAME": "lo",
            "OMP_NUM_THREADS": "1",
        }
        first, second = bench.together(Path(name), environment)
    del first["said"]
    print(
        json.dumps(
            {"system": "CrypTen", "workload": options.workload, **first, "bytes": max(first["bytes"], second["bytes"])}
        )
    )


if __name__ == "__main__":
    main()
