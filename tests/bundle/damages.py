"""What is done to bundles to damage them or to mislead their readers, with the code of each refusal."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppc.bundle.canonical import DEEPEST, written
from ppc.bundle.folder import FILE_BYTES, MOST_FILES
from ppc.bundle.manifest import MOST_BATCHES
from ppc.plan.text import parse, show
from tests.bundle.made import Manifest, build, change, edit, manifest, program, replace_file

Damage = Callable[[Path], object]


@dataclass(frozen=True)
class Case:
    """What is done to a role's folder, and the code of the refusal; of the whole program, where no role is named."""

    name: str
    code: str
    damage: Damage
    role: str = "client"

    def applied(self, folder: Path) -> Path:
        """The damaged bundle, or the folder around it."""
        home = build(folder)
        self.damage(home / (self.role or "client"))
        return home / self.role

    def __str__(self) -> str:
        return self.name.replace(" ", "_")


def _flip(name: str, place: int) -> Damage:
    def flip(client: Path) -> None:
        data = bytearray((client / name).read_bytes())
        data[place] ^= 1
        (client / name).write_bytes(data)

    return flip


def _cut(name: str, left: float) -> Damage:
    def cut(client: Path) -> None:
        data = (client / name).read_bytes()
        (client / name).write_bytes(data[: int(len(data) * left)])

    return cut


def _manifest(data: bytes | Callable[[bytes], bytes]) -> Damage:
    """The manifest's bytes as they are given."""

    def write(client: Path) -> None:
        path = client / "manifest.json"
        path.write_bytes(data(path.read_bytes()) if callable(data) else data)

    return write


def _taught(epochs: int) -> dict[str, object]:
    """What a manifest says of a training."""
    return {"epochs": epochs, "every": 0, "order": "open", "seed": 0}


def _at(*way: str | int, value: object) -> Damage:
    """One value of the manifest, with its hashes worked out anew."""

    def damage(client: Path) -> None:
        def changed(found: Manifest) -> None:
            place: Any = found
            for key in way[:-1]:
                place = place[key]
            place[way[-1]] = value

        change(client, changed)

    return damage


def _without(*way: str | int) -> Damage:
    def damage(client: Path) -> None:
        def changed(found: Manifest) -> None:
            place: Any = found
            for key in way[:-1]:
                place = place[key]
            del place[way[-1]]

        change(client, changed)

    return damage


def _longer(client: Path) -> None:
    path = client / "plan.b1.txt"
    path.write_bytes(path.read_bytes() + b"\n")


def _link(client: Path) -> None:
    (client / "plan.b1.txt").rename(client.parent / "elsewhere.txt")
    (client / "plan.b1.txt").symlink_to(client.parent / "elsewhere.txt")


def _pipe(client: Path) -> None:
    (client / "plan.b1.txt").unlink()
    os.mkfifo(client / "plan.b1.txt")


def _folder_for_a_file(client: Path) -> None:
    (client / "plan.b1.txt").unlink()
    (client / "plan.b1.txt").mkdir()


def _linked_manifest(client: Path) -> None:
    (client / "manifest.json").rename(client.parent / "m.json")
    (client / "manifest.json").symlink_to(client.parent / "m.json")


def _many_files(client: Path) -> None:
    for number in range(MOST_FILES + 10):
        (client / f"x.{number}").touch()


def _large(client: Path) -> None:
    with open(client / "plan.b1.txt", "r+b") as file:
        file.truncate(FILE_BYTES + 1)


def _listed_under(name: str) -> Damage:
    """A file that the manifest lists under another name than a bundle has."""

    def damage(client: Path) -> None:
        change(client, lambda found: found["files"].update({name: found["files"]["plan.b1.txt"]}))

    return damage


def _plan_under(name: str) -> Damage:
    return _at("schedule", "batches", 0, "plan", value=name)


def _swapped(client: Path) -> None:
    server, aside = client.parent / "server", client.parent / "aside"
    client.rename(aside)
    server.rename(client)
    aside.rename(server)


