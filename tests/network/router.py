"""A network of machines on this one, as a program: `python -m tests.network.router HOSTS DELAY RATE NAME=ADDRESS …`

Every machine is a network namespace with one interface, whose packets come here. This program hands each to the machine
that it is for, not sooner than DELAY seconds later and, from each machine, no more than RATE bytes a second. So latency
and bandwidth are those of a network wherever a user may have namespaces, without the kernel's own shaper, which many
systems lack. HOSTS stands as /etc/hosts in every machine. Prints the process in which each machine is, and ends when
its input does.

It is started in a user namespace of its own (`tests.network.machines`), and changes nothing outside of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from heapq import heappop, heappush
from ipaddress import IPv4Address
from itertools import count
from time import monotonic

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
STANDARD_INPUT = 0
MTU = 9000
STAND = 'mount --make-rprivate / && mount --bind "$0" /etc/hosts && ip link set lo up && echo there && exec cat'


@dataclass
class Machine:
    """One namespace: the process that holds it, and the end of its interface that is here."""

    name: str
    address: IPv4Address
    holder: subprocess.Popen[bytes]
    interface: int
    free: float = 0.0  # when its line has carried what it was given


@dataclass
class Router:
    """What is on its way, soonest first."""

    delay: float
    rate: float
    machines: dict[bytes, Machine] = field(default_factory=dict[bytes, Machine])
    waiting: list[tuple[float, int, Machine, bytes]] = field(default_factory=list[tuple[float, int, Machine, bytes]])
    numbers: count[int] = field(default_factory=count)

    def take(self, origin: Machine) -> None:
        """A packet leaves a machine: when will it arrive, and where?"""
        packet = os.read(origin.interface, MTU + 64)
        goal = self.machines.get(packet[16:20]) if packet[0] >> 4 == 4 else None
        if goal is None:
            return
        origin.free = max(origin.free, monotonic()) + len(packet) / self.rate
        heappush(self.waiting, (origin.free + self.delay, next(self.numbers), goal, packet))

    def give(self) -> float | None:
        """Packets that have arrived; the seconds until the next one does."""
        now = monotonic()
        while self.waiting and self.waiting[0][0] <= now:
            *_, goal, packet = heappop(self.waiting)
            os.write(goal.interface, packet)
        return self.waiting[0][0] - now if self.waiting else None

    def run(self) -> None:
        """Until there is nobody for whom this is done."""
        ends = {machine.interface: machine for machine in self.machines.values()}
        while True:
            ready, _, _ = select.select([STANDARD_INPUT, *ends], [], [], self.give())
            if STANDARD_INPUT in ready:
                return
            for number in ready:
                self.take(ends[number])


def machine(name: str, address: str, hosts: str, number: int) -> Machine:
    """A namespace with an interface; both are gone when this program is."""
    holder = subprocess.Popen(
        ["unshare", "--net", "--mount", "sh", "-c", STAND, hosts], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    if holder.stdout.readline() != b"there\n":
        raise OSError("a machine of the network could not be made")
    interface, tun = os.open("/dev/net/tun", os.O_RDWR), f"wire{number}"
    fcntl.ioctl(interface, TUNSETIFF, struct.pack("16sH22x", tun.encode(), IFF_TUN | IFF_NO_PI))
    inside = f"ip addr add {address}/24 dev {tun} && ip link set {tun} mtu {MTU} up"
    subprocess.run(["ip", "link", "set", tun, "netns", str(holder.pid)], check=True)
    subprocess.run(["nsenter", f"--target={holder.pid}", "--net", "sh", "-c", inside], check=True)
    return Machine(name, IPv4Address(address), holder, interface)


def main(hosts: str, delay: str, rate: str, *named: str) -> None:
    router = Router(float(delay), float(rate))
    for number, pair in enumerate(named):
        name, _, address = pair.partition("=")
        made = machine(name, address, hosts, number)
        router.machines[made.address.packed] = made
    found = {one.name: one.holder.pid for one in router.machines.values()}
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    router.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
