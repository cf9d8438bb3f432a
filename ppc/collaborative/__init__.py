"""Workers that keep their data and their models, and share sums: of their losses, and of their votes.

`sharing` splits an integer of the field among all workers, so that any of them but one together know nothing of it.
`worker` learns on its own data; `rounds` opens the sum of the losses; `votes` and `labelling` have the workers label
public data with noise (PATE), and `accountant` says what that is worth. The facts come from `ppc.ir.collaborative`.
"""

from __future__ import annotations

from ppc.collaborative.accountant import certified, from_votes
from ppc.collaborative.labelling import Labelled, label
from ppc.collaborative.rounds import Round, train
from ppc.collaborative.worker import Worker

__all__ = ["Labelled", "Round", "Worker", "certified", "from_votes", "label", "train"]
