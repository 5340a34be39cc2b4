"""Taking a migration back: exactly its rows go, and the older file gets its name again."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from cleo_core.errors import NotFoundError, ValidationError
from cleo_core.paths.files import quoted
from cleo_signaldock.api import STORE
from cleo_signaldock.records import LegacyMigration
from cleo_signaldock.service import cache, refs
from cleo_signaldock.service.legacy import copying, detecting, journal, renaming
from cleo_signaldock.service.legacy.fingerprints import fingerprint
from cleo_signaldock.service.legacy.journal import Journal
from cleo_signaldock.service.legacy.running import locks
from cleo_signaldock.service.removing import scan
from cleo_signaldock.service.work import Verbs, Work
from cleo_signaldock.store import legacy, meta
from cleo_signaldock.store.agents import SHOWN, Reader

if TYPE_CHECKING:
    from cleo_core.app import App

#: Rows that a refusal names; ``details.rows`` has all.
_NAMED = 10
_CONDUIT = "conduit."


class Rollback(Verbs):
    """One rollback."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.path = detecting.path_of(app.project)
        self.conduit = refs.require(app)

    def run(self) -> LegacyMigration:
        """Do it, or finish one that was cut short.

        :raises CleoError: 4, 6.
        """
        if self.app.dry_run:
            return self._rehearse(self._entry())
        with locks(self.app):
            entry = self._entry()
            self._check_name(entry)
            self._check_backup(entry)
            self._check(entry)
            if entry.data["status"] != "rolling_back":
                self.app.backup_before("legacy-rollback", [STORE.name, "conduit"])
                entry.save(status="rolling_back")
            keys = legacy.remembered(self.db, entry.run_id)
            agents = keys.get("agents", [])
            counts = self._drop_mail(entry, keys)
            counts |= self.write("agent.rollback_legacy", lambda work: _drop(work, entry.run_id))
            for agent_id in agents:
                cache.refresh(self.app, agent_id)
            if entry.data.get("bak"):
                renaming.move(entry.beside(entry.data["bak"]), self.path)
            entry.drop_copy()
            entry.save(status="rolled_back")
            return LegacyMigration("rolled_back", entry.run_id, counts)

    def _rehearse(self, entry: Journal) -> LegacyMigration:
        self._check_name(entry)
        self._check_backup(entry)
        self._check(entry)
        counts = self._drop_mail(entry, legacy.remembered(self.db, entry.run_id))
        counts |= self.write("agent.rollback_legacy", lambda work: _drop(work, entry.run_id))
        return LegacyMigration("dry_run", entry.run_id, counts)

    def _entry(self) -> Journal:
        entry = journal.read(self.app.project.directory)
        if entry is None or entry.data["status"] == "rolled_back":
            raise NotFoundError(
                "There is no migration of this project to take back.",
                fix="cleo agent migrate-legacy --status",
            )
        return entry

    def _check_name(self, entry: Journal) -> None:
        """Refuse where another file has the name that the backup gets."""
        if "bak" not in entry.data or not os.path.lexists(self.path):
            return
        bak = entry.beside(entry.data["bak"])
        if os.path.lexists(bak) and not os.path.samefile(bak, self.path):
            raise ValidationError(
                f"{self.path} is there again, and the backup cannot have its name.",
                fix=f"mv {quoted(self.path)} {quoted(self.path + '.new')}",
                path=self.path,
            )

    def _check_backup(self, entry: Journal) -> None:
        """Refuse where the older file is not what was taken over: nothing else holds its rows."""
        if not entry.data.get("bak") or not entry.done("rename"):
            return
        bak = entry.beside(entry.data["bak"])
        # A rollback that was cut short has moved some of the parts back already.
        found = {**copying.hashes(self.path), **copying.hashes(bak)}
        if found != entry.data["source"]:
            raise ValidationError(
                f"{bak} is not the file that was taken over, so nothing is taken back.",
                fix=f"ls -l {quoted(bak)}",
                path=bak,
            )

    def _check(self, entry: Journal) -> None:
        """Refuse before anything is deleted."""
        told = _told(self.db, entry.run_id)
        if told is not None:
            _refuse([*_in_use(self.db, entry.run_id, told), *self._elsewhere(told)])

    def _elsewhere(self, told: dict[str, Any]) -> list[dict[str, str]]:
        """The run's agents that other projects see, as far as these are known."""
        here = self.app.project.root
        return [
            {"table": "agents", "key": key, "why": f"the project {one['path']} sees it"}
            for key in told["inserted"]
            for one in scan(self.app, key).refs
            if one["path"] != here
        ]

    def _drop_mail(self, entry: Journal, keys: dict[str, list[str]]) -> dict[str, dict[str, int]]:
        asked = {
            table.removeprefix(_CONDUIT): listed
            for table, listed in keys.items()
            if table.startswith(_CONDUIT)
        }
        done = self.conduit.drop_legacy(asked, entry.run_id)
        return {
            f"{_CONDUIT}{table}": {
                "dropped": len(done.dropped.get(table, ())),
                "spared": len(done.spared.get(table, ())),
            }
            for table in asked
        }


