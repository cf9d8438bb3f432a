"""58x: attacks, and models that are split."""

from __future__ import annotations

from ppc.codes.base import codes

AUDITS = codes(
    PPC580=(
        "nothing that can be attacked",
        """`ppc audit` looks at what it is given, by its name and its first bytes, and runs the attacks on things of
        that kind. It did not recognise this one. The message lists the kinds that it knows.""",
    ),
)
