"""Refs of agents, what the store holds, and rows of an older file."""

from __future__ import annotations

from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record

#: The value of an argument that was not given: its column stays as it is.
UNSET: Any = object()


@record
class Ref(Declared):
    """That a project sees an agent.

    ``attached_at``: since when, the last time. ``attached_by``: who did it.
    ``capabilities_override``: ``{"set": [...]}`` or ``{"add": [...], "remove": [...]}``.
    ``detached_at``: since when it is not ``enabled``.
    """

    agent_id: str
    enabled: bool
    role: str | None
    capabilities_override: dict[str, list[str]] | None
    attached_at: str
    attached_by: str | None
    detached_at: str | None
    last_used_at: str | None
    updated_at: str


@record
class RefChange(Declared):
    """What became of a ref.

    ``ref``: as it stands now; after its removal as it stood before. ``released``: ids of the leases
    that ended with it. ``left``: conversations that the agent left with it.
    """

    agent_id: str
    changed: bool
    ref: Ref
    released: list[str]
    left: list[str]


@record
class Status(Declared):
    """What the store holds.

    ``agents``: enabled and disabled refs. ``receipts`` and ``jobs``: how many are in each state.
    ``oldest_pending_at``: since when the oldest message waits for a recipient. ``breakers``:
    servers that failed lately, ``open`` where they are left alone. ``runners``: processes that
    fetch mail.
    """

    agents: dict[str, int]
    conversations: int
    messages: int
    receipts: dict[str, int]
    jobs: dict[str, int]
    oldest_pending_at: str | None
    dead_letters: int
    leases: int
    breakers: dict[str, str]
    runners: int


@record
class LegacyImport(Declared):
    """What became of rows of an older file; a row's key is its key columns with a blank between.

    ``inserted``: table -> keys of the rows that were added. ``present``: table -> keys of rows that
    were here before, and stayed as they were. ``merged``: table -> key as given -> key of the row
    that stands for it.
    """

    run_id: str
    changed: bool
    inserted: dict[str, list[str]]
    present: dict[str, list[str]]
    merged: dict[str, dict[str, str]]


@record
class LegacyDrop(Declared):
    """What became of the rows of an import that is taken back.

    ``dropped``: table -> keys of the rows that were deleted. ``spared``: table -> keys of rows that
    the import had not added, or that were gone already.
    """

    run_id: str
    changed: bool
    dropped: dict[str, list[str]]
    spared: dict[str, list[str]]


@record
class LegacyCheck(Declared):
    """What was found of an import.

    ``rows``: table -> how many of the rows that it added are there. ``faults``: what is wrong with
    them or with the file; empty where all is well.
    """

    run_id: str
    rows: dict[str, int]
    faults: list[str]
