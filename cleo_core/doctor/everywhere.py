"""The stores of every registered project, looked at from here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cleo_core.doctor.finding import Finding
from cleo_core.doctor.scene import Scene
from cleo_core.errors import CleoError
from cleo_core.paths.files import quoted
from cleo_core.reconcile import PROJECT

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.doctor.runner import Note, Planned


_SICK = ("behind", "ahead", "foreign", "broken")


def registered(
    app: App,
    *,
    deep: bool,
    plan: Callable[[Scene, str], Iterable[Planned]],
    note_health: bool,
) -> list[tuple[list[Planned], Note | None]]:
    """The checks of every registered project but this one, and what notes its health.

    :param plan: gives the checks of one project, given its Scene and root.
    :param note_health: whether the registry is told.
    :raises CleoError: ``E_PLUGIN_MISSING``, no plugin registers projects.
    """
    service = registry(app)
    here = app.project_or_none
    found: list[tuple[list[Planned], Note | None]] = []
    for one in service.projects():
        id_, path = str(_field(one, "id")), str(_field(one, "path"))
        if here is not None and os.path.realpath(path) == here.root:
            continue
        checks, health = _checks(app, path, deep, plan)
        found.append((checks, _note(app, id_, health) if note_health else None))
    return found


def registry(app: App) -> Any:
    """The service that knows every project and keeps their health.

    :raises CleoError: ``E_PLUGIN_MISSING``.
    """
    name = app.plugins.kinds.get(PROJECT)
    if name is None or not app.has_service(name):
        raise CleoError(
            "E_PLUGIN_MISSING",
            "No installed plugin registers projects.",
            fix='pip install "cleo-core[all]"',
        )
    return app.service(name)


def _checks(
    app: App, path: str, deep: bool, plan: Callable[[Scene, str], Iterable[Planned]]
) -> tuple[list[Planned], str | None]:
    """The checks of one project; of one that cannot be opened, why, and the health that this is."""
    from cleo_core.doctor.runner import Planned

    try:
        other = app.for_project(path)
    except CleoError as error:
        gone = not os.path.isdir(path)
        words = "is gone" if gone else f"cannot be opened: {error.message}"
        finding = Finding(
            "warning",
            f"The registered project {path} {words}",
            {"path": path},
            f"ls -ld {quoted(path)}" if gone else error.fix,
        )
        scene = Scene(app, profile="foreign")
        only = Planned("project.marker", scene, lambda: finding, project=path)
        return [only], "unreachable" if gone else "unknown"
    # Its own run looks as this one does.
    other.stores.examining = app.stores.examining
    return list(plan(Scene(other, deep=deep, profile="foreign"), path)), None


def _note(app: App, id_: str, health: str | None) -> Note:
    def note(checks: list[dict[str, Any]]) -> None:
        try:
            registry(app).set_health(id_, health or health_of(checks))
        except Exception as error:
            # What was found stands whether or not the registry could note it.
            app.warn("W_HEALTH_NOT_NOTED", f"The health of project {id_} was not noted: {error}")

    return note


def health_of(checks: Sequence[dict[str, Any]]) -> str:
    """A project's health by its checks: ``healthy``, ``degraded`` or ``unknown``.

    Degraded is a store that is behind, ahead, foreign, broken or damaged, or settings that cannot
    be read; unknown is a project without any store.
    """
    states = [check["details"].get("state") for check in checks if check["id"] == "store.state"]
    if any(check["status"] == "error" for check in checks) or any(one in _SICK for one in states):
        return "degraded"
    if any(check["id"] == "config.valid" and check["status"] != "ok" for check in checks):
        return "degraded"
    if all(one in (None, "absent") for one in states):
        return "unknown"
    return "healthy"


def _field(record: Any, name: str) -> Any:
    return record[name] if isinstance(record, dict) else getattr(record, name)
