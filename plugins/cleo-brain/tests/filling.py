"""Many entries at once, by SQL, with the columns that a write derives."""

from __future__ import annotations

import json
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
    fixed = {
        **dict.fromkeys(entries.COLUMNS),
        "kind": "observation",
        "title": "",
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
        **{name: [] for name in entries.TYPED["observation"] if name.endswith("_json")},
        "source_type": "agent",
    }
    given = json.dumps([[text, deriving.text_hash("", text)] for text in bodies])
    id_, text, digest = f"printf('O-%08d-0000', key + {first})", "value ->> 0", "value ->> 1"

    def insert(unit: Any, table: str, fixed: dict[str, Any], **computed: str) -> None:
        columns = {**{name: f":{name}" for name in fixed}, **computed}
        unit.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) "
            f"SELECT {', '.join(columns.values())} FROM json_each(:given)",
            given=given,
            **entries.encoded(fixed),
        )

    def body(unit: Any) -> None:
        hashes = dict.fromkeys(("content_hash", "text_hash"), digest)
        insert(unit, "brain_entries", fixed, id=id_, body=text, **hashes)
        title = f"substr({text}, 1, 80)"
        insert(unit, entries.TABLE["observation"], typed, id=id_, title=title, narrative=text)

    app.write("brain", body)
