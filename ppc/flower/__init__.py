"""Selective training on Flower, the engine for machines that are far apart: the same server and participants, told by
Flower's messages.

    app      writes the folder that `flwr run` takes
    mail     letters to a node and its answer, over whatever carries them
    server   the server of a training, in Flower's ServerApp
    client   a participant's answer to one letter, in Flower's ClientApp
    engine   both apps: the only module that knows Flower

A letter is to the byte what it is on ppc's own wire, so that bytes, refusals and results are the same on both.
"""

from __future__ import annotations
