"""Plans for tests of the bill and of the leakage contract, as text."""

from __future__ import annotations

from pathlib import Path

from ppc.plan.steps import Plan
from ppc.plan.text import parse

# A convolution with its pool, ReLU, a dense layer, cross-entropy; 6x6 images, batch 2, at -O2.
TRAINING = parse(Path(__file__).with_name("training.plan").read_text("utf-8"))


def plan(each: str, *, setup: str = "", finish: str = "", field: str = "mersenne61", head: str = "") -> Plan:
    """A plan of parties `client` and `server` from the lines of its sections."""
    sections = {"setup": setup, "each": each, "finish": finish}
    written = "".join(f"  {name} {{\n{lines}\n  }}\n" for name, lines in sections.items() if lines)
    return parse(
        f'plan net {{\n  stage scheduled\n  source "net.pnn"\n  field {field}\n  parties client, server\n'
        f"  level 2\n  batch 4\n{head}{written}}}\n"
    )


def dense(*, field: str = "mersenne61", attrs: str = "", mask: str = "") -> Plan:
    """Four examples of three values at the client, a weight of two by three at the server, the result to the client."""
    forward = "dense1 forward 4:5-4:13"
    product = '{"map": "matmul", "share": "s1", "transpose_x": false, "transpose_y": true, "why": "a matrix product"}'
    near, bounds = '{"rounding": "nearest", "scale": 8}', "@16 in -393216..393216"
    shown = f'{{"grant": "result", "to": "client"{attrs}}}'
    each = f"""
        x = given() {{"what": "data"}} : clear[4, 3] within -1.0..1.0 at client ; round 0 x input 3:1-3:9
        x.encoded = encode(x) {near} : clear[4, 3] @8 in -256..256 at client ; round 0 x input 3:1-3:9
        e.x = mask(x.encoded) {{"mask": "m1"{mask}}} : masked[4, 3] @8 in -256..256 ; round 1 {forward}
        y = product(e.x, e.w) {product} : shared[4, 2] {bounds} ; round 1 {forward}
        e.y = mask(y) {{"mask": "m2"{mask}}} : masked[4, 2] {bounds} ; round 2 {forward}
        t = truncate(e.y) {{"offset": 1048576, "shift": 8, "tuple": "t1"}} : truncated[4, 2] @8 in -1536..1537 ; \
round 2 {forward}
        y.opened = reveal(t) {shown} : clear[4, 2] @8 in -1536..1537 at client ; round 3 dense1 output 9:5-9:20
        result result = y.opened to client
        """
    setup = f"""
        dense1.weight = given() {{"what": "parameter"}} : clear[2, 3] within -2.0..2.0 at server ; round 0 {forward}
        w.encoded = encode(dense1.weight) {near} : clear[2, 3] @8 in -512..512 at server ; round 0 {forward}
        e.w = mask(w.encoded) {{"mask": "m0"}} : masked[2, 3] @8 in -512..512 ; round 1 {forward}
        """
    return plan(each, setup=setup, field=field)
