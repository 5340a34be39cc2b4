"""Sets of words as statements write them, made from the enums."""

from __future__ import annotations

from collections.abc import Iterable

from cleo_tasks.enums import INSTANCE_RUNNING, INSTANCE_STATUS


def listed(words: Iterable[str]) -> str:
    """``('a', 'b')``: what follows ``IN``; for words of enums, which hold no quotes."""
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"


#: The statuses of instances that have not ended.
RUNNING = listed(word for word in INSTANCE_STATUS if word in INSTANCE_RUNNING)
#: Of an instance: it has not ended, and was not heard of since ``:alive``.
SILENT = f"status IN {RUNNING} AND last_heartbeat_at < :alive"
