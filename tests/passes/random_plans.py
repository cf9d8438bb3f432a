"""Random plans at stage `scaled`: element-wise steps on values of one shape, all scales kept small."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from ppc.ir.graph import Attribute
from ppc.plan.build import PlanBuilder
from ppc.plan.steps import Carry, Plan, Result
from ppc.plan.wires import Form, Wire

SHAPE = (2, 3)
WIDE = 1 << 24  # what is larger is truncated before it is multiplied
OPS = ("product", "polynomial", "truncate", "relu", "add", "subtract", "times", "offset", "rescale", "reshape", "open")
Choice = tuple[str, int, int]


def built(level: int, field: str, choices: Sequence[Choice]) -> Plan:
    """Each choice names an op and, by number, its operands among the values made so far."""
    builder = PlanBuilder(Plan(name="random", field=field, parties=("client", "server"), level=level, batch=2))
    given: dict[str, Attribute] = {"what": "data"}
    builder.add("given", attrs=given, name="w", wire=_owned("server"))
    builder.section = "each"
    builder.carry(Carry(name="s", first="w", then="s", wire=_wire("shared")))
    builder.add("given", attrs=given, name="x", wire=_owned("client"))
    values, bits = ["w", "s", "x"], dict[str, str]()
    for op, first, second in choices:
        x, y = values[first % len(values)], values[second % len(values)]
        values.append(_added(builder, bits, op, x, y))
    for number, value in enumerate(values):
        builder.result(Result(name=f"r{number}", value=value))
    return builder.plan("scaled")


def _wire(form: Form, at: str = "") -> Wire:
    return Wire(
        form="shared" if form == "shared" else "clear", at=at, shape=SHAPE, scale=16, low=-(1 << 17), high=1 << 17
    )


def _owned(party: str) -> Wire:
    return _wire("clear", party)


def _added(builder: PlanBuilder, bits: dict[str, str], op: str, x: str, y: str) -> str:
    def add(op: str, *inputs: str, **attrs: Attribute) -> str:
        return builder.add(op, inputs, attrs, shape=SHAPE if op == "reshape" else None).name

    if builder.wires[x].magnitude >= WIDE or builder.wires[y].magnitude >= WIDE:
        large = x if builder.wires[x].magnitude >= WIDE else y
        return add("truncate", large, shift=builder.wires[large].bits - 16)
    match op:
        case "product":
            return add("product", x, y, map="multiply")
        case "polynomial":
            return add("polynomial", x, coefficients=(3, -2, 1))
        case "truncate":
            return add("truncate", x, shift=4)
        case "relu":
            if x not in bits:
                bits[x] = add("compare", x, knots=(1,))
            return add("select", bits[x], y, slopes=(1,), knots=(0,))
        case "times":
            return add("times", x, factor=-3)
        case "offset":
            return add("offset", x, constant=7)
        case "rescale":
            return add("rescale", x, to=12)
        case "open":
            return add("reveal", x, to="client", drowned=2)
        case "reshape":
            return add("reshape", x)
        case _:
            return add(op, x, y)


PLANS = st.builds(
    built,
    st.sampled_from((0, 1, 2)),
    st.sampled_from(("mersenne61", "mersenne127")),
    st.lists(st.tuples(st.sampled_from(OPS), st.integers(0, 30), st.integers(0, 30)), max_size=14),
)
