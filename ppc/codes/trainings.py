"""57x: training, and what is kept of it."""

from __future__ import annotations

from ppc.codes.base import codes

TRAININGS = codes(
    PPC570=(
        "checkpoint damaged",
        """A checkpoint is encrypted with a key of this machine, and bound to what it says of itself. This one was cut
        off, changed, or comes from another machine or user. Nothing of it was used. If the one before it is whole,
        delete this one, at both parties: they go on from the last step of which both have one.""",
    ),
    PPC571=(
        "training that cannot be had so",
        """What is asked of the training contradicts the program or itself. To go on, or to release what it has, it
        needs the folder of checkpoints that was named when it began; the order of the examples and the turns of several
        data owners are as the program says, and nobody changes them alone.""",
    ),
    PPC572=(
        "checkpoint of another training",
        """The shares in a checkpoint belong to one plan and one party. This one was written by another program, by
        another version of the compiler, or by the other party, and its numbers mean nothing here.""",
    ),
    PPC573=(
        "checkpoints that are no pair",
        """Each party keeps its own shares, and only shares of the same step of the same run are shares of a model. The
        two parties told each other which steps they have, and none belongs together: one of the folders was
        exchanged, restored, or left out. Nothing was computed.""",
    ),
    PPC574=(
        "checkpoints are there already",
        """A training that begins would overwrite what an earlier one left in this folder. Go on with that one, or take
        another folder.""",
    ),
    PPC575=(
        "other examples than before",
        """A party remembers a hash of its examples in its own checkpoints. These are others, so the steps that are left
        would not be those of the training that began.""",
    ),
    PPC576=(
        "fewer examples than a batch",
        """A step of training takes a whole batch, whose size is part of the program. An epoch is so many whole batches;
        what is left of it is left out, so with fewer examples than a batch there would be no step at all.""",
    ),
    PPC577=(
        "shares of two models",
        """A model that is kept on shares is the sum of two files, one at each party, both of the last step of one
        training. These two are not: their sum would be noise. Nothing was computed.""",
    ),
    PPC578=(
        "share file does not fit",
        """A file of shares belongs to one party, one model, and the scales at which its numbers are kept. This one was
        cut off or changed, or belongs to another party or another version of the model. Nothing of it was used.""",
    ),
    PPC579=(
        "model was given out",
        """A release ends a training. If it went on, its owner would be given models of several steps, and what one step
        changes tells of the few examples in it; the contract says that the model is given once. It may be given out
        again as it was.""",
    ),
    PPC589=(
        "checkpoints in use",
        """Another process has this folder of checkpoints. Two trainings in one folder would forget each other's
        steps.""",
    ),
)
