"""Flower's apps around the server and a node. The only module that knows Flower, an optional package."""

from __future__ import annotations

import sys
from threading import Lock

from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp

from ppc.errors import PpcError
from ppc.flower.client import answer, refusal
from ppc.flower.mail import FAILED, letter
from ppc.flower.server import serve
from ppc.flower.settings import Settings

LETTER, STATE, BYTES = "letter", "participant", "bytes"


def client_app(program: str) -> ClientApp:
    """A participant or a worker, of the number that its node has."""
    app = ClientApp()

    def turn(message: Message, context: Context) -> Message:
        held = context.state.config_records
        state = _bytes(held[STATE]) if STATE in held else b""
        try:
            settings = Settings.of(context.run_config, context.node_config, context.run_id)
            said, state = answer(program, settings, _letter(message), state, _log)
        except PpcError as error:
            said = refusal(error, _log)
        context.state[STATE] = ConfigRecord({BYTES: state})
        return Message(RecordDict({LETTER: ConfigRecord({BYTES: said})}), reply_to=message)

    app.train()(turn)
    return app


def server_app(program: str) -> ServerApp:
    """The server of the training."""
    app = ServerApp()

    def main(grid: Grid, context: Context) -> None:
        settings = Settings.of(context.run_config, number=context.run_id)
        found = serve(program, settings, GridMail(grid), _log)
        for number, report in found["reports"].items():
            _log(f"participant {number}: {report}")

    app.main()(main)
    return app


class GridMail:
    """Messages of Flower's grid; one at a time speaks with it."""

    def __init__(self, grid: Grid) -> None:
        self.grid, self.lock = grid, Lock()

    def nodes(self) -> tuple[int, ...]:
        with self.lock:
            return tuple(sorted(self.grid.get_node_ids()))

    def post(self, node: int, letter: bytes) -> str:
        content = RecordDict({LETTER: ConfigRecord({BYTES: letter})})
        with self.lock:
            (ticket,) = self.grid.push_messages([Message(content, dst_node_id=node, message_type="train")])
        return ticket

    def answer(self, ticket: str) -> bytes | None:
        with self.lock:
            found = list(self.grid.pull_messages([ticket]))
        if not found:
            return None
        if found[0].has_error():
            return letter(FAILED, _last_line(found[0].error.reason))
        return _letter(found[0])


def _log(text: str) -> None:
    sys.stdout.write(f"{text}\n")  # Flower's log takes it
    sys.stdout.flush()


def _letter(message: Message) -> bytes:
    """Nothing, if it is not ours."""
    records = message.content.config_records
    return _bytes(records[LETTER]) if LETTER in records else b""


def _bytes(record: ConfigRecord) -> bytes:
    found = record.get(BYTES)
    return found if isinstance(found, bytes) else b""


def _last_line(reason: str) -> bytes:
    """Flower gives the whole traceback."""
    return reason.strip().rpartition("\n")[2].encode()[:1000]
