"""``show`` and ``export``: the rows as they are stored."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from cleo_core import clock, inputs
from cleo_core.errors import UsageError, shortened
from cleo_core.ids import new_id
from cleo_core.output import Page, dumps, to_json
from cleo_core.paths import atomic_write, file_error
from cleo_core.paths.files import give_name
from cleo_core.paths.outputs import check_output
from cleo_telemetry import consent
from cleo_telemetry.api import ENABLED, STORE
from cleo_telemetry.records import Event, Exported
from cleo_telemetry.service.file import ENABLE, MOST_DAYS, STATUS, Verbs, flag, nothing, number
from cleo_telemetry.store import events
from cleo_telemetry.store.pruning import BEGINNING, days_ago

FORMATS = ("json", "csv")


class ReadVerbs(Verbs):
    """The verbs that show rows."""

    def show(
        self, last: int = 20, *, offset: int = 0, elapsed_ms: int = 0
    ) -> tuple[list[Event], Page]:
        """The newest rows, the newest first; before the first ``enable`` an example.

        :param last: how many at most.
        :param elapsed_ms: how long the call took so far, for the example.
        :raises CleoError: ``E_NOTHING`` (100), there are none; 2, a value can be none.
        """
        last, offset = number(last, "last"), number(offset, "offset", least=0)
        if not self.ready() and self.app.config.get(ENABLED) is not True:
            return [_example(elapsed_ms)], Page(last, 0, 1)
        with self.reading() as db:
            total = events.count(db)
            rows = events.newest(db, last, offset)
        if not total:
            raise self._empty()
        return [Event(**row) for row in rows], Page(last, offset, total)

    def events(self, *, days: int | None = None) -> list[Event]:
        """All rows, or those of the last days; the newest last.

        :raises CleoError: as :meth:`show`.
        """
        since = BEGINNING if days is None else days_ago(number(days, "days", most=MOST_DAYS))
        with self.reading() as db:
            found = [Event(**row) for row in events.since(db, since)]
        if not found:
            raise self._empty()
        return found

    def export(
        self, path: str, *, format: str = "json", days: int | None = None, force: bool = False
    ) -> Exported:
        """Write :meth:`events` to a file that only its owner can read.

        :param path: never a link, a directory, or one of CLEO's own files.
        :param force: replace a file that is there, in one step.
        :raises CleoError: 2, a value can be none, or the file is there; 3, it cannot be written, or
            not there; ``E_NOTHING`` (100), there are no rows.
        """
        target = self._checked(path, flag(force, "force"))
        found = self.events(days=days)
        _write(target, as_text(found, format).encode(), force=force)
        return Exported(rows=len(found), path=target)

    def _checked(self, path: Any, force: bool) -> str:
        def text(given: Any) -> str:
            return inputs.plain_text(os.fspath(given), "path")

        if not isinstance(path, (str, os.PathLike)):
            raise UsageError("A path is text.", field="path")
        wanted = inputs.as_filter(text, path)
        project = self.app.project_or_none
        check_output(
            wanted,
            project_directory=project.directory if project is not None else None,
            env=self.app.env,
            force=force,
        )
        return os.path.abspath(wanted)

    def _empty(self) -> Any:
        on = consent.decided(self.app)[0]
        return nothing("There are no such rows.", STATUS if on else ENABLE)


def as_text(found: Sequence[Event], format: str) -> str:
    """Rows as a JSON array, or as CSV under a line of column names.

    :raises UsageError: there is no such format.
    """
    if format == "json":
        return dumps(to_json(found), indent=2) + "\n"
    if format != "csv":
        raise UsageError(f"The format is one of {', '.join(FORMATS)}.", field="format")
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(events.COLUMNS)
    writer.writerows([getattr(one, name) for name in events.COLUMNS] for one in found)
    return out.getvalue()


def _example(elapsed_ms: int) -> Event:
    return Event(
        id=1,
        anonymous_id=new_id(),
        domain=STORE.name,
        gateway="query",
        operation="telemetry.show",
        command="telemetry.telemetry.show",
        exit_code=0,
        duration_ms=max(0, number(elapsed_ms, "elapsed_ms", least=0)),
        error_code=None,
        timestamp=clock.now(),
        example=True,
    )


def _write(path: str, data: bytes, *, force: bool) -> None:
    directory, name = os.path.split(path)
    try:
        os.stat(directory)
        if force:
            atomic_write(path, data)
            return
        # Somebody may put a file there meanwhile: only a link cannot replace one.
        temporary = os.path.join(directory, f".{name[:100]}.{os.urandom(6).hex()}.tmp")
        try:
            atomic_write(temporary, data)
            given = give_name(temporary, path)
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)
    except OSError as error:
        raise file_error(error, path) from error
    if not given:
        raise UsageError(
            f"{shortened(path, 400)} is there already.",
            fix="the same command with --force, or another path",
        )
