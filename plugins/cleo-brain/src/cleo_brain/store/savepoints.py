"""A part of a unit that can be taken back alone."""

from __future__ import annotations

from typing import Any

SET = "SAVEPOINT part"
BACK = "ROLLBACK TO part"
DONE = "RELEASE part"


def begin(tx: Any) -> None:
    """Mark where the part begins."""
    tx.execute(SET)


def undo(tx: Any) -> None:
    """Take back what the part wrote, and end it."""
    tx.execute(BACK)
    tx.execute(DONE)


def keep(tx: Any) -> None:
    """End the part."""
    tx.execute(DONE)
