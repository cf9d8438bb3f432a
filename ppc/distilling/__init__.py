"""Distilled training, the owner's side, with torch: learns the samples and measures what they are worth to others.

task        what is distilled
unroll      the device's steps, as a function that can be differentiated
learner     images, labels and sizes of steps, learned through it
checkpoint  what a resumed learning needs
lock        the table that says how well the samples train the target, and how badly everything else
trials · attackers · shapes    what the rows of that table are made of
"""

from ppc.distilling.learner import Learner
from ppc.distilling.lock import Lock, Row
from ppc.distilling.task import Data, Task, richest

__all__ = ["Data", "Learner", "Lock", "Row", "Task", "richest"]
