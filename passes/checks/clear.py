"""What one party computes alone, on reals: an op of the graph, with its own attributes and shapes. Called by `frame`.

Its numbers are its own business, for encoding holds them to their bounds; that there is such an op is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ppc.ir.graph import Node
from ppc.ir.ops import OPS, SOURCES
from ppc.ir.shapes import SHAPES, ShapeError
from ppc.plan.steps import Step

REMARKS = ("op", "why", "inline")
NOWHERE = (*SOURCES, "reveal", "dropout")  # given, sent, or gone before anything is computed


def unknown(step: Step) -> Iterator[str]:
    """An op that is none, operands too few or too many, or attributes that are not those of the op."""
    word = step.attrs.get("op", "")
    op = OPS.get(word) if isinstance(word, str) else None
    if op is None or op.name in NOWHERE or op.name not in SHAPES:
        yield f"computes `{word}`, which nobody can"
        return
    if not op.fewest <= len(step.inputs) <= op.most or (op.variadic and not step.inputs):
        yield f"computes `{op.name}` of {len(step.inputs)} operands"
    yield from (f"has no attribute `{key}`" for key in sorted(op.attrs.keys() - step.attrs.keys()))
    more = step.attrs.keys() - op.attrs.keys() - op.options.keys() - {*REMARKS}
    yield from (f"has an attribute `{key}`, which is not known" for key in sorted(more))


def mistakes(step: Step, operands: Sequence[tuple[int, ...]]) -> Iterator[str]:
    """Another shape than the op makes of these."""
    attrs = {key: value for key, value in step.attrs.items() if key not in REMARKS}
    node = Node(name=step.name, op=step.word("op"), attrs=attrs)
    try:
        made = SHAPES[node.op](node, operands)
    except ShapeError as error:
        yield error.message
    except (ArithmeticError, IndexError, TypeError, ValueError, AttributeError):  # four axes, and a rule for two, …
        yield f"computes `{node.op}` of shapes that do not fit: {', '.join(str(list(shape)) for shape in operands)}"
    else:
        if made != step.wire.shape:
            yield f"makes {list(step.wire.shape)}, and that is {list(made)}"
