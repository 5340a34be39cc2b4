"""The brain of CLEO: what the agents of a project know."""

__version__ = "0.1.0"
