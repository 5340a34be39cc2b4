"""Carrying a restore out: alone with the files, after a safety set, by one decision."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cleo_core.backup import row_counts
from cleo_core.database.opening import busy_timeout
from cleo_core.errors import CleoError, StoreError
from cleo_core.locks import locked
from cleo_core.paths import append_override, ensure_directory
from cleo_core.paths.files import quoted
from cleo_core.pending_restore import (
    LOCK,
    Record,
    carry_out,
    folder_of,
    read_record,
    remove_record,
    remove_temporaries,
    swap,
    write_record,
)
from cleo_core.progress import Progress
from cleo_core.reconcile import reconcile
from cleo_core.restore.live import Live, discard, held_alone, quarantine
from cleo_core.restore.planning import Plan, Planned, tier_of
from cleo_core.restore.safety import rotate_sets, safety_set
from cleo_core.restore.staging import refused, stage, unstage
from cleo_core.space import require_free, size_with_log
from cleo_core.states import BEHIND
from cleo_core.tracked import tracked_files, tracked_warning

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Database

#: What says by itself that nothing was changed.
_PLAIN = frozenset(
    {"E_STORE_IN_USE", "E_NO_SPACE", "E_LOCK_TIMEOUT", "E_BACKUP_CORRUPT", "E_RESTORE_REFUSED"}
)


@dataclass(frozen=True)
class Restored:
    """What a restore did.

    :ivar restored: ``{name, kind, path, revision?}`` of each file that is in its place.
    :ivar safety_set: path of the set of what was replaced; None where nothing could be copied.
    :ivar quarantined: ``{name, path}`` of what no verified copy could be made of.
    :ivar reconcile: what a dry run of reconcile found.
    """

    plan: Plan
    restored: list[dict[str, Any]]
    safety_set: str | None
    quarantined: list[dict[str, str]]
    reconcile: dict[str, Any] = field(default_factory=dict)


def restore_items(
    app: App,
    plan: Plan,
    *,
    reason: str = "before-restore",
    event: str = "restore",
    origin: str | None = None,
    progress: Progress | None = None,
) -> Restored:
    """Put the copies of a plan in the place of the live files, all of them or none.

    The copies must have been checked; they are hashed once more. Killed before the decision,
    nothing has happened; killed after it, whoever opens a store next carries out what remains.

    :param reason: of the set of what is replaced.
    :param origin: what the set was made from, where it does not last and so cannot be restored once
        more.
    :param event: what ``audit/overrides.jsonl`` calls this.
    :raises CleoError: ``E_RESTORE_REFUSED``, ``E_STORE_IN_USE``, ``E_NO_SPACE``,
        ``E_LOCK_TIMEOUT`` and ``E_BACKUP_CORRUPT``: nothing was changed. ``E_RESTORE_PENDING``:
        it was begun, and cannot be ended by itself. ``E_STORE_CORRUPT`` and
        ``E_MIGRATION_FAILED``: a restored store cannot be used.
    """
    app.close()
    require_untracked(app, plan)
    directory = plan.directory
    ensure_directory(directory)
    with locked(directory, LOCK):
        abandoned = _settle_earlier(app, directory)
        record, quarantined = _replaced(app, plan, abandoned, reason, origin, progress)
        there = _there(app, plan)
        there.stores.restoring = True
        try:
            _write_down(app, plan, record, quarantined, event, origin)
            restored = [_looked_at(there, one, record) for one in plan.items]
        finally:
            there.close()
            there.stores.restoring = False
            remove_record(directory)
    rotate_sets(app, directory, record.safety_set)
    try:
        if there is not app:
            _announce(there)
        stale = _stale(there)
    finally:
        if there is not app:
            # Closed once already, it is no longer closed with who made it.
            there.close()
    return Restored(plan, restored, record.safety_set, quarantined, stale)


def _write_down(
    app: App,
    plan: Plan,
    record: Record,
    quarantined: list[dict[str, str]],
    event: str,
    origin: str | None,
) -> None:
    append_override(
        plan.directory,
        event,
        {
            "source": origin or record.source,
            "stores": [one.name for one in plan.items],
            "safetySet": record.safety_set,
            "quarantined": [one["path"] for one in quarantined],
            "actor": app.actor,
        },
    )


def require_untracked(app: App, plan: Plan) -> None:
    """Refuse to replace a file that git tracks: a branch switch would replace it again.

    :raises CleoError: ``E_RESTORE_REFUSED``.
    """
    project = app.project_or_none
    if tier_of(plan.source) != "project" or project is None:
        return
    tracked = tracked_files(project.root, plan.directory, app.env)
    if tracked is None:
        app.warn("W_TRACKED_UNKNOWN", "git could not say whether data is tracked.")
        return
    targets = {os.path.relpath(one.target, project.root) for one in plan.items}
    mine = [name for name in tracked if name in targets or name.rpartition("-")[0] in targets]
    if mine:
        warning = tracked_warning(project.root, mine)
        raise CleoError(
            "E_RESTORE_REFUSED",
            f"Nothing was restored: {warning['message']}",
            fix=warning["fix"],
            details={"tracked": mine},
        )
    if tracked:
        warning = tracked_warning(project.root, tracked)
        app.warn(warning["code"], warning["message"], fix=warning["fix"])


def _settle_earlier(app: App, directory: str) -> Record | None:
    """Carry out what a dead restorer left; give that up where it cannot be done.

    :returns: the record that this restore takes the place of.
    """
    try:
        record = read_record(directory)
    except FileNotFoundError:
        return None
    try:
        files = carry_out(directory, record, app.env)
    except CleoError as error:
        if error.code != "E_RESTORE_PENDING":
            raise
        app.warn("W_RESTORE_ABANDONED", f"{error.message} It is given up now.")
        return record
    facts = {"source": record.source, "safetySet": record.safety_set, "files": files}
    append_override(directory, "restore-finished", facts)
    remove_record(directory)
    return None


def _replaced(
    app: App,
    plan: Plan,
    abandoned: Record | None,
    reason: str,
    origin: str | None,
    progress: Progress | None,
) -> tuple[Record, list[dict[str, str]]]:
    """Steps from the locks to the swaps; gives the record and what is in quarantine."""
    until = time.monotonic() + busy_timeout("normal", app.env)
    with ExitStack() as stack:
        with _refusing():
            for one in plan.items:
                if one.kind == "store":
                    stack.enter_context(locked(plan.directory, one.name))
            _require_room(plan)
            live = stack.enter_context(held_alone(app, plan.items, until=until))
            kept = quarantine(plan.directory, live)
            try:
                record = _decided(app, plan, live, reason, origin, progress)
            except BaseException:
                if not _is_decided(plan.directory, abandoned):
                    discard(kept)
                raise
        if abandoned is not None:
            remove_temporaries(plan.directory, abandoned, app.env)
        _swap_all(app, plan, record, live)
    return record, kept


def _decided(
    app: App,
    plan: Plan,
    live: list[Live],
    reason: str,
    origin: str | None,
    progress: Progress | None,
) -> Record:
    safe = safety_set(app, plan, live, reason, origin or plan.source.path, progress)
    staged = stage(plan.source, plan.items, progress)
    record = Record(
        tier_of(plan.source), plan.source.path if origin is None else None, safe, tuple(staged)
    )
    try:
        write_record(plan.directory, record)
    except BaseException:
        if _on_disk(plan.directory) != record:
            unstage(plan.items, staged)
        raise
    return record


def _is_decided(directory: str, abandoned: Record | None) -> bool:
    found = _on_disk(directory)
    return found is not None and found != abandoned


def _on_disk(directory: str) -> Record | None:
    try:
        return read_record(directory)
    except (FileNotFoundError, CleoError):
        return None


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever fails inside has changed nothing, and says so."""
    try:
        yield
    except CleoError as error:
        if error.code in _PLAIN:
            raise
        raise refused(error) from error


