"""The App: installed stores and services, seen from one project by one actor."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_core.afterwards import Afterwards
from cleo_core.config import Config, resolve_agent, resolve_session
from cleo_core.database import Database, Scratch, Transaction
from cleo_core.errors import CleoError
from cleo_core.ids import new_id
from cleo_core.installed import load_all
from cleo_core.paths import find_project
from cleo_core.plugins import Plugins, load_target
from cleo_core.references import Existence, after_commit, build_changes, clean, guard
from cleo_core.states import ABSENT, HEAD
from cleo_core.stores import Stores
from cleo_core.units import Unit
from cleo_core.usable import usable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleo_core.api import Project, Reference, Report, StoreSpec
    from cleo_core.api.specs import Tier
    from cleo_core.backup.whole import Made

T = TypeVar("T")


class App:
    """What services, hooks and Python users work with.

    :param plugins: what is installed, see :func:`cleo_core.plugins.load_plugins`.
    :param project: the project, or None outside of one.
    :param agent: who acts, before the environment and configuration are asked.
    :param session: in which session.
    :param source: what audits name as the way in: cli, python, mcp, import, system.
    :param request_id: what ties audit rows and log lines to one request; made when not given.
    :param verb: path of the running command, for stores that allow reading newer files.
    :param foreign: only look: every store is read with the profile *foreign*, and has to be there.

    An App opens a store when it is first used, keeps it open and closes all in :meth:`close`; it
    is also a context manager. It belongs to one thread.
    """

    def __init__(
        self,
        plugins: Plugins,
        project: Project | None,
        *,
        env: Mapping[str, str] = os.environ,
        agent: str | None = None,
        session: str | None = None,
        source: str = "python",
        verb: str = "",
        request_id: str | None = None,
        warnings: list[dict[str, Any]] | None = None,
        foreign: bool = False,
    ) -> None:
        self.plugins = plugins
        self.env = env
        self.source = source
        self.verb = verb
        self.request_id = request_id or new_id()
        self.dry_run = False
        self.replayed = False
        #: Why there is no project, where a command works all the same.
        self.project_problem: CleoError | None = None
        self.warnings: list[dict[str, Any]] = [] if warnings is None else warnings
        self._project = project
        self._agent = agent
        self._session = session
        self.config = Config(
            plugins.config_keys,
            project.directory if project else None,
            env=env,
            warn=self.warn,
        )
        self.stores = Stores(
            plugins,
            project,
            env=env,
            non_wal=lambda: list(self.config.get("database.allow_non_wal")),
            warn=self.warn,
            profile="foreign" if foreign else "normal",
            dry_run=lambda: self.dry_run,
        )
        self.existence = Existence(self, plugins)
        self._open: dict[str, Database] = {}
        self._services: dict[str, Any] = {}
        self._others: list[App] = []
        self._made_by: App | None = None
        self._at_home = True
        self._left_out_noted = False
        #: What is done once the answer is out.
        self.afterwards = Afterwards()

    @property
    def project(self) -> Project:
        """The project.

        :raises CleoError: ``E_NOT_INITIALIZED`` outside of one.
        """
        if self._project is None:
            raise CleoError(
                "E_NOT_INITIALIZED", "This needs a CLEO project, and there is none here."
            )
        return self._project

    @property
    def project_or_none(self) -> Project | None:
        """The project, or None outside of one."""
        return self._project

    @property
    def agent(self) -> str | None:
        """Who acts: ``--agent``, else ``CLEO_AGENT_ID``, else config ``agent.id``, else nobody."""
        return resolve_agent(self.config, self._agent)

    @property
    def session(self) -> str | None:
        """In which session: ``--session``, else ``CLEO_SESSION_ID``, else none is named.

        Both name one of the project at hand; in another project they mean nothing.
        """
        return resolve_session(self.env, self._session) if self._at_home else None

    @property
    def actor(self) -> str:
        """Who is written into audits: the agent, else ``user``."""
        return self.agent or "user"

    def require_agent(self) -> str:
        """The acting agent.

        :raises CleoError: ``E_AGENT_REQUIRED`` when none is named.
        """
        agent = self.agent
        if agent is None:
            raise CleoError(
                "E_AGENT_REQUIRED",
                "This acts for an agent, and none is named.",
                fix="the same command with --agent ID (or set CLEO_AGENT_ID)",
            )
        return agent

    def warn(self, code: str, message: str, **details: Any) -> None:
        """Add a warning to the command's result; the same one is added once."""
        warning = {"code": code, "message": message, **details}
        if warning not in self.warnings:
            self.warnings.append(warning)

    def service(self, name: str) -> Any:
        """A service by name, made once per App.

        :raises CleoError: ``E_PLUGIN_MISSING``, no installed plugin has it.
        """
        if name not in self._services:
            spec = self.plugins.services.get(name)
            if spec is None:
                raise CleoError(
                    "E_PLUGIN_MISSING",
                    f"No installed plugin gives the service {name!r}.",
                    fix="cleo plugins",
                )
            self._services[name] = load_target(spec.target)(self)
        return self._services[name]

    def has_service(self, name: str) -> bool:
        """Whether an installed plugin gives this service."""
        return name in self.plugins.services

    def store(self, name: str) -> Database:
        """A store for reading. An absent one reads as empty and is not created.

        :raises StoreError: the file is ahead, foreign or damaged.
        """
        opened = self._open.get(name)
        if opened is None:
            opened = self._open[name] = usable(self, self.stores.spec(name), write=False)
        return opened

    def write(self, name: str, body: Callable[[Unit], T]) -> T:
        """Run a body as one unit on a store: rows, guards, commit, then what follows a commit.

        The body may run again while other writers are in the way, so it must have no effect
        outside the unit. With :attr:`dry_run` the unit is rolled back and nothing follows.

        :returns: what the body returned in the run that committed.
        :raises CleoError: what the body raises; ``E_GUARD``; contention; the store's state.
        :raises RuntimeError: this App only looks.
        """
        spec = self.stores.spec(name)
        target = self._writable(spec)
        last: list[Unit] = []

        def run(tx: Transaction) -> T:
            self.existence.forget()
            unit = Unit(self, name, tx)
            last[:] = [unit]
            result = body(unit)
            if unit.collected and self.plugins.has("cleo_guard_change"):
                guard(self.plugins, self, self._changes(unit))
            return result

        try:
            result = target.unit(run, dry_run=self.dry_run and not target.rehearses)
        finally:
            # What was answered inside the unit may have been rolled back with it.
            self.existence.forget()
        unit = last[0]
        for code, message in unit.warnings:
            self.warn(code, message)
        self.replayed = self.replayed or unit.replayed
        if unit.collected and not self.dry_run:
            if self.plugins.disabled and not self._left_out_noted:
                from cleo_core.allowed import note_left_out

                self._left_out_noted = True
                note_left_out(self)
            if self._somebody_listens(unit):
                after_commit(self.plugins, self, self._changes(unit))
        return result

    @contextmanager
    def scratch(self, name: str, statements: Sequence[str]) -> Iterator[Scratch]:
        """Tables of a schema ``scratch`` beside a store until the end of the block.

        Units that :meth:`write` runs meanwhile see them. With :attr:`dry_run` they may be filled
        all the same: nothing of the store changes.
        """
        with self._writable(self.stores.spec(name)).scratch(statements) as scratch:
            yield scratch

    @contextmanager
    def dry_running(self) -> Iterator[App]:
        """Everything written inside is rolled back: ``with app.dry_running(): ...``."""
        before, self.dry_run = self.dry_run, True
        try:
            yield self
        finally:
            self.dry_run = before

    def rehearsing(self, name: str) -> AbstractContextManager[Database]:
        """A dry run whose units see each other's writes, see :func:`cleo_core.rehearsal.rehearsed`.

        :raises RuntimeError: this is no dry run.
        """
        from cleo_core.rehearsal import rehearsed

        return rehearsed(self, name, self._open)

    def exists(self, kind: str, ids: Sequence[str]) -> dict[str, bool | None]:
        """Whether ids of a kind exist: True, False, or None where nobody can say."""
        return self.existence.ask(kind, ids)

    def for_project(self, root: str, *, agent: str | None = None, foreign: bool = False) -> App:
        """An App on another project with the same plugins; nothing is opened until used.

        It belongs to this one: the same request, the same warnings, a dry run if this is one, and
        closed with it.

        :param agent: who acts there; by default who acts here.
        :param foreign: only look there: nothing is created, migrated or changed, nothing waits
            longer than 250 ms, and a store that is not there or not at head is an error (3, 50–53)
            where it otherwise reads as empty or is migrated.
        :raises CleoError: what :func:`cleo_core.paths.find_project` raises.
        """
        project = find_project(
            explicit=root, env=self.env, warn=self.warn, record=not (self.dry_run or foreign)
        )
        other = App(
            self.plugins,
            project,
            env=self.env,
            agent=self._agent if agent is None else agent,
            source=self.source,
            verb=self.verb,
            request_id=self.request_id,
            warnings=self.warnings,
            foreign=foreign,
        )
        other.dry_run = self.dry_run
        other._made_by = self
        here = self._project
        other._at_home = self._at_home and here is not None and here.directory == project.directory
        self._others.append(other)
        return other

    def backup_before(
        self, reason: str, stores: Sequence[str], *, debounced: bool = False
    ) -> str | None:
        """Take a verified copy of stores before something risky; older sets go as configured.

        :param reason: becomes part of the set's name, ``before-…``.
        :param debounced: make none in a tier whose newest set with a copy of them is younger than
            ``backup.debounce_seconds``.
        :returns: the path of the set, the project tier's where both have one; None when none of the
            stores has a file.
        :raises CleoError: ``E_BACKUP_FAILED``, ``E_NO_SPACE``.
        """
        from cleo_core.backup import back_up
        from cleo_core.backup_sets import Retention

        return back_up(
            self.stores,
            reason,
            stores,
            keep=Retention.configured(self.config.get),
            debounce=float(self.config.get("backup.debounce_seconds")) if debounced else 0.0,
            warn=self.warn,
        )

    def backup(
        self, tiers: Sequence[Tier], *, note: str = "", pinned: bool = False, deep: bool = False
    ) -> Made:
        """Make sets of everything; see :func:`cleo_core.backup.whole.back_up_whole`."""
        from cleo_core.backup.whole import back_up_whole

        return back_up_whole(self, tiers, note=note, pinned=pinned, deep=deep)

    def migrate(self, spec: StoreSpec) -> Report:
        """Bring one store to the head revision; see :func:`cleo_core.migrate.migrate_store`."""
        from cleo_core.migrate import migrate_store

        return migrate_store(
            self.stores,
            spec,
            backup=lambda reason, stores: self.backup_before(reason, stores),
            fire=lambda report: self._migrated(spec, report),
        )

    def clean_references(
        self, store: str, references: Sequence[Reference], ids: Sequence[str]
    ) -> int:
        """Carry out ``on_delete`` of references in one unit of the store that holds them.

        :returns: rows changed; 0 when the store is absent.
        :raises CleoError: the store is busy or not at head.
        """
        spec = self.stores.spec(store)
        if spec.tier == "project" and self._project is None:
            return 0
        state = self.stores.state(spec)
        if state.state == ABSENT:
            return 0
        if state.state != HEAD:
            raise self.stores.refusal(state)
        with self._writable(spec).hurried():
            return self.write(store, lambda unit: clean(unit, references, ids))

    def close(self) -> None:
        """Close every store that this App opened, after what was left for later."""
        self.afterwards.take()()
        while self._open:
            self._open.popitem()[1].close()
        self.stores.close()
        while self._others:
            self._others[-1].close()
        if self._made_by is not None and self in self._made_by._others:
            # Who visits a thousand projects one after another keeps none of them.
            self._made_by._others.remove(self)

    def __enter__(self) -> App:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _writable(self, spec: StoreSpec) -> Database:
        if self.stores.foreign:
            raise RuntimeError(f"store {spec.name!r} of another project is only looked at")
        opened = self._open.get(spec.name)
        if opened is not None and not opened.stands_in:
            opened.reopen_for_writing()
            return opened
        if opened is not None and not self.dry_run:
            opened.close()
            opened = None
        if opened is None:
            opened = self._open[spec.name] = usable(self, spec, write=True)
        return opened

    def _migrated(self, spec: StoreSpec, report: Report) -> None:
        for outcome in self.plugins.call("cleo_store_migrated", app=self, spec=spec, report=report):
            if outcome.error is not None:
                self.warn(
                    "W_HOOK_FAILED",
                    f"Plugin {outcome.plugin} failed after {spec.name} was migrated: "
                    f"{outcome.error}",
                )

    def _changes(self, unit: Unit) -> list[Any]:
        return build_changes(
            unit.collected,
            project=self._project,
            store=unit.store,
            actor=unit.actor,
            request_id=self.request_id,
        )

    def _somebody_listens(self, unit: Unit) -> bool:
        return self.plugins.has("cleo_change_committed") or any(
            op == "delete" for _, op in unit.collected
        )


def create_app(
    project: Project | None = None,
    *,
    env: Mapping[str, str] = os.environ,
    plugins: Plugins | None = None,
    **options: Any,
) -> App:
    """An App with plugins of its own, found anew unless given.

    :param options: passed on to :class:`App`.
    """
    warnings: list[dict[str, Any]] = options.pop("warnings", [])
    if plugins is None:
        plugins = load_all(env, warnings)
    return App(plugins, project, env=env, warnings=warnings, **options)


def open_app(
    project: str | None = None,
    *,
    agent: str | None = None,
    session: str | None = None,
    env: Mapping[str, str] = os.environ,
) -> App:
    """An App on the project at a path, by default the one around the working directory.

    :raises CleoError: ``E_NOT_INITIALIZED`` and the other answers of project discovery.
    """
    warnings: list[dict[str, Any]] = []
    found = find_project(
        explicit=os.fspath(project) if project is not None else None,
        env=env,
        warn=lambda code, message: warnings.append({"code": code, "message": message}),
    )
    return create_app(found, env=env, agent=agent, session=session, warnings=warnings)
