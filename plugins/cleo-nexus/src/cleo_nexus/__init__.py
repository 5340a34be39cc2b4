"""The map of projects on this machine: references between them, transfers, warp chains."""

__version__ = "0.1.0"
