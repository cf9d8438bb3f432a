"""What is in a bundle, for a person and for a machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ppc.bundle.batches import spans
from ppc.bundle.facts import EVERY, SHARES
from ppc.bundle.manifest import PUBLISHED, VERSION, Batch
from ppc.bundle.reading import Bundle
from ppc.plan.kept import ACCURACY

WHEN = {"setup": "once, before", "each": "each batch", "finish": "once, after"}
TRAINS = {**WHEN, "each": "each iteration"}


def text(bundles: Sequence[Bundle]) -> str:
    """Everything about the bundles of one program, which have been verified."""
    return "\n".join([*_head(bundles[0]), *_values(bundles[0]), *_batches(bundles[0]), *_roles(bundles)]) + "\n"


def _head(bundle: Bundle) -> Iterator[str]:
    manifest = bundle.manifest
    block = "" if manifest.private == manifest.model else f" as {manifest.private}"
    counts = any(row["grant"] == ACCURACY for row in manifest.schedule["learns"])
    what = f"training, {manifest.epochs} epoch(s)" if bundle.training else "evaluation" if counts else "inference"
    client, server = bundle.parties
    yield f"{manifest.model}{block}, {what}, -O{manifest.level}, {manifest.field}"
    yield f"{client} is the client, {server} the server; no weight and no datum is in a bundle"
    if manifest.published:
        yield f"but for {PUBLISHED} in the client's: the weights of its layers, {manifest.published[0]:,} bytes"
    yield f"schedule {bundle.hash}"
    if manifest.version > VERSION:
        yield f"note: written in format {manifest.version}, newer than this ppc; what it does not know is left out"


def _values(bundle: Bundle) -> Iterator[str]:
    shared = bundle.manifest.schedule
    yield ""
    for row in shared["brings"]:
        who = _who(row["from"], "bring")
        yield f"{who} {row['name']} {row['shape']} ({row['what']}, {_frequency(bundle, row['for'])})"
    for row in shared["learns"]:
        yield f"{_who(row['to'], 'learn')} {row['value']} ({row['grant']}, {_frequency(bundle, row['in'])})"


def _who(party: str, does: str) -> str:
    if party == SHARES:
        return f"both parties {does} their shares of"
    return f"both parties {does}" if party == EVERY else f"{party} {does}s"


def _frequency(bundle: Bundle, section: str) -> str:
    return (TRAINS if bundle.training else WHEN).get(section, f"each {section}")


def _batches(bundle: Bundle) -> Iterator[str]:
    client, server = bundle.parties
    by_size = {batch.batch: batch for batch in bundle.manifest.batches}
    for low, high, size in spans(bundle.batches):
        padding = f"requests of {low:,} to {high:,} examples run in it" if low < high else f"requests of {high:,}"
        yield ""
        yield f"batch {size:,}" + ("" if bundle.training else f": {padding}")
        for cost in by_size[size].costs:
            sent = f"{client}→{server} {cost['sent'][0]:,}, {server}→{client} {cost['sent'][1]:,}"
            when = _frequency(bundle, cost["section"])
            yield f"  {when}: {cost['rounds']} rounds, bytes {sent}, dealer→{server} {cost['dealt']:,}"
    if not bundle.training:
        largest = max(bundle.batches)
        yield f"larger requests run in batches of {largest:,}, the rest padded up; what is padded costs as examples do"


def _roles(bundles: Sequence[Bundle]) -> Iterator[str]:
    yield ""
    for bundle in bundles:
        total = sum(len(data) for data in bundle.files.values())
        name = bundle.role if bundle.role == bundle.party else f"{bundle.role} ({bundle.party})"
        version = f"format {bundle.manifest.version}, ppc {bundle.manifest.ppc}"
        yield f"{name}: {len(bundle.files)} files and the manifest, {total:,} bytes, {version}"
        if bundle.weights:
            how = ", batch norms folded" if bundle.weights.folded else ""
            yield f"  joins {len(bundle.weights.arrays)} arrays of weights when it runs{how}"


def as_dictionary(bundles: Sequence[Bundle]) -> dict[str, object]:
    """The same for a machine: the schedule as the manifest has it, with the requests that each batch size serves."""
    first = bundles[0]
    return {
        "hash": first.hash,
        "schedule": {**first.manifest.schedule, "batches": [_size(first, batch) for batch in first.manifest.batches]},
        "roles": [_role(bundle) for bundle in bundles],
    }


def _size(bundle: Bundle, batch: Batch) -> Mapping[str, Any]:
    low = next(low for low, _, size in spans(bundle.batches) if size == batch.batch)
    requests = None if bundle.training else [low, batch.batch]
    found = {"batch": batch.batch, "plan": batch.plan, "sha256": batch.sha256, "costs": batch.costs}
    return {**found, "requests": requests}


def _role(bundle: Bundle) -> dict[str, object]:
    return {
        "role": bundle.role,
        "party": bundle.party,
        "folder": str(bundle.folder),
        "version": bundle.manifest.version,
        "ppc": bundle.manifest.ppc,
        "files": {name: {"bytes": size, "sha256": hash_} for name, (size, hash_) in bundle.manifest.files.items()},
        "weights": [one.name for one in bundle.weights.arrays] if bundle.weights else [],
    }
