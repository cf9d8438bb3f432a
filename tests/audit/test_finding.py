"""What an attack may say, and how sure it must be."""

from __future__ import annotations

import pytest

from ppc.audit import Finding, Interval, as_facts, mean_interval, share_interval, table, verdict


def test_the_interval_of_a_share_stays_between_nothing_and_all() -> None:
    assert share_interval(0, 20).low == 0.0
    assert share_interval(20, 20).high == 1.0
    assert share_interval(50, 100).low == pytest.approx(0.4038, abs=1e-4)  # Wilson's, worked out by hand


def test_a_mean_of_one_value_is_that_value() -> None:
    assert mean_interval([0.25]) == Interval(0.25, 0.25)
    assert mean_interval([0.0, 1.0]).low == pytest.approx(-0.48, abs=0.01)


@pytest.mark.parametrize(
    ("value", "low", "expected"),
    [(0.97, 0.95, "BROKEN"), (0.6, 0.55, "leaks"), (0.52, 0.48, "no advantage found")],
)
def test_a_verdict_needs_the_whole_interval_above_the_baseline(value: float, low: float, expected: str) -> None:
    assert verdict(value, Interval(low, 1.0), 0.5, broken_at=0.9) == expected


def test_a_table_never_says_that_something_is_secure() -> None:
    finding = Finding(
        attack="probe",
        target="a toy",
        knowledge="the client's half",
        budget="100 samples",
        metric="accuracy",
        value=0.5,
        interval=Interval(0.4, 0.6),
        baseline=0.5,
        verdict="no advantage found",
        control=True,
    )

    text = "\n".join(table([finding]))

    assert "positive control" in text
    assert "secure" not in text.lower()
    assert as_facts([finding])[0]["interval"] == {"low": 0.4, "high": 0.6}
