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
    PPC682=(
        "training diverged",
        """The weights of a participant or a worker are no numbers any more. A smaller rate, or bounds on its updates
        (`clip`), keep a training from diverging. Nothing of this turn was sent.""",
    ),
    PPC683=(
        "too few participants",
        """So many participants have left, or were dropped because of what they sent, that fewer are there than the
        training needs. The server has kept a checkpoint after each round: start the participants again, and the server
        with `--resume`.""",
    ),
    PPC684=(
        "no such checkpoint",
        """A training of many participants goes on from the server's last checkpoint, and each participant from its own
        of the same round. The file that is needed is not there, is damaged, or belongs to another model.""",
    ),
    PPC685=(
        "the budget is spent",
        """A training with noise has a total epsilon that grows with every update that a participant sends. The budget
        of the program pays for no further one. The participant sends nothing more, whoever asks.""",
    ),
    PPC686=(
        "second aggregator",
        """With `aggregate additive` every update is split between the server and a second aggregator, and their sums
        are put together; with `open winner` every vote is, and the two compare the sums with a dealer's help. The
        second one was not named, is not there any more, or answered what was not asked; or the comparison failed.
        Nothing of the round or the vote was opened; the training goes on from the server's checkpoint, and a vote
        that failed counts.""",
    ),
    PPC687=(
        "not what was agreed",
        """In a training of many something came that the program does not say: a number that is no element of the
        field, a call for a sum over too few workers or for more votes than are allowed, sums that can be no sums, or
        a question for an update that was answered in another sum.
        Whoever noticed it did not answer. Compare the programs, and ask who runs the other side.""",
    ),
    PPC688=(
        "budget too small",
        """The budget of a labelling does not pay for a single query with this much noise. More noise makes a query
        cheaper; so does a larger delta. Nothing was opened.""",
    ),
    PPC689=(
        "a node of Flower",
        """A training on Flower sends each of its nodes a letter and waits for the answer. The message says which
        node did not answer, answered what it may not, or cannot take part, and why. The training goes on without it as
        long as enough participants are there, and asks it again in every round.""",
    ),
)
