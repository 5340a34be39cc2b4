"""``status``, ``enable`` and ``disable``."""

from __future__ import annotations

import os
from typing import Any

from cleo_core.errors import CleoError
from cleo_core.ids import new_id
from cleo_core.states import ABSENT, HEAD
from cleo_telemetry import consent
from cleo_telemetry.api import ENABLED, STORE, refused_by
from cleo_telemetry.records import Disabled, Enabled, Status
from cleo_telemetry.service.file import ENABLE, STATUS, Verbs
from cleo_telemetry.store import events, meta


class ConsentVerbs(Verbs):
    """The verbs about being measured at all."""

    def status(self) -> Status:
        """Whether commands are recorded, what decided it, and what there is.

        What is not there is not opened, and what cannot be used is warned of.

        :raises CleoError: there is no home to look in.
        """
        app = self.app
        enabled, decided_by = consent.decided(app)
        state = self.seen()
        rows, anonymous_id, oldest, newest = 0, None, None, None
        if state.state == HEAD:
            with self.reading() as db:
                rows = events.count(db)
                oldest, newest = events.span(db)
                anonymous_id = meta.get(db, meta.ANONYMOUS_ID)
        elif state.state != ABSENT:
            error = app.stores.refusal(state)
            app.warn("W_TELEMETRY_UNUSABLE", f"Nothing is recorded: {error.message}", fix=error.fix)
        if enabled and (state.state == ABSENT or (state.state == HEAD and anonymous_id is None)):
            app.warn(
                "W_TELEMETRY_UNUSABLE",
                "Nothing is recorded: the setting was made without `cleo telemetry enable`.",
                fix=ENABLE,
            )
        return Status(
            installed=True,
            enabled=enabled,
            decided_by=decided_by,
            anonymous_id=anonymous_id,
            path=self.path,
            rows=rows,
            bytes=sum(_size(self.path + suffix) for suffix in ("", "-wal", "-shm")),
            oldest=oldest,
            newest=newest,
            retention_days=int(app.config.get("telemetry.retention_days")),
            max_rows=int(app.config.get("telemetry.max_rows")),
        )

    def enable(self) -> Enabled:
        """Make the file and an id where there is none, then set the key.

        :raises CleoError: ``E_NO_CHANGE`` (102), all that is so; 3, the file cannot be made; 8, the
            configuration cannot be written.
        """
        app = self.app
        # Asked before anything is made: without a global configuration there can be no consent.
        app.config.path("global")
        agreed = app.config.get(ENABLED) is True
        if not self.ready():
            app.stores.create(STORE)
        anonymous_id = meta.get(app.store(STORE.name), meta.ANONYMOUS_ID)
        variable = refused_by(app.env)
        if variable is not None:
            app.warn(
                "W_TELEMETRY_OVERRIDDEN",
                f"{variable} is set and wins: nothing is recorded while it is.",
            )
        if agreed and anonymous_id is not None:
            raise CleoError("E_NO_CHANGE", "Telemetry is enabled already.", fix=STATUS)

        def body(unit: Any) -> str:
            kept = meta.get(unit, meta.ANONYMOUS_ID)
            made = kept or new_id()
            if kept is None:
                meta.put(unit, meta.ANONYMOUS_ID, made)
            meta.put(unit, meta.ENABLED_AT, unit.now)
            meta.delete(unit, meta.DISABLED_AT)
            return made

        anonymous_id = app.write(STORE.name, body)
        app.config.set(ENABLED, "true", "global")
        return Enabled(
            enabled=True,
            effective=variable is None,
            anonymous_id=anonymous_id,
            path=self.path,
        )

    def disable(self) -> Disabled:
        """Unset the key; data and id stay.

        :raises CleoError: ``E_NO_CHANGE`` (102), it is not set; 8, the configuration cannot be
            written.
        """
        app = self.app
        if app.config.get(ENABLED) is not True:
            raise CleoError("E_NO_CHANGE", "Telemetry is not enabled.", fix=STATUS)
        app.config.unset(ENABLED, "global")
        rows = 0
        try:
            if self.ready():
                app.write(STORE.name, lambda unit: meta.put(unit, meta.DISABLED_AT, unit.now))
                rows = events.count(app.store(STORE.name))
        except CleoError as error:
            # Nothing is recorded from now on, whatever became of the file.
            app.warn("W_TELEMETRY_UNUSABLE", f"The file was left alone: {error.message}")
        return Disabled(enabled=False, rows_kept=rows)


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0
