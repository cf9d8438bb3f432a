"""A party's local steps: products, polynomials, truncations, choices by a bit, and everything linear.

Each rule is one equation of PROTOCOL.md on this party's shares. Called by the party; opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb

from ppc.plan.steps import Step
from ppc.runtime.bilinear import Term, bilinear
from ppc.runtime.choices import CHOICES
from ppc.runtime.desk import Desk
from ppc.runtime.kernels import Expression, constant, horner
from ppc.runtime.lazy import Array, Lazy, Leaves, subtract
from ppc.runtime.linear import linear
from ppc.runtime.values import Bits, Masked, Truncated, Value


def _product(desk: Desk, step: Step) -> Array | None:
    """Section 2. Party 0 needs one map, of e - λ; the dealer has made up for its constant."""
    x, y = (desk.masked(name) for name in step.inputs)
    start = None if step.word("into") else desk.hand.elements(step, "share", *step.wire.shape)
    if desk.first:
        left, right = (_difference(desk, name) for name in step.inputs)
        return bilinear(desk.local, step, [Term(left, right)], start)
    terms = [Term(x.opened, y.mask, negate=True), Term(x.mask, y.opened, negate=True)]
    return bilinear(desk.local, step, terms, start)


def _difference(desk: Desk, name: str) -> Array:
    """Party 0's share of a masked value."""
    value = desk.masked(name)
    found = subtract(desk.wire(name).shape, value.opened, value.mask)
    assert found is not None
    return found


def _polynomial(desk: Desk, step: Step) -> Array | None:
    """Section 3: Σ_j (-1)^j·[λ^j]·Σ_{k>=j} c_k·C(k, j)·e^(k-j), where party 0 has the part without a mask."""
    (x,), coefficients = (desk.masked(name) for name in step.inputs), step.integers("coefficients")
    degree = len(coefficients) - 1
    shares: list[Array | None] = [None, x.mask]
    if degree > 1:
        shares += list(desk.hand.elements(step, "share", degree - 1, *step.wire.shape))
    if not desk.first and all(share is None for share in shares):
        return None

    def build(leaves: Leaves) -> Expression:
        opened = leaves.element(x.opened)
        total = horner(opened, coefficients) if desk.first else constant(0)
        for power in range(1, degree + 1):
            share = shares[power]
            if share is not None:
                factors = [(-1) ** power * coefficients[k] * comb(k, power) for k in range(power, degree + 1)]
                total = total + leaves.element(share) * horner(opened, factors)
        return total

    return Lazy(step.wire.shape, build)


def _truncate(desk: Desk, step: Step) -> Value:
    """Section 4, form C. Under a short mask nothing wraps, and the result is masked by R."""
    value, shift, offset = desk.masked(step.inputs[0]), step.integer("shift"), step.integer("offset")
    shape = step.wire.shape
    if step.wire.form == "masked":
        opened = Lazy(shape, lambda leaves: (leaves.element(value.opened) + offset >> shift) - (offset >> shift))
        return Masked(desk.local.store(opened), desk.hand.elements(step, "tuple", *shape))
    upper, reached = desk.hand.elements(step, "tuple", 2, *shape)
    return Truncated(value.opened, upper, reached, shift, offset)


def _truncate_local(desk: Desk, step: Step) -> Array | None:
    """Each party shifts its own share: party 0 rounds down, party 1 up (section 4, why not the others)."""
    share, shift, offset = desk.share(step.inputs[0]), step.integer("shift"), step.integer("offset")
    if share is None:
        return None
    if desk.first:
        return Lazy(step.wire.shape, lambda leaves: (leaves.element(share) + offset >> shift) - (offset >> shift))
    return Lazy(step.wire.shape, lambda leaves: -(-leaves.element(share) >> shift))


# ---- linear ----


def _linear(desk: Desk, step: Step) -> Value:
    """On whatever the operands are: public or clear numbers, masked values with their masks, or shares."""
    form = step.wire.form
    if form in ("public", "clear"):
        return (
            _mapped(desk, step, [_stored(desk, name) for name in step.inputs], True) if desk.knows(step.wire) else None
        )
    if form == "masked":
        opened = _mapped(desk, step, [_opened(desk, name) for name in step.inputs], True)
        assert opened is not None
        mask = _mapped(desk, step, [_mask(desk, name) for name in step.inputs], False)
        return Masked(desk.local.store(opened), desk.local.stored(mask))
    return _mapped(desk, step, [desk.share(name) for name in step.inputs], desk.first)


def _mapped(desk: Desk, step: Step, operands: list[Array | None], affine: bool) -> Array | None:
    shapes = [desk.wire(name).shape for name in step.inputs]
    return linear(desk.local, step, shapes, operands, affine=affine, iteration=desk.iteration)


def _stored(desk: Desk, name: str) -> Array:
    value = desk.values[name]
    assert not isinstance(value, Masked | Truncated | Bits)
    return value  # pyright: ignore[reportReturnType]


def _opened(desk: Desk, name: str) -> Array:
    value = desk.values[name]
    return value.opened if isinstance(value, Masked) else _stored(desk, name)


def _mask(desk: Desk, name: str) -> Array | None:
    value = desk.values[name]
    return value.mask if isinstance(value, Masked) else None


def _apply(desk: Desk, step: Step) -> Value:
    """A bilinear map with a public operand: it acts on every part of the other one alike."""
    public = next(place for place, name in enumerate(step.inputs) if desk.wire(name).form == "public")
    known, other = _stored(desk, step.inputs[public]), step.inputs[1 - public]

    def mapped(operand: Array | None) -> Array | None:
        return bilinear(desk.local, step, [Term(known, operand) if public == 0 else Term(operand, known)])

    if step.wire.form in ("public", "clear"):
        return mapped(_stored(desk, other)) if desk.knows(step.wire) else None
    if step.wire.form == "masked":
        value, opened = desk.masked(other), mapped(desk.masked(other).opened)
        assert opened is not None
        return Masked(desk.local.store(opened), desk.local.stored(mapped(value.mask)))
    return mapped(desk.share(other))


LOCAL: dict[str, Callable[[Desk, Step], Value]] = {
    "product": _product,
    "polynomial": _polynomial,
    "truncate": _truncate,
    "truncate_local": _truncate_local,
    **CHOICES,
    "apply": _apply,
}
LINEAR_RULE = _linear
