"""Small programs for tests: a head and blocks with their parts exchanged."""

from __future__ import annotations

from ppc.compiler import Compiled, compile_program
from ppc.errors import Diagnostic, PpcError

BODY = """
    conv2d(4, kernel=3, padding=same)
    relu
    conv2d(6, kernel=3)
    relu
    avg_pool(2)
    dense(8)
    relu
    dense({classes})
"""


def program(*facts: str, classes: int = 10, body: str = BODY, lessons: str = "", more_inputs: str = "") -> str:
    """A net of four layers under the given facts; owners and the result's receiver are given, unless said otherwise."""
    said = "\n".join(facts)
    defaults = {
        "image ": "image from hospital",
        "weights ": "weights from lab in -0.5..0.5",
        "result ": "result to hospital",
    }
    lines = [line for word, line in defaults.items() if word not in said]
    text = f"party hospital, lab\nmodel net(image: real[2, 8, 8] in 0..1{more_inputs}) -> real[{classes}] {{"
    text += body.replace("{classes}", str(classes)) + "}\n"
    text += "private net {\n" + "\n".join([*lines, *facts]) + "\n}\n"
    return text + (f"train net {{\n{lessons}\n}}\n" if lessons else "")


def compiled(text: str, *, train: bool = False, batch: int | None = None) -> Compiled:
    """The program, compiled."""
    return compile_program(text, train=train, batch=batch)


def mistakes(text: str, *, train: bool = False) -> tuple[Diagnostic, ...]:
    """What is wrong with the program; it must be something."""
    try:
        compile_program(text, train=train)
    except PpcError as error:
        return error.diagnostics
    raise AssertionError("the program compiles")
