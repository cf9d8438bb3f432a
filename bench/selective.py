"""The table of the selective paper on digits: one model, trained in all the ways that the paper compares.

    python -m bench.selective                            # all of it: half an hour on a busy machine
    python -m bench.selective table --division fixed     # one part, measured on the images that are kept for tests
    python -m bench.selective --show rows.json           # the tables again, from saved rows
    python -m bench.selective table --seeds 1 --division validate --range 0 1   # other pixels, without a look at tests

Ten participants with 100 images of digits each learn the net of `examples/selective.pnn` (87,178 parameters); what is
measured is the mean accuracy of the participants' models after their last local epoch, on other images. Centralised
is one learner with all 1,000 images, standalone is each of the ten alone, all for as many epochs. The curves are
written as pictures to the folder of `--pictures`.

`--division` says who has which images. `anew`: each seed divides all 1,797, 1,000 to learn and 797 to measure. `fixed`:
the 1,000 are drawn from the training part, and the 360 of the other part measure. `validate`: the same 1,000, and the
437 training images that nobody has measure: for choosing settings.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from time import monotonic

import torch
from torch import Tensor

from bench.curves import picture
from ppc import compiler
from ppc.ir.selective import Selective, Upload
from ppc.learning import Layout, Network
from ppc.selective import ParameterServer, Participant, train
from ppc.selective.members import fresh, labelled
from ppc.selective.rounds import exchanges_a_round

PROGRAM = Path(__file__).parent.parent / "examples" / "selective.pnn"
PARTICIPANTS, IMAGES = 10, 100
DIVISIONS = ("anew", "fixed", "validate")
SHARES = (1.0, 0.1, 0.01, 0.001)
CENTRALISED, STANDALONE = "centralised", "standalone"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way to train, with the facts that it differs in."""

    part: str
    name: str
    facts: Selective

    @property
    def alone(self) -> bool:
        return self.name in (CENTRALISED, STANDALONE)


@dataclass(frozen=True)
class View:
    """Between what the pixels lie, and who has which images."""

    low: float = -0.5
    high: float = 0.5
    division: str = DIVISIONS[0]

    def __call__(self, images: Tensor) -> Tensor:
        return self.low + (images + 0.5) * (self.high - self.low)


@dataclass(frozen=True)
class Data:
    network: Network
    images: Tensor
    labels: Tensor
    tests: tuple[Tensor, Tensor]

    @staticmethod
    def digits(seed: int, view: View) -> Data:
        """A thousand images, drawn by the seed; those left over, or the part for tests, measure."""
        network = Network(compiler.compile_program(PROGRAM, model="digits").after("infer-shapes"))
        images, labels = labelled(Path("digits" if view.division == "anew" else "digits,part=train"), network)
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
        chosen, left = order[: PARTICIPANTS * IMAGES], order[PARTICIPANTS * IMAGES :]
        fixed = view.division == "fixed"
        tests = labelled(Path("digits,part=test"), network) if fixed else (images[left], labels[left])
        return Data(network, view(images[chosen]), labels[chosen], (view(tests[0]), tests[1]))

    def learner(self, facts: Selective, number: int, images: int, seed: int) -> Participant:
        own = slice(number * images, (number + 1) * images)
        return Participant(
            number, facts, self.network, self.images[own], self.labels[own], fresh(self.network, seed), seed
        )


def cases() -> Iterator[Case]:
    """All that is compared: the paper's table (batch 1), its other curves (batch 32), and the asynchronous order."""
    facts = compiler.training_of(PROGRAM)
    assert isinstance(facts, Selective)
    for part, base in (("table", facts), ("batch 32", replace(facts, batch=32, rate=0.1, rounds=40))):
        yield Case(part=part, name=CENTRALISED, facts=base)
        for share in SHARES:
            yield Case(part=part, name=f"upload {share:g}", facts=replace(base, upload=_largest(share)))
        yield Case(part=part, name=STANDALONE, facts=base)
    at_once = replace(facts, order="asynchronous", rate=0.01, upload=_largest(0.1))
    for exchange in (1, 10, 100):
        for scale in (1.0, 0.1):
            name = f"every {exchange}, scale {scale:g}"
            yield Case(part="asynchronous", name=name, facts=replace(at_once, exchange=exchange, scale=scale))