def _plan_of(model: str, private: str = "") -> Damage:
    """A plan of another program, of the same batch size, put into the place of one."""

    def damage(client: Path) -> None:
        plan = next(plan for plan in program(model, private).plans if plan.batch == 4)
        replace_file(client, "plan.b4.txt", show(plan).encode())

    return damage


def _plan_of_another_batch(client: Path) -> None:
    replace_file(client, "plan.b4.txt", (client / "plan.b8.txt").read_bytes())


def _batch_twice(client: Path) -> None:
    change(client, lambda found: found["schedule"]["batches"].insert(0, found["schedule"]["batches"][0]))


def _batches_turned(client: Path) -> None:
    change(client, lambda found: found["schedule"]["batches"].reverse())


def _many_batches(client: Path) -> None:
    one = manifest(client)["schedule"]["batches"][0]
    rows = [{**one, "batch": number} for number in range(1, MOST_BATCHES + 2)]
    change(client, lambda found: found["schedule"].update(batches=rows))


def _edit(old: str, new: str, name: str = "plan.b4.txt") -> Damage:
    return lambda client: edit(client, name, old, new)


def _replace(name: str, data: bytes | Callable[[bytes], bytes]) -> Damage:
    def damage(client: Path) -> None:
        replace_file(client, name, data((client / name).read_bytes()) if callable(data) else data)

    return damage


def _one_mask_for_two(client: Path) -> None:
    """A plan that hides two values under one mask: what a peer would like a party to run."""
    plan = parse((client / "plan.b4.txt").read_text("utf-8"))
    first, second, *_ = (step.word("mask") for step in plan.steps() if step.word("mask"))
    edit(client, "plan.b4.txt", f'"mask": "{second}"', f'"mask": "{first}"')


def _json_weights(way: str, value: object) -> Damage:
    def changed(server: Path) -> None:
        found = json.loads((server / "weights.json").read_bytes())
        if way == "first name":
            found["parameters"][0]["name"] = value
        elif way == "first shape":
            found["parameters"][0]["shape"] = value
        else:
            found[way] = value
        replace_file(server, "weights.json", written(found))

    return changed


def _of_two_programs(client: Path) -> None:
    other = build(client.parent.parent / "two", "small", "turned")
    shutil.rmtree(client.parent / "server")
    (other / "server").rename(client.parent / "server")


def _heavy(client: Path) -> None:
    one = manifest(client)["files"]["plan.b1.txt"]
    rows = {f"plan.b{number}.txt": {**one, "bytes": FILE_BYTES} for number in range(1, 7)}
    change(client, lambda found: found.update(files=rows))


def _swap_hashes(client: Path) -> None:
    def changed(found: Manifest) -> None:
        files = found["files"]
        files["plan.b1.txt"], files["plan.b4.txt"] = files["plan.b4.txt"], files["plan.b1.txt"]

    change(client, changed)


