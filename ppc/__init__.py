"""ppc compiles private neural networks."""

__version__ = "0.1.0"
