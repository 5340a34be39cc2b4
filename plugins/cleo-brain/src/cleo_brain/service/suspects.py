"""Pairs of entries that somebody should look at: nearly the same, or perhaps contradictory."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from cleo_brain.store import entries, maintenance
from cleo_brain.words import content_words, jaccard
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Backend

NEWEST = 500
MOST = 50
ALIKE = 0.8
COMMON = 3
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nothing|neither|nor|without|avoid|cannot|stop)\b|n['\u2019]t\b",
    re.IGNORECASE,
)


@record
class Suspect(Declared):
    """Two entries, the newer one first; ``reason``: duplicate or contradiction.

    ``command`` writes down what the reason says, if it is true.
    """

    reason: str
    ids: list[str]
    command: str


def suspects_of(db: Backend) -> tuple[list[Suspect], int]:
    """Pairs among the newest live entries that no edge joins, and how many were looked at."""
    rows = [entries.decoded(row) for row in db.read(maintenance.NEWEST, n=NEWEST)]
    asked = json.dumps([row["id"] for row in rows])
    joined = {
        frozenset((edge["from_id"], edge["to_entry"]))
        for edge in db.read(maintenance.EDGES_AMONG, ids=asked)
    }
    read = [(row, content_words(_text(row)), bool(_NEGATION.search(_text(row)))) for row in rows]
    same: list[Suspect] = []
    against: list[Suspect] = []
    for (newer, words, denies), (older, others, denied) in combinations(read, 2):
        common = len(words & others)
        if not common or frozenset((newer["id"], older["id"])) in joined:
            continue
        if denies != denied:
            if common < COMMON:
                continue
            against.append(_pair("contradiction", newer, older, "contradicts"))
        elif newer["kind"] == older["kind"] and jaccard(words, others) >= ALIKE:
            same.append(_pair("duplicate", newer, older, "supersedes"))
    return (same + against)[:MOST], len(rows)


def _pair(reason: str, newer: Mapping[str, Any], older: Mapping[str, Any], edge: str) -> Suspect:
    ids = [newer["id"], older["id"]]
    return Suspect(reason, ids, f"cleo memory link {ids[0]} {edge} {ids[1]}")


def _text(row: Mapping[str, Any]) -> str:
    return f"{row['title']} {row['body']}"
