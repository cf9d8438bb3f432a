"""What each party's machine does in a step of a plan: the counts of `work`, worked out as the runtime carries it out.

Of an opening there are two parts: what has to be done before its message is sent, and what after both have come.
Called by `times`. A test holds these counts to the arrays that a run reads, writes and draws.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from ppc.bill.arrays import Holdings, size
from ppc.bill.products import bilinear, mask_owner
from ppc.bill.work import NOTHING, Work
from ppc.cost import cost
from ppc.ir.graph import Node
from ppc.ir.types import Type
from ppc.plan.material import bit_plane, combining, digits_made, grouping, plane_bytes, planes
from ppc.plan.messages import senders
from ppc.plan.ops import OPENINGS
from ppc.plan.steps import BOTH, Step

ENCODING = 8  # passes over the numbers that turn reals into fixed point
DIGIT_BYTES = 2  # the products of a digit's bits


def party_work(holdings: Holdings, step: Step) -> tuple[Work, Work]:
    """Before a message is sent, and after; a local step has no before."""
    if step.op in OPENINGS:
        return BEFORE[step.op](holdings, step), AFTER[step.op](holdings, step)
    return NOTHING, LOCAL.get(step.op, _linear)(holdings, step)


def _pass(read: int, written: int, **more: int) -> Work:
    return Work(calls=1, values=read + written, **more)


# ---- openings ----


def _sends(holdings: Holdings, step: Step) -> bool:
    return holdings.name in senders(holdings.plan, step, holdings.wire(step.inputs[0]))


def _both_send(holdings: Holdings, step: Step) -> bool:
    return len(senders(holdings.plan, step, holdings.wire(step.inputs[0]))) == 2


def _mask(holdings: Holdings, step: Step) -> Work:
    count = step.wire.size
    drawn = count if holdings.knows_mask(step.name) else 0
    if not _sends(holdings, step):
        return Work(calls=1, drawn=drawn)
    return _pass(size(holdings.share(step.inputs[0])) + drawn, count, drawn=drawn)


def _summed(holdings: Holdings, step: Step) -> Work:
    """Both frames added up; one frame alone is the value."""
    return _pass(2 * step.wire.size, step.wire.size) if _both_send(holdings, step) else Work(calls=1)


def _reveal(holdings: Holdings, step: Step) -> Work:
    noise = step.wire.size if step.word("noise") else 0
    drawn = noise if holdings.first else 0
    if not _sends(holdings, step):
        return Work(calls=1, drawn=drawn)
    return _pass(size(holdings.share(step.inputs[0])) + noise, step.wire.size, drawn=drawn)


def _revealed(holdings: Holdings, step: Step) -> Work:
    if step.word("to") not in (BOTH, holdings.name):
        return NOTHING
    return _pass(size(holdings.share(step.inputs[0])) + step.wire.size, 2 * step.wire.size)


def _digits(holdings: Holdings, step: Step) -> Work:
    """The opened value is moved by each threshold's offset, and its digits choose among the shared products."""
    whole, digits, count = holdings.wire(step.inputs[0]).size, step.integer("digits"), len(step.integers("offsets"))
    own = count * planes(digits) * plane_bytes(whole)
    dealt = digits * whole * DIGIT_BYTES + plane_bytes(whole) if holdings.first else 0
    moved = 2 * whole if count == 1 else 3 * whole
    return Work(calls=3 * count, values=count * moved, digits=count * digits * whole, random_bytes=own + dealt)


def _digits_read(holdings: Holdings, step: Step) -> Work:
    words = planes(step.integer("digits")) * bit_plane(step, holdings.plan.by_name) // 8
    return Work(calls=1, planes=3 * words)


