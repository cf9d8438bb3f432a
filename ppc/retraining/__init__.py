"""Training in the clear, with PyTorch, by the party that holds everything; and the eight steps of paper 001 with it.

A model whose private block splits it may be trained with the client's signal joined to layer k: the layers in front of
it are those of an old model and stay as they are, the others learn labels that the signal has changed.

    labels       new labels from labels and signals: Algorithms 1 and 2 of the paper
    signals      what is drawn for the signal in training
    subject      the model as it is trained: which values are kept, which weights learn
    training     the steps, early stopping, what is told of them
    checkpoints  what a training needs to go on after its process has ended, wherever that was

Called by the front door. Knows graphs, weights and torch; no plan, no party, no network.
"""

from __future__ import annotations

from ppc.retraining.checkpoints import Checkpoints
from ppc.retraining.signals import Signals
from ppc.retraining.subject import Old, Subject
from ppc.retraining.training import Lesson, Recipe, State, Trained, begin, train

__all__ = ["Checkpoints", "Lesson", "Old", "Recipe", "Signals", "State", "Subject", "Trained", "begin", "train"]
