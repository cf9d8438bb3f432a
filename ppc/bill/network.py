"""A network profile: bytes / bandwidth + rounds x latency. What computing takes on top of it, `times` says.

Rounds count one-way messages, so each waits for half of a round trip. Both directions are used at once, so the busier
party's bytes count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf

from ppc.ir.policy import Policy

TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
RATES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "Mi": 2.0**20}
_PART = re.compile(r"(?P<key>rtt|bw)=(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>[A-Za-z]*)")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Seconds of a round trip, and bits a second in each direction; none of it where all roles are `here`."""

    name: str
    rtt: float
    bandwidth: float
    here: bool = False

    def __str__(self) -> str:
        if self.here:
            return "here: all roles on this machine"
        return f"{self.name}: {self.rtt * 1e3:g} ms round trip, {self.bandwidth / 1e6:,.15g} Mbit/s"

    def seconds(self, size: int, rounds: int) -> float:
        """So many bytes one way, in so many messages that wait for each other."""
        return 8 * size / self.bandwidth + rounds * self.rtt / 2


LAN = Profile(name="lan", rtt=0.5e-3, bandwidth=1e9)
WAN = Profile(name="wan", rtt=40e-3, bandwidth=100e6)
HERE = Profile(name="here", rtt=0.0, bandwidth=inf, here=True)
PROFILES = {profile.name: profile for profile in (LAN, WAN, HERE)}


def profile(text: str) -> Profile:
    """`lan`, `wan`, `here`, or as in `rtt=40ms,bw=100M`; ValueError for anything else."""
    if text in PROFILES:
        return PROFILES[text]
    found: dict[str, float] = {}
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        units = TIMES if match and match["key"] == "rtt" else RATES
        if match is None or match["unit"] not in units or match["key"] in found:
            raise ValueError(f"`{text}` is no network: write lan, wan, here, or as in rtt=40ms,bw=100M")
        found[match["key"]] = float(match["number"]) * units[match["unit"]]
    if found.keys() != {"rtt", "bw"} or found["bw"] <= 0:
        raise ValueError(f"`{text}` needs both rtt and bw, as in rtt=40ms,bw=100M")
    return Profile(name=text, rtt=found["rtt"], bandwidth=found["bw"])


def of_program(policy: Policy | None) -> Profile:
    """The network of a private block; a local one where it names none."""
    network = policy.network if policy else None
    return Profile(name="network", rtt=network.rtt, bandwidth=network.bandwidth) if network else LAN
