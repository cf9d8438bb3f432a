"""From a placed graph to a plan at stage `lowered`: what the two parties compute, on real numbers, nothing masked yet.

One row of `RULES` for each op of the graph that may run on shares. `lower` walks the graph and builds the sections.
"""
