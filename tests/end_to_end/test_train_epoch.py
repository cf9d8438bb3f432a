"""An epoch of the example nets by `ppc train`, with its three processes: to the last bit what the integers come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppc.data import examples
from tests.end_to_end.trainings import Training
from tests.sources import CHECKOUT

IMAGES = 1280  # ten iterations


@pytest.mark.long
@pytest.mark.parametrize("net", ["shallow_train", "deep_train"])
def test_an_epoch_is_that_of_the_twin(net: str, tmp_path: Path) -> None:
    found = examples(f"digits28:{IMAGES},part=train")
    data = {"image": found.images / found.brightest, "labels": found.labels}
    training = Training(tmp_path, (CHECKOUT / f"examples/{net}.pnn").read_text("utf-8"), data, every=5)

    assert training.ends(training.start()) == 0, training.said
    training.same_as_twin()
    training.used_once()
