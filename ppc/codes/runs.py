"""65x: runs of two parties and a dealer."""

from __future__ import annotations

from ppc.codes.base import codes

RUNS = codes(
    PPC650=(
        "no room for another session",
        """A server and a dealer serve a bounded number of sessions at a time, so that nobody can make them run out of
        memory. All places were taken. Try again in a moment, or let them start with a larger `--most`.""",
    ),
    PPC651=(
        "message of another length",
        """Every message of a run has a length, a round and an iteration that the plan names before the run. One came
        that is none of the plan's, so the two parties do not follow the same plan, or something on the way changed
        it. The run ended: nothing that was received is used.""",
    ),
    PPC652=(
        "the other party ended",
        """The other party ended its run before the plan was carried out. Its own message says why. What was opened
        until then stays opened, and the dealer's numbers of this run must not be used again.""",
    ),
    PPC653=(
        "no message in time",
        """A message that the plan names did not come within the time that was allowed. Look whether the other party
        still runs and how busy its machine is.""",
    ),
    PPC654=(
        "value not given",
        """A run needs the values that the plan names as given, each from its owner and in the plan's shape. The
        message says which one is missing or has another shape.""",
    ),
    PPC655=(
        "preprocessing of another plan",
        """The dealer's numbers for a section have exactly the size that the plan says. These have another one, so
        they were made for another plan or were cut off. They were not used.""",
    ),
    PPC656=(
        "value out of its range",
        """The plan is proved for ranges that training keeps for a certain number of steps; then the parties count
        together how many values have left them, and reveal that count alone. It was not zero, so the results could
        be wrong without notice, and the run ended. Use wider bounds or a smaller rate.""",
    ),
    PPC658=(
        "too little memory for the run",
        """How much memory a run takes at most is known from its plan, and compared with what this machine has free
        before anything is allocated. It is not enough. Compile with a smaller `--batch`: requests are then run in
        more, smaller batches.""",
    ),
    PPC670=(
        "numbers of no honest run",
        """A message had its right place and length, and in it stood a number that no party sends that follows the plan:
        one that is no element of the field; one that makes a revealed value leave the range that the plan is proved
        for; or, where layers run in the clear and numbers cross as they are, one that is not finite or not between the
        bounds that are known before the run. The run ended and nothing of it was used; a server goes on with its other
        clients. A number that is wrong and yet possible cannot be told from a right one: under a mask any element is
        as good as any other, and a server in the clear is taken at its word.""",
    ),
    PPC659=(
        "a role on the same machine",
        """Privacy rests on the two parties and the dealer being three machines in different hands: whoever has two of
        them can open everything. The address that was named, or the side that came, is this machine itself. For a
        test, `--insecure-local` allows it, and `ppc run` runs all three here and says so.""",
    ),
)