def _told(db: Reader, run_id: str) -> dict[str, Any] | None:
    text = meta.value(db, f"legacy:{run_id}")
    return None if text is None else json.loads(text)


def _drop(work: Work, run_id: str) -> dict[str, dict[str, int]]:
    """Delete the run's rows of the identity store, in one unit with its mark."""
    told = _told(work, run_id)
    if told is None:
        return {}
    _refuse(_in_use(work, run_id, told))
    keys = legacy.remembered(work, run_id)
    counts = {}
    for table in reversed(list(legacy.KEYS)):
        gone = 0
        for key in keys.get(table, []):
            row = legacy.row(work, table, key)
            if row is None:
                continue
            legacy.delete(work, table, key)
            gone += 1
            if table == "agents":
                work.unit.deleted("agent", key, {name: row[name] for name in SHOWN})
                work.note("agent", key, run=run_id)
            elif table in ("users", "organization"):
                kind = "user" if table == "users" else table
                work.unit.deleted(kind, key, {"id": key})
        if keys.get(table):
            counts[table] = {"dropped": gone, "spared": len(keys[table]) - gone}
    work.execute(legacy.DROP_KEYS, run_id=run_id)
    meta.drop(work, f"legacy:{run_id}")
    work.note("legacy", run_id, rows={table: one["dropped"] for table, one in counts.items()})
    return counts


def _in_use(db: Reader, run_id: str, told: dict[str, Any]) -> list[dict[str, str]]:
    """The run's rows that changed, that gained children, or that other projects rely on."""
    keys = {table: set(listed) for table, listed in legacy.remembered(db, run_id).items()}
    found = []
    for table, marks in told["rows"].items():
        for key, mark in marks.items():
            row = legacy.row(db, table, key)
            if row is None:
                continue
            if fingerprint(row) != mark:
                found.append({"table": table, "key": key, "why": "it changed"})
            found += [
                {"table": table, "key": key, "why": f"{child} has {one}"}
                for child, one in legacy.children(db, table, key)
                if one not in keys.get(child, ())
            ]
    own = set(told["inserted"])
    for run in db.read(legacy.RUNS):
        if run["key"] == f"legacy:{run_id}":
            continue
        shared = own.intersection(json.loads(run["value"]).get("present", ()))
        found += [
            {"table": "agents", "key": key, "why": "another project's older file has it too"}
            for key in sorted(shared)
        ]
    return found


def _refuse(rows: list[dict[str, str]]) -> None:
    if not rows:
        return
    named = "; ".join(f"{one['table']} {one['key']}: {one['why']}" for one in rows[:_NAMED])
    more = f"; and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    raise ValidationError(
        f"Rows changed or gained others since they were taken over: {named}{more}.",
        fix="cleo agent migrate-legacy --status",
        rows=rows,
    )
