"""`--json` of one role: what came of it, for a program; nothing of it where the role's starter hears events."""

from __future__ import annotations

import json
from argparse import Namespace

import pytest

from ppc.cli.crowd import by_role
from ppc.cli.telling import Telling


def role(_arguments: Namespace, telling: Telling) -> int:
    telling.event("listening", port=1)
    telling.say("words")
    telling.event("done", rounds=3)
    return 0


def test_a_role_on_its_own_prints_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = Namespace(be="server", data=None, embedded=False, quiet=False, json=True, verbose=False)

    assert by_role(arguments, role, role, {"server": role}) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "rounds": 3}
