"""The graph: what a model computes, independent of how it is written or run."""
