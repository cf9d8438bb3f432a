"""Small plans written by hand, for the rules that they keep, and changes of a line or two that break one."""

from __future__ import annotations

import re

from ppc.passes.checks.rules import Rule
from ppc.passes.checks.verdict import all_problems
from ppc.plan.steps import Plan
from ppc.plan.text import parse

FAR = 1 << 58  # an offset for truncations


def written(*, setup: str = "", each: str = "", finish: str = "", field: str = "mersenne61", level: int = 2) -> str:
    """A plan's text. Steps are written with their round alone behind the semicolon, or with round and phase."""
    sections = {"setup": setup, "each": each, "finish": finish}
    body = "".join(f"  {name} {{\n{_lines(lines)}  }}\n" for name, lines in sections.items() if lines)
    head = f'stage scheduled\nsource "small.pnn"\nfield {field}\nparties hospital, lab\nlevel {level}\nbatch 1'
    return f"plan small {{\n{head}\n{body}}}\n"


def _lines(lines: str) -> str:
    whole = re.sub(r"; (\d+)(?: (\w+))?$", lambda m: f"; round {m[1]} - {m[2] or 'forward'} 1:1-1:1", lines, flags=re.M)
    return "".join(f"    {line.strip()}\n" for line in whole.splitlines() if line.strip())


def line(text: str, round_: int) -> str:
    """A step as it stands in a plan that was written."""
    return f"    {text} ; round {round_} - forward 1:1-1:1\n"


def added(text: str, before: str, *lines: str) -> str:
    """The same with steps in front of the line that starts so."""
    return edited(text, (f"    {before}", "".join(lines) + f"    {before}"))


def edited(text: str, *changes: tuple[str, str]) -> str:
    """Each of these strings is in the text once, and is another one then."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return text


def broken(text: str | Plan) -> set[Rule]:
    """The rules that a plan breaks."""
    return {problem.rule for problem in all_problems(parse(text) if isinstance(text, str) else text)}


# A weight masked in setup, a product with what a batch brings, its truncation, and the result.
PRODUCT = written(
    setup="""
        w.real = given() {"what": "parameter"} : clear[2] within -1.0..1.0 at lab ; 0
        w = encode(w.real) {"scale": 8} : clear[2] @8 in -256..256 at lab ; 0
        w.e = mask(w) {"mask": "m.w"} : masked[2] @8 in -256..256 ; 1
    """,
    each=f"""
        x.real = given() {{"what": "data"}} : clear[2] within -1.0..1.0 at hospital ; 0
        x = encode(x.real) {{"scale": 8}} : clear[2] @8 in -256..256 at hospital ; 0
        x.e = mask(x) {{"mask": "m.x"}} : masked[2] @8 in -256..256 ; 1
        z = product(x.e, w.e) {{"map": "multiply", "share": "s.z"}} : shared[2] @16 in -65536..65536 ; 1
        z.e = mask(z) {{"mask": "m.z"}} : masked[2] @16 in -65536..65536 ; 2
        t = truncate(z.e) {{"offset": {FAR}, "shift": 8, "tuple": "t.z"}} : truncated[2] @8 in -256..257 ; 2
        out = reveal(t) {{"grant": "result", "to": "lab"}} : clear[2] @8 in -256..257 at lab ; 3
        real = decode(out) : clear[2] within -1.0..1.00390625 at lab ; 3
        result result = real to lab
    """,
)

# A weight that a gradient of the hospital changes in every iteration, and its truncated copy.
LOOP = written(
    setup="""
        w.real = given() {"what": "parameter"} : clear[2] within -1.0..1.0 at lab ; 0
        first = encode(w.real) {"scale": 16} : clear[2] @16 in -65536..65536 at lab ; 0
    """,
    each=f"""
        carry w = first then next : shared[2] @16 in -65536..65536
        w.e = mask(w) {{"mask": "m.w"}} : masked[2] @16 in -65536..65536 ; 1
        t = truncate(w.e) {{"offset": {FAR}, "shift": 8, "tuple": "t.w"}} : truncated[2] @8 in -256..257 ; 1
        t.e = mask(t) {{"mask": "m.t"}} : masked[2] @8 in -256..257 ; 2
        g.real = given() {{"what": "data"}} : clear[2] within -1.0..1.0 at hospital ; 0
        g = encode(g.real) {{"scale": 8}} : clear[2] @8 in -256..256 at hospital ; 0
        g.e = mask(g) {{"mask": "m.g"}} : masked[2] @8 in -256..256 ; 1
        z = product(g.e, t.e) {{"map": "multiply", "share": "s.z"}} : shared[2] @16 in -65792..65792 ; 2
        z.e = mask(z) {{"mask": "m.z"}} : masked[2] @16 in -65792..65792 ; 3
        z.t = truncate(z.e) {{"offset": {FAR}, "shift": 8, "tuple": "t.z"}} : truncated[2] @8 in -257..258 ; 3
        next = times(z.t) {{"factor": 254, "lift": 8}} : shared[2] @16 in -65278..65532 ; 3
    """,
    finish=(
        '    shown = reveal(w) {"drowned": 8, "grant": "model", "noise": "n.w", "to": "lab"}'
        " : clear[2] @16 in -65536..65791 at lab ; 1\n"
        "    trained = decode(shown) : clear[2] at lab ; 1\n"
        "    result model = trained to lab"
    ),
)
