"""58x: attacks, trainings in the clear, and other engines."""

from __future__ import annotations

from ppc.codes.base import codes

AUDITS = codes(
    PPC580=(
        "nothing that can be attacked",
        """`ppc audit` looks at what it is given, by its name and its first bytes, and runs the attacks on things of
        that kind. It did not recognise this one. The message lists the kinds that it knows.""",
    ),
    PPC581=(
        "no such checkpoint of this training",
        """A training in the clear goes on from the last state that it wrote to its folder, and does then what it would
        have done. The folder has none, or one that was damaged, or that of a training of another program, with another
        recipe, other data, or another seed: what would come of those belongs to neither.""",
    ),
    PPC582=(
        "too few examples",
        """Some examples are held out, so that what a model has learned is judged by what it has not seen. There are not
        enough for both. Give more, or hold out another part of them.""",
    ),
    PPC583=(
        "no attack on such a model",
        """The attacks on a trained model ask whether an example was learned from, and what its label is: they are made
        for programs with one input whose answers are classes (`loss = softmax_cross_entropy`). Nothing is said about
        other models, which may leak as much. Of a program, what many participants send is attacked: one that trains in
        another way sends nothing of the kind.""",
    ),
    PPC584=(
        "training diverged",
        """The loss, or a weight, of a training in the clear is no number any more, or too large for one: its steps were
        too wide. A smaller rate in `sgd(rate=…)` keeps it from that, and so may a smaller momentum. No weights were
        written; a checkpoint from before is as it was.""",
    ),
    PPC588=(
        "not on this engine",
        """`ppc compile --engine flower` writes an app for a training of many: by a parameter server with participants
        (`by selective`), or of workers that share the sum of their losses (`by collaborative`). Other trainings have
        two parties or one, `open winner` has a dealer: these run by `ppc train`.""",
    ),
)
