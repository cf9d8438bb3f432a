"""Weights of a model: read, checked, made, folded and written. Knows the graph, not how it came to be."""

from ppc.weights.expected import Array, Parameter, SomeWeights, Weights, expected
from ppc.weights.fold import fold, graph_of
from ppc.weights.initial import Law, initial
from ppc.weights.listing import Row, as_json, listing, table
from ppc.weights.loading import Loaded, load
from ppc.weights.saving import save

__all__ = [
    "Array",
    "Law",
    "Loaded",
    "Parameter",
    "Row",
    "SomeWeights",
    "Weights",
    "as_json",
    "expected",
    "fold",
    "graph_of",
    "initial",
    "listing",
    "load",
    "save",
    "table",
]
