"""Trainings of many on Flower, the engine for machines that are far apart: the same servers, participants and workers,
told by Flower's messages.

    app                    writes the folder that `flwr run` takes
    engine                 both apps: the only module that knows Flower
    settings, subject      what a run is told; the program that travels with the app
    mail                   letters to a node and its answer, over whatever carries them
    sealing, ring          keys of nodes, and what is sealed from one to another, through the server
    server                 the server of a training, in Flower's ServerApp:
      selective_server       of participants; second: the second aggregator, both ends of its line
      collaborative_server   of workers; relay: lines to them, parts: letters
    client                 a node's answer to one letter, in Flower's ClientApp:
      participant, worker    with examples; held: their state between two letters

A letter of a selective training is to the byte what it is on the wire of ppc; on shares, and in a collaborative one,
what goes from node to node there goes sealed through the server here. Refusals and results are the same on both.
"""

from __future__ import annotations
