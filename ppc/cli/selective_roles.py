"""The processes of a selective training: the parameter server, and one participant."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppc.cli import answers
from ppc.cli.cert_verbs import default_folder
from ppc.cli.crowd_options import PORT
from ppc.cli.selective_aggregator import second_of, told_at_end
from ppc.cli.telling import Telling
from ppc.errors import PpcError, fail

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ppc.ir.selective import Selective
    from ppc.learning import Network
    from ppc.learning.network import Tensors
    from ppc.runtime.keyring import Keyring
    from ppc.runtime.wire.hello import Hello
    from ppc.runtime.wire.link import Link
    from ppc.runtime.wire.listener import Listener
    from ppc.selective import ParameterServer, Participant
    from ppc.selective.host import Arrival, Host
    from ppc.selective.members import Labelled
    from ppc.selective.remembered import Memory

LOOK = 0.2  # seconds between two looks at who has come
MOST_UPLOADS = 1_000_000_000  # of one participant, whatever it says
MOST_EXAMPLES = 10_000_000  # of one participant, whatever it says: a round has its exchanges by them


def understood(arguments: Namespace) -> tuple[Selective, Network]:
    """What the block says, and the model as a function."""
    from ppc import compiler
    from ppc.ir.selective import Selective
    from ppc.learning import Network

    facts = compiler.training_of(arguments.program, model=arguments.model)
    assert isinstance(facts, Selective)
    compiled = compiler.compile_program(arguments.program, model=facts.model)
    return facts, Network(compiled.after("infer-shapes"))


def _first_weights(arguments: Namespace, network: Network) -> Tensors:
    from ppc.learning.network import as_tensors
    from ppc.selective.members import fresh
    from ppc.weights import load

    if arguments.weights is not None:
        return as_tensors(load(arguments.weights, network.graph).weights)
    return fresh(network, arguments.seed or 0)


def keyring_of(arguments: Namespace) -> Keyring:
    from ppc.runtime.keyring import open_folder

    return open_folder(arguments.certificates or default_folder())


def hello_of(keyring: Keyring, facts: Selective, network: Network, examples: int = 0, sent: int = 0) -> Hello:
    """Both sides must have the same program; who learns tells of its examples, and of uploads that it has counted."""
    from ppc.runtime.wire.hello import Hello

    said = repr(
        (facts, [(node.name, node.op, node.inputs, sorted(node.attrs.items())) for node in network.graph.nodes])
    )
    numbers = {"examples": examples, "uploads": sent} if examples else {}
    told = {name: number.to_bytes(8, "little") for name, number in numbers.items()}
    return Hello(role=keyring.own.role, party=keyring.own.party, plan=sha256(said.encode()).hexdigest(), told=told)


# ---- the server ----


def server(arguments: Namespace, telling: Telling) -> int:
    """Until the last round is over, or too few participants are left."""
    from ppc.runtime.wire.listener import Listener
    from ppc.selective.host import Host
    from ppc.selective.members import accuracy_of
    from ppc.selective.state import keep_server, tags_of
    from ppc.selective.tally import Tally, line, priced, spent

    facts, network = understood(arguments)
    keyring, (holder, over) = keyring_of(arguments), _holder(arguments, facts, network)
    hello = hello_of(keyring, facts, network)
    second = second_of(arguments, facts, keyring, hello)
    address = arguments.listen or (("127.0.0.1", 0) if arguments.embedded else ("", PORT))
    listener = Listener(address, keyring, hello, expects=("participant",))
    tally = Tally(facts, len(holder.vector), [])
    test, first = _test(arguments, network), _first_weights(arguments, network)
    host = Host(facts, holder, lambda: arrived(listener, facts), telling.note, tally.rows.append, over, second)
    if second is not None:
        host.tags = tags_of(arguments.checkpoint, holder, arguments.resume)

    def keep(rounds: int) -> None:
        if arguments.checkpoint is not None:
            keep_server(arguments.checkpoint, holder, rounds)
        told = tally.over(host, rounds, accuracy_of(holder, network, first, test))
        telling.event("round", **told)
        telling.say(line(facts.rounds, told))

    try:
        telling.event("listening", port=listener.port)
        telling.say(f"listens at port {listener.port} for {facts.participants} participants")
        _gather(host, facts, arguments.patience)
        for said in priced(host):
            telling.note(said)
        host.run(keep, seed=arguments.seed or 0)
        _save(arguments, network, holder)
        reports = host.reports()
        elsewhere = told_at_end(second)
    finally:
        listener.close()
        for one in (*host.lines.values(), *([second] if second else [])):
            one.close()
    named = {str(number + 1): told for number, told in reports.items()}
    telling.event("done", reports=named, **tally.facts_of(), **elsewhere, **spent(host))
    telling.say(f"uploaded {tally.up:,} bytes in {len(tally.rows):,} exchanges")
    return 0


def _holder(arguments: Namespace, facts: Selective, network: Network) -> tuple[ParameterServer, int]:
    """The vector, and how many rounds it has behind it."""
    from ppc.learning import Layout
    from ppc.selective import ParameterServer
    from ppc.selective.state import resumed_server

    vector: NDArray[Any] = Layout.of(network).vector(_first_weights(arguments, network)).numpy().copy()
    holder = ParameterServer(vector, scale=facts.scale, decay=facts.decay)
    if not arguments.resume:
        return holder, 0
    if arguments.checkpoint is None:
        raise fail("PPC684", "From where the training goes on is not said.", hint="Name it: `--checkpoint FOLDER`.")
    return holder, resumed_server(arguments.checkpoint, holder)


def arrived(listener: Listener, facts: Selective, wait: float = 0.0) -> Iterator[Arrival]:
    """Those who came since; who is refused is not among them."""
    from ppc.runtime.wire.letters import Letters
    from ppc.selective.host import Arrival

    while (link := listener.poll(wait or 0.001)) is not None:
        if isinstance(link, PpcError):
            continue
        number = number_of(link, facts)
        if number is None:
            link.close()
        else:
            examples = int.from_bytes(link.theirs.told.get("examples", b"\1")[:8], "little")
            sent = int.from_bytes(link.theirs.told.get("uploads", b"")[:8], "little")
            line = Letters(link, computing=facts.wait)
            yield Arrival(number, line, max(1, min(examples, MOST_EXAMPLES)), min(sent, MOST_UPLOADS))


def number_of(link: Link, facts: Selective) -> int | None:
    """`participant_3` has turn 2."""
    name, _, number = link.peer.party.rpartition("_")
    if name == "participant" and number.isdecimal() and 1 <= int(number) <= facts.participants:
        return int(number) - 1
    return None


def _gather(host: Host, facts: Selective, patience: float) -> None:
    """Everybody, or after some time those who are needed."""
    from time import monotonic, sleep

    limit = monotonic() + patience
    while len(host.lines) < facts.participants:
        host.welcome()
        if monotonic() > limit:
            host.enough()
            return
        sleep(LOOK)


def _test(arguments: Namespace, network: Network) -> Labelled | None:
    from ppc.selective.members import labelled

    return None if arguments.test is None else labelled(arguments.test, network)


def _save(arguments: Namespace, network: Network, holder: ParameterServer) -> None:
    """The server's own model."""
    from ppc.selective.members import model_of

    if arguments.output is not None:
        answers.save_model(arguments.output, model_of(holder, network, _first_weights(arguments, network)))


