"""What can go wrong between the parties: each ends with a code, and nobody waits for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ppc.errors import PpcError
from ppc.field import MERSENNE61, Words
from ppc.plan.steps import Plan
from ppc.runtime.channel import Header, MemoryChannel, memory_channels
from ppc.runtime.dealer import Dealer
from ppc.runtime.keys import Seed
from ppc.runtime.parcel import Layout
from ppc.runtime.party import Party
from ppc.runtime.session import run_in_memory
from tests.runtime.plans import plan_of, run

TEXT = """
    x.real = given() {"what": "data"} : clear[6] within -4.0..4.0 at hospital ; 0
    x = encode(x.real) : clear[6] @16 at hospital ; 0
    y.real = given() {"what": "data"} : clear[6] within -4.0..4.0 at lab ; 0
    y = encode(y.real) : clear[6] @16 at lab ; 0
    s = add(x, y) : shared[6] @16 ; 0
    es = mask(s) {"mask": "m"} : masked[6] @16 ; 1
    z = product(es, es) {"map": "multiply", "share": "c"} : shared[6] @32 ; 1
    r = reveal(z) {"to": "both", "grant": "all"} : public[6] @32 ; 2
    d = decode(r) : public[6] ; 2
    result product = d
"""
GIVEN = {"x.real": np.arange(6) / 4, "y.real": np.ones(6)}


@pytest.fixture
def plan() -> Plan:
    return plan_of(MERSENNE61, each=TEXT)


def refused(code: str, act: Callable[[], Any]) -> PpcError:
    with pytest.raises(PpcError) as caught:
        act()
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code]
    return caught.value


def test_it_works(plan: Plan) -> None:
    found = run(plan, GIVEN).outcome.result("lab", "each")["product"]
    assert np.allclose(np.asarray(found, float), (np.arange(6) / 4 + 1) ** 2)


@pytest.mark.parametrize("more", [-1, 1, -3])
def test_a_message_of_another_length(plan: Plan, more: int, monkeypatch: pytest.MonkeyPatch) -> None:
    send = MemoryChannel.send

    def changed(self: MemoryChannel, frame: Words) -> None:
        send(self, np.resize(frame, frame.size + more))

    monkeypatch.setattr(MemoryChannel, "send", changed)
    refused("PPC651", lambda: run(plan, GIVEN))


@pytest.mark.parametrize("place", [0, 1])
def test_a_frame_of_another_round(plan: Plan, place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its length is right, its header is not."""
    send = MemoryChannel.send

    def changed(self: MemoryChannel, frame: Words) -> None:
        other = frame.copy()
        other[place] += np.uint64(1)
        send(self, other)

    monkeypatch.setattr(MemoryChannel, "send", changed)
    refused("PPC651", lambda: run(plan, GIVEN))


def test_headers_differ_in_all_that_they_say() -> None:
    fields = [("each", 0, 1, 8), ("setup", 0, 1, 8), ("each", 1, 1, 8), ("each", 0, 2, 8), ("each", 0, 1, 16)]
    assert len({tuple(Header(*row).words()) for row in fields}) == len(fields)


@pytest.mark.parametrize("who", ["hospital", "lab"])
def test_a_party_that_dies(plan: Plan, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one ends with a code of its own, and the run says what happened first."""
    ended: dict[str, BaseException] = {}
    follow = Party.run

    def dying(self: Party, *rest: Any) -> Any:
        if self.name == who:
            raise RuntimeError("out of memory")
        try:
            return follow(self, *rest)
        except BaseException as error:
            ended[self.name] = error
            raise

    monkeypatch.setattr(Party, "run", dying)
    start = time.monotonic()
    with pytest.raises(RuntimeError, match="out of memory"):
        run(plan, GIVEN)
    assert time.monotonic() - start < 10
    (other,) = ended.values()
    assert isinstance(other, PpcError)
    assert other.diagnostics[0].code == "PPC652"


def test_a_dealer_that_dies(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(*_: Any) -> Any:
        raise RuntimeError("no power")

    monkeypatch.setattr(Dealer, "deal", dying)
    with pytest.raises(RuntimeError, match="no power"):
        run(plan, GIVEN)


def test_silence() -> None:
    mine, _ = memory_channels(timeout=0.05)
    refused("PPC653", lambda: mine.receive(16))


def test_an_end_that_is_closed() -> None:
    mine, theirs = memory_channels()
    theirs.close()
    refused("PPC652", lambda: mine.receive(16))


def test_corrections_of_another_size(plan: Plan) -> None:
    layout = Layout(plan, plan.section("each"))
    assert layout.bytes == 6 * 8
    refused("PPC655", lambda: layout.read(np.zeros(40, np.uint8)).data)
    assert layout.read(np.zeros(48, np.uint8)).elements("z", "c", 6).tolist() == [0] * 6


def test_corrections_are_waited_for_when_they_are_needed(plan: Plan) -> None:
    asked: list[str] = []

    def bring() -> NDArray[np.uint8]:
        asked.append("")
        return np.zeros(48, np.uint8)

    parcel = Layout(plan, plan.section("each")).coming(bring)
    assert not asked
    parcel.elements("z", "c", 6)
    parcel.elements("z", "c", 6)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("PPC654", {"x.real": np.zeros((2, 3))}),
        ("PPC654", {"y.real": np.zeros(7)}),
        ("PPC520", {"x.real": np.full(6, 4.5)}),
        ("PPC520", {"y.real": np.array([0, 0, 0, 0, 0, np.nan])}),
    ],
)
def test_values_that_do_not_fit(plan: Plan, code: str, changes: dict[str, Any]) -> None:
    refused(code, lambda: run(plan, GIVEN | changes))


def test_a_value_that_is_missing(plan: Plan) -> None:
    error = refused("PPC654", lambda: run_in_memory(plan, {}))
    assert "x.real" in str(error) or "y.real" in str(error)


CHECKED = """
    x.real = given() {"what": "data"} : clear[66] within -9.0..9.0 at hospital ; 0
    x = encode(x.real) : clear[66] @4 at hospital ; 0
    e = mask(x) {"mask": "m"} : masked[66] @4 ; 1
    d = digits(e) {"shift": 0, "digits": 2, "offsets": [192, 321], "tuple": "t", "bits": "b"} : digits[2, 66] ; 2
    b = bit(d) {"bits": "b2", "share": "s"} : bit[2, 66] ; 3
    n = count(b) {"slopes": [1, -1]} : shared[] @0 ; 3
    outside = offset(n) {"constant": 66} : shared[] @0 ; 3
    zero = reveal(outside) {"to": "both", "grant": "range"} : public[] @0 ; 4
    y = certified(x) {"by": "zero", "low": -64, "high": 63} : clear[66] @4 at hospital ; 4
"""


@pytest.mark.parametrize(("worst", "holds"), [(3.9, True), (-4.0, True), (4.2, False), (-4.2, False)])
def test_a_value_out_of_its_range(worst: float, holds: bool) -> None:
    """Two thresholds count what is outside; only the count is revealed, and it must be zero."""
    plan = plan_of(MERSENNE61, each=CHECKED)
    values = np.linspace(-3, 3, 66)
    values[17] = worst
    if holds:
        assert not run(plan, {"x.real": values}).value("zero").any()
    else:
        refused("PPC656", lambda: run(plan, {"x.real": values}))


def test_the_dealer_sees_no_data(plan: Plan) -> None:
    """It is given the plan and seeds only, and is right without anything else."""
    dealer = Dealer(plan, (Seed(), Seed()), b"session")
    assert dealer.deal("each", 0).nbytes == 48
    assert not hasattr(dealer, "given")
