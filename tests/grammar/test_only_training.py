"""The training of a program with several models: the only one that there is, wherever its model is declared."""

from __future__ import annotations

import pytest

from ppc.compiler import training_of
from ppc.errors import PpcError
from ppc.source import Source
from tests.flower.crews import CREW

STUDENT = "\nmodel big(image: real[1, 8, 8] in 0..1) -> real[10] {\n    dense(10)\n}\n"
PROGRAM = CREW.replace("\n}\n\ntrain", "\n}\n" + STUDENT + "\ntrain", 1).replace("student digits", "student big")


def test_a_student_that_is_declared_last_is_not_taken_for_what_is_trained() -> None:
    assert training_of(Source(name="p.pnn", text=PROGRAM)).model == "digits"
    with pytest.raises(PpcError, match="PPC132"):
        training_of(Source(name="p.pnn", text=PROGRAM), model="big")
