"""Which project a caller means, and what that project lets others do. One function decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError, UsageError
from cleo_nexus.enums import PERMISSION
from cleo_nexus.errors import NexusError, permission_denied, project_unknown
from cleo_nexus.ids import TaskReference, parse_reference
from cleo_nexus.service import places
from cleo_nexus.service.work import reading, registry
from cleo_nexus.store import registry as projects

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend, Row

#: The variable that names the current project, by slug or id.
CURRENT_VARIABLE = "NEXUS_CURRENT_PROJECT"


def own_id(app: App) -> str | None:
    """The id in the marker of the project that asks; None outside of one."""
    return app.project_or_none.id if app.project_or_none is not None else None


def current_id(app: App) -> str | None:
    """The id of the project that asks; None outside of one.

    Rights are decided by it, and no variable has a say in it. A copy has the id of the project that
    it was copied from, and none of its rights.

    :raises NexusError: 75, the project of this id is registered at another place.
    """
    asking = app.project_or_none
    if asking is None:
        return None
    with reading():
        row = projects.by_id(registry(app), asking.id)
    if row is None or row["project_path"] == asking.root:
        return asking.id
    path = row["project_path"]
    if places.same_place(path, asking.root):
        return asking.id
    if places.marker_id(path, app.env) == asking.id:
        raise NexusError(
            "E_PROJECT_COPY",
            f"This is a copy of project {row['slug']}, which is at {path}: {asking.root}.",
            fix="cleo nexus reconcile --new-id",
            details={"projectId": asking.id, "registered": path, "here": asking.root},
        )
    raise NexusError(
        "E_PROJECT_ID_DRIFT",
        f"Project {row['slug']} is registered at {path}, and is here now: {asking.root}.",
        fix="cleo nexus reconcile",
        details={"projectId": asking.id, "registered": path, "here": asking.root},
    )


def reader_id(app: App) -> str | None:
    """The id of the project that asks, for what only reads projects that are named.

    Every project lets every other one read, so that nothing of it hangs on where this one is
    registered; a warning says where that is, if it is not here.
    """
    try:
        return current_id(app)
    except NexusError as error:
        if error.code not in ("E_PROJECT_COPY", "E_PROJECT_ID_DRIFT"):
            raise
        app.warn("W_PROJECT_ELSEWHERE", f"{error.message} `{error.fix}` settles it.")
        return own_id(app)


def meant_id(app: App, db: Backend, *, reads: bool = False) -> str | None:
    """The id of the project that is meant where none is named: by the variable, else the own one.

    :param reads: whether only what the registry holds of it is wanted.
    :raises NexusError: 71, the variable names a project that is not registered.
    """
    named = app.env.get(CURRENT_VARIABLE, "").strip()
    if named in ("", "."):
        return reader_id(app) if reads else current_id(app)
    return str(project(app, db, named)["project_id"])


def marked_id(app: App, db: Backend) -> str | None:
    """The same for showing which project is the current one: None where none is registered."""
    named = app.env.get(CURRENT_VARIABLE, "").strip()
    if named in ("", "."):
        return own_id(app)
    row = _named(db, named)[0]
    return None if row is None else str(row["project_id"])


def find(app: App, db: Backend, key: Any, *, reads: bool = False) -> Row | None:
    """A project by id, ``@id``, slug, former id or slug, hash or path, in this order.

    ``.`` is the current one, wherever below its root it is asked from.

    :param reads: whether only what the registry holds of it is wanted.
    :raises UsageError: what is given can be no key.
    :raises CleoError: 3, ``.`` outside of every project; 70, the registry cannot be read, which
        is never "not found".
    """
    if not isinstance(key, str) or not key.strip() or "\0" in key:
        raise UsageError("A project is named by its slug, id, hash or path.", fix="cleo nexus list")
    try:
        key.encode()
    except UnicodeEncodeError:
        # No name that is kept, and no path either, is written so.
        return None
    with reading():
        if key == ".":
            return projects.by_id(db, meant_id(app, db, reads=reads) or app.project.id)
        found, alias = _named(db, key)
        if found is not None and alias is not None:
            app.warn(
                "W_ALIAS_USED", f"{key} is a former {alias['kind']} of project {found['slug']}."
            )
        if found is None and not key.startswith("@"):
            found = projects.by_hash(db, key) or _at_path(app, db, key)
    return found


def _named(db: Backend, key: str) -> tuple[Row | None, Row | None]:
    """A project by id, ``@id`` or slug, or by one that it had before, which is given with it."""
    plain = key.removeprefix("@")
    found = projects.by_id(db, plain)
    if found is None and plain == key:
        found = projects.by_slug(db, key)
    if found is not None:
        return found, None
    alias = projects.alias(db, plain)
    if alias is None or (plain != key and alias["kind"] != "id"):
        return None, None
    return projects.by_id(db, alias["canonical_id"]), alias


def _at_path(app: App, db: Backend, key: str) -> Row | None:
    try:
        path = places.canonical(places.expanded(key, app.env))
    except (CleoError, ValueError):
        return None
    return projects.by_path(db, path)


def project(app: App, db: Backend, key: Any, *, reads: bool = False) -> Row:
    """A project by any of its names.

    :param reads: whether only what the registry holds of it is wanted.
    :raises NexusError: 71, it is not registered.
    """
    found = find(app, db, key, reads=reads)
    if found is not None:
        return found
    if key in (".", f"@{own_id(app)}"):
        raise NexusError(
            "E_PROJECT_UNKNOWN", "This project is not registered.", fix="cleo nexus register"
        )
    raise project_unknown(key)


def grants(row: Row, required: str, current: str | None) -> bool:
    """Whether a project lets the current one do what ``required`` stands for.

    A project has every right on itself. No option and no variable has a say in this.
    """
    if row["project_id"] == current:
        return True
    return PERMISSION.index(row["permissions"]) >= PERMISSION.index(required)


def require(row: Row, required: str, current: str | None) -> None:
    """Refuse what a project does not let the current one do.

    :raises NexusError: 72, with the level that is needed and the one that is granted.
    """
    if not grants(row, required, current):
        raise permission_denied(
            row["slug"], row["permissions"], required, projectId=row["project_id"]
        )


def locate(app: App, db: Backend, text: Any, required: str) -> tuple[Row, TaskReference]:
    """The project of a reference, which grants what is asked for, and the reference.

    :raises NexusError: 71, 72, 73 or 77.
    """
    reference = parse_reference(text)
    with reading():
        if reference.project in (None, "."):
            # Outside of every project the own one says so, and how to make one.
            key = f"@{meant_id(app, db) or app.project.id}"
        else:
            key = str(reference.project)
        row = _by_reference(app, db, key)
    require(row, required, reader_id(app) if required == "read" else current_id(app))
    return row, reference


def _by_reference(app: App, db: Backend, key: str) -> Row:
    """A project as references name it: a slug is never taken for another project's id.

    :raises NexusError: 71, it is not registered.
    """
    found = None if key.startswith("@") else projects.by_slug(db, key)
    return found or project(app, db, key)
