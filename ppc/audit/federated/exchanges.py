"""Updates as the server sees them: real participants learn, choose, clip and add noise as the program says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ppc.audit.federated.settings import Setting
from ppc.audit.federated.victim import Victim
from ppc.selective import Participant, Sparse
from ppc.selective.adding import mean_update


@dataclass(frozen=True)
class Seen:
    """One update, with zeros where nothing was sent, and the examples behind it. Of several participants, the mean."""

    setting: Setting
    update: Tensor
    sent: Tensor
    images: Tensor
    labels: Tensor


def exchanges(victim: Victim, setting: Setting, trials: int, seed: int) -> Iterator[Seen]:
    """All from the same weights, each of other examples as long as there are enough."""
    vector = victim.layout.vector(victim.weights).detach().numpy()
    everywhere = np.arange(len(vector), dtype=np.uint32)
    download = Sparse(len(vector), 0, everywhere, vector)
    order = torch.randperm(len(victim.labels), generator=torch.Generator().manual_seed(seed))
    for trial in range(trials):
        places = (torch.arange(setting.examples) + trial * setting.examples) % len(order)
        images, labels = victim.images[order[places]], victim.labels[order[places]]
        group = [_participant(victim, setting, one, images, labels, seed + trial) for one in range(setting.group)]
        yield Seen(setting, *_update(setting, group, download), images, labels)


def _participant(victim: Victim, setting: Setting, one: int, images: Tensor, labels: Tensor, seed: int) -> Participant:
    mine = slice(one * setting.own, (one + 1) * setting.own)
    return Participant(one, setting.facts, victim.network, images[mine], labels[mine], victim.weights, seed)


def _update(setting: Setting, group: Sequence[Participant], download: Sparse) -> tuple[Tensor, Tensor]:
    """The values, and where some were sent; of a sum on dense shares it is known to be nothing where nothing is."""
    facts, size = setting.facts, download.size
    if facts.aggregate == "plain":
        found = group[0].exchange(download)
        sent = _places(found)
    else:
        sums = sum((one.contribution(download) for one in group), np.zeros(facts.shared(size), np.int64))
        found = mean_update(facts, size, download.version, sums, len(group))
        sent = torch.arange(size) if facts.dense else _places(found)
    update, where = torch.zeros(size), torch.zeros(size, dtype=torch.bool)
    update[_places(found)] = torch.from_numpy(found.values.copy())
    where[sent] = True
    return update, where


def _places(found: Sparse) -> Tensor:
    return torch.from_numpy(found.indices.astype(np.int64))
