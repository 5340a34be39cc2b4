"""``prune`` and ``purge``: letting go of what is old, or of everything."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from cleo_core.database import erasing
from cleo_core.errors import CleoError, UsageError
from cleo_core.ids import new_id
from cleo_core.locks import locked
from cleo_core.paths import file_error
from cleo_core.states import FOREIGN, HEAD, SIDECARS
from cleo_telemetry.api import ENABLED, STORE
from cleo_telemetry.records import Pruned, Purged
from cleo_telemetry.service.file import ENABLE, MOST_DAYS, STATUS, Verbs, flag, nothing, number
from cleo_telemetry.store import events, meta, pruning

PURGE = "cleo telemetry purge --yes"


class RemoveVerbs(Verbs):
    """The verbs that delete."""

    def prune(self, *, progress: Callable[[int, int], None] | None = None) -> Pruned:
        """Delete what is older or more than the configuration says, all of it.

        :param progress: called with how many rows are gone, and of how many.
        :raises CleoError: ``E_NO_CHANGE`` (102), nothing is; ``E_NOTHING`` (100), there is no file.
        """
        app = self.app
        limits = pruning.limits(app.config)
        with self.reading() as db:
            total = events.count(db)
            old = events.count_before(db, limits.before)
        many = 0 if limits.most is None else max(0, total - old - limits.most)
        if not old + many:
            raise CleoError("E_NO_CHANGE", "No row is too old or too many.", fix=STATUS)
        if app.dry_run:
            return Pruned(deleted_by_age=old, deleted_by_count=many, rows=total - old - many)
        by_age = by_count = 0
        while True:
            if progress is not None:
                # Rows that are stored meanwhile may make it more than was counted.
                progress(min(by_age + by_count, old + many), old + many)
            done = app.write(STORE.name, lambda unit: pruning.prune(unit, limits, pruning.BLOCK))
            by_age += done.by_age
            by_count += done.by_count
            if sum(done) < pruning.BLOCK:
                rows = events.count(app.store(STORE.name))
                return Pruned(deleted_by_age=by_age, deleted_by_count=by_count, rows=rows)

    def purge(self, *, days: int | None = None, all: bool = False) -> Purged:
        """Delete rows and the id, so that no byte of them is left in the file.

        While recording is enabled a new id takes the place of the old one.

        :param days: only the rows older than so many days; the id stays.
        :param all: also remove the file and what is beside it, and unset the key.
        :raises CleoError: 2, a value can be none; ``E_NOTHING`` (100), there is nothing.
        """
        if flag(all, "all") and days is not None:
            raise UsageError("All or what is older than some days: one of them.", field="days")
        if days is not None:
            number(days, "days", most=MOST_DAYS)
        if all:
            return self._remove()
        before = None if days is None else pruning.days_ago(days)
        with self.reading() as db:
            count = events.count(db) if before is None else events.count_before(db, before)
        if self.app.dry_run:
            return Purged(deleted=count, file_removed=False)
        measured = self.app.config.get(ENABLED) is True

        def body(unit: Any) -> int:
            if before is not None:
                return events.delete_before(unit, before)
            meta.clear(unit)
            if measured:
                meta.put(unit, meta.ANONYMOUS_ID, new_id())
                meta.put(unit, meta.ENABLED_AT, unit.now)
            return events.delete_all(unit)

        deleted = self.app.write(STORE.name, body)
        self._wipe()
        return Purged(deleted=deleted, file_removed=False)

    def present(self, *, all: bool = False) -> None:
        """Have the file there, or with ``all`` at least what belongs to it.

        :raises CleoError: ``E_NOTHING`` (100).
        """
        if not (any(map(os.path.lexists, self._files())) or (all and self._agreed())):
            raise nothing("There is nothing to purge.", ENABLE)

    def _agreed(self) -> bool:
        return self.app.config.get(ENABLED) is True

    def _files(self) -> list[str]:
        # Where a link leads to the file, SQLite keeps what belongs to it beside the file itself.
        places = dict.fromkeys((os.path.realpath(self.path), self.path))
        return [place + suffix for place in places for suffix in ("", *SIDECARS)]

    def _remove(self) -> Purged:
        app = self.app
        self.present(all=True)
        deleted = self._rows()
        there = any(map(os.path.lexists, self._files()))
        if app.dry_run:
            return Purged(deleted=deleted, file_removed=there)
        if self._agreed():
            # First, so that no other command makes use of what is about to go.
            app.config.unset(ENABLED, "global")
        if there:
            directory = app.stores.directory(STORE)
            with locked(directory, STORE.name):
                _unlink(self._files())
            _unlink([os.path.join(directory, "locks", f"{STORE.name}.lock")])
        return Purged(deleted=deleted, file_removed=there)

    def _rows(self) -> int:
        """How many rows there are, as far as the file can say.

        :raises CleoError: ``E_STORE_FOREIGN`` (52), it belongs to something else.
        """
        state = self.seen()
        if state.state == FOREIGN:
            raise self.app.stores.refusal(state)
        if state.state != HEAD:
            return 0
        try:
            with self.reading() as db:
                return events.count(db)
        except CleoError:
            # It is removed all the same: that is what helps where it is damaged.
            return 0

    def _wipe(self) -> None:
        """Leave no byte of what was deleted in the file or in its log."""
        app = self.app
        db = app.store(STORE.name)
        why = "another process reads it"
        try:
            erasing.vacuum(db.connection)
            whole = erasing.empty_log(db)
        except Exception as error:
            # The rows are gone: whatever the driver raises must not say otherwise.
            why = str(error if isinstance(error, CleoError) else db.translated(error))
            whole = False
        if not whole:
            app.warn(
                "W_NOT_WIPED",
                f"The rows are deleted, but may still be read in the file's bytes: {why}",
                fix=PURGE,
            )


def _unlink(paths: list[str]) -> None:
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise file_error(error, path) from error
