"""What the rows of a store tell: how long its audit is, and whether the clock went back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cleo_core import clock as time
from cleo_core.doctor.finding import Finding
from cleo_core.doctor.scene import NotExaminedError
from cleo_core.migrate.sql import identifier
from cleo_core.states import HEAD

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec
    from cleo_core.doctor.scene import Scene

#: Seconds that the newest record may be ahead of the clock.
AHEAD = 300.0

#: No field of a StoreSpec names its audit; every store calls it so.
_AUDIT = re.compile(r"(?:.+_)?audit(?:_log)?")
_TIMES = ("timestamp", "created_at", "updated_at")
#: Rows of a table that are looked at, from the newest on.
_LATEST = 1000


def audit(scene: Scene, spec: StoreSpec) -> Finding:
    """Audit rows above ``audit.warn_rows``."""
    most = int(scene.app.config.get("audit.warn_rows"))
    with scene.content(spec) as (database, _):
        counts = {
            table: int(database.scalar(f"SELECT count(*) FROM {identifier(table)}"))
            for table in _tables(database)
            if _AUDIT.fullmatch(table)
        }
    for table, count in counts.items():
        if count > most:
            return Finding(
                "info",
                f"{table} has {count} rows, more than {most}.",
                {"rows": counts, "limit": most},
                f"cleo config set audit.warn_rows {max(count, 1) * 2}",
            )
    return Finding("ok", "No audit is long.", {"rows": counts, "limit": most})


def clock(scene: Scene, spec: StoreSpec) -> Finding:
    """The newest record, which may not be later than now."""
    with scene.content(spec) as (database, state):
        if state.state != HEAD:
            raise NotExaminedError(f"{state.path} is {state.state}.")
        newest, table = "", ""
        owned = {table for table in spec.kinds.values() if table}
        for name in _tables(database):
            if name in owned or _AUDIT.fullmatch(name):
                latest = _newest(database, name)
                if latest > newest:
                    newest, table = latest, name
    if not newest:
        return Finding("ok", "There is no record with a time.")
    try:
        seconds = time.parse_time(newest) - time.seconds()
    except ValueError:
        return Finding(
            "warning",
            f"{table} holds the time {newest[:40]!r}, which is none.",
            {"table": table, "time": newest[:40]},
            f"cleo stores {spec.name}",
        )
    if seconds > AHEAD:
        return Finding(
            "warning",
            f"The newest record of {table} is of {newest}, {seconds / 60:.0f} minutes from now: "
            "the clock was set back.",
            {"table": table, "time": newest},
            "date -u",
        )
    return Finding("ok", f"The newest record is of {newest}.", {"table": table, "time": newest})


def _tables(database: Any) -> list[str]:
    rows = database.read("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [str(row["name"]) for row in rows]


def _newest(database: Any, table: str) -> str:
    columns = {row["name"] for row in database.read(f"PRAGMA table_info({identifier(table)})")}
    wanted = [column for column in _TIMES if column in columns]
    found = (
        [
            value
            for row in database.read(
                f"SELECT {', '.join(wanted)} FROM {identifier(table)} "
                f"{_order(database, table)} LIMIT {_LATEST}"
            )
            for value in row.values()
        ]
        if wanted
        else []
    )
    return max((value for value in found if isinstance(value, str)), default="")


def _order(database: Any, table: str) -> str:
    """Newest first; tables without a rowid have no such order, and are small."""
    row = database.one(
        "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = :table", table=table
    )
    return "" if row is None or row["wr"] else "ORDER BY rowid DESC"
