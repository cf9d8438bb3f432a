"""What the dealer makes for each step, and how much of it has to be sent.

Party 0's share of everything is drawn from its seed. Party 1 draws its shares of what is uniform from a seed of its
own and is sent the others: its corrections, counted here (PROTOCOL.md, section 7). Bits travel as planes of 64-bit
words, the products of a digit's four bits as 16-bit words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ppc.plan.steps import Plan, Section, Step
from ppc.plan.wires import Wire

ONE_LEVEL = 8  # digits that are combined at once; more go in groups first
GROUP = 4
MONOMIAL_BYTES = 2  # the products of a digit's bits
WORD = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One secret, as much of it as is sent: field elements, and bytes of bits."""

    step: str
    secret: str
    kind: str
    elements: int = 0
    bit_bytes: int = 0

    def bytes(self, words: int) -> int:
        return self.elements * words * WORD + self.bit_bytes


def plane_bytes(size: int) -> int:
    """One bit for each of `size` elements."""
    return -(-size // 64) * WORD


def planes(digits: int) -> int:
    """Bits opened for each element: less for every digit, equal for all but the lowest."""
    return 2 * digits - 1


def combining(digits: int) -> int:
    """Products of one-time bits that are sent to combine `digits` digits; the bits themselves come from seeds.

    Σ_j less_j · Π_{i>j} equal_i needs every product of equal masks above 0, and of less_j's with those above j.
    """
    return (2**digits - 1) + (2 ** (digits - 1) - 1) - planes(digits)


def grouping(digits: int) -> int:
    """The same for groups of four digits, each of which becomes one: its `equal` needs all of its digits."""
    total = 0
    for start in range(0, digits, GROUP):
        size = min(GROUP, digits - start)
        equal = size if start else size - 1
        total += (2**size - 1) + (2**equal - 1) - (size + equal)
    return total


def group_count(digits: int) -> int:
    return -(-digits // GROUP)


def digits_made(step: Step, by_name: Mapping[str, Step]) -> int:
    """How many digits a value of form `digits` has."""
    if step.op == "digits":
        return step.integer("digits")
    return group_count(digits_made(by_name[step.inputs[0]], by_name))


def thresholds(step: Step, by_name: Mapping[str, Step]) -> int:
    """How many thresholds a step of a comparison works on."""
    return len(step.integers("offsets")) if step.op == "digits" else thresholds(by_name[step.inputs[0]], by_name)


def bit_plane(step: Step, by_name: Mapping[str, Step]) -> int:
    """Bytes of one bit for each element and threshold of a comparison's step."""
    count = thresholds(step, by_name)
    return count * plane_bytes(step.wire.size // count)


def corrections(plan: Plan, section: Section) -> Iterator[Correction]:
    """In the order of the steps."""
    for step in section.steps:
        wires = [plan.wires[name] for name in step.inputs]
        yield from _of_step(step, wires, plan.by_name)


def _of_step(step: Step, wires: Sequence[Wire], by_name: Mapping[str, Step]) -> Iterator[Correction]:
    size = step.wire.size

    def sent(key: str, kind: str, elements: int, bit_bytes: int = 0) -> Correction:
        return Correction(step=step.name, secret=step.word(key), kind=kind, elements=elements, bit_bytes=bit_bytes)

    match step.op:
        case "product" if not step.word("into"):
            yield sent("share", "product of masks", size)
        case "polynomial" if len(step.integers("coefficients")) > 2:
            yield sent("share", "powers of a mask", (len(step.integers("coefficients")) - 2) * size)
        case "truncate":
            yield sent("tuple", "truncation", (1 if step.wire.form == "masked" else 2) * size)
        case "digits":
            whole = wires[0].size
            bits = step.integer("digits") * whole * MONOMIAL_BYTES + plane_bytes(whole)
            yield sent("tuple", "digits of a mask", 0, bits)
        case "groups":
            products = grouping(digits_made(by_name[step.inputs[0]], by_name))
            yield sent("bits", "one-time bits", 0, products * bit_plane(step, by_name))
        case "bit":
            products = combining(digits_made(by_name[step.inputs[0]], by_name))
            yield sent("bits", "one-time bits", 0, products * bit_plane(step, by_name))
            yield sent("share", "bit as a number", size)
        case "select":
            products = 2 if wires[1].form == "truncated" else 1
            yield sent("share", "bit times a mask", products * wires[0].size)
        case "reveal" if step.word("noise"):
            yield sent("noise", "noise", size)
        case _:
            return
