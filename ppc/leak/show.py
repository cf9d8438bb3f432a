"""The contract as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator

from ppc.leak.contract import EVALUATION, NO_DEALER, OWN, PUBLIC, Contract, Seen

WHEN = {"setup": "once", "finish": "once, at the end", EVALUATION: "at each evaluation"}


def text(contract: Contract) -> str:
    """What each party sees, what is public, and what to keep in mind."""
    return "\n".join(_lines(contract)) + "\n"


def learned(contract: Contract, party: str) -> list[str]:
    """What a party has in clear after a run that it did not bring, a line for each value."""
    return [_learned(contract, one) for one in contract.seen if one.party == party and one.grant != OWN]


def _lines(contract: Contract) -> Iterator[str]:
    what = "an iteration of training" if contract.training else "inference"
    yield f"what each party sees of {contract.model}: {what}, batch {contract.batch}"
    yield ""
    shares = "" if contract.dealer == NO_DEALER else f"additive shares over {contract.field} at two parties; "
    yield f"protocol: {shares}{contract.adversary}"
    yield f"dealer: {contract.dealer}"
    for party in contract.parties:
        yield ""
        yield party
        own = [one for one in contract.seen if one.party == party and one.grant == OWN]
        yield from (f"  holds   {one.value} {_shape(one)}, {_when(contract, one)} ({_line(one)})" for one in own)
        opened = [one for one in contract.seen if one.party == party and one.grant != OWN]
        yield from (f"  learns  {_learned(contract, one)}" for one in opened)
        if not opened:
            yield "  learns  nothing"
    yield ""
    yield "public by design"
    yield from (f"  {fact}" for fact in PUBLIC)
    yield ""
    yield "keep in mind"
    yield from (f"  {caveat.text}" for caveat in contract.caveats)


def _learned(contract: Contract, one: Seen) -> str:
    exact = "" if one.digits is None else f", {one.digits} binary digits behind the point"
    noise = f"; {one.drowned} more are drowned in noise" if one.drowned else ""
    return f"{one.value} {_shape(one)}, {_when(contract, one)} ({_line(one)}: {one.grant}){exact}{noise}"


def _shape(one: Seen) -> str:
    return f"[{', '.join(map(str, one.shape))}]"


def _when(contract: Contract, one: Seen) -> str:
    return WHEN.get(one.when, "each iteration" if contract.training else "each batch")


def _line(one: Seen) -> str:
    return f"line {one.span.line}"
