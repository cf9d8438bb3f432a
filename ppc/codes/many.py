"""68x: trainings of many participants."""

from __future__ import annotations

from ppc.codes.base import codes

MANY = codes(
    PPC680=(
        "update refused",
        """A participant of a selective training sent an update that is not what was agreed: another number of
        parameters, coordinates outside the model or twice, values that are no numbers or beyond the clip. The update
        is not added. Where it happens again, look at the participant's program and version.""",
    ),
    PPC681=(
        "loss cannot be added",
        """A worker's loss is no number, or so large that the sum of all of them could not be told from a negative one.
        The training has diverged: use a smaller rate, or look at that worker's data. Nothing was opened in this
        round.""",
    ),
)
