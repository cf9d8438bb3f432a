"""Both halves of a split model, in numpy as a party runs them, and in PyTorch: milliseconds for a batch.

    python -m bench.split_halves [--rounds N]

A party's machine has numpy and no torch. Both take turns, on one thread, and the best of all rounds counts.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from ppc.cli.model_verbs import typed_graph
from ppc.compiler import compile_program
from ppc.ir.graph import Graph
from ppc.ir.layers import layer_numbers
from ppc.ir.parts import part
from ppc.learning.network import Network, as_tensors
from ppc.reference import evaluate
from ppc.weights import initial

EXAMPLES = Path(__file__).parents[1] / "examples"
SPLITS = (("alexnet", 1, 1), ("shifted", 3, 1), ("shifted", 3, 32), ("placements", 2, 32))  # program, k, batch


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.split_halves", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args(words)
    torch.set_num_threads(1)
    print("| program | batch | half | numpy, ms | PyTorch, ms |\n| --- | ---: | --- | ---: | ---: |")
    for name, layer, batch in SPLITS:
        graph = typed_graph(compile_program(EXAMPLES / f"{name}.pnn", batch=batch))
        for half, some in zip(("client", "server"), _halves(graph, layer), strict=True):
            ours, theirs = _best(some, arguments.rounds)
            print(f"| {name}, k = {layer} | {batch} | {half} | {1e3 * ours:.2f} | {1e3 * theirs:.2f} |")


def _halves(graph: Graph, layer: int) -> tuple[Graph, Graph]:
    """From the data to what crosses, and from there to the answer."""
    numbers = layer_numbers(graph)
    made = [node.name for node in graph.nodes if node.inputs and numbers[node.name] <= layer]
    data = [node.name for node in graph.inputs]
    last = made[-1]
    value = graph[graph.output("result").value]
    raw = value.inputs[0] if value.op == "uncomplement" else value.name
    return part(graph, data, last), part(graph, [last], raw)


def _best(graph: Graph, rounds: int) -> tuple[float, float]:
    draws = np.random.default_rng(1)
    weights = {name: np.asarray(array, np.float32) for name, array in initial(graph, 1).items()}
    values = {node.name: draws.integers(0, 2, node.shape).astype(np.float32) for node in graph.inputs}
    network, tensors = Network(graph), as_tensors(weights)
    given = {name: torch.from_numpy(array) for name, array in values.items()}
    with torch.no_grad():
        return _fastest(
            (partial(evaluate, graph, {**weights, **values}), partial(network.forward, tensors, given)), rounds
        )


def _fastest(both: tuple[Callable[[], object], Callable[[], object]], rounds: int) -> tuple[float, float]:
    found = [list[float](), list[float]()]
    for _ in range(rounds):
        for place, run in enumerate(both):
            start = perf_counter()
            run()
            found[place].append(perf_counter() - start)
    return min(found[0]), min(found[1])


if __name__ == "__main__":
    main()
