"""Results of writes as an idempotency record keeps them."""

from __future__ import annotations

from typing import Any

from cleo_brain.records import Line, Stored


def encode(stored: Stored) -> dict[str, Any]:
    """A result as JSON. Titles of similar entries are left out: a record outlives their text."""
    kept = dict(vars(stored))
    if stored.similar is not None:
        kept["similar"] = [{**vars(line), "title": ""} for line in stored.similar]
    return kept


def decode(value: dict[str, Any]) -> Stored:
    """The way back."""
    similar = value.get("similar")
    lines = None if similar is None else [Line(**line) for line in similar]
    return Stored(**{**value, "similar": lines})
