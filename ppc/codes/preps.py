"""55x: the dealer's files, and the ledger that keeps them from being used twice."""

from __future__ import annotations

from ppc.codes.base import codes

PREPS = codes(
    PPC550=(
        "preprocessing file damaged",
        """A file of the dealer's numbers has a header of a known form, a table of its segments, and exactly the bytes
        that these name; a hash covers every segment, and a signature the header. This one was cut off or changed, or
        is something else. Nothing of it was used. Copy it again from the dealer, or have the dealer make another.""",
    ),
    PPC551=(
        "preprocessing of another version",
        """The file says that it is one of the dealer's, in a version of the format that this ppc does not read. Files
        are used once and soon, so there is no conversion: deal again with the version that both parties run.""",
    ),
    PPC552=(
        "preprocessing of another dealer",
        """Every file is signed by the dealer who made it, and a party takes files of the dealers that it was told to
        trust only: whoever chooses these numbers can read the run. Compare the dealer's name with its owner before
        you trust it.""",
    ),
    PPC553=(
        "preprocessing does not fit",
        """A file was made for one plan, one of its parties, a number of iterations, and one other file that the other
        party has. The message says which of these differs. Give each party its own folder of the dealer's, and deal
        again after a program was changed.""",
    ),
    PPC554=(
        "preprocessing expired",
        """Files carry the time until which they may be used, so that none lies around for ever. Look at the clock of
        this machine; if it is right, deal again.""",
    ),
    PPC555=(
        "preprocessing used already",
        """The dealer's numbers hide a value once: used twice, they show what they hid. The ledger of this machine, or
        the other party's, says that this file was begun, so it is refused for ever, even where the file itself was
        copied or restored from a backup. `ppc deal status` says how many unused ones are left.""",
    ),
    PPC556=(
        "preprocessing in use",
        """Another process of this machine works with this file or with the ledger at this moment. Files are found by
        their number, so a copy under another name is the same file. Let it end, or take another file.""",
    ),
    PPC557=(
        "ledger damaged",
        """The ledger is a list of what was used, every line bound to all before it by a hash. A line in its midst was
        changed, or the list was exchanged while it was in use. What was used is not known any more, so nothing may be
        used: move the ledger away, delete all preprocessing files that were dealt before, and deal again.""",
    ),
    PPC558=(
        "ledger went back",
        """Each party remembers how long the other one's ledger was when they last met. It is shorter now, or has
        another history: that machine or its disk was restored to an earlier state, and files that look unused there
        may have been used. Delete that machine's preprocessing files, make it a new certificate, and deal again.""",
    ),
    PPC559=(
        "no preprocessing left",
        """A run takes one file of the dealer's at each party, both of one pair. None is left here, or none that the
        other party also has. Let the dealer make more with `ppc deal`, and give each party its folder.""",
    ),
    PPC560=(
        "too little space to deal",
        """The size of preprocessing files is known before they are made, and this folder's disk has less room than
        that. Nothing was written. Deal fewer runs at a time, or delete used files with `ppc deal status --sweep`.""",
    ),
    PPC561=(
        "dealer's key not usable",
        """The dealer signs its files with a key of its own, which nobody else may read. The message says what is wrong
        with its file.""",
    ),
)
