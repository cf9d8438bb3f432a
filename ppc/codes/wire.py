"""66x: certificates, and the way between two machines."""

from __future__ import annotations

from ppc.codes.base import codes

WIRE = codes(
    PPC660=(
        "certificate not usable",
        """A party's folder of certificates holds `certificate.pem`, `key.pem`, which nobody else may read, and
        `peers.json`, the certificates of others that it accepts. One of them is missing, damaged, or readable to
        others, or the certificate and the key do not belong together. `ppc cert new` makes such a folder, and `ppc
        cert show` says what is in it.""",
    ),
    PPC661=(
        "certificate not pinned",
        """Nobody vouches for anybody: a certificate is accepted because it was pinned before, after its fingerprint
        was compared. The other side showed one that is not pinned here, so it could be anybody, and nothing was sent.
        Ask for the file `certificate.pem`, compare the fingerprint over a second way (`ppc cert show`), and pin it
        with `ppc cert pin FILE`.""",
    ),
    PPC662=(
        "no certificate shown",
        """Both sides of a connection prove who they are. The other side showed no certificate, so it is no party of
        a run, or something between the two machines took its place.""",
    ),
    PPC663=(
        "certificate out of its time",
        """A certificate is good between two dates, and this one's are over or not yet reached. `ppc cert renew` makes
        a new one, which the other parties must pin. If the dates look right, the clock of one of the machines is
        wrong.""",
    ),
    PPC664=(
        "certificate revoked",
        """This certificate was revoked here with `ppc cert revoke` and is not accepted again, whatever is pinned
        later. Its owner makes another one with `ppc cert renew`.""",
    ),
    PPC665=(
        "another role",
        """A certificate belongs to one party in one role: client, server or dealer. The one that was shown is pinned
        for another role or party than is needed here, or both sides were started in the same role. Look whether the
        addresses after `--peer` and `--dealer` were exchanged.""",
    ),
    PPC666=(
        "no TLS 1.3",
        """Between machines ppc speaks TLS 1.3 and nothing else, no older version and never plain text. The other side
        answered in another way: the port may belong to another program, or something between the two machines
        changes what it passes on.""",
    ),
    PPC667=(
        "refused by the other party",
        """The other party ended the connection and said why; its message is shown. If it speaks of the certificate,
        it has not pinned the newest one, has revoked it, or finds it out of its time: compare fingerprints with `ppc
        cert show`.""",
    ),
    PPC668=(
        "the two sides differ",
        """Before anything is computed, both sides say which version, plan, batch and preprocessing they have, and every
        difference is listed with what is here and what is there. Compile the same program at both sides with the
        same version of ppc, and use the preprocessing files that were made as a pair.""",
    ),
    PPC669=(
        "greeting not understood",
        """The first messages of a connection are short JSON texts of known form. One came that is too long, too deep,
        cut off, or says something else, so the other side is no ppc, or one that is damaged.""",
    ),
    PPC657=(
        "no connection",
        """The address could not be reached, or cannot be listened on. Look whether the other side is started, whether
        the port is the same on both, and whether a firewall lets it through.""",
    ),
)
