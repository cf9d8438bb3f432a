"""What the bill counts of each role's work is what its kernels are given in a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from ppc.bill.times import efforts
from ppc.compiler import compile_program
from ppc.field import Words
from ppc.plan.steps import Plan
from ppc.protocol import lowered
from ppc.runtime.hand import Hand
from ppc.runtime.kernels import Workbench
from ppc.runtime.session import Watchers, run_in_memory
from tests.plan_runs import given_values, some_values
from tests.sources import CHECKOUT

DEALER = "dealer"


class Ledger:
    """What every workbench of a run was asked for, by the role that it belongs to."""

    def __init__(self, plan: Plan) -> None:
        self.words = plan.modulus_field.words
        self.found: dict[int, Counter[str]] = {}
        self.owners: dict[int, str] = {}

    def of(self, bench: Workbench) -> Counter[str]:
        return self.found.setdefault(id(bench), Counter())

    def size(self, *arrays: Words) -> int:
        return sum(array.size for array in arrays) // self.words

    def by_role(self) -> dict[str, Counter[str]]:
        return {self.owners.get(bench, DEALER): counts for bench, counts in self.found.items()}


@contextmanager
def watched(ledger: Ledger) -> Generator[None]:
    """Every kernel says what it is given before it begins."""
    with pytest.MonkeyPatch.context() as patch:

        def wrap(name: str, count: Callable[..., dict[str, int]]) -> None:
            whole = getattr(Workbench, name)

            def wrapped(bench: Workbench, *arguments: Any, **options: Any) -> None:
                ledger.of(bench).update(count(*arguments, **options))
                whole(bench, *arguments, **options)

            patch.setattr(Workbench, name, wrapped)

        def weights(image: Words, gradient: Words, out: Words, *_: Any, **_options: Any) -> dict[str, int]:
            products = ledger.size(gradient) * (ledger.size(out) // out.shape[0])
            return {"products": products, "values": ledger.size(image, gradient, out)}

        def forward(image: Words, kernel: Words, out: Words, *_: Any, **_options: Any) -> dict[str, int]:
            products = ledger.size(out) * (ledger.size(kernel) // kernel.shape[0])
            return {"products": products, "values": ledger.size(image, kernel, out)}

        def matmul(left: Words, right: Words, out: Words, **_options: Any) -> dict[str, int]:
            inner = left.shape[-1 if ledger.words == 1 else -2]
            return {"products": ledger.size(out) * inner, "values": ledger.size(left, right, out)}

        def evaluate(_: Any, operands: Any, outs: Any = (), **_options: Any) -> dict[str, int]:
            return {"values": ledger.size(*operands, *outs)}

        def drawing(_: Any, out: Words) -> dict[str, int]:
            return {"drawn": ledger.size(out)}

        def compared(opened: Words, *_: Any, digits: int, **_options: Any) -> dict[str, int]:
            return {"digits": ledger.size(opened) * digits}

        wrap("evaluate", evaluate)
        wrap("matmul", matmul)
        wrap("convolve", forward)
        wrap("convolve_to_weights", weights)
        wrap("uniform", drawing)
        wrap("comparison_digits", compared)
        drawn = Hand.words

        def words(hand: Hand, *arguments: Any, **options: Any) -> Words:
            found = drawn(hand, *arguments, **options)
            ledger.of(hand.local.bench)["random_bytes"] += found.nbytes
            return found

        patch.setattr(Hand, "words", words)
        yield


def counted(plan: Plan, values: dict[str, Any], iterations: int) -> dict[str, Counter[str]]:
    ledger = Ledger(plan)

    def owner(desk: Any, *_: Any) -> None:
        ledger.owners[id(desk.local.bench)] = desk.name

    def given(_section: str, _turn: int) -> dict[str, Any]:
        return values

    with watched(ledger):
        run_in_memory(
            plan,
            dict.fromkeys(plan.parties, given),
            iterations,
            watch=Watchers(party=owner),
            timeout=60.0,
            variant="slow",
        )
    return ledger.by_role()


@pytest.mark.parametrize(
    ("name", "batch", "level"), [("mlp", 8, 2), ("mlp", 8, 0), ("shallow_train", 2, 2), ("shallow_cubic", 1, 1)]
)
def test_an_iteration(name: str, batch: int, level: int) -> None:
    compiled = compile_program(CHECKOUT / f"examples/{name}.pnn", train=True, batch=batch)
    plan = lowered(compiled, level=level).plan
    values = given_values(plan, some_values(compiled.graph, np.random.default_rng(1), weights=0.02))

    once, twice = counted(plan, values, 1), counted(plan, values, 2)
    found = efforts(plan, plan.section("each"))
    for role, work in zip((*plan.parties, DEALER), (*found.parties, found.dealer), strict=True):
        real = twice[role] - once[role]
        assert (work.drawn, work.random_bytes, work.digits) == (real["drawn"], real["random_bytes"], real["digits"])
        assert work.products == pytest.approx(real["products"], rel=0.15), role  # sums are products with ones
        assert work.values == pytest.approx(real["values"], rel=0.35), role
