"""Stores: where each file is, in which state, and how it is made and opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.api import Project, StoreSpec
from cleo_core.database import Database, in_memory, write_new
from cleo_core.errors import CleoError, ExitCode
from cleo_core.paths import check_test_root, ensure_directory, file_error, tier_directory
from cleo_core.paths.files import give_name, sync_directory
from cleo_core.states import (
    ABSENT,
    AHEAD,
    BEHIND,
    BROKEN,
    FOREIGN,
    HEAD,
    SIDECARS,
    StoreState,
    probe,
    refusal,
    revision_state,
)

if TYPE_CHECKING:
    from cleo_core.database.examining import Examination
    from cleo_core.plugins import Plugins


class _IdentifiedError(Exception):
    """Ends an opening with what the file was found to be."""

    def __init__(self, state: StoreState) -> None:
        super().__init__(state.detail)
        self.state = state


class Stores:
    """The stores of the loaded plugins, seen from one project.

    :param plugins: what is installed.
    :param project: the project whose files the project tier means; None outside a project.
    :param non_wal: names of stores that may run without write-ahead logging.
    :param warn: receives (code, message).
    :param profile: in which files are opened where the caller names none.
    """

    def __init__(
        self,
        plugins: Plugins,
        project: Project | None,
        *,
        env: Mapping[str, str] = os.environ,
        non_wal: Callable[[], list[str]] = list,
        warn: Callable[[str, str], None] | None = None,
        profile: str = "normal",
        dry_run: Callable[[], bool] = lambda: False,
    ) -> None:
        self.plugins = plugins
        self.project = project
        self.env = env
        self._non_wal = non_wal
        self._elsewhere: dict[str, Any] = {}
        self._examining: Examination | None = None
        self._seen: dict[str, StoreState] = {}
        self._warn = warn or (lambda code, message: None)
        self._profile = profile
        self._dry_run = dry_run
        #: Whether these are only looked at and left as they are.
        self.foreign = profile == "foreign"
        #: Set by who restores: its own record is no reason to wait.
        self.restoring = False

    @property
    def examining(self) -> Examination | None:
        """Set while stores are only looked at.

        A state is then found out once: owners of kinds ask for it at every block of ids.
        """
        return self._examining

    @examining.setter
    def examining(self, examination: Examination | None) -> None:
        self._examining = examination
        self._seen.clear()

    def spec(self, name: str) -> StoreSpec:
        """The declaration of a store.

        :raises CleoError: ``E_NOT_FOUND``, no installed plugin has it.
        """
        try:
            return self.plugins.stores[name]
        except KeyError:
            raise CleoError(
                "E_NOT_FOUND",
                f"No installed plugin has a store named {name!r}.",
                fix="cleo stores",
            ) from None

    def directory(self, spec: StoreSpec) -> str:
        """The tier directory that holds a store's file."""
        return tier_directory(spec.tier, self.project, self.env)

    def path(self, spec: StoreSpec) -> str:
        """The absolute path of a store's file, whether or not it exists."""
        return os.path.join(self.directory(spec), spec.file)

    def elsewhere(self, spec: StoreSpec) -> Any:
        """The database that a plugin keeps a store in instead of the file; None where none does.

        It is asked for once and stays open until :meth:`close`: what is in memory is lost when it
        is closed.

        :raises Exception: what the plugin raises.
        """
        known = self._elsewhere.get(spec.name)
        # One without a connection was closed by somebody, and its answer with it.
        if spec.name in self._elsewhere and (known is None or _is_open(known)):
            return known
        found = self.plugins.first("cleo_open_store", spec=spec, path=self.path(spec))
        if found is not None and getattr(found, "connection", None) is not None:
            self.opened(spec, found)
        self._elsewhere[spec.name] = found
        return found

    def close(self) -> None:
        """Close what plugins keep elsewhere; it is asked for anew when it is needed again."""
        while self._elsewhere:
            database = self._elsewhere.popitem()[1]
            if database is not None:
                database.close()

    def state(self, spec: StoreSpec) -> StoreState:
        """Find out a store's state; nothing is created or changed.

        :raises CleoError: ``E_WRITE_CONTENTION``, the file was busy all the time.
        """
        if self.examining is None:
            return self._state(spec)
        if spec.name not in self._seen:
            self._seen[spec.name] = self._state(spec)
        return self._seen[spec.name]

    def _state(self, spec: StoreSpec) -> StoreState:
        other = self.elsewhere(spec)
        if other is not None:
            return self._kept_elsewhere(spec, other)
        found = self._look(spec)
        # What a pending restore replaces is not looked at.
        if found.state != HEAD and self.finish_restore(self.directory(spec)):
            found = self._look(spec)
        return found

    def _look(self, spec: StoreSpec) -> StoreState:
        path = self.path(spec)
        found = probe(spec, path)
        if found is not None:
            return found

        def identify(connection: Any) -> None:
            raise _IdentifiedError(revision_state(spec, path, connection))

        try:
            self._connected(spec, path, identify, write=False).close()
        except _IdentifiedError as known:
            return known.state
        except CleoError as error:
            if error.exit == ExitCode.CONTENTION:
                raise
            return StoreState(spec, path, BROKEN, detail=error.message, error=error)
        raise AssertionError("unreachable")

    def open(
        self, spec: StoreSpec, *, write: bool, profile: str | None = None
    ) -> tuple[Database | None, StoreState]:
        """Open a store's file if it is there and this plugin's own.

        :param profile: by default that of these stores.
        :returns: the open database and its state; None in place of the database for every state
            but head, behind and ahead. The caller closes it, unless it is the one that
            :meth:`elsewhere` gives.
        """
        other = self.elsewhere(spec)
        if other is not None:
            state = self._kept_elsewhere(spec, other)
            return other if state.state in (HEAD, BEHIND, AHEAD) else None, state
        try:
            opened, state = self._open(spec, write=write, profile=profile)
        except CleoError:
            if not self.finish_restore(self.directory(spec), profile):
                raise
            return self._open(spec, write=write, profile=profile)
        if opened is None and self.finish_restore(self.directory(spec), profile):
            return self._open(spec, write=write, profile=profile)
        return opened, state

    def _open(
        self, spec: StoreSpec, *, write: bool, profile: str | None
    ) -> tuple[Database | None, StoreState]:
        path = self.path(spec)
        found = probe(spec, path)
        if found is not None:
            return None, found
        known: list[StoreState] = []

        def identify(connection: Any) -> None:
            known[:] = [revision_state(spec, path, connection)]
            if known[0].state in (FOREIGN, BROKEN):
                raise _IdentifiedError(known[0])

        try:
            database = self._connected(
                spec,
                path,
                identify,
                write=write,
                profile=profile,
                allow_non_wal=self.examining is None and spec.name in self._non_wal(),
            )
        except _IdentifiedError as refused:
            return None, refused.state
        state = known[0]
        if state.state == HEAD:
            database.find_fault = lambda: self._lacking(spec, database)
        if self.plugins.has("cleo_store_opened"):
            database.on_open = lambda opened: self.opened(spec, opened)
            self.opened(spec, database)
        return database, state

    def opened(self, spec: StoreSpec, database: Database) -> None:
        """Have plugins fit out an open database, which is closed when that fails."""
        try:
            self.fit_out(spec, database.connection)
        except BaseException:
            database.close()
            raise

    def fit_out(self, spec: StoreSpec, connection: Any) -> None:
        """Tell plugins that a connection is open: the owner's failure aborts, others' warn."""
        owner = self.plugins.owner_of_store(spec.name)
        for outcome in self.plugins.call("cleo_store_opened", spec=spec, connection=connection):
            if outcome.error is None:
                continue
            if outcome.plugin == owner:
                raise outcome.error
            self._warn(
                "W_HOOK_FAILED",
                f"Plugin {outcome.plugin} failed when store {spec.name} was opened: "
                f"{outcome.error}",
            )

    def empty(self, spec: StoreSpec) -> Database:
        """What reading an absent store sees: an empty one, in memory."""
        database = in_memory(spec.name, self._snapshot(spec), self.parameters())
        database.stands_in = True
        if self.plugins.has("cleo_store_opened"):
            self.opened(spec, database)
        return database

    def create(self, spec: StoreSpec) -> bool:
        """Make a store's file from its packaged snapshot.

        The file is complete before its name exists; of two processes one wins and both go on.
        A database that a plugin keeps elsewhere makes the store itself, where it can be absent.

        :returns: False when the store was there.
        :raises CleoError: no space, no permission, lock timeout.
        """
        from cleo_core.locks import locked

        other = self.elsewhere(spec)
        if other is not None:
            return hasattr(other, "create_store") and bool(other.create_store(spec))
        path = self.path(spec)
        directory = os.path.dirname(path)
        check_test_root(path)
        ensure_directory(directory)
        with locked(directory, spec.name):
            found = probe(spec, path)
            # Where a restore is pending, whoever opens the store next finishes that.
            if found is None or found.state != ABSENT or self._restore_is_pending(directory):
                return False
            self._set_aside_sidecars(spec, path)
            temporary = os.path.join(directory, f".{spec.file}.{os.getpid()}.{os.urandom(3).hex()}")
            try:
                write_new(
                    temporary,
                    self._snapshot(spec),
                    self.parameters(),
                    spec.application_id,
                    spec.name,
                )
                return _publish(temporary, path)
            except OSError as error:
                raise file_error(error, path) from error
            finally:
                for suffix in ("", *SIDECARS):
                    _unlink(temporary + suffix)

    def parameters(self) -> dict[str, Any]:
        """The named parameters that a snapshot's statements may use."""
        return {
            "project_id": self.project.id if self.project else None,
            "project_name": self.project.name if self.project else None,
            "now": clock.now(),
        }

    def refusal(self, state: StoreState) -> CleoError:
        """The error for a state in which the store cannot be used."""
        return refusal(
            state,
            self.plugins.distribution_of_store(state.spec.name),
            in_file=self._elsewhere.get(state.spec.name) is None,
        )

    def _set_aside_sidecars(self, spec: StoreSpec, path: str) -> None:
        """Keep what a lost database left beside it: SQLite would replay it into a new one."""
        left = [path + suffix for suffix in SIDECARS if os.path.lexists(path + suffix)]
        if not left:
            return
        stamp = "".join(char for char in clock.now() if char.isalnum())
        kept = os.path.join(os.path.dirname(path), "quarantine", f"{spec.name}.{stamp}")
        ensure_directory(kept)
        for sidecar in left:
            try:
                os.replace(sidecar, os.path.join(kept, os.path.basename(sidecar)))
            except OSError as error:
                raise file_error(error, sidecar) from error
        from cleo_core.paths import append_override

        append_override(os.path.dirname(path), "quarantine", {"file": path, "kept": kept})
        self._warn(
            "W_SIDECAR_QUARANTINED",
            f"{path} was gone, and what was left of its journals is kept in {kept}.",
        )

    def _connected(
        self,
        spec: StoreSpec,
        path: str,
        identify: Callable[[Any], None],
        *,
        write: bool,
        profile: str | None = None,
        allow_non_wal: bool = False,
    ) -> Database:
        profile = profile or self._profile
        if self.examining is None:
            folder = os.path.dirname(path)
            return Database(
                path,
                spec.name,
                write=write,
                profile=profile,
                allow_non_wal=allow_non_wal,
                env=self.env,
                warn=self._warn,
                identify=identify,
                finish_restore=lambda close: self.finish_restore(folder, profile, close),
            )
        from cleo_core.database.examining import Examined

        return Examined(
            path,
            spec.name,
            examination=self.examining,
            profile=profile,
            env=self.env,
            warn=self._warn,
            identify=identify,
        )

    def _restore_is_pending(self, directory: str) -> bool:
        looked_for = self.examining is None and not self.restoring
        return looked_for and os.path.lexists(os.path.join(directory, "locks", "restore.json"))

    def finish_restore(
        self, directory: str, profile: str | None = None, close: Callable[[], None] = lambda: None
    ) -> bool:
        """Whether a restore was pending; it is over now. Before it is waited for, ``close``."""
        if not self._restore_is_pending(directory):
            return False
        from cleo_core.pending_restore import finish

        close()
        wait = (profile or self._profile) == "normal" and not self._dry_run()
        finish(directory, self.env, wait=wait, warn=self._warn)
        return True

    def _kept_elsewhere(self, spec: StoreSpec, database: Any) -> StoreState:
        if hasattr(database, "store_state"):
            found: StoreState = database.store_state(spec)
            return found
        path = getattr(database, "path", None) or self.path(spec)
        return StoreState(spec, path, HEAD, spec.head)

    def _lacking(self, spec: StoreSpec, database: Database) -> str | None:
        """The first table or column of the schema that a file at head lacks; None for none."""
        sql = (
            "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c "
            "WHERE m.type = 'table' ORDER BY m.rowid, c.cid"
        )
        whole = in_memory(spec.name, self._snapshot(spec), self.parameters())
        try:
            wanted = whole.connection.execute(sql).fetchall()
        finally:
            whole.close()
        there = set(database.connection.execute(sql).fetchall())
        tables = {table for table, _ in there}
        for table, column in wanted:
            if table not in tables:
                return f"the table {table} is missing"
            if (table, column) not in there:
                return f"the column {table}.{column} is missing"
        return None

    def _snapshot(self, spec: StoreSpec) -> tuple[str, ...]:
        from cleo_core.plugins import load_target

        statements: tuple[str, ...] = load_target(spec.snapshot)
        return statements


def _is_open(database: Any) -> bool:
    # What is no SQLite database of ours need not have a connection to show.
    return getattr(database, "connection", database) is not None


def _publish(temporary: str, path: str) -> bool:
    """Give a finished file its name unless the name is taken by a file that is not empty."""
    if os.path.exists(path) and os.path.getsize(path) == 0:
        # An empty file counts as absent; only under the store's lock is it replaced.
        os.replace(temporary, path)
    elif not give_name(temporary, path):
        return False
    sync_directory(os.path.dirname(path))
    return True


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