def _require_room(plan: Plan) -> None:
    """Refuse to begin where the new files, and copies of those that they replace, have no room."""
    needed = sum(int(one.item["bytes"]) for one in plan.items)
    needed += sum(size_with_log(one.target) for one in plan.items)
    require_free(plan.directory, needed * 11 // 10, purpose="The restore")


def _swap_all(app: App, plan: Plan, record: Record, live: list[Live]) -> None:
    held = {one.planned.target: one.held for one in live}
    try:
        for one, replacement in zip(plan.items, record.items, strict=True):
            mine = held.get(one.target)
            if mine is not None and os.name == "nt":
                # No open file can be replaced there.
                mine.release(replaced=True)
            swap(folder_of(plan.directory, record.tier, one.kind, app.env), replacement)
            if mine is not None:
                mine.release(replaced=True)
    except CleoError as error:
        raise CleoError(
            "E_RESTORE_PENDING",
            f"The restore was begun and could not be ended: {error.message} The next command that "
            "opens a store tries again.",
            fix="cleo doctor --only restore.pending --fix",
            details={**error.details, "cause": error.code, "safetySet": record.safety_set},
        ) from error


def _there(app: App, plan: Plan) -> App:
    """The App on the project as it is now: with the marker its id may have come back."""
    if any(one.kind == "marker" for one in plan.items):
        return app.for_project(app.project.root)
    return app


def _looked_at(app: App, one: Planned, record: Record) -> dict[str, Any]:
    """A restored file as every later command will see it.

    :raises CleoError: it cannot be used.
    """
    row: dict[str, Any] = {"name": one.name, "kind": one.kind, "path": one.target}
    if one.kind != "store":
        return row
    assert one.spec is not None
    database, state = app.stores.open(one.spec, write=True)
    if database is None:
        raise _unusable(one, record, state.detail or state.state)
    try:
        words = str(database.scalar("PRAGMA quick_check(1)"))
        if words != "ok":
            raise _unusable(one, record, words)
        _require_rows(one, record, database)
    finally:
        database.close()
    if state.state == BEHIND and one.spec.create != "explicit":
        try:
            row["revision"] = app.migrate(one.spec).to_revision
        except CleoError as error:
            error.details.update(restored=one.name, safetySet=record.safety_set)
            raise
    else:
        row["revision"] = state.revision
    return row


def _require_rows(one: Planned, record: Record, database: Database) -> None:
    """Hold the rows against those of the manifest, in the tables that both count."""
    then = one.item.get("rowCounts")
    if not isinstance(then, Mapping):
        return
    assert one.spec is not None
    for table, rows in row_counts(database.connection, one.spec).items():
        if table in then and then[table] != rows:
            raise _unusable(one, record, f"{table} has {rows} rows instead of {then[table]}")


def _unusable(one: Planned, record: Record, words: str) -> StoreError:
    fix = None
    if record.safety_set is not None:
        tier = " --global" if record.tier == "global" else ""
        fix = f"cleo restore {quoted(record.safety_set)}{tier} --yes"
    return StoreError(
        "E_STORE_CORRUPT",
        f"{one.target} was restored, and cannot be used: {words}. What it replaced is in "
        f"{record.safety_set or 'no set'}.",
        fix=fix,
        details={"store": one.name, "path": one.target, "safetySet": record.safety_set},
    )


def _announce(app: App) -> None:
    """Let plugins add what they keep of a project that has another id or name now."""
    for outcome in app.plugins.call("cleo_project_created", app=app, project=app.project):
        if outcome.error is not None:
            app.warn(
                "W_HOOK_FAILED",
                f"Plugin {outcome.plugin} failed after the project was restored: {outcome.error}",
            )


def _stale(app: App) -> dict[str, Any]:
    """What reconcile would mend now, in numbers."""
    try:
        found = reconcile(app)
    except CleoError as error:
        # The files are restored; what is stale in them can be asked for again.
        app.warn("W_RECONCILE_FAILED", f"References were not looked at: {error.message}")
        return {"error": error.as_problem()}
    rows = [*found.references, *(one for some in found.plugins.values() for one in some)]
    return {
        "references": len(found.references),
        **{
            name: sum(getattr(one, name) for one in rows)
            for name in ("scanned", "missing", "unknown", "planned")
        },
        "unread": list(found.unread),
    }