# ---- a participant ----


def participant(arguments: Namespace, telling: Telling) -> int:
    """All turns that the server gives."""
    from ppc.runtime.wire.letters import Letters
    from ppc.runtime.wire.link import dial
    from ppc.selective import guest
    from ppc.selective.state import count_uploads, keep_participant, participant_memory

    if arguments.peer is None:
        raise fail("PPC657", "Where the server listens is not said.", hint="Name it: `--peer HOST:PORT`.")
    facts, network = understood(arguments)
    own, test = _participant(arguments, facts, network)
    keyring = keyring_of(arguments)
    hello = hello_of(keyring, facts, network, len(own.labels), _sent(arguments, own))
    second, memory = second_of(arguments, facts, keyring, hello), participant_memory(arguments.checkpoint, own.number)
    link = dial(arguments.peer, keyring, hello, expects=("server",), patience=arguments.patience)
    line = Letters(link)

    def begin(rounds: int) -> None:
        _began(arguments, telling, own, rounds, memory)

    def keep(rounds: int) -> None:
        if arguments.checkpoint is not None:
            keep_participant(arguments.checkpoint, own, rounds)

    def spend(uploads: int) -> None:
        if arguments.checkpoint is not None and facts.noise.kind != "none":
            count_uploads(arguments.checkpoint, own.number, uploads)

    def report() -> dict[str, float]:
        return {"accuracy": own.accuracy(*test)} if test else {}

    try:
        turns = guest.attend(own, line, report, begin, keep, spend, second, memory)
    finally:
        for one in (line, *([second] if second else [])):
            one.close()
    telling.event("done", turns=turns, sent=line.sent, taken=line.taken)
    telling.say(f"{turns} turns, {line.sent:,} bytes sent")
    return 0


def _began(arguments: Namespace, telling: Telling, own: Participant, rounds: int, memory: Memory) -> None:
    """Where the server is when this participant comes."""
    from ppc.selective.state import passed_over, resumed_participant

    if rounds and (arguments.checkpoint is None or not resumed_participant(arguments.checkpoint, own, rounds)):
        telling.note(f"{rounds} rounds are over, and no checkpoint of them is here: it begins with the first weights")
        if own.facts.aggregate == "additive":
            passed_over(arguments.checkpoint, own, rounds, memory)
    own.uploads = max(own.exchanges, _sent(arguments, own)) if own.facts.noise.kind != "none" else own.uploads


def _sent(arguments: Namespace, own: Participant) -> int:
    """The uploads that were counted before this process began; without noise nobody counts them."""
    from ppc.selective.state import uploads_before

    folder: Path | None = arguments.checkpoint
    return uploads_before(folder, own.number) if folder is not None and own.facts.noise.kind != "none" else 0


def _participant(arguments: Namespace, facts: Selective, network: Network) -> tuple[Participant, Sequence[Any]]:
    from ppc.selective import Participant
    from ppc.selective.members import labelled, part
    from ppc.selective.state import order_seed

    images, labels = labelled(arguments.data, network)
    if arguments.share is not None:
        number, of = arguments.share
        images, labels = part((images, labels), number, of, arguments.each)
    number = int(arguments.be) - 1
    seed = order_seed(arguments.checkpoint, number) if arguments.seed is None else arguments.seed
    own = Participant(number, facts, network, images, labels, _first_weights(arguments, network), seed)
    return own, labelled(arguments.test, network) if arguments.test is not None else ()