def _combining(holdings: Holdings, step: Step) -> Work:
    """Opened planes, own shares and dealt products of them become one plane, or one digit of each group."""
    by_name = holdings.plan.by_name
    digits, words = digits_made(by_name[step.inputs[0]], by_name), bit_plane(step, by_name) // 8
    products = combining(digits) if step.op == "bit" else grouping(digits)
    made = 1 if step.op == "bit" else planes(digits_made(step, by_name))
    operands = 2 * planes(digits) + products
    drawn = 8 * words * (made + (products if holdings.first else 0))
    return Work(calls=3, planes=words * (3 * operands + 2 * made), random_bytes=drawn)


def _bit_read(holdings: Holdings, step: Step) -> Work:
    words = bit_plane(step, holdings.plan.by_name) // 8
    return Work(calls=1, planes=3 * words, drawn=step.wire.size if holdings.first else 0)


def _groups_read(holdings: Holdings, step: Step) -> Work:
    by_name = holdings.plan.by_name
    return Work(calls=1, planes=3 * planes(digits_made(step, by_name)) * bit_plane(step, by_name) // 8)


Rule = Callable[[Holdings, Step], Work]

BEFORE: dict[str, Rule] = {
    "mask": _mask,
    "reveal": _reveal,
    "digits": _digits,
    "groups": _combining,
    "bit": _combining,
}
AFTER: dict[str, Rule] = {
    "mask": _summed,
    "reveal": _revealed,
    "digits": _digits_read,
    "groups": _groups_read,
    "bit": _bit_read,
}

# ---- products and what needs secrets ----


def _product(holdings: Holdings, step: Step) -> Work:
    """One map of e - λ at party 0; at party 1 one for each operand whose mask it has a share of."""
    drawn = step.wire.size if holdings.first and not step.word("into") else 0
    unknown = [name for name in step.inputs if mask_owner(holdings.plan.by_name, name) != holdings.plan.parties[0]]
    if not holdings.first:
        return _maps(holdings, step, len(unknown))
    taken_off = [holdings.wire(name).size for name in step.inputs if holdings.knows_mask(name)]
    return _maps(holdings, step, 1) + Work(calls=len(taken_off), values=3 * sum(taken_off), drawn=drawn)


def _maps(holdings: Holdings, step: Step, times: int) -> Work:
    wires = [holdings.wire(name) for name in step.inputs]
    once = bilinear(step, wires)
    moved = sum(wire.size for wire in wires) + step.wire.size
    if step.word("map").startswith("multiply"):
        return Work(calls=1, values=times * (moved - step.wire.size) + step.wire.size)
    return Work(calls=times, products=times * once, values=times * moved)


def _apply(holdings: Holdings, step: Step) -> Work:
    return _maps(holdings, step, _held(holdings, step))


def _held(holdings: Holdings, step: Step) -> int:
    """How many arrays a linear map is taken of: a value that is known here, a share, an opened value and a mask."""
    match step.wire.form:
        case "clear":
            return int(step.wire.at == holdings.name)
        case "masked":
            return 1 + int(holdings.knows_mask(step.name))
        case _:
            return 1


def _polynomial(holdings: Holdings, step: Step) -> Work:
    dealt = len(step.integers("coefficients")) - 2
    drawn = dealt * step.wire.size if holdings.first and dealt > 0 else 0
    return _stored(holdings, step, drawn=drawn)


def _stored(holdings: Holdings, step: Step, *, drawn: int = 0) -> Work:
    """An element-wise step, written unless its readers compute it."""
    if step.flag("inline"):
        return Work(calls=1, drawn=drawn)
    return _pass(size(holdings.expression(step)), step.wire.size, drawn=drawn)


def _truncate(holdings: Holdings, step: Step) -> Work:
    drawn = step.wire.size * (1 if step.wire.form == "masked" else 2) if holdings.first else 0
    if step.wire.form == "masked":
        return _pass(step.wire.size, step.wire.size, drawn=drawn)
    return Work(calls=1, drawn=drawn)


def _truncate_local(holdings: Holdings, step: Step) -> Work:
    return _stored(holdings, step)


def _select(holdings: Holdings, step: Step) -> Work:
    """With several thresholds each part is written, and a product with their slopes adds them up."""
    pieces, secrets = len(step.integers("slopes")), 1 if holdings.wire(step.inputs[1]).form == "masked" else 2
    count = step.wire.size
    drawn = pieces * secrets * count if holdings.first else 0
    work = _stored(holdings, step, drawn=drawn)
    if pieces == 1:
        return work
    sums = secrets + 1 + int(any(step.integers("knots")))
    return work + Work(
        calls=sums * (pieces + 1), values=sums * (4 * pieces + 1) * count, products=sums * pieces * count
    )


def _count(holdings: Holdings, step: Step) -> Work:
    whole, pieces = holdings.wire(step.inputs[0]).size, len(step.integers("slopes"))
    return Work(calls=2, values=4 * whole, products=whole // pieces)


# ---- what a party computes alone ----


def _known(holdings: Holdings, step: Step) -> bool:
    return step.wire.form == "public" or step.wire.at == holdings.name


def _encode(holdings: Holdings, step: Step) -> Work:
    return Work(calls=ENCODING, reals=ENCODING * step.wire.size) if _known(holdings, step) else NOTHING


def _compute(holdings: Holdings, step: Step) -> Work:
    if not _known(holdings, step):
        return NOTHING
    wires = [holdings.wire(name) for name in step.inputs]
    attrs = {key: value for key, value in step.attrs.items() if key != "op"}
    node = Node(name=step.name, op=step.word("op"), attrs=attrs, type=Type(shape=step.wire.shape))
    done = cost(node, [Type(shape=wire.shape) for wire in wires])
    moved = sum(wire.size for wire in wires) + step.wire.size
    return Work(calls=4, products=done.multiply_adds, reals=2 * moved)


def _given(_holdings: Holdings, _step: Step) -> Work:
    return Work(calls=1)


# ---- linear steps ----


def _linear(holdings: Holdings, step: Step) -> Work:
    if step.wire.form in ("clear", "public") and not _known(holdings, step):
        return NOTHING
    held = _held(holdings, step)
    if step.op in MOVED:
        products = held * holdings.wire(step.inputs[0]).size if step.op in SUMS else 0
        return Work(calls=1, values=held * MOVED[step.op](holdings, step), products=products)
    if step.wire.form != "masked":
        return _stored(holdings, step)
    whole = sum(holdings.wire(name).size for name in step.inputs) + step.wire.size
    return Work(calls=held, values=held * whole)


def _whole(holdings: Holdings, step: Step) -> int:
    return sum(holdings.wire(name).size for name in step.inputs) + step.wire.size


def _windowed(holdings: Holdings, step: Step) -> int:
    """Every place of a window is read, and what is read is written."""
    places = prod(step.pair("kernel")) if step.op != "unwindow" else 1
    return 2 * places * min(holdings.wire(step.inputs[0]).size, step.wire.size) + step.wire.size


SUMS = frozenset({"sum_to_channel", "sum_rows"})  # which are products with ones
Moved = Callable[[Holdings, Step], int]
MOVED: dict[str, Moved] = {
    "reshape": lambda _holdings, _step: 0,
    "certified": lambda _holdings, _step: 0,
    "rescale": lambda _holdings, _step: 0,
    **dict.fromkeys(("concat", "slice", "batch", "spread_rows"), _whole),
    **dict.fromkeys(("sum_to_channel", "sum_rows", "unfold"), _whole),
    **dict.fromkeys(("pool_sums", "pool_spread", "window", "unwindow"), _windowed),
}

LOCAL: dict[str, Rule] = {
    "product": _product,
    "apply": _apply,
    "polynomial": _polynomial,
    "truncate": _truncate,
    "truncate_local": _truncate_local,
    "select": _select,
    "count": _count,
    "encode": _encode,
    "decode": _encode,
    "compute": _compute,
    "given": _given,
}
