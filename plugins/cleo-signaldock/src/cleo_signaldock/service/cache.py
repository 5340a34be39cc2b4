"""The copies of credentials in the project's task store, for when the registry cannot be opened.

A copy is made of each agent that the project sees and that has a key. Copies are written after the
identity and are disposable: a failure is a warning, ``cleo reconcile`` makes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core.errors import CleoError
from cleo_signaldock.api import STORE
from cleo_signaldock.records import Step
from cleo_signaldock.service import refs
from cleo_signaldock.store import agents, secrets

if TYPE_CHECKING:
    from cleo_core.app import App

_STORE = "tasks"


class Drift(NamedTuple):
    """How the copies differ from what they are of, as agent ids in order.

    ``expected``: how many copies there should be.
    """

    missing: list[str]
    superfluous: list[str]
    outdated: list[str]
    expected: int

    @property
    def ids(self) -> list[str]:
        """All agents whose copy is not right."""
        return sorted({*self.missing, *self.superfluous, *self.outdated})


def is_kept(app: App) -> bool:
    """Whether this project keeps copies: with a task store and with refs."""
    return refs.are_kept(app) and app.has_service("credential_cache")


def refresh(app: App, agent_id: str) -> Step:
    """Make an agent's copy what it should be; what goes wrong is a warning.

    :returns: written, unchanged, skipped where no copies are kept, failed.
    """
    if not is_kept(app) or app.dry_run:
        return Step(_STORE, "skipped")
    try:
        changed = _settle(app, {agent_id}, rebuild=False)
    except CleoError as error:
        app.warn(
            "W_CREDENTIAL_CACHE",
            f"The copy of {agent_id}'s credential was not written: {error.message} "
            "`cleo reconcile --apply` makes it anew.",
        )
        return Step(_STORE, "failed", {"code": error.code, "message": error.message})
    return Step(_STORE, "written" if changed else "unchanged")


def refresh_all(app: App) -> None:
    """Make every copy what it should be; what goes wrong is a warning."""
    if not is_kept(app) or app.dry_run:
        return
    try:
        _settle(app, None, rebuild=False)
    except CleoError as error:
        app.warn(
            "W_CREDENTIAL_CACHE",
            f"The copies of credentials were not written: {error.message} "
            "`cleo reconcile --apply` makes them anew.",
        )


def drift(app: App) -> Drift:
    """How the copies of this project differ from what they should be; only where they are kept."""
    expected = _expected(app, None)
    there = {row.agent_id: row for row in app.service("credential_cache").list()}
    outdated = [
        id_
        for id_ in sorted(expected.keys() & there.keys())
        if any(getattr(there[id_], name) != value for name, value in expected[id_].items())
    ]
    return Drift(
        sorted(expected.keys() - there.keys()),
        sorted(there.keys() - expected.keys()),
        outdated,
        len(expected),
    )


def rebuild(app: App) -> int:
    """Make every copy what it should be, whatever its time says.

    :returns: how many copies changed.
    :raises CleoError: the task store cannot be written.
    """
    return _settle(app, set(drift(app).ids), rebuild=True)


def copies(app: App) -> list[Any]:
    """The copies, for when the registry cannot be opened; empty where none are kept."""
    if not is_kept(app):
        return []
    found: list[Any] = app.service("credential_cache").list()
    return found


def _settle(app: App, ids: set[str] | None, *, rebuild: bool) -> int:
    cache = app.service("credential_cache")
    there = {row.agent_id for row in cache.list()}
    expected = _expected(app, ids)
    changed = 0
    for id_ in sorted(there - expected.keys() if ids is None else (there & ids) - expected.keys()):
        changed += bool(cache.drop(id_))
    for row in expected.values():
        changed += bool(cache.put(row, rebuild=rebuild).changed)
    return changed


def _expected(app: App, ids: Iterable[str] | None) -> dict[str, dict[str, Any]]:
    seen = refs.of_project(app)
    wanted = sorted(seen if ids is None else seen.keys() & set(ids))
    db = app.store(STORE.name)
    blobs = {row["agent_id"]: row["api_key_encrypted"] for row in secrets.keys_of(db, wanted)}
    words = agents.words(db, list(blobs))
    rows = agents.by_ids(db, list(blobs))
    return {
        row["agent_id"]: _copy(row, blobs[row["agent_id"]], words[row["agent_id"]]) for row in rows
    }


def _copy(row: Mapping[str, Any], blob: str, words: tuple[list[str], list[str]]) -> dict[str, Any]:
    return {
        "agent_id": row["agent_id"],
        "display_name": row["name"],
        "api_key_encrypted": blob,
        "api_base_url": row["api_base_url"],
        "classification": row["classification"],
        "privacy_tier": row["privacy_tier"],
        "capabilities": words[0],
        "skills": words[1],
        "transport_config": {**json.loads(row["transport_config"]), "type": row["transport_type"]},
        "is_active": bool(row["is_active"]),
        "last_used_at": row["last_used_at"],
        "source_updated_at": row["updated_at"],
    }