DEEP = b'{"a": ' * 100_000
FILES = [
    Case("a byte of a plan flipped", "PPC543", _flip("plan.b4.txt", 700)),
    Case("the last byte of a plan flipped", "PPC543", _flip("plan.b8.txt", -1)),
    Case("a plan cut off", "PPC543", _cut("plan.b4.txt", 0.5)),
    Case("an empty plan", "PPC543", _cut("plan.b4.txt", 0)),
    Case("a plan with more at its end", "PPC543", _longer),
    Case("a plan missing", "PPC542", lambda client: (client / "plan.b1.txt").unlink()),
    Case("a file too many", "PPC542", lambda client: (client / "plan.b2.txt").write_text("plan")),
    Case("a file of the desktop", "PPC542", lambda client: (client / ".DS_Store").touch()),
    Case("a folder too many", "PPC542", lambda client: (client / "more.d").mkdir()),
    Case("a name with a line break", "PPC542", lambda client: (client / "plan\n.txt").touch()),
    Case("a name that is no text", "PPC542", lambda client: open(bytes(client) + b"/\xff.txt", "wb").close()),
    Case("a name with large letters", "PPC542", lambda client: (client / "PLAN.b1.txt").touch()),
    Case("a long name", "PPC542", lambda client: (client / f"{'x' * 100}.txt").touch()),
    Case("hundreds of files", "PPC542", _many_files),
    Case("a link in place of a plan", "PPC542", _link),
    Case("a link to nothing", "PPC542", lambda client: (client / "link.txt").symlink_to("nowhere")),
    Case("a link in place of the manifest", "PPC542", _linked_manifest),
    Case("a pipe in place of a plan", "PPC542", _pipe),
    Case("a folder in place of a plan", "PPC542", _folder_for_a_file),
    Case("a huge plan", "PPC542", _large),
]
NOTATION = [
    Case("a byte of the manifest flipped", "PPC544", _flip("manifest.json", 3)),
    Case("a manifest cut off", "PPC544", _cut("manifest.json", 0.9)),
    Case("an empty manifest", "PPC544", _manifest(b"")),
    Case("a manifest of nothing", "PPC544", _manifest(b"null\n")),
    Case("a manifest of a list", "PPC544", _manifest(b"[]\n")),
    Case("a manifest of zeros", "PPC544", _manifest(bytes(4000))),
    Case("deep objects", "PPC544", _manifest(DEEP)),
    Case("deep lists", "PPC544", _manifest(b"[" * 1_000_000)),
    Case("deeper than a manifest is", "PPC544", _manifest(b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1))),
    Case("a huge manifest", "PPC542", _manifest(b" " * 5_000_000)),
    Case("a key twice", "PPC544", _manifest(lambda data: data.replace(b'"role"', b'"role": "server",\n  "role"'))),
    Case("keys in another order", "PPC544", _manifest(lambda data: json.dumps(json.loads(data)).encode())),
    Case("keys without spaces", "PPC544", _manifest(lambda data: data.replace(b'": ', b'":'))),
    Case("a mark of the byte order", "PPC544", _manifest(lambda data: b"\xef\xbb\xbf" + data)),
    Case("another encoding", "PPC544", _manifest(lambda data: data.decode().encode("utf-16"))),
    Case("bytes that are no text", "PPC544", _manifest(lambda data: data.replace(b"small", b"sm\xffll"))),
    Case("half of a character", "PPC544", _manifest(lambda data: data.replace(b"small", b"\\ud800"))),
    Case("a letter written as its number", "PPC544", _manifest(lambda data: data.replace(b"small", b"\\u0073mall"))),
    Case("lines of another system", "PPC544", _manifest(lambda data: data.replace(b"\n", b"\r\n"))),
    Case("a number that is none", "PPC544", _manifest(lambda data: data.replace(b'"version": 1', b'"version": NaN'))),
    Case(
        "a huge number", "PPC544", _manifest(lambda data: data.replace(b'"version": 1', b'"version": 1' + b"0" * 9999))
    ),
    Case(
        "a number with a fraction", "PPC544", _manifest(lambda data: data.replace(b'"version": 1', b'"version": 1.0'))
    ),
    Case("two manifests", "PPC544", _manifest(lambda data: data + data)),
]
KEYS = [
    Case("a number as text", "PPC544", _at("version", value="1")),
    Case("a flag for a number", "PPC544", _at("version", value=True)),
    Case("a batch as text", "PPC544", _at("schedule", "batches", 0, "batch", value="1")),
    Case("a batch of nothing", "PPC544", _at("schedule", "batches", 0, "batch", value=0)),
    Case("a negative batch", "PPC544", _at("schedule", "batches", 0, "batch", value=-4)),
    Case("a batch of a billion", "PPC544", _at("schedule", "batches", 0, "batch", value=10**9)),
    Case("a key that is not known", "PPC544", _at("unsafe", value=True)),
    Case("a key of the schedule that is not known", "PPC544", _at("schedule", "mode", value="fast")),
    Case("a key missing", "PPC544", _without("party")),
    Case("no schedule", "PPC544", _without("schedule")),
    Case("a schedule that is text", "PPC544", _at("schedule", value="schedule")),
    Case("another format", "PPC544", _at("format", value="zip")),
    Case("a role that there is not", "PPC544", _at("role", value="auditor")),
    Case("a party with a path in it", "PPC544", _at("party", value="../lab")),
    Case("a model with a path in it", "PPC544", _at("schedule", "model", value="../../etc")),
    Case("a model that moves the cursor", "PPC544", _at("schedule", "model", value="small\x1b[2J")),
    Case("one party", "PPC544", _at("schedule", "parties", value=["hospital"])),
    Case("three parties", "PPC544", _at("schedule", "parties", value=["hospital", "lab", "us"])),
    Case("a hash in large letters", "PPC544", _at("schedule", "batches", 0, "sha256", value="A" * 64)),
    Case("a short hash", "PPC544", _at("schedule", "batches", 0, "sha256", value="a" * 63)),
    Case("too many batches", "PPC544", _many_batches),
    Case("no epochs", "PPC544", _at("schedule", "training", value=_taught(0))),
    Case("a path upwards", "PPC544", _listed_under("../../secret.txt")),
    Case("a path from the root", "PPC544", _listed_under("/etc/passwd")),
    Case("a path into a folder", "PPC544", _listed_under("plans/b1.txt")),
    Case("a path of another system", "PPC544", _listed_under("..\\plan.txt")),
    Case("a name with a zero byte", "PPC544", _listed_under("plan.b1\0.txt")),
    Case("the manifest in its own list", "PPC544", _listed_under("manifest.json")),
    Case("more bytes than a bundle may have", "PPC544", _heavy),
    Case("a plan upwards", "PPC544", _plan_under("../server/plan.b1.txt")),
]
CONTRADICTIONS = [
    Case("a schedule of another hash", "PPC543", _manifest(lambda d: d.replace(b'"level": 2', b'"level": 1'))),
    Case("no batches", "PPC545", _at("schedule", "batches", value=[])),
    Case("a batch twice", "PPC545", _batch_twice),
    Case("batches in another order", "PPC545", _batches_turned),
    Case("the plan of another batch named", "PPC545", _plan_under("plan.b4.txt")),
    Case("the plan of another batch in its file", "PPC545", _plan_of_another_batch),
    Case("one party twice", "PPC545", _at("schedule", "parties", value=["hospital", "hospital"])),
    Case("parties the other way round", "PPC545", _at("schedule", "parties", value=["lab", "hospital"])),
    Case("the other party's name", "PPC545", _at("party", value="lab")),
    Case("another field", "PPC545", _at("schedule", "field", value="mersenne127")),
    Case("another level", "PPC545", _at("schedule", "level", value=0)),
    Case("another model's name", "PPC545", _at("schedule", "model", value="large")),
    Case("a plan of another model", "PPC545", _plan_of("other")),
    Case("a plan of another private block", "PPC545", _plan_of("small", "turned")),
    Case("fewer bytes than the plan sends", "PPC545", _at("schedule", "batches", 0, "costs", 0, "sent", value=[0, 0])),
    Case("fewer rounds", "PPC545", _at("schedule", "batches", 0, "costs", 1, "rounds", value=1)),
    Case("nothing said of what is learned", "PPC545", _at("schedule", "learns", value=[])),
    Case("more said to be brought", "PPC545", _at("schedule", "brings", 0, "from", value="hospital")),
    Case(
        "training that the plan does not do",
        "PPC545",
        _at("schedule", "training", value=_taught(3)),
    ),
    Case("hashes of two plans exchanged", "PPC545", _swap_hashes),
    Case("two hashes of one file", "PPC545", _at("schedule", "batches", 0, "sha256", value="0" * 64)),
]
PLANS = [
    Case("one mask for two values", "PPC513", _one_mask_for_two),
    Case("a result for somebody else", "PPC513", _edit('"to": "hospital"', '"to": "lab"')),
    Case("an op that there is not", "PPC513", _edit("= mask(", "= disclose(")),
    Case("a shift that shows more", "PPC513", _edit('"shift": ', '"shift": 1')),
    Case("a shape as large as the world", "PPC513", _edit("clear[4, 1, 6, 6]", "clear[999999999999, 1, 6, 6]")),
    Case("a shape of five thousand digits", "PPC510", _edit("clear[4, 1", f"clear[{'9' * 5000}, 1")),
    Case("a batch of five thousand digits", "PPC510", _edit("batch 4", f"batch {'4' * 5000}")),
    Case("a field that there is not", "PPC510", _edit("field mersenne61", "field mersenne7")),
    Case("attributes nested deeply", "PPC510", _edit('{"mask": ', '{"mask": ' + "[" * 20_000)),
    Case("a plan of nonsense", "PPC510", _replace("plan.b4.txt", b"plan {\n}\n")),
    Case("a plan of two", "PPC510", _replace("plan.b4.txt", lambda data: data * 2)),
    Case("a plan that is no text", "PPC545", _replace("plan.b4.txt", b"\xff\xfe\n}\n")),
    Case("a plan in one line", "PPC545", _replace("plan.b4.txt", b"x" * 4_000_000 + b"}\n")),
    Case("a plan with spaces", "PPC545", _replace("plan.b4.txt", lambda data: data.replace(b"\n", b" \n"))),
    Case("a plan that is not scheduled", "PPC545", _edit("stage scheduled", "stage masked")),
    Case("a plan that trains for ever", "PPC545", _replace("plan.b4.txt", lambda _: _trained())),
]
WEIGHTS = [
    Case("weights for the client", "PPC545", lambda client: _weights_at(client)),
    Case("a list of weights that is nonsense", "PPC544", _replace("weights.json", b"{}{"), "server"),
    Case("a weight's name that there is not", "PPC545", _json_weights("first name", "conv9.weight"), "server"),
    Case("a weight's name that is no text", "PPC544", _json_weights("first name", 7), "server"),
    Case("a weight of another shape", "PPC545", _json_weights("first shape", [2, 1, 3, 4]), "server"),
    Case("a weight of a shape that is none", "PPC544", _json_weights("first shape", [2, -1]), "server"),
    Case("a graph somewhere else", "PPC544", _json_weights("written", "../graph.txt"), "server"),
    Case("a weight too few", "PPC545", _json_weights("parameters", []), "server"),
    Case("no folding", "PPC545", _json_weights("folded", None), "server"),
    Case("a graph of nonsense", "PPC510", _replace("graph.written.txt", b"graph {\n}\n"), "server"),
    Case("a graph with an op that there is not", "PPC545", _edit("= relu(", "= rely(", "graph.written.txt"), "server"),
]
ROLES = [
    Case("roles swapped", "PPC546", _swapped, ""),
    Case("bundles of two programs", "PPC548", _of_two_programs, ""),
    Case("no bundle", "PPC540", lambda client: shutil.rmtree(client.parent), ""),
    Case("a newer format", "PPC541", lambda c: change(c, lambda m: m.update(version=2, reader=2))),
    Case("an older format", "PPC541", _at("version", value=0)),
]
CASES = [*FILES, *NOTATION, *KEYS, *CONTRADICTIONS, *PLANS, *WEIGHTS, *ROLES]


def _trained() -> bytes:
    plan = program("other", train=True).plans[0]
    return show(plan).encode()


def _weights_at(client: Path) -> None:
    """The server's list of weights in the client's bundle."""
    for name in ("weights.json", "graph.written.txt", "graph.folded.txt"):
        replace_file(client, name, (client.parent / "server" / name).read_bytes())
