"""How values travel, so that both databases take and give the same ones."""

from __future__ import annotations

from typing import Any

from psycopg.adapt import Dumper, Loader
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper


class _Boolean(Dumper):
    """True and False as the numbers that they are on SQLite."""

    oid = Int8Dumper.oid

    def dump(self, obj: Any) -> bytes:
        return b"1" if obj else b"0"


class _Truth(Loader):
    """A comparison's outcome, 0 or 1."""

    def load(self, data: Any) -> int:
        return int(bytes(data) == b"t")


class _Number(Loader):
    """A sum of whole numbers as one, anything else of arbitrary precision as a float."""

    def load(self, data: Any) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


def adapt(connection: Any) -> None:
    """Set on a connection of psycopg how values are sent and read."""
    adapters = connection.adapters
    # A parameter without a type leaves the server to guess, and some it cannot guess.
    adapters.register_dumper(str, StrDumper)
    adapters.register_dumper(int, Int8Dumper)
    adapters.register_dumper(bool, _Boolean)
    adapters.register_loader("bool", _Truth)
    adapters.register_loader("numeric", _Number)
