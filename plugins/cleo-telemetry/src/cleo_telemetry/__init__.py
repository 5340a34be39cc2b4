"""How CLEO's commands perform, kept on this machine for the person who runs them."""

__version__ = "0.1.0"
