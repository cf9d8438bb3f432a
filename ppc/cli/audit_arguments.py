"""What the verb audit takes: what all kinds of artifact share, and behind it what each of them adds."""

from __future__ import annotations

from pathlib import Path

from ppc.cli import audit_verb
from ppc.cli.options import Verbs, json_of, loud_of, verb_of


def add(verbs: Verbs) -> None:
    verb = verb_of(verbs, "audit", audit_verb.audit, "attack what ppc makes, and say what the attacks found")
    verb.add_argument("artifact", type=Path, metavar="ARTIFACT", help="what is attacked: ppc sees what kind it is")
    verb.add_argument("--data", metavar="DATA", help="labelled examples: of the attacker, and to try it on")
    verb.add_argument("--weights", type=Path, metavar="FILE", help="of the model, where its owner attacks")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="of the attackers' own training (0)")
    verb.add_argument("-o", dest="output", type=Path, metavar="FOLDER", help="pictures go here")
    loud_of(verb)
    json_of(verb)
    for kind in audit_verb.KINDS:
        if kind.options is not None:
            kind.options(verb)
