"""The contract between core and plugins: every hook that a plugin may implement.

A plugin is a module that the entry-point group ``cleo.plugins`` names. Its hooks are plain
functions with the names below, marked with :data:`cleo_core.hookimpl`; a function asks for the
arguments that it needs and leaves out the others. Core calls the hooks of kind *all* one by one,
in dependency order and then by plugin name, so that what one plugin does wrong costs no other its
turn; ``tryfirst`` and ``trylast`` count only where the first result is taken.

Each hook says when it fires, whether it may write, what happens when it fails, and since which
plugin API it exists. :data:`HOOKS` holds the same as data.
"""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cleo_core.api import (
        Change,
        Check,
        CommandEvent,
        CommandSpec,
        Plan,
        Project,
        Reference,
        Repair,
        Report,
        ServiceSpec,
        StoreSpec,
        Veto,
    )
    from cleo_core.app import App
    from cleo_core.database import Database

hookspec = pluggy.HookspecMarker("cleo")


class HookKind:
    """How core treats one hook.

    :param kind: ``all`` functions are called, or until the ``first`` result.
    :param on_error: ``quarantine`` the plugin; ``abort`` the operation; ``isolated``, reported and
        passed over; ``refuse`` the change; ``unknown`` is the answer.
    :param wrappers: whether a function may be a wrapper.
    :param limit_ms: wall time above which the plugin is named in a warning; None for no limit.
    :param owner_strict: a failure in the plugin that owns the store aborts all the same.
    """

    __slots__ = ("kind", "limit_ms", "on_error", "owner_strict", "wrappers")

    def __init__(
        self,
        kind: Literal["all", "first"],
        on_error: Literal["quarantine", "abort", "isolated", "refuse", "unknown"],
        *,
        wrappers: bool = False,
        limit_ms: int | None = None,
        owner_strict: bool = False,
    ) -> None:
        self.kind = kind
        self.on_error = on_error
        self.wrappers = wrappers
        self.limit_ms = limit_ms
        self.owner_strict = owner_strict


#: hook -> how it is called.
HOOKS: Mapping[str, HookKind] = {
    "cleo_register_stores": HookKind("all", "quarantine"),
    "cleo_open_store": HookKind("first", "abort"),
    "cleo_store_opened": HookKind("all", "isolated", owner_strict=True),
    "cleo_migrate_store": HookKind("first", "abort", wrappers=True),
    "cleo_store_migrated": HookKind("all", "isolated"),
    "cleo_register_commands": HookKind("all", "quarantine"),
    "cleo_register_references": HookKind("all", "quarantine"),
    "cleo_existing_ids": HookKind("first", "unknown"),
    "cleo_guard_change": HookKind("all", "refuse"),
    "cleo_change_committed": HookKind("all", "isolated"),
    "cleo_reconcile": HookKind("all", "isolated"),
    "cleo_doctor_checks": HookKind("all", "isolated"),
    "cleo_project_created": HookKind("all", "isolated"),
    "cleo_command_finished": HookKind("all", "isolated", limit_ms=5),
    "cleo_register_services": HookKind("all", "quarantine"),
}


@hookspec
def cleo_register_stores() -> Iterable[StoreSpec]:
    """The plugin's stores, as data.

    Core makes, opens, migrates, checks, backs up, restores and bundles them as the data says.

    :fires: once in every process, while plugins are loaded.
    :writes: nothing; it imports nothing either, code is named by ``module:attr`` strings.
    :on error: the plugin is quarantined.
    :since: 1.0
    """


@hookspec(firstresult=True)
def cleo_open_store(spec: StoreSpec, path: str) -> Database | None:
    """Open a store somewhere else than in its file: in memory, encrypted, on a server.

    Such a store counts as being at its head: core neither creates, migrates nor copies it. Unless
    the database has the methods of ``cleo_core.states.OwnState``: ``store_state``, ``create_store``
    and ``migrate_store``. It is then treated by its state as a file is: an absent one reads as
    empty and is made by the first command that writes, one that is behind is migrated, others are
    refused. Core still takes no copy.

    :fires: once per App and store, before core looks for the file; core is asked last.
    :writes: nothing that lasts, if the database has its own states; else what opening needs.
    :on error: the command that needs the store is aborted.
    :since: 1.0
    :param spec: the store.
    :param path: where its file would be.
    :returns: the open database, or None to leave it to the next.
    """


@hookspec
def cleo_store_opened(spec: StoreSpec, connection: Any) -> None:
    """Fit out a connection: load an extension, add SQL functions.

    :fires: each time a connection to a store's file has been opened and settled, to a copy that a
        backup makes of it, or to what ``cleo_open_store`` gave; and for the empty store in memory
        that is read where there is no file.
    :writes: nothing in the file.
    :on error: the owner of the store aborts the command; any other plugin is passed over, with a
        warning.
    :since: 1.0
    :param spec: the store.
    :param connection: the driver's connection (DB-API 2.0).
    """


@hookspec(firstresult=True)
def cleo_migrate_store(spec: StoreSpec, connection: Any, plan: Plan) -> Report | None:
    """Bring a store that keeps migrations of its own to its head revision.

    Core begins the transaction, compares the result with the declared schema and commits; a
    function can neither end the transaction nor attach another file. Where ``cleo_open_store`` gave
    a database with its own states, that database does all this in core's place.

    The only hook that may be wrapped: code before the ``yield`` of a ``hookimpl(wrapper=True)``
    runs before the migration and code after it before the commit, so that what it raises undoes
    the migration. It returns the report. What is to follow a commit is ``cleo_store_migrated``'s.

    :fires: under the store's lock, when a store is behind; core is asked last.
    :writes: the store, its version row included, inside core's transaction.
    :on error: aborted; file and revision stay as they were.
    :since: 1.0
    :param spec: the store.
    :param connection: the driver's connection, inside a transaction, foreign keys not enforced.
    :param plan: the revisions to run; no steps where the store has no migration files that lead to
        its head.
    :returns: what was done, or None to leave it to the next. Core fills in steps, time and copy
        that are missing.
    """


