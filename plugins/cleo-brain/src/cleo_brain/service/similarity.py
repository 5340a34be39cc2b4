"""Entries that say nearly the same as a new one."""

from __future__ import annotations

from dataclasses import replace

from cleo_brain.records import Stored
from cleo_brain.service import reading
from cleo_brain.service.work import Work
from cleo_brain.store import entries, similar
from cleo_brain.words import content_words, jaccard

#: How much of their words two entries share to be shown as similar, and how many are shown.
ALIKE = 0.6
SHOWN = 3
#: Words of a text that candidates are looked for by: the longest ones.
LOOKED_FOR = 32


def with_similar(work: Work, stored: Stored) -> Stored:
    """The result with the live entries of the kind that say nearly the same, likest first."""
    row = entries.get(work, stored.id)
    assert row is not None
    own = content_words(f"{row['title']} {row['body']}")
    longest = sorted(own, key=lambda word: (-len(word), word))[:LOOKED_FOR]
    scored = []
    for other in similar.candidates(work, stored.kind, longest, stored.id):
        score = jaccard(own, content_words(f"{other['title']} {other['body']}"))
        if score >= ALIKE:
            scored.append((-score, other["seq"], other["id"]))
    ids = [id_ for _, _, id_ in sorted(scored)[:SHOWN]]
    hint = f"cleo memory link {stored.id} supersedes {ids[0]}" if ids else None
    return replace(stored, similar=reading.lines(work, ids), hint=hint)
