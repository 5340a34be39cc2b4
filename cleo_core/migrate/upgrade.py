"""Bringing a store's file to its head revision: one store, one lock, one transaction."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cleo_core.api import Plan, Report, StoreSpec
from cleo_core.database import Database, driver, translate
from cleo_core.errors import CleoError, StoreError
from cleo_core.locks import locked
from cleo_core.migrate.binding import bound
from cleo_core.migrate.compare import (
    Objects,
    declared_objects,
    differences,
    left_out,
    schema_objects,
)
from cleo_core.migrate.files import plan
from cleo_core.migrate.run import PLACEHOLDERS, Run
from cleo_core.migrate.runner import build, one_at_a_time, run_plan
from cleo_core.migrate.sql import identifier
from cleo_core.progress import Progress
from cleo_core.space import require_space
from cleo_core.states import ABSENT, BEHIND, BROKEN, HEAD, StoreState
from cleo_core.stores import Stores


def pending(stores: Stores, name: str | None = None) -> list[tuple[StoreSpec, StoreState, Plan]]:
    """The stores of this project and machine that are behind, in the order to migrate them.

    Stores that only their plugin's own verbs migrate are left out.

    :param name: this store alone, whoever migrates it.
    :raises CleoError: the refusal of the first store that is neither absent, at head nor behind.
    """
    found = []
    # Within a tier the plugins' stores are in lock order already.
    specs = sorted(stores.plugins.stores.values(), key=lambda spec: spec.tier != "global")
    for spec in specs:
        if spec.tier == "project" and stores.project is None:
            continue
        if spec.create == "explicit" if name is None else spec.name != name:
            continue
        state = stores.state(spec)
        if state.state == BEHIND:
            found.append((spec, state, _planned(stores, spec, state.revision)[0]))
        elif state.state not in (ABSENT, HEAD):
            raise stores.refusal(state)
    return found


def migrate_store(
    stores: Stores,
    spec: StoreSpec,
    *,
    backup: Callable[[str, list[str]], str | None],
    fire: Callable[[Report], None] | None,
    progress: Progress | None = None,
) -> Report:
    """Bring a store to its head revision, or leave it exactly as it is.

    A database that a plugin keeps elsewhere migrates itself, under a lock of its own and without a
    copy, if it can be behind.

    :param backup: takes the verified copy: (reason, store names) -> path of the set.
    :param fire: told after the migration is committed and the locks are free.
    :returns: what was done; no steps where another process was faster.
    :raises CleoError: ``E_NO_SPACE``; ``E_LOCK_TIMEOUT``; ``E_WRITE_CONTENTION`` when other
        processes kept writing, so that nothing began; ``E_MIGRATION_FAILED`` with the first
        cause, the revision and the statement; the refusal of the state that the file is in;
        whatever ``backup`` raises.
    """
    started = time.perf_counter()
    other = stores.elsewhere(spec)
    if other is not None:
        migrated = _migrated_elsewhere(stores, spec, other)
        if migrated is None:
            return Report(spec.name, spec.head, spec.head, ())
        report = replace(migrated, ms=migrated.ms or (time.perf_counter() - started) * 1000)
        if fire is not None:
            fire(report)
        return report
    directory = stores.directory(spec)
    purpose = f"Migrating store {spec.name}"
    require_space(directory, [stores.path(spec)], percent=200, purpose=purpose)
    with one_at_a_time, locked(directory, spec.name):
        upgrade = _Upgrade(stores, spec, progress)
        steps = upgrade.prepare()
        if steps is None:
            return Report(spec.name, spec.head, spec.head, ())
        upgrade.snapshot = backup("before-migrate", [spec.name])
        done = upgrade.run(steps)
        upgrade.verify()
    report = replace(
        done,
        steps=done.steps or steps.steps,
        snapshot=done.snapshot or upgrade.snapshot,
        ms=done.ms or (time.perf_counter() - started) * 1000,
    )
    if fire is not None:
        fire(report)
    return report


def _planned(
    stores: Stores, spec: StoreSpec, revision: str | None
) -> tuple[Plan, CleoError | None]:
    """The plan; where only a plugin can know it, one without steps and why there are none.

    :raises CleoError: as :func:`plan`, where no plugin migrates stores itself.
    """
    try:
        return plan(spec, revision), None
    except CleoError as error:
        if not stores.plugins.has("cleo_migrate_store"):
            raise
        return Plan(spec.name, revision, spec.head, ()), error


def _asked(
    stores: Stores,
    spec: StoreSpec,
    connection: Any,
    steps: Plan,
    core: Callable[[StoreSpec, Any, Plan], Report],
) -> Report:
    """What a plugin, or else core, answers to being asked to migrate."""
    stores.plugins.provide("cleo_migrate_store", core)
    report = stores.plugins.first(
        "cleo_migrate_store", spec=spec, connection=connection, plan=steps
    )
    if not isinstance(report, Report):
        raise TypeError(f"a plugin answered with {report!r:.80} instead of a Report")
    return report


def _migrated_elsewhere(stores: Stores, spec: StoreSpec, database: Any) -> Report | None:
    """What a database that a plugin keeps did to come to its head; None where it was there.

    :raises StoreError: the refusal of a state from which no migration leads on.
    """

    def through(connection: Any, revision: str | None, run: Callable[[Plan], Report]) -> Report:
        steps, obstacle = _planned(stores, spec, revision)

        def core(spec: StoreSpec, connection: Any, plan: Plan) -> Report:
            if obstacle is not None:
                raise obstacle
            return run(plan)

        report = _asked(stores, spec, connection, steps, core)
        return replace(report, steps=report.steps or steps.steps)

    if hasattr(database, "migrate_store"):
        report: Report | None = database.migrate_store(spec, through)
        if report is not None:
            return report
    state = stores.state(spec)
    if state.state != HEAD:
        raise stores.refusal(state)
    return None


class _Upgrade:
    """One store on its way to the head revision, under its lock."""

    def __init__(self, stores: Stores, spec: StoreSpec, progress: Progress | None) -> None:
        self.stores = stores
        self.spec = spec
        self.progress = progress
        self.snapshot: str | None = None
        self.state = Run(stores.parameters())
        #: Why core cannot migrate the file, found out before it was touched.
        self.obstacle: CleoError | None = None

    def prepare(self) -> Plan | None:
        """The plan, by the file's state as a new connection finds it; None at head.

        Whether the migrations lead to the head, and from what the file is, matters only where no
        plugin answers in core's place: as long as one might, core asks when its turn comes.

        :raises StoreError: the file cannot be migrated. ``E_STORE_CORRUPT`` also where it is not
            what the migrations up to its revision make: on top of that a plan would fail halfway,
            or worse, would not.
        """
        spec = self.spec
        database, state = self.stores.open(spec, write=False)
        try:
            if state.state == HEAD:
                return None
            if database is None or state.state != BEHIND:
                raise self.stores.refusal(state)
            self.actual = schema_objects(database.connection, ignore=left_out(spec))
        finally:
            if database is not None:
                database.close()
        steps, self.obstacle = _planned(self.stores, spec, state.revision)
        try:
            self.declared = declared_objects(spec, prepare=self._opened)
            if not self.stores.plugins.has("cleo_migrate_store"):
                self._compare(state)
        except Exception as error:
            # Migrations and schema are the plugin's code: whatever they raise is the first cause.
            if error is self.obstacle:
                raise
            what = f"The migration of store {spec.name} could not be prepared"
            raise self._failure(error, steps, what) from error
        self.before = state
        return steps

    def run(self, steps: Plan) -> Report:
        """Let core or a plugin migrate in one transaction, look at the result and commit.

        :raises CleoError: ``E_MIGRATION_FAILED``, ``E_WRITE_CONTENTION``; what :meth:`prepare`
            raises, where core's turn has come only now.
        """
        database, _ = self.stores.open(self.spec, write=True)
        assert database is not None
        connection = database.connection

        def core(spec: StoreSpec, connection: Any, plan: Plan) -> Report:
            if self.obstacle is not None:
                raise self.obstacle
            if self.stores.plugins.has("cleo_migrate_store"):
                self._compare(self.before)
            with bound(connection) as shared:
                run_plan(shared, spec, plan.steps, self.state, self.progress)
            return Report(plan.store, plan.from_revision, plan.to_revision, plan.steps)

        try:
            connection.execute("PRAGMA foreign_keys = OFF")
            with database.write(), _Guard(connection):
                report = _asked(self.stores, self.spec, connection, steps, core)
                _accept(self.spec, connection, self.declared)
            return report
        except Exception as error:
            # Whatever a migration raises, the file is as before and this is why.
            contended = isinstance(error, CleoError) and error.code == "E_WRITE_CONTENTION"
            if contended or error is self.obstacle:
                raise
            raise self._failure(error, steps) from error
        finally:
            database.close()

    def verify(self) -> None:
        """Look at the result as every later command will.

        :raises StoreError: what is committed cannot be read.
        """
        database, state = self.stores.open(self.spec, write=False)
        if database is None or state.state != HEAD:
            raise self.stores.refusal(state)
        try:
            words = str(database.scalar("PRAGMA quick_check(1)"))
            schema_objects(database.connection)
        except driver().Error as error:
            words = str(error)
        finally:
            database.close()
        if words != "ok":
            raise StoreError(
                "E_STORE_CORRUPT",
                f"{state.path} was migrated, and reads as damaged now: {words}. The copy taken "
                f"before is in {self.snapshot or 'no set'}.",
                fix=f"cleo stores {self.spec.name}",
                details={"store": self.spec.name, "path": state.path, "snapshot": self.snapshot},
            )

    def _compare(self, state: StoreState) -> None:
        """Refuse a file that is not what the migrations up to its revision make.

        :raises StoreError: ``E_STORE_CORRUPT``, which is then the obstacle.
        """
        found = differences(self.actual, self._objects_at(state.revision))
        if found:
            detail = f"its schema is not that of revision {state.revision}: {' '.join(found)}"
            broken = StoreState(self.spec, state.path, BROKEN, state.revision, detail.rstrip("."))
            self.obstacle = self.stores.refusal(broken)
            raise self.obstacle

    def _objects_at(self, revision: str | None) -> Objects:
        database = Database(":memory:", self.spec.name)
        try:
            self._opened(database)
            build(database, self.spec, PLACEHOLDERS, revision)
            return schema_objects(database.connection, ignore=left_out(self.spec))
        finally:
            database.close()

    def _opened(self, database: Database) -> None:
        self.stores.opened(self.spec, database)

    def _failure(self, error: Exception, steps: Plan, what: str | None = None) -> CleoError:
        """The error that tells the first cause of a failure and where the file stands."""
        spec, done = self.spec, self.state.done
        cause = getattr(error, "orig", None) or error
        known = translate(cause, spec.name, self.stores.path(spec))
        revision = steps.steps[len(done)] if len(done) < len(steps.steps) else steps.to_revision
        now = self.stores.state(spec)
        stands = "unchanged" if now.revision == steps.from_revision else now.state
        where = f"at revision {now.revision}" if now.revision else now.detail
        words = str(cause).rstrip(".") or type(cause).__name__
        message = (
            f"{what or f'Migration {revision} of store {spec.name} failed'}: {words}. "
            f"The file is {stands}, {where}."
        )
        facts: dict[str, Any] = {"type": type(cause).__name__, "message": str(cause)}
        fix = None
        if isinstance(known, CleoError):
            facts.update(code=known.code, details=known.details)
            fix = known.fix if known.code != "E_MIGRATION_FAILED" else None
        return CleoError(
            "E_MIGRATION_FAILED",
            message,
            fix=fix,
            details={
                "store": spec.name,
                "path": now.path,
                "from": steps.from_revision,
                "to": steps.to_revision,
                "revision": revision,
                "statement": getattr(error, "statement", None) or self.state.statement,
                "cause": facts,
                "snapshot": self.snapshot,
            },
        )


class _Guard:
    """Keeps a migration inside its transaction: it can neither end it nor attach a file.

    What the runner itself does after the ``with`` block is not held up.
    """

    def __init__(self, connection: Any) -> None:
        self._active = False
        module = driver()
        denied = (module.SQLITE_TRANSACTION, module.SQLITE_ATTACH, module.SQLITE_DETACH)

        def judge(action: int, *_: object) -> int:
            refused = self._active and action in denied
            return int(module.SQLITE_DENY if refused else module.SQLITE_OK)

        connection.set_authorizer(judge)

    def __enter__(self) -> None:
        self._active = True

    def __exit__(self, *exception: object) -> None:
        self._active = False


def _accept(spec: StoreSpec, connection: Any, declared: Objects) -> None:
    """Whether what a plan has made is the store as declared.

    :raises CleoError: ``E_MIGRATION_FAILED`` with every finding.
    """
    version = f"alembic_version_{spec.name}"
    rows = [row[0] for row in connection.execute(f"SELECT version_num FROM {version}")]
    found = [] if rows == [spec.head] else [f"{version} holds {rows} instead of {spec.head}."]
    broken: Counter[tuple[str, str]] = Counter(
        (row[0], row[2]) for row in connection.execute("PRAGMA foreign_key_check")
    )
    found += [
        f"{count} rows of {table} refer to rows of {parent} that are not there."
        for (table, parent), count in sorted(broken.items())
    ]
    found += differences(schema_objects(connection, ignore=left_out(spec)), declared)
    if not found:
        for name in sorted({*declared["tables"], *declared["views"]}):
            connection.execute(f"SELECT * FROM {identifier(name)} LIMIT 1").fetchone()
    if found:
        raise CleoError(
            "E_MIGRATION_FAILED",
            f"the result is not the declared schema: {' '.join(found)}",
            details={"findings": found},
        )