@hookspec
def cleo_store_migrated(app: App, spec: StoreSpec, report: Report) -> None:
    """Make derived data again after a migration.

    :fires: after the migration of a store was committed.
    :writes: derived data of its own stores.
    :on error: passed over, with a warning.
    :since: 1.0
    :param app: the running App.
    :param spec: the store.
    :param report: what was done.
    """


@hookspec
def cleo_register_commands() -> Iterable[CommandSpec]:
    """The plugin's commands, as data; their code is imported when they run.

    :fires: once in every process, while plugins are loaded.
    :writes: nothing.
    :on error: the plugin is quarantined.
    :since: 1.0
    """


@hookspec
def cleo_register_references() -> Iterable[Reference]:
    """Soft foreign keys from columns of the plugin's own stores to kinds that other stores own.

    :fires: once in every process, while plugins are loaded.
    :writes: nothing.
    :on error: the plugin is quarantined.
    :since: 1.0
    """


@hookspec(firstresult=True)
def cleo_existing_ids(app: App, kind: str, ids: tuple[str, ...]) -> frozenset[str] | None:
    """Which of these ids exist.

    :fires: when existence is asked for; only the plugin that owns the kind is called.
    :writes: nothing.
    :on error: the answer is unknown, which is never treated as missing.
    :since: 1.0
    :param app: the running App.
    :param kind: an entity kind that one of the plugin's stores declares.
    :param ids: at most 500 ids.
    :returns: those that exist, or None when that cannot be said.
    """


@hookspec
def cleo_guard_change(app: App, change: Change) -> Veto | None:
    """Refuse a change before it is committed.

    :fires: inside the write unit, after its statements and before its commit, once per kind and
        operation; every plugin is asked and every veto is shown.
    :writes: nothing.
    :on error: the change is refused, naming the plugin.
    :since: 1.0
    :param app: the running App.
    :param change: what the unit does.
    :returns: a refusal, or None.
    """


@hookspec
def cleo_change_committed(app: App, change: Change) -> None:
    """React to a change that is stored: null a reference, wake a listener.

    It may be lost with the process and may be repeated, because reconcile does the same work
    again.

    :fires: after the commit, once per kind and operation.
    :writes: its own stores, idempotently.
    :on error: passed over, with a warning.
    :since: 1.0
    :param app: the running App.
    :param change: what the unit did.
    """


@hookspec
def cleo_reconcile(app: App, apply: bool) -> Iterable[Repair]:
    """Find what has gone stale across stores, and mend it.

    :fires: in ``cleo reconcile``, after core has checked the declared references; first without
        ``apply``, then, where something is planned and a verified copy of the plugin's stores was
        made, with it. Not where ``--reference`` names what to look at.
    :writes: its own stores, and only with ``apply``.
    :on error: passed over, with a warning.
    :since: 1.0
    :param app: the running App.
    :param apply: False finds and writes nothing.
    :returns: one count per reference or repair.
    """


@hookspec
def cleo_doctor_checks() -> Iterable[Check]:
    """Health checks of the plugin, as data; ids are the plugin's name, a dot and a name.

    A check's ``target`` is called ``target(app, deep=…)``. It answers with a mapping, or with an
    object that has such attributes: ``status`` (ok, info, unknown, warning or error), ``message``
    (one sentence) and, where they say something, ``details`` (JSON-ready facts) and ``fix`` (a
    command). What it raises, and what takes longer than 10 seconds (60 with ``deep``), is unknown.
    It only reads: the App opens stores untouched, migrates nothing and rolls writes back. A check
    that names its ``store`` is made only while that is at head or absent.

    ``fix_target`` is called ``fix_target(app)`` with ``--fix`` where the check found something
    other than ok or info. It mends what is safe to mend, says what it did in texts (JSON-ready),
    which go into ``audit/overrides.jsonl``, and the check is made again.

    :fires: in ``cleo doctor``, which runs each check alone and times it.
    :writes: nothing; a ``fix_target`` its own stores.
    :on error: the plugin's checks are passed over, and doctor lists that as a warning.
    :since: 1.0
    """


@hookspec
def cleo_project_created(app: App, project: Project) -> None:
    """Get to know a project: store its id, register it.

    :fires: after every ``cleo init`` and when a project gets another id or name.
    :writes: its own stores; it only adds what is missing.
    :on error: passed over, with a warning.
    :since: 1.0
    :param app: the running App, on that project.
    :param project: the project.
    """


@hookspec
def cleo_command_finished(app: App, event: CommandEvent) -> None:
    """Measure a command: names and numbers, never values.

    Words that name no command are told of with an empty path. What takes longer than a hook may is
    left to ``app.afterwards``.

    :fires: after a command's output is out and its exit is settled; a few milliseconds at most,
        a plugin that takes longer is named.
    :writes: its own stores.
    :on error: passed over; neither output nor exit can change.
    :since: 1.0
    :param app: the App of the command.
    :param event: which command, how long, how it ended.
    """


@hookspec
def cleo_register_services() -> Iterable[ServiceSpec]:
    """The plugin's services by name, made when ``app.service(name)`` first asks for them.

    :fires: once in every process, while plugins are loaded.
    :writes: nothing.
    :on error: the plugin is quarantined.
    :since: 1.0
    """
