"""3xx and 4xx: ranges, and who may see what."""

from __future__ import annotations

from ppc.codes.base import codes

PRIVACY = codes(
    PPC301=(
        "empty range",
        "A range `low..high` holds the numbers between its ends; its low end must be below its high end.",
    ),
    PPC302=(
        "no bounds",
        """Values on shares are numbers of a finite field, and ranges are proved without looking at a secret. So
        every input of a joint layer needs bounds in the program: `image: real[1, 28, 28] in 0..1`. The owner's
        encoder enforces them.""",
    ),
    PPC303=(
        "overflow to come",
        """With the declared bounds a value could grow beyond the field, and wrap into garbage without a sign. The
        message names the layer, its bits and the field's. Tighter bounds on weights or inputs, fewer fraction
        bits or a wider field help.""",
    ),
    PPC304=(
        "truncation would fail",
        """`truncation = local` lets each party shift its own share. It is wrong by a multiple of p/2^f with
        probability about |x|/p for every value: negligible on mersenne127, once in two million values on
        mersenne61. It is refused there at every level.""",
    ),
    PPC306=(
        "weights without bounds",
        """Ranges of joint layers follow from the bounds of inputs and weights, which are part of the program:
        `weights from lab in -4..4`. A bound that is taken from the weights tells something of them, so it is written
        down by whoever holds them.""",
    ),
    PPC307=(
        "data out of bounds",
        """The program states between which numbers an input lies, and everything that follows is sized by that. Data
        beyond it, or data that is not a finite number, is refused before anything is computed with it.""",
    ),
    PPC401=(
        "leak",
        """With this program a party would see a value that tells of a secret which no line of the program lets it
        see. The message shows the secret, the way it takes, and the place where it would come out. A line such as
        `result to PARTY` or `logits to PARTY` allows an opening by name; `joint` computes without any.""",
    ),
    PPC402=(
        "nowhere to compute",
        """The layers need secrets of different parties, and the private block does not say where these may meet.
        `joint` computes on secret shares; `split at k` with `server clear` lets each side run its layers in the
        clear.""",
    ),
    PPC404=(
        "two places for one layer",
        """`server clear` and `joint` both say where the layers after the split run, and differ. Two private blocks
        can state one each.""",
    ),
    PPC405=(
        "half of a layer is public",
        """For inference a batch norm is folded into the layer before it: the folded weights tell of both. So both are
        public (`conv1 public`, `batch_norm1 public`), or neither is.""",
    ),
    PPC406=(
        "an order of two owners",
        """With `shuffle = private` the owner of the examples draws their order and tells nobody. Where inputs and
        labels come from two parties, both must bring them in one order, so both know it: it is public between them.""",
    ),
    PPC408=(
        "more is revealed",
        """The saved leakage contract does not allow what this program would reveal: a party sees a value that it did
        not see, more numbers of one, again and again, or more exactly; or a caveat is new or weighs more. Read each
        line that the message points at. If all of it is meant, write the contract anew with `ppc explain --leak
        --save` and commit both. That less is revealed is no mistake.""",
    ),
)
