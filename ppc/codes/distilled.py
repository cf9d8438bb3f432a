"""59x: samples that train one network, their keys and packages."""

from __future__ import annotations

from ppc.codes.base import codes

DISTILLED = codes(
    PPC590=(
        "key not usable",
        """The first weights are derived from a key: a file of two lines that `ppc key new` makes and nobody but its
        owner may read. Whoever has it can open the package, and train with it. The message says what is wrong with
        this file.""",
    ),
    PPC591=(
        "package damaged",
        """A package is one file: a head, and samples that are encrypted, or at least bound to the key. This one was cut
        off or changed, or is something else. Nothing of it was used, and no step was made.""",
    ),
    PPC592=(
        "package of another version",
        """The file says that it is a package of samples, in a version of the format that this ppc does not read. A
        package is built in minutes, so there is no conversion.""",
    ),
    PPC593=(
        "package for another key",
        """A package carries the name of the key that it was built with. Names are derived from keys and tell nothing of
        them. With another key nothing of it can be opened, and from other first weights its samples would train a bad
        model; so nothing was tried.""",
    ),
    PPC594=(
        "package for another network",
        """The samples train one exact network: its layers and their sizes in their order, its loss, the law of its
        first weights. A package is bound to all of it by a tag that only who has the key can make. This program
        describes another network; no step was made.""",
    ),
    PPC595=(
        "requirement not met",
        """A `require` line says how well the samples have to train the right network, or how badly others. It was
        measured when the package was built, on examples that nothing was learned from, and it lies on the wrong side;
        or it cannot be measured, as `other_shape` of a model with one layer. Or the control failed: a package whose key
        has 16 bits, which is searched for at every build, was not opened. The package was not written.""",
    ),
    PPC596=(
        "nothing that samples can train",
        """Samples are images, each with a row of numbers as its label. They train a model with one input of real
        numbers that gives a row of scores for the classes, on labelled examples of that shape; `images from` needs a
        file with at least as many images, of that shape too.""",
    ),
    PPC597=(
        "steps that diverge",
        """The steps of gradient descent led to numbers that are none, or that no package holds (too large, or steps of
        size 0). Large step sizes or first weights (`rate`, `spread`) do that.""",
    ),
    PPC598=(
        "checkpoint does not fit",
        """A checkpoint of the owner's learning belongs to one program, one key and one set of data. This one was
        written for others, by another version, or is damaged. Nothing of it was used.""",
    ),
    PPC599=(
        "option of something else",
        """A verb takes the options of everything that it can do: `ppc train` those of all trainers, `ppc party` those
        of bundles and of packages. The one that was named changes nothing of what was asked for, so that whoever named
        it would wait for something that does not come. Nothing was computed.""",
    ),
)
