"""Health checks of what the registry and this project say of each other; they only read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError
from cleo_signaldock.api import STORE
from cleo_signaldock.service import cache, key_health, refs
from cleo_signaldock.service.fields import words
from cleo_signaldock.service.legacy import detecting
from cleo_signaldock.store import meta

if TYPE_CHECKING:
    from cleo_core.app import App

Finding = Mapping[str, Any]
CheckFunction = Callable[["App", bool], Finding]


def _check(body: CheckFunction) -> CheckFunction:
    """Look only where there is a store, and say what kept it from looking."""

    @wraps(body)
    def run(app: App, deep: bool = False) -> Finding:
        try:
            if app.stores.state(STORE).state == "absent":
                return _fine("There is no registry of agents yet.")
            return body(app, deep)
        except CleoError as error:
            details = {"code": error.code}
            return {
                "status": "unknown",
                "message": error.message,
                "details": details,
                "fix": error.fix,
            }

    return run


check_keys = _check(key_health.check_keys)
check_reauth = _check(key_health.check_reauth)
check_blobs = _check(key_health.check_blobs)


@_check
def check_refs(app: App, deep: bool) -> Finding:
    """Registrations for this project that ended before the project had its ref."""
    if not refs.are_kept(app):
        return _fine("No refs are kept here.")
    lost = _unattached(app)
    if not lost:
        return _fine("Every agent that was registered for this project is attached.")
    return {
        "status": "warning",
        "message": f"{len(lost)} agents were registered for this project and not attached.",
        "details": {"agents": lost},
        "fix": f"cleo agent attach {lost[0]}",
    }


@_check
def check_cache(app: App, deep: bool) -> Finding:
    """The copies of credentials in this project's task store."""
    if not cache.is_kept(app):
        return _fine("No copies of credentials are kept here.")
    found = cache.drift(app)
    if not found.ids:
        return _fine(f"{found.expected} copies of credentials are as they should be.")
    return {
        "status": "warning",
        "message": f"{len(found.ids)} copies of credentials are not as they should be.",
        "details": {
            "missing": found.missing,
            "superfluous": found.superfluous,
            "outdated": found.outdated,
        },
        "fix": "cleo reconcile --apply",
    }


def mend_refs(app: App) -> list[str]:
    """Attach what was registered for this project; says what was done."""
    if not refs.are_kept(app):
        return []
    lost = _unattached(app)
    for id_ in lost:
        app.service("agents").attach(id_)
    return [f"attached {id_}" for id_ in lost]


def mend_cache(app: App) -> list[str]:
    """Make the copies of credentials what they should be; says what was done."""
    if not cache.is_kept(app):
        return []
    return [f"copies of credentials: {cache.rebuild(app)} changed"]


def _unattached(app: App) -> list[str]:
    """Agents that were last registered for this project, and of which it has no ref."""
    known = refs.of_project(app, enabled_only=False)
    project = app.project.id
    last: dict[str, str] = {}
    for row in meta.of_refs(app.store(STORE.name)):
        if json.loads(row["details"]).get("project") == project:
            last[row["subject_id"]] = row["action"]
    wanted = sorted(id_ for id_, action in last.items() if action == "agent.register")
    return sorted(meta.existing(app.store(STORE.name), "agent", wanted) - known.keys())


@_check
def check_overrides(app: App, deep: bool) -> Finding:
    """Capabilities that refs of this project name and nobody knows."""
    unknown: dict[str, list[str]] = {}
    for id_, ref in refs.of_project(app, enabled_only=False).items():
        for slugs in (ref["capabilities_override"] or {}).values():
            for slug in slugs:
                if not words("capability", [slug])[0]:
                    unknown.setdefault(id_, []).append(slug)
    if not unknown:
        return _fine("Every capability that a ref names is known.")
    first = min(unknown)
    return {
        "status": "info",
        "message": f"{len(unknown)} refs name capabilities that are not known.",
        "details": {"refs": unknown},
        "fix": f"cleo agent attach {first} --capabilities-override '[]'",
    }


def check_legacy(app: App, deep: bool = False) -> Finding:
    """Whether this project still has the file of an older CLEO."""
    project = app.project_or_none
    if project is None or not detecting.is_legacy(detecting.path_of(project)):
        return _fine("No file of an older CLEO keeps agents here.")
    path = detecting.path_of(project)
    return {
        "status": "warning",
        "message": f"{path} still holds agents and messages, which are not seen here.",
        "details": {"path": path},
        "fix": detecting.FIX,
    }


def _fine(message: str) -> Finding:
    return {"status": "ok", "message": message}
