"""Hypothesis strategies for graphs that mean nothing but can be written: any op, attribute, type and place."""

from __future__ import annotations

from hypothesis import strategies as st

from ppc.ir.graph import JOINT, Attribute, Graph, Node, Output
from ppc.ir.ops import OPS, STAGES
from ppc.ir.types import EVERYONE, Element, Interval, Readers, Type
from ppc.source import Span

RESERVED = ("all", "nobody")  # how the text writes everyone and no one

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}(\.[A-Za-z0-9_]{1,4}){0,2}", fullmatch=True) | st.just("output")
words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda word: word not in RESERVED)
origins = st.sampled_from(["source", "infer-shapes", "differentiate", "x"])
spans = st.builds(Span, *(st.integers(0, 999_999_999) for _ in range(4)))
reals = st.floats(allow_nan=False, allow_infinity=False)
elements: st.SearchStrategy[Element] = st.sampled_from(["real", "index"])
attributes: st.SearchStrategy[Attribute] = st.one_of(
    st.booleans(),
    st.integers(),
    reals,
    st.text(max_size=20),
    st.lists(st.integers(), max_size=4).map(tuple),
    st.lists(reals, max_size=4).map(tuple),
)
readers = st.just(EVERYONE) | st.frozensets(words, max_size=3).map(Readers)
types = st.builds(
    Type,
    shape=st.lists(st.integers(0, 2**40), max_size=5).map(tuple),
    element=elements,
    bounds=st.none() | st.builds(Interval, reals, reals),
    readers=st.none() | readers,
)
nodes = st.builds(
    Node,
    name=names,
    op=st.sampled_from(sorted(OPS)),
    inputs=st.lists(names, max_size=4).map(tuple),
    attrs=st.dictionaries(st.text(max_size=8), attributes, max_size=4),
    type=st.none() | types,
    place=st.none() | st.just(JOINT) | words,
    span=spans,
    origin=origins,
)
outputs = st.builds(Output, name=names, value=names, to=st.lists(words, max_size=3).map(tuple), span=spans)
graphs = st.builds(
    Graph,
    name=words,
    stage=st.sampled_from(STAGES),
    source=st.text(max_size=12),
    parties=st.lists(words, max_size=3).map(tuple),
    nodes=st.lists(nodes, max_size=5).map(tuple),
    outputs=st.lists(outputs, max_size=3).map(tuple),
)
