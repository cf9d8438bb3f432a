"""The table of all cuts as a person reads it, for a machine, and as a picture of those that no other cut beats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from textwrap import wrap

from ppc.bill.tables import NOTHING, count, seconds, size, table
from ppc.cli.split_facts import Facts, Table
from ppc.cuts import choice
from ppc.cuts.choice import PRODUCTS
from ppc.drawing.charts import Chart, Mark, Series, chart
from ppc.ir.policy import Network
from ppc.ir.sent import message_bytes

STORED = 8  # bytes of a weight, as the paper stores it
LINK = 1  # byte of a link, as the paper sends it
PAPER = """The paper of complement and partitioning stores 8 bytes a weight and sends a byte a link (Tables 4 and 5).
For AlexNet_v2 three of its rows disagree with its Table 1: N = 2 takes 186,624 = 27·27·256 links for 27·27·192, and the
519,168 of N = 3 and 4 are the bits of 64,896. Its equation (9) lacks two squares; as put right, N = ((n-s) + c·s)²·l
and M = c²·k with c = ⌈2n/s - 1⌉, and it calls N > M secure. It is not: with one equation or more for each
unknown an image is determined all the same, and with less `ppc audit` shows what can be seen."""


def lines(found: Table, machine: object) -> Iterator[str]:
    """Four tables and what they rest on."""
    yield f"{found.name}: where it can be cut, on {found.net}"
    yield ""
    yield from _given(found)
    yield ""
    yield from _equations(found)
    yield ""
    yield from _costs(found)
    yield f"  in the clear {PRODUCTS / 1e9:g}·10⁹ multiply-adds a second are assumed; on shares {machine}"
    yield ""
    yield from _chosen(found)
    yield from wrap(" ".join(PAPER.split()), 118)


def _given(found: Table) -> list[str]:
    heads = (
        "k",
        "layer",
        "weights given",
        "stored",
        "links",
        "a byte each",
        "numbers that cross",
        "density",
        "bytes",
        "on the way",
    )
    rows = [
        (
            str(one.row.layer),
            one.row.name,
            count(one.row.weights),
            binary(STORED * one.row.weights),
            count(one.row.links),
            way(LINK * one.row.links, found),
            count(one.row.crossing),
            f"{one.row.density:.2f}",
            size(message_bytes(one.row.crossing, found.sent)),
            way(message_bytes(one.row.crossing, found.sent), found),
        )
        for one in found.facts
    ]
    return [
        "what the client is given, and what it sends for one example",
        *table(heads, rows, words=2, indent=2),
        "  density: numbers that cross for each number of an example, as `split auto` limits it",
    ]


def binary(number: int) -> str:
    """As the paper counts: kB and MB of 1,024."""
    return f"{number / 2**10:,.0f} KiB" if number < 2**20 else f"{number / 2**20:,.2f} MiB"


def way(number: int, found: Table) -> str:
    """Without the round trip, as the paper has it."""
    return seconds(8 * number / found.net.bandwidth)


def _equations(found: Table) -> list[str]:
    heads = ("k", "layer", "unknowns N", "equations M", "the paper's check", "k/(s²·l)", "rank of the layer")
    rows = [
        (
            str(one.row.layer),
            one.row.name,
            count(one.check.unknowns),
            count(one.check.equations),
            f"{one.check.unknowns:,} > {one.check.equations:,} passes"
            if one.check.passes
            else f"{one.check.unknowns:,} < {one.check.equations:,} fails"
            if one.check.unknowns < one.check.equations
            else "equal, fails",
            f"{one.check.cells:.2f}",
            str(one.rank),
        )
        for one in found.facts
    ]
    weights = "weights that were drawn; `--weights` names others" if found.drawn else "the weights that are named"
    return [
        "what the results of layer k say of what it reads",
        *table(heads, rows, words=2, indent=2),
        f"  k/(s²·l): equations of a convolution for each unknown of a stride cell; ranks are those of {weights}",
    ]


def _costs(found: Table) -> list[str]:
    heads = ("k", "layer", "client, clear", "server, clear", "joint, parties", "dealer", "rounds", "time", "accuracy")
    rows = [(str(one.row.layer), one.row.name, *_cost(one), *_joint(one), _accuracy(one)) for one in found.facts]
    trained = f"trained on {found.trained_on}" if found.trained_on else "not known: name examples, `--data`"
    return [
        f"what one example costs, with the rest in the clear or on shares; accuracy with its signal {trained}",
        *table(heads, rows, words=2, indent=2),
    ]


def _cost(one: Facts) -> tuple[str, str]:
    return seconds(choice.seconds(one.row.head)), seconds(choice.seconds(one.row.tail))


def _joint(one: Facts) -> tuple[str, ...]:
    if one.joint is None:
        return (one.refused, NOTHING, NOTHING, NOTHING)
    return (size(sum(one.joint.sent)), size(sum(one.joint.dealt)), count(one.joint.rounds), seconds(one.joint.seconds))


def _accuracy(one: Facts) -> str:
    return NOTHING if one.accuracy is None else f"{one.accuracy:.4f}"


def _chosen(found: Table) -> Iterator[str]:
    best = ", ".join(str(one.row.layer) for one in found.facts if one.best)
    yield f"no other cut beats k = {best} in weights given, numbers sent and work of the client"
    for one in found.facts:
        if found.limits or one.row.joined_behind:
            yield f"k = {one.row.layer}: {'within all limits' if not one.broken else ', '.join(one.broken)}"
    if found.taken:
        yield f"the program takes k = {found.taken}"
    elif found.limits:
        yield "no cut keeps within the limits of `split auto`"


# ---- for a machine, and as a picture ----


def as_dictionary(found: Table) -> dict[str, object]:
    return {
        "ok": True,
        "model": found.name,
        "taken": found.taken or None,
        "front": [one.row.layer for one in found.facts if one.best],
        "cuts": [_fact(one, found) for one in found.facts],
    }


def _fact(one: Facts, found: Table) -> dict[str, object]:
    row, line = one.row, Network(bandwidth=found.net.bandwidth)
    return {
        "k": row.layer,
        "layer": row.name,
        "weights": row.weights,
        "stored_bytes": STORED * row.weights,
        "links": row.links,
        "links_seconds": 8 * LINK * row.links / line.bandwidth,
        "crossing": row.crossing,
        "crossing_bytes": message_bytes(row.crossing, found.sent),
        "density": row.density,
        "unknowns": one.check.unknowns,
        "equations": one.check.equations,
        "check_passes": one.check.passes,
        "equations_for_each_unknown": one.check.cells,
        "rank": {**asdict(one.rank), "drawn_weights": found.drawn},
        "client_clear_seconds": choice.seconds(row.head),
        "server_clear_seconds": choice.seconds(row.tail),
        "joint": asdict(one.joint) if one.joint else one.refused,
        "limits_broken": list(one.broken),
        "accuracy": one.accuracy,
    }


def picture(found: Table) -> str:
    """Weights that the client is given, against bytes that cross."""
    front = [one for one in found.facts if one.best]
    others = [one for one in found.facts if not one.best]
    series = [
        Series("no cut beats it", tuple(_mark(one, found) for one in front), joined=True),
        Series("another cut beats it", tuple(_mark(one, found) for one in others)),
    ]
    taken = [one for one in found.facts if one.row.layer == found.taken]
    if taken:
        series.append(Series("taken by the program", tuple(_mark(one, found) for one in taken), ringed=True))
    return chart(
        Chart(
            title=f"{found.name}: where it can be cut",
            across="bytes that cross for one example",
            up="weights that the client is given",
            series=tuple(one for one in series if one.marks),
            logarithmic=(True, True),
        )
    )


def _mark(one: Facts, found: Table) -> Mark:
    return Mark(
        float(message_bytes(one.row.crossing, found.sent)), float(max(1, one.row.weights)), f"k = {one.row.layer}"
    )
