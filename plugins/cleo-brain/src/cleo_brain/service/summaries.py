"""Summaries of old observations that say nearly the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_brain.service.work import Work
from cleo_brain.store import graph
from cleo_brain.store import summaries as store
from cleo_brain.words import content_words, jaccard

members = store.members

DAYS = 90
LEAST = 5
ALIKE = 0.3
#: A line takes up to 170 characters, and a narrative has at most 65 536.
MOST = 350
_WORD = 4


def text_of(rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Title and text of a summary of observations, newest first."""
    days = sorted(row["valid_at"][:10] for row in rows)
    counted: Counter[str] = Counter()
    for row in rows:
        counted.update(_words(row))
    common = sorted(counted, key=lambda word: (-counted[word], word))[:3]
    title = f"Summary of {len(rows)} notes, {days[0]} to {days[-1]}: {' '.join(common)}"
    lines = [f"{row['id']} {row['valid_at'][:10]} {_one_line(row['title'])}" for row in rows]
    return title[:200], "\n".join(lines)


def groups_of(rows: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Observations of one type that say nearly the same as the newest of them, newest first."""
    words = [_words(row) for row in rows]
    having: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        for word in words[number]:
            having[row["type"], word].append(number)
    taken: set[int] = set()
    found = []
    for newest, row in enumerate(rows):
        if newest in taken:
            continue
        others: set[int] = set()
        for word in words[newest]:
            others.update(n for n in having[row["type"], word] if n > newest and n not in taken)
        alike = [n for n in sorted(others) if jaccard(words[newest], words[n]) >= ALIKE]
        group = [newest, *alike][:MOST]
        if len(group) >= LEAST:
            taken.update(group)
            found.append([rows[n] for n in group])
    return found


def write(work: Work, group: Sequence[Mapping[str, Any]]) -> str:
    """Store the summary of a group; returns its id."""
    from cleo_brain.service import writing

    title, narrative = text_of(group)
    stored = writing.store(
        work,
        writing.Draft(
            kind="observation",
            typed={
                "type": group[0]["type"],
                "subtitle": None,
                "title_derived": False,
                "title": title,
                "narrative": narrative,
                "facts_json": [],
                "concepts_json": [],
                "files_read_json": [],
                "files_modified_json": [],
                "project": None,
                "source_session_id": None,
                "source_type": "maintenance",
                "discovery_tokens": None,
                "attachments_json": [],
            },
            source_confidence="agent",
            agent=work.caller.agent,
            force=True,
        ),
    )
    ids = [row["id"] for row in group]
    for id_ in ids:
        graph.add_edge(
            work, stored.id, "derived_from", entry=id_, agent=work.caller.agent, now=work.now
        )
    store.set_summary(work, stored.id, ids)
    return stored.id


def _words(row: Mapping[str, Any]) -> frozenset[str]:
    return content_words(f"{row['title']} {row['narrative']}", _WORD)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:120]
