"""Right answers on shares: a score is compared with those of all other classes at once, and the answers are counted.

An answer is right where no score is above that of its label. Labels are rows of zeros and a one; a row without a one,
as padding has it, is never right. So two comparisons follow each other, whatever the number of classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ppc.ir.graph import Attribute, Node, Output
from ppc.ir.types import Interval
from ppc.passes.lowering.context import Lowering, Rule, Value
from ppc.plan.kept import ACCURACY
from ppc.plan.steps import Carry, Result
from ppc.plan.wires import Wire

RIGHT = "right"
MOST_BATCHES = 1 << 20  # in one run: so what is added up has a range


def _right_answers(lowering: Lowering, _node: Node, operands: Sequence[Value]) -> Value:
    # Labels are whole numbers, so that a score times its one is that score to the last bit.
    whole: dict[str, Attribute] = {"scale": 0, "rounding": "nearest"}
    scores, labels = lowering.settled(operands[0]), lowering.add("encode", operands[1], attrs=whole, name="whole")
    shape = lowering.shape(scores)
    own = lowering.add("sum_rows", lowering.product("multiply", scores, labels))
    above = lowering.above(lowering.add("subtract", scores, lowering.add("spread_rows", own, shape=shape)), (0.0,))
    better = lowering.add("sum_rows", lowering.add("as_number", above, attrs={"threshold": 0}, shape=shape))
    unlabelled = lowering.add("offset", lowering.times(lowering.add("sum_rows", labels), -1.0), attrs={"by": 1.0})
    wrong = lowering.above(lowering.add("add", better, unlabelled), (0.0,))
    count = lowering.add("count", wrong, attrs={"slopes": (-1.0,)})
    return lowering.add("offset", count, attrs={"by": float(shape[0])})


def counted(lowering: Lowering, output: Output) -> tuple[tuple[Carry, ...], tuple[Result, ...]]:
    """The right answers of all batches, added up and opened at the end, to whom a line of the program names."""
    lowering.node = replace(lowering.graph[output.value], span=output.span)
    zero = Wire(form="public", shape=(), bounds=Interval(0.0, 0.0))
    first = lowering.add("given", name=f"{RIGHT}.first", attrs={"what": "zero"}, wire=zero, section="setup")
    before, wire = f"{RIGHT}.before", Wire(form="shared", shape=())
    lowering.wires[before], lowering.homes[before] = wire, "each"
    tally: dict[str, Attribute] = {"most": MOST_BATCHES}
    then = lowering.add("add", before, lowering.values[output.value], name=f"{RIGHT}.so_far", attrs=tally)
    shown = tuple(_shown(lowering, before, party) for party in output.to)
    return (Carry(name=before, first=first, then=then, wire=wire),), shown


def _shown(lowering: Lowering, value: Value, party: str) -> Result:
    wire = Wire(form="clear", at=party, shape=())
    lowering.section, lowering.phase = "finish", "output"
    attrs: dict[str, Attribute] = {"to": party, "grant": ACCURACY}
    opened = lowering.add("reveal", value, name=f"{RIGHT}.to_{party}.opened", attrs=attrs, wire=wire)
    read = lowering.add("decode", opened, name=f"{RIGHT}.to_{party}", wire=wire)
    lowering.section, lowering.phase = None, None
    return Result(name=RIGHT, value=read, to=party)


COUNTING: dict[str, Rule] = {"right_answers": _right_answers}
