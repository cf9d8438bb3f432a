"""54x: bundles, in which a compiled program is stored for its roles."""

from __future__ import annotations

from ppc.codes.base import codes

BUNDLES = codes(
    PPC540=(
        "no bundle",
        """A bundle is a folder that `ppc compile MODEL.pnn -o build/` writes: in it a folder for each role, `client`,
        `server` and `dealer`, and in each of these a manifest.json. Name the folder of the program or of the role.""",
    ),
    PPC541=(
        "bundle of another version",
        """A bundle says which format it has and how new a reader must be at least. A ppc that is too old, or that no
        longer reads so old a format, takes nothing from it. All roles then compile the program again with one version
        of ppc, or install the newer one. Preprocessing made for the old bundle does not fit the new one.""",
    ),
    PPC542=(
        "files of a bundle",
        """A role's folder holds manifest.json and the files that it lists: nothing less, nothing more, no folders, no
        links, and none larger than a bundle's files may be. Copy the folder whole, or compile the program again.""",
    ),
    PPC543=(
        "bundle changed",
        """The manifest has the SHA-256 of every file, and one of what all roles share. One of them is not that of what
        is there, so something was damaged or changed after the program was compiled. Copy the bundle again, or
        compile the program again: the same program gives the same bytes.""",
    ),
    PPC544=(
        "no manifest",
        """The JSON files of a bundle are written in one way only: UTF-8, keys in order and each once, two spaces of
        indentation, whole numbers, no deep nesting, and the keys that the format names. This one is not what ppc
        writes, so nothing was read from it.""",
    ),
    PPC545=(
        "bundle contradicts itself",
        """What the manifest says is worked out again from the plans: the model, the parties, what each of them brings
        and learns, bytes and rounds. They differ, so the bundle was put together from different programs, or changed
        by hand. Compile the program again.""",
    ),
    PPC546=(
        "bundle of another role",
        """Every role has a bundle of its own: the client's, the server's and the dealer's. This one is not that of the
        role that was asked for, or not that of the folder in which it lies. Give the folder of the program, and ppc
        takes the right one.""",
    ),
    PPC547=(
        "batch size does not fit",
        """A plan has fixed message lengths, so it is made for one batch size. A request is padded up to the next size
        that the bundle has. Compile the size that is needed into the bundle, as in `--batch 1,32,128`; the manifest
        lists those that it has. Training has one size, because its plan hands the weights on from step to step.""",
    ),
    PPC549=(
        "other weights than those given away",
        """A split gives the client the weights of its layers when the program is compiled, and their hash is part of
        what all roles agree on. The server's weights have other first layers: the two halves would be of two trainings,
        and their answers would mean nothing. Give the server the file that the program was compiled with, or compile
        it again and give every role its folder.""",
    ),
    PPC548=(
        "bundles of different programs",
        """The roles of one program share one schedule, and its hash. These do not, so they were compiled from different
        programs, with different options, or by versions of ppc that compile differently. Compile the program once and
        give every role its folder.""",
    ),
)
