"""The joint check that trained weights keep the bounds of the program: in every iteration, before they are used.

Every range of the body is proved from these bounds, and one update may leave them. So each iteration compares every
weight with both of its bounds, on the opening that truncates it anyway, and opens how many are outside: none, or the
run ends. The comparison is coarse: its unit is an eighth of the larger bound or less, but more than a 16th, and a
weight may be three units outside before it is found. It never blames a weight within its bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log2

from ppc.errors import InternalError
from ppc.ir.graph import Attribute, Node
from ppc.ir.types import Interval
from ppc.passes.lowering.context import Lowering, Value
from ppc.plan.steps import BOTH
from ppc.plan.wires import Wire

FINENESS = 3  # bits between a bound's magnitude and the unit of the comparison


def certify(lowering: Lowering, parameters: Sequence[Node]) -> None:
    """Certified versions take the place of the carried parameters."""
    if not parameters:
        return
    checks = {node.name: _outside(lowering, node) for node in parameters}
    total = ""
    for node in parameters:
        lowering.node = node
        count = checks[node.name][1]
        total = lowering.add("add", total, count, name="check.sum", phase="check") if total else count
    attrs: dict[str, Attribute] = {"to": BOTH, "grant": "check"}
    opened = lowering.add(
        "reveal", total, name="check.outside", attrs=attrs, wire=Wire(form="public", shape=()), phase="check"
    )
    for node in parameters:
        lowering.node = node
        certified: dict[str, Attribute] = {"check": checks[node.name][0], "by": opened}
        lowering.values[node.name] = lowering.add(
            "certified", lowering.values[node.name], name=f"{node.name}.certified", attrs=certified, phase="check"
        )


def _outside(lowering: Lowering, node: Node) -> tuple[Value, Value]:
    """The comparison of a parameter with its bounds, and how many of its elements fail it."""
    lowering.node = node
    bounds = node.typed.bounds
    if bounds is None or bounds.magnitude == 0:
        raise InternalError(f"{node.name} has no bounds to keep", place="lower")
    coarse, knots = limits(bounds)
    value = lowering.values[node.name]
    bits = lowering.add(
        "compare", value, name=f"{node.name}.check", attrs={"knots": knots, "coarse": coarse}, phase="check"
    )
    difference = lowering.add("count", bits, name=f"{node.name}.inside", attrs={"slopes": (1.0, -1.0)}, phase="check")
    count = lowering.add(
        "offset", difference, name=f"{node.name}.outside", attrs={"by": float(node.typed.size)}, phase="check"
    )
    return bits, count


def limits(bounds: Interval) -> tuple[int, tuple[float, float]]:
    """The unit's exponent, and the knots above and below: a truncated value is its floor in units, or one more."""
    exponent = floor(log2(bounds.magnitude)) - FINENESS
    unit = 2.0**exponent
    return exponent, ((ceil(bounds.high / unit) + 2) * unit, floor(bounds.low / unit) * unit)