def _largest(share: float) -> Upload:
    return Upload(share=share, how="largest")


def curve(case: Case, seed: int, view: View) -> list[float]:
    """The mean accuracy after each round."""
    data, facts = Data.digits(seed, view), case.facts
    count, images = (1, PARTICIPANTS * IMAGES) if case.name == CENTRALISED else (PARTICIPANTS, IMAGES)
    learners = [data.learner(facts, number, images, seed) for number in range(count)]
    return list(_alone(facts, learners, data) if case.alone else _together(facts, learners, data, seed))


def _alone(facts: Selective, learners: Sequence[Participant], data: Data) -> Iterator[float]:
    for _ in range(facts.rounds):
        for one in learners:
            one.learn()
        yield fmean(one.accuracy(*data.tests) for one in learners)


def _together(facts: Selective, learners: Sequence[Participant], data: Data, seed: int) -> Iterator[float]:
    vector = Layout.of(data.network).vector(fresh(data.network, seed)).numpy().copy()
    server = ParameterServer(vector, scale=facts.scale, decay=facts.decay)
    turns = facts.participants * exchanges_a_round(facts, IMAGES)
    for over, _ in enumerate(train(facts, server, learners, seed), 1):
        if over % turns == 0:
            yield fmean(one.accuracy(*data.tests) for one in learners)


Rows = dict[str, dict[str, list[list[float]]]]  # by part, by case: a curve for each seed


def measured(parts: Sequence[str], seeds: int, keep: Path | None, view: View) -> Rows:
    found: Rows = {}
    for case in cases():
        if case.part not in parts:
            continue
        for seed in range(seeds):
            began = monotonic()
            values = curve(case, seed, view)
            found.setdefault(case.part, {}).setdefault(case.name, []).append(values)
            print(f"{case.part}: {case.name}, seed {seed}: {values[-1]:.4f} in {monotonic() - began:.0f} s", flush=True)
            if keep is not None:
                keep.write_text(json.dumps(found))
    return found


def show(rows: Rows, pictures: Path | None) -> None:
    for part, found in rows.items():
        print(f"\n{part}\n| case | accuracy | lowest | highest |\n| --- | --- | --- | --- |")
        for name, curves in found.items():
            ends = [values[-1] for values in curves]
            print(f"| {name} | {fmean(ends):.3f} | {min(ends):.3f} | {max(ends):.3f} |")
        if pictures is not None:
            means = {name: [fmean(at) for at in zip(*curves, strict=True)] for name, curves in found.items()}
            title = {"table": "batch 1", "asynchronous": "asynchronous, upload 0.1, batch 1"}.get(part, part)
            path = pictures / f"selective_{part.replace(' ', '_')}.svg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(picture(f"digits, {title}: mean accuracy of the participants", "rounds", means))
            print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="table, batch 32, asynchronous (all)")
    parser.add_argument("--seeds", type=int, default=3, help="of everything (3)")
    parser.add_argument("--json", type=Path, help="rows are kept here")
    parser.add_argument("--show", type=Path, help="rows of an earlier run")
    parser.add_argument("--pictures", type=Path, help="the folder for the curves")
    parser.add_argument("--range", type=float, nargs=2, default=(-0.5, 0.5), help="of the pixels (-0.5 0.5)")
    parser.add_argument("--division", choices=DIVISIONS, default=DIVISIONS[0], help="who has which images (anew)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    parts = options.parts or ("table", "batch 32", "asynchronous")
    view = View(*options.range, options.division)
    rows = json.loads(options.show.read_text()) if options.show else measured(parts, options.seeds, options.json, view)
    show(rows, options.pictures)


if __name__ == "__main__":
    main()
