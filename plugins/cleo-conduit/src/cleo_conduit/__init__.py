"""The messages store of CLEO: which agents a project sees, and the tables of their mail."""

__version__ = "0.1.0"
