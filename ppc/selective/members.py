"""What the server and a participant begin and end with: labelled examples, and the model that came out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppc.data.rows import Expected, load_inputs, load_rows
from ppc.errors import fail
from ppc.learning import Layout, Network
from ppc.learning.network import Tensors, as_weights
from ppc.selective.server import ParameterServer

Images = Tensor
Labelled = tuple[Tensor, Tensor]  # images, and the places of their classes


def fresh(network: Network, seed: int) -> Tensors:
    """First weights, by He's law. By PyTorch's every layer hands on less than it reads, and learning begins slowly:
    for a participant in every round anew, as it takes over a vector that has hardly moved."""
    return network.initial(seed, "he")


def labelled(path: Path, network: Network) -> Labelled:
    """Images as the program bounds them, and the places of their classes."""
    node = network.graph[network.data]
    bounds = None if node.typed.bounds is None else (node.typed.bounds.low, node.typed.bounds.high)
    wanted = [
        Expected(name=node.name, shape=node.shape[1:], bounds=bounds, span=node.span),
        Expected(name="labels", shape=(network.classes,), label=True),
    ]
    found = load_rows(path, wanted)
    return torch.from_numpy(found[node.name]).float(), torch.from_numpy(found["labels"].argmax(1))


def unlabelled(path: Path, network: Network) -> Tensor:
    """Images alone."""
    return torch.from_numpy(load_inputs(path, network.graph)[network.data]).float()


def part(rows: tuple[Tensor, Tensor], number: int, of: int, each: int | None) -> tuple[Tensor, Tensor]:
    """The examples of participant `number`, counted from 1, where all of them lie in one place."""
    images, labels = rows
    each = each or len(labels) // of
    if each * of > len(labels) or not each:
        raise fail("PPC508", f"{len(labels):,} examples are too few for {of} participants.", hint="Use `--each`.")
    return images[(number - 1) * each : number * each], labels[(number - 1) * each : number * each]


def model_of(server: ParameterServer, network: Network, first: Mapping[str, Tensor]) -> dict[str, NDArray[np.float64]]:
    """The server's own model; running statistics, which nobody uploads, are those of the beginning."""
    learned = Layout.of(network).weights(torch.from_numpy(server.vector))
    return {name: np.asarray(array, np.float64) for name, array in as_weights({**first, **learned}).items()}


def accuracy_of(
    server: ParameterServer, network: Network, first: Mapping[str, Tensor], test: Labelled | None
) -> float | None:
    """Of the server's own model, where there is something to try it on."""
    if test is None:
        return None
    learned = Layout.of(network).weights(torch.from_numpy(server.vector))
    return network.accuracy({**first, **learned}, *test)
