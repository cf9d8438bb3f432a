"""Network profiles as a user writes them."""

from __future__ import annotations

import pytest

from ppc.bill.network import LAN, WAN, profile


def test_named_profiles() -> None:
    assert profile("lan") == LAN
    assert profile("wan") == WAN


def test_one_of_your_own() -> None:
    found = profile("rtt=2.5ms,bw=1.5G")

    assert (found.rtt, found.bandwidth) == (0.0025, 1.5e9)
    assert profile("bw=100M, rtt=40ms").rtt == 0.04


def test_time_is_bytes_over_bandwidth_and_half_a_round_trip_for_each_message() -> None:
    assert profile("rtt=40ms,bw=100M").seconds(12_500_000, 10) == pytest.approx(1.0 + 0.2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fast",
        "rtt=40parsecs,bw=1M",
        "rtt=40ms",
        "rtt=40ms,bw=0",
        "rtt=-1ms,bw=1M",
        "rtt=1ms,rtt=2ms",
        "bw=1ms,rtt=1ms",
    ],
)
def test_what_is_no_network_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="rtt="):
        profile(text)
