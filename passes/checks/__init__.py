"""Three checks of a finished plan, each worked out again from the plan alone: rounds, ranges, masks.

Called after the last pass, and for every plan that comes from outside. Knows no pass, and none of the inference that
passes use: a mistake there must not be made here again. What a check does not know, it rejects.
"""
