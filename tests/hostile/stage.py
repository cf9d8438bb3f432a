"""One behaviour played through: a hostile role of the second implementation, honest ones of the first, and the end."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from threading import Thread
from time import monotonic, sleep

from ppc.errors import PpcError, render
from ppc.runtime.roles.meeting import Terms
from ppc.runtime.wire.listener import Listener
from tests.hostile import world as first
from tests.hostile.mouth import Deed, Dress, Gone, Mouth
from tests.hostile.peer import Door, carry_out, deal, dial
from tests.hostile.places import place_of
from tests.hostile.world import HERE, Honest, World

GREETING = ("tcp", "tls", "hello", "verdict", "tcp 2", "tls 2", "join", "accepted", "greeting", "greeting 2", "joined")
SLACK = 15.0  # seconds beside its limits in which an honest side ends, on a machine that does other things too


@dataclass(frozen=True)
class Behaviour:
    """`who` does `deed` at a place of what it says; each honest side ends with one of `codes`, in words like `says`.

    `stranger`: the server refuses the connection with such an error, and goes on to serve others. `quick`: limits of a
    second. `believed`: nobody can tell, so the run goes on. `burnt`: whether the file's pair is used afterwards.
    """

    name: str
    who: str
    at: str
    deed: Deed
    codes: str
    says: str = ""
    quick: bool = False
    stranger: bool = False
    believed: bool = False
    files: bool = False
    burnt: bool | None = None


@dataclass(frozen=True)
class Row:
    """A behaviour in a table, before it is said who does it. Without codes, nobody can tell."""

    name: str
    at: str
    deed: Deed
    codes: str = ""
    says: str = ""
    quick: bool = False

    def by(self, who: str, title: str = "", **more: bool) -> Behaviour:
        return Behaviour(
            f"{title or who}: {self.name}",
            who,
            self.at,
            self.deed,
            self.codes,
            self.says,
            quick=self.quick,
            believed=not self.codes,
            **more,
        )


@dataclass(eq=False)
class Scene:
    """What became of a behaviour."""

    behaviour: Behaviour
    mouth: Mouth
    honest: list[Honest] = field(default_factory=list[Honest])
    refusals: list[PpcError] = field(default_factory=list[PpcError])
    hanging: list[str] = field(default_factory=list[str])
    served_after: bool = False
    broke: BaseException | None = None  # the hostile side itself, which is a mistake of the test
    used: list[bool] = field(default_factory=list[bool])

    @property
    def errors(self) -> list[BaseException | None]:
        return [one.failed for one in self.honest]

    @property
    def told(self) -> list[PpcError]:
        """The errors that must name what happened."""
        if self.behaviour.stranger:
            return self.refusals
        return [error for error in self.errors if isinstance(error, PpcError)]

    @property
    def shown(self) -> list[str]:
        """Everything that anybody could print of it."""
        errors = [error for error in [*self.errors, *self.refusals] if error is not None]
        texts = [text for one in self.honest for text in one.shown]
        return [*texts, *(render(error) if isinstance(error, PpcError) else repr(error) for error in errors)]


def limits(behaviour: Behaviour, factor: float) -> Terms:
    """A behaviour that only the clock can end has limits of a second."""
    if not behaviour.quick:
        return first.CALM
    greeting = behaviour.stranger or behaviour.at in GREETING
    return replace(first.CALM, idle=factor, handshake=factor if greeting else 5 * factor, patience=5 * factor)


def play(world: World, behaviour: Behaviour, factor: float = 1.0) -> Scene:
    if behaviour.files:
        world = world.with_files()
    at = place_of(world, behaviour.who, behaviour.at)
    mouth = Mouth(Dress(world.folders[behaviour.who]), world.field, at=at, deed=behaviour.deed)
    scene, terms = Scene(behaviour, mouth), limits(behaviour, factor)
    with ExitStack() as stack:
        stack.callback(mouth.close)
        stack.callback(mouth.wake)
        act = {"client": _client, "server": _server, "dealer": _dealer}[behaviour.who]
        act(world, scene, terms, stack)
    if world.files:
        honest = {"client": "server", "server": "client"}[behaviour.who]
        scene.used = [bool(world.used(honest))]
    return scene


def _client(world: World, scene: Scene, terms: Terms, stack: ExitStack) -> None:
    """A hostile client, an honest server."""
    honest, listener = first.server(world, terms, greets_only=scene.behaviour.stranger)
    scene.honest.append(honest)

    def act() -> None:
        lines = dial(scene.mouth, world, (HERE, listener.port), "client", "server")
        carry_out(scene.mouth, world, "client", lines)

    hostile = _thread(scene, act)
    stack.callback(hostile.join)
    if scene.behaviour.stranger:
        _still_serves(world, scene, listener, terms)
    _ended(scene, terms)


def _server(world: World, scene: Scene, terms: Terms, stack: ExitStack) -> None:
    """A hostile server, an honest client."""
    listening = stack.enter_context(socket.create_server((HERE, 0)))
    listening.settimeout(25)
    hostile = _thread(scene, lambda: _serve(world, scene, listening))
    stack.callback(hostile.join)
    stack.callback(listening.shutdown, socket.SHUT_RDWR)
    scene.honest.append(first.client(world, listening.getsockname(), terms))
    _ended(scene, terms)


def _serve(world: World, scene: Scene, listening: socket.socket) -> None:
    lines = Door(scene.mouth, world, "server", listening).next()
    carry_out(scene.mouth, world, "server", lines)


def _dealer(world: World, scene: Scene, terms: Terms, stack: ExitStack) -> None:
    """A hostile dealer, two honest parties."""
    listening = stack.enter_context(socket.create_server((HERE, 0)))
    listening.settimeout(25)
    world = replace(world, dealer=listening.getsockname())
    honest, listener = first.server(world, terms)
    scene.honest += [honest, first.client(world, (HERE, listener.port), terms)]
    hostile = _thread(scene, lambda: deal(scene.mouth, world, Door(scene.mouth, world, "dealer", listening)))
    stack.callback(hostile.join)
    stack.callback(listening.shutdown, socket.SHUT_RDWR)
    _ended(scene, terms)


def _thread(scene: Scene, act: object) -> Thread:
    def run() -> None:
        try:
            act()  # pyright: ignore[reportCallIssue]
        except (Gone, PpcError):
            pass
        except BaseException as error:
            scene.broke = error
        finally:
            scene.mouth.close()

    thread = Thread(target=run, name="hostile", daemon=True)
    thread.start()
    return thread


def _still_serves(world: World, scene: Scene, listener: Listener, terms: Terms) -> None:
    """It has refused the stranger; and an honest client is let in after that."""
    limit = monotonic() + terms.handshake + SLACK
    (honest,) = scene.honest
    while not (listener.refusals or honest.refused) and monotonic() < limit and honest.thread.is_alive():
        sleep(0.005)
    scene.refusals += [*listener.refusals, *honest.refused]
    with suppress(PpcError):
        first.greeted(world, (HERE, listener.port))
        scene.served_after = True


def _ended(scene: Scene, terms: Terms) -> None:
    """Every honest side ends within its limits, while the hostile one is still there."""
    limit = monotonic() + terms.patience + terms.idle + terms.handshake + SLACK
    for one in scene.honest:
        one.thread.join(max(0.0, limit - monotonic()))
        if one.thread.is_alive():
            scene.hanging.append(one.role)
    scene.mouth.wake()
