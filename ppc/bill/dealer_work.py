"""What the dealer's machine does in a step of a plan: it draws both parties' shares and writes what party 1 is sent."""

from __future__ import annotations

from collections.abc import Callable

from ppc.bill.arrays import Holdings
from ppc.bill.party_work import MOVED
from ppc.bill.products import bilinear, mask_owner
from ppc.bill.work import NOTHING, Work
from ppc.plan.material import bit_plane, combining, digits_made, grouping, plane_bytes, planes, thresholds
from ppc.plan.steps import Plan, Step

DIGIT_BYTES = 2
DIGITS_A_WORD = 4


def dealer_work(plan: Plan, step: Step) -> Work:
    rule = RULES.get(step.op, _linear)
    return rule(plan, step) if step.op == "reveal" or step.wire.form not in ("clear", "public") else NOTHING


def _hands(plan: Plan, name: str) -> int:
    """How many parties have a share of a mask."""
    return 1 if mask_owner(plan.by_name, name) else 2


def _lacks(plan: Plan, name: str) -> bool:
    """Whether the shares of a value lack its product of masks, which goes into the mask that it is opened under."""
    step = plan.by_name.get(name)
    if step is None or step.wire.form != "shared":
        return False
    return bool(step.word("into")) or (step.op not in RULES and any(_lacks(plan, one) for one in step.inputs))


def _mask(plan: Plan, step: Step) -> Work:
    count, hands = step.wire.size, _hands(plan, step.name)
    work = Work(calls=2, drawn=hands * count)
    return work + Work(calls=1, values=4 * count) if _lacks(plan, step.inputs[0]) else work


def _dealt(count: int, read: int) -> Work:
    """So many elements, of which party 0 draws its share and party 1 is sent the rest."""
    return Work(calls=1, values=read + 2 * count, drawn=count)


def _reveal(_plan: Plan, step: Step) -> Work:
    if not step.word("noise"):
        return NOTHING
    count = step.wire.size
    return Work(calls=2, values=2 * count, drawn=count) + _dealt(count, count)


def _product(plan: Plan, step: Step) -> Work:
    """Party 0's share times party 1's, and party 1's share times the whole, which is stored for that."""
    x, y = (plan.wires[name] for name in step.inputs)
    (first, second), (_, other) = (_held_by(plan, name) for name in step.inputs)
    maps = int(first and other) + int(second)
    added_up = 3 * y.size if second and _hands(plan, step.inputs[1]) == 2 else 0
    products = 0 if step.word("map").startswith("multiply") else maps * bilinear(step, (x, y))
    moved = x.size + y.size + step.wire.size
    work = Work(calls=maps + 1, products=products, values=maps * moved + added_up)
    return work if step.word("into") else work + _dealt(step.wire.size, step.wire.size)


def _held_by(plan: Plan, name: str) -> tuple[bool, bool]:
    """Which parties have a share of a mask."""
    owner = mask_owner(plan.by_name, name)
    return owner != plan.parties[1], owner != plan.parties[0]


def _polynomial(_plan: Plan, step: Step) -> Work:
    powers = len(step.integers("coefficients")) - 2
    return _dealt(powers * step.wire.size, 2 * step.wire.size) if powers > 0 else NOTHING


def _whole(plan: Plan, name: str) -> int:
    """Arrays that the mask of a value is read from."""
    step = plan.by_name[name]
    return 1 if _lacks(plan, step.inputs[0]) else _hands(plan, name)


def _truncate(plan: Plan, step: Step) -> Work:
    count = step.wire.size
    return _dealt(count * (1 if step.wire.form == "masked" else 2), _whole(plan, step.inputs[0]) * count)


def _select(plan: Plan, step: Step) -> Work:
    count, pieces = step.wire.size, len(step.integers("slopes"))
    x = plan.by_name.get(step.inputs[1])
    secrets = 1 if plan.wires[step.inputs[1]].form == "masked" else 2
    name = step.inputs[1] if secrets == 1 or x is None else x.inputs[0]
    return _dealt(secrets * pieces * count, _whole(plan, name) * count)


def _digits(plan: Plan, step: Step) -> Work:
    whole, digits, count = plan.wires[step.inputs[0]].size, step.integer("digits"), len(step.integers("offsets"))
    words = -(-digits // DIGITS_A_WORD)
    own = 2 * count * planes(digits) * plane_bytes(whole)
    drawn = own + digits * whole * DIGIT_BYTES + plane_bytes(whole)
    return Work(calls=4, values=(2 + 2 * words) * whole, dealt_digits=digits * whole, random_bytes=drawn)


def _combining(plan: Plan, step: Step) -> Work:
    by_name = plan.by_name
    digits, words = digits_made(by_name[step.inputs[0]], by_name), bit_plane(step, by_name) // 8
    products = combining(digits) if step.op == "bit" else grouping(digits)
    made = 1 if step.op == "bit" else planes(digits_made(step, by_name))
    work = Work(calls=products, planes=6 * words * products, random_bytes=8 * words * (2 * made + products))
    if step.op == "groups":
        return work
    return work + _dealt(step.wire.size, step.wire.size // 64) + Work(calls=thresholds(step, by_name))


def _linear(plan: Plan, step: Step) -> Work:
    """Both shares of a mask go through the map; a product of masks that is still missing goes through it too."""
    if step.wire.form == "masked":
        hands = _hands(plan, step.name)
        moved = sum(plan.wires[name].size for name in step.inputs) + step.wire.size
        return Work(calls=hands, values=hands * _moved(plan, step, moved))
    if not any(_lacks(plan, name) for name in step.inputs) or step.flag("inline"):
        return NOTHING
    moved = sum(plan.wires[name].size for name in step.inputs) + step.wire.size
    return Work(calls=1, values=_moved(plan, step, moved))


def _moved(plan: Plan, step: Step, otherwise: int) -> int:
    rule = MOVED.get(step.op)
    return otherwise if rule is None else rule(Holdings(plan, 0), step)


def _nothing(_plan: Plan, _step: Step) -> Work:
    return NOTHING


RULES: dict[str, Callable[[Plan, Step], Work]] = {
    "given": _nothing,
    "count": _nothing,
    "as_number": _nothing,
    "mask": _mask,
    "reveal": _reveal,
    "product": _product,
    "polynomial": _polynomial,
    "truncate": _truncate,
    "truncate_local": _nothing,
    "select": _select,
    "digits": _digits,
    "groups": _combining,
    "bit": _combining,
}
