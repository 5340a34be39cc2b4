"""Health checks of the registry, each run alone by ``cleo doctor``; they only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.errors import CleoError
from cleo_core.paths.files import quoted
from cleo_nexus.service import places
from cleo_nexus.service.checking import MOST, Finding, fine, looked
from cleo_nexus.store import audit, registry

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Database


def check_paths(app: App, deep: bool = False) -> Finding:
    """Registered projects that are not where they are registered."""

    def look(db: Database) -> Finding:
        wrong: dict[str, str] = {}
        fix = "cleo nexus clean --missing"
        for row in registry.everything(db):
            problem = _problem(app, row["project_path"], row["project_id"])
            if problem is not None:
                wrong[row["slug"]] = problem
                if problem != "gone":
                    fix = f"cleo --project {quoted(row['project_path'])} nexus reconcile"
        if not wrong:
            return fine("Every registered project is where it is registered.")
        named = ", ".join(f"{slug} ({why})" for slug, why in list(wrong.items())[:3])
        return Finding(
            "warning",
            f"{len(wrong)} registered projects are not where they are registered: {named}"
            f"{' …' if len(wrong) > 3 else ''}.",
            {"count": len(wrong), "projects": dict(list(wrong.items())[:MOST])},
            fix,
        )

    return looked(app, look)


def check_copies(app: App, deep: bool = False) -> Finding:
    """One id in the markers of several directories: this one, and those that are registered."""

    def look(db: Database) -> Finding:
        rows = registry.everything(db)
        paths = [row["project_path"] for row in rows]
        here = app.project_or_none
        if here is not None and places.settled(here.root) not in paths:
            paths.append(places.settled(here.root))
        by_id: dict[str, list[str]] = {}
        for path in paths:
            held = here.id if here is not None and path == here.root else None
            held = held or places.marker_id(path, app.env)
            others = by_id.setdefault(held, []) if held is not None else []
            if not any(places.same_place(path, other) for other in others):
                others.append(path)
        copies = {id_: found for id_, found in by_id.items() if len(found) > 1}
        if not copies:
            return fine("No project is in two places.")
        first = next(iter(copies.values()))
        many = "1 project is" if len(copies) == 1 else f"{len(copies)} projects are"
        return Finding(
            "warning",
            f"{many} in two places: {first[0]} and {first[1]}{' …' if len(copies) > 1 else ''}.",
            {"count": len(copies), "copies": dict(list(copies.items())[:MOST])},
            f"cleo --project {quoted(first[-1])} nexus reconcile",
        )

    return looked(app, look)


def check_audit(app: App, deep: bool = False) -> Finding:
    """Whether the audit is longer than ``audit.warn_rows``."""

    def look(db: Database) -> Finding:
        rows, most = audit.count(db), int(app.config.get("audit.warn_rows"))
        details = {"rows": rows, "limit": most}
        if rows <= most:
            return Finding("ok", f"The audit has {rows} rows.", details, None)
        return Finding(
            "warning",
            f"The audit has {rows} rows, more than {most}.",
            details,
            "cleo nexus audit prune --before DATE",
        )

    return looked(app, look)


def _problem(app: App, path: str, id_: str) -> str | None:
    """Why a project is not where it is registered; None where it is."""
    here = app.project_or_none
    if here is not None and here.root == path:
        return None if here.id == id_ else "another project"
    try:
        if places.gone(path):
            return "gone"
        held = places.id_held_at(path, app.env)
    except CleoError:
        return "out of reach"
    if held is None:
        return "no project"
    return None if held == id_ else "another project"
