"""What is known of a protocol value before any run: in which form the parties hold it, its shape, scale and range.

Forms, for a value v over F_p, with [x] for additive shares of x:

    clear      v itself, at one party (`at`); reals where `scale` is None, else integers v = real · 2^scale
    public     v itself, at both parties
    shared     [v]
    masked     e = v + λ at both parties, and [λ]; λ uniform, known to the dealer (to the owner too, where v was clear)
    truncated  Q0 - [R] + u·2^(n-f)·[ρ] - C/2^f: public numbers times secrets of the dealer, so that products with a
               bit need no opening; the secrets are not uniform, so nothing is ever opened under them
    digits     masked bits of a comparison, half done: for each digit whether it is less, whether it is equal
    bit        c = d ⊕ λ_d at both parties, and [λ_d] additively: one secret bit for each element and threshold

A form decides what may be done with a value; `FORMS_OF` in `ops` is that table.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal, get_args

from ppc.ir.types import Interval

Form = Literal["clear", "public", "shared", "masked", "truncated", "digits", "bit"]
FORMS: tuple[str, ...] = get_args(Form)
# What both parties hold additive shares of, or can without a message: linear steps take all of these.
SHAREABLE: frozenset[str] = frozenset({"clear", "public", "shared", "masked", "truncated", "bit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """The type of a protocol value.

    `low` and `high` bound its integer, exactly; `bounds` its real number: of clear reals, and before scales are known.
    """

    form: Form
    shape: tuple[int, ...]
    scale: int | None = None
    low: int | None = None
    high: int | None = None
    at: str = ""
    bounds: Interval | None = None

    def __str__(self) -> str:
        text = f"{self.form}[{', '.join(map(str, self.shape))}]"
        text += "" if self.scale is None else f" @{self.scale}"
        text += "" if self.low is None else f" in {self.low}..{self.high}"
        text += "" if self.bounds is None else f" within {self.bounds}"
        return text + (f" at {self.at}" if self.at else "")

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def magnitude(self) -> int:
        """The largest absolute value of the integer."""
        return max(abs(self.low or 0), abs(self.high or 0))

    @property
    def bits(self) -> int:
        """How many bits the integer's magnitude needs, its sign apart."""
        return self.magnitude.bit_length()

    @property
    def real(self) -> bool:
        """Reals at one party or at both, not encoded yet."""
        return self.form in ("clear", "public") and self.scale is None
