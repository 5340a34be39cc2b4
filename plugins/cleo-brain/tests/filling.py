"""Many entries at once, by SQL, with the columns that a write derives."""

from __future__ import annotations

import random
from typing import Any

from cleo_brain.service import deriving
from cleo_brain.store import entries

AT = "2026-01-01T00:00:00.000Z"

_WORDS = [
    "parser",
    "comment",
    "comma",
    "build",
    "cache",
    "network",
    "retry",
    "queue",
    "worker",
    "schedule",
    "database",
    "index",
    "vector",
    "token",
    "price",
    "budget",
    "login",
    "password",
    "session",
    "cookie",
    "header",
    "proxy",
    "timeout",
    "crash",
    "memory",
    "leak",
    "thread",
    "lock",
    "deadlock",
    "migration",
    "schema",
    "column",
    "trigger",
    "backup",
    "restore",
    "release",
    "branch",
    "merge",
    "review",
    "test",
    "fixture",
    "flaky",
    "coverage",
    "lint",
    "format",
    "import",
    "export",
    "plugin",
    "hook",
    "event",
    "listener",
    "client",
    "server",
    "socket",
    "stream",
    "buffer",
    "decode",
    "encode",
    "unicode",
    "locale",
    "font",
    "colour",
    "image",
    "upload",
]


def texts(count: int, seed: int = 7) -> list[str]:
    """Sentences of a few topics, no two alike."""
    chance = random.Random(seed)
    topics = [chance.sample(_WORDS, 12) for _ in range(200)]
    return [
        f"note {number}: " + " ".join(chance.choices(chance.choice(topics), k=9))
        for number in range(count)
    ]


def fill(app: Any, bodies: list[str], first: int = 0) -> None:
    """Observations with these texts, none of them embedded."""

    def body(unit: Any) -> None:
        for number, text in enumerate(bodies, first):
            digest = deriving.text_hash("", text)
            row = {
                **dict.fromkeys(entries.COLUMNS),
                "id": f"O-{number:08d}-0000",
                "kind": "observation",
                "title": "",
                "body": text,
                "extra": "",
                "context": "",
                "dates": "2026 january 1 thursday",
                "tier": "short",
                "verified": False,
                "source_confidence": "agent",
                "quality": 0.42,
                "uses": 0,
                "seen": 1,
                "last_seen_at": AT,
                "content_hash": digest,
                "text_hash": digest,
                "tokens": 30,
                "metadata_json": {},
                "valid_at": AT,
                "created_at": AT,
                "updated_at": AT,
            }
            typed = {
                **dict.fromkeys(entries.TYPED["observation"]),
                "type": "discovery",
                "title_derived": True,
                "title": text[:80],
                "narrative": text,
                **{name: [] for name in entries.TYPED["observation"] if name.endswith("_json")},
                "source_type": "agent",
            }
            entries.insert(unit, row, typed)

    app.write("brain", body)
