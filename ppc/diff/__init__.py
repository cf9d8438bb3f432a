"""A program in float beside its twin in fixed point, on the same data and weights: where do they part?

Knows the compiler, the reference and the twin of a run. Nothing here is private: it is for whoever may see everything.
"""
