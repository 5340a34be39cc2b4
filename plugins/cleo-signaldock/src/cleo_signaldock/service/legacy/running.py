"""The steps of a migration, each of which does nothing where its mark is set."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cleo_core.database import driver
from cleo_core.database.foreign import copy_whole
from cleo_core.errors import CleoError, UsageError, ValidationError, shortened
from cleo_core.locks import locked
from cleo_signaldock.api import DATABASE_VARIABLE, STORE
from cleo_signaldock.records import LegacyMigration
from cleo_signaldock.service import cache, holding, refs
from cleo_signaldock.service.legacy import ciphers, copying, detecting, journal, planning, renaming
from cleo_signaldock.service.legacy.fingerprints import fingerprint
from cleo_signaldock.service.legacy.identity import Cipher, Identity
from cleo_signaldock.service.legacy.journal import Journal
from cleo_signaldock.service.legacy.mail import Mail
from cleo_signaldock.service.legacy.source import Source
from cleo_signaldock.service.legacy.tally import Tally
from cleo_signaldock.service.work import Verbs, Work
from cleo_signaldock.store import legacy, meta
from cleo_signaldock.store.agents import SHOWN

if TYPE_CHECKING:
    from cleo_core.app import App

#: Not the same name twice: the data directory can be the project's own.
MACHINE_LOCK, PROJECT_LOCK = "legacy-machine", "legacy-project"
ELSEWHERE = "Keys of these agents that are held elsewhere, in CI for one, may have to be renewed."


@contextmanager
def locks(app: App) -> Iterator[None]:
    """Step 1: the machine's lock, then the project's."""
    directory = os.path.dirname(app.stores.path(STORE))
    with locked(directory, MACHINE_LOCK), locked(app.project.directory, PROJECT_LOCK):
        yield


class Migration(Verbs):
    """One run.

    :param renames: id in the file -> id that the agent gets.
    :param old_paths: where the project lay before; keys were encrypted for its path.
    """

    def __init__(self, app: App, renames: Mapping[str, str], old_paths: Sequence[str]) -> None:
        super().__init__(app)
        self.path = detecting.path_of(app.project)
        self.renames = dict(renames)
        self.old_paths = [os.path.abspath(one) for one in old_paths]
        self.conduit = refs.require(app)

    def run(self) -> LegacyMigration:
        """Do what is left to do.

        :raises CleoError: 5, 6, 53, 54, 92; see :meth:`MigrateVerbs.migrate_legacy`.
        """
        with locks(self.app):
            entry = journal.read(self.app.project.directory)
            resumed = entry is not None and not entry.is_final
            if entry is not None and entry.data["status"] == "rolling_back":
                raise UsageError(
                    "A rollback was cut short; it has to be finished first.",
                    fix="cleo agent migrate-legacy --rollback",
                )
            if entry is None or entry.is_final:
                if not detecting.is_legacy(self.path):
                    _require_readable(self.path)
                    return LegacyMigration("nothing")
                entry = journal.begin(
                    self.app.project.directory, self.renames, self.old_paths, earlier=entry
                )
            else:
                self._adopt(entry)
            return self._steps(entry, "resumed" if resumed else "done")

    def rehearse(self) -> LegacyMigration:
        """Steps 2 and 3 on a copy outside the project; nothing is written anywhere."""
        if not detecting.is_legacy(self.path):
            _require_readable(self.path)
            return LegacyMigration("nothing")
        with tempfile.TemporaryDirectory(prefix="cleo-") as folder:
            copy = os.path.join(folder, journal.COPY)
            copy_whole(self.path, copy)
            source = copying.read(copy, self.renames)
        from cleo_core import clock
        from cleo_core.ids import ordered_id

        planned, mail, _ = self._plan(source, clock.now(), ordered_id())
        return self._result("dry_run", planned.tally.and_of(mail.tally))

    def _adopt(self, entry: Journal) -> None:
        """Go on with what the run was begun with; until rows are written it may be said anew."""
        begun = (entry.data["renames"], entry.data["oldPaths"])
        given = (self.renames or begun[0], self.old_paths or begun[1])
        if given != begun:
            if entry.done("identity") or meta.value(self.db, _mark(entry.run_id)) is not None:
                raise UsageError(
                    "This run wrote its agents with other renames and paths.",
                    fix="cleo agent migrate-legacy",
                )
            entry.data.update(renames=given[0], oldPaths=given[1])
        self.renames, self.old_paths = given

    def _steps(self, entry: Journal, status: str) -> LegacyMigration:
        if not entry.done("verify"):
            self._move_rows(entry)
        if not entry.done("rename"):
            renaming.move(self.path, entry.beside(entry.data["bak"]))
            entry.mark("rename")
        entry.drop_copy()
        entry.save(status="done")
        result = entry.data["result"]
        self.app.warn("W_KEYS_ELSEWHERE", ELSEWHERE)
        bak = entry.beside(entry.data["bak"])
        return LegacyMigration(status, **result, bak_path=bak, warnings=[ELSEWHERE])

    def _move_rows(self, entry: Journal) -> None:
        try:
            copying.copy(entry, self.path)
        except CleoError:
            if not entry.done("copy"):
                entry.discard()
            raise
        source = copying.read(entry.copy, self.renames)
        mail: Mail | None = None
        if not entry.done("identity") and meta.value(self.db, _mark(entry.run_id)) is None:
            try:
                with self.app.dry_running():
                    _, mail, keys = self._plan(source, entry.started_at, entry.run_id)
            except CleoError:
                entry.discard()
                raise
            entry.mark("plan", renames=self.renames, oldPaths=self.old_paths)
            self._write_identity(entry, source, keys)
        told = json.loads(meta.value(self.db, _mark(entry.run_id)) or "{}")
        if not told:
            raise _failed("the identity store does not know this run any more")
        if not entry.done("identity"):
            entry.mark("identity")
        if mail is None:
            # It is the same whenever it is converted; who was new is what the unit wrote down.
            mail = Mail(source, told["pinners"], entry.started_at).plan()
        mail.settle(self.conduit.import_legacy(mail.rows, entry.run_id))
        tally = Tally.of(told["tally"]).and_of(mail.tally)
        if not entry.done("messages"):
            entry.mark("messages")
        if not entry.done("cache"):
            for agent_id in told["inserted"]:
                cache.refresh(self.app, agent_id)
            entry.mark("cache")
        self._verify(entry, source, tally)
        result = self._result("done", tally)
        entry.mark(
            "verify",
            bak=os.path.basename(renaming.free_name(self.path)),
            result={
                "run_id": entry.run_id,
                "counts": result.counts,
                "reauth": result.reauth,
                "renamed": result.renamed,
                "dropped": result.dropped,
            },
        )

    def _cipher(self, source: Source) -> Cipher:
        if not planning.has_keys(source):
            return ciphers.NoCipher()
        paths = list(dict.fromkeys((self.app.project.root, *self.old_paths)))
        return ciphers.opened(self.app, paths)

    def _plan(
        self, source: Source, now: str, run_id: str
    ) -> tuple[Identity, Mail, list[tuple[str, str]]]:
        """Convert everything, and let the message store say what it would add."""
        planned = planning.identity(source, self.db, self._cipher(source), now)
        mail = planning.mail(source, planned, now)
        # Both stores judge the rows by their own rules, and forget them again.
        self.write("agent.migrate_legacy", lambda work: _insert(work, run_id, planned, []))
        done = self.conduit.import_legacy(mail.rows, run_id)
        mail.settle(done)
        return planned, mail, planning.conduit_keys(mail.rows, done)

    def _write_identity(self, entry: Journal, source: Source, keys: list[tuple[str, str]]) -> None:
        """Step 4: one unit, with its mark."""
        cipher = self._cipher(source)

        def body(work: Work) -> None:
            planned = planning.identity(source, work, cipher, entry.started_at)
            planning.refuse(planned.tally.problems)
            if isinstance(cipher, ciphers.MachineCipher) and cipher.sealed:
                holding.settle(work, cipher.keys)
            _insert(work, entry.run_id, planned, keys)

        self.write("agent.migrate_legacy", body)

    def _verify(self, entry: Journal, source: Source, tally: Tally) -> None:
        """Step 7.

        :raises CleoError: 54, nothing is renamed.
        """
        faults = _uncounted(source, tally)
        db = self.app.store(STORE.name)
        keys = legacy.remembered(db, entry.run_id)
        for table, listed in keys.items():
            if not table.startswith("conduit."):
                gone = [key for key in listed if legacy.row(db, table, key) is None]
                faults += [f"{table} {key} is not there" for key in gone]
        if not self.app.env.get(DATABASE_VARIABLE, "").strip():
            faults += [f"signaldock.db: {one}" for one in legacy.unsound(db)]
        faults += self.conduit.verify_legacy(entry.run_id).faults
        if copying.hashes(self.path) != entry.data["source"]:
            faults.append(f"{self.path} changed since it was copied")
        if faults:
            raise _failed("; ".join(faults[:10]), faults)

    def _result(self, status: str, tally: Tally) -> LegacyMigration:
        return LegacyMigration(
            status,
            None,
            tally.counts(),
            sorted(tally.reauth),
            [{"from": old, "to": new} for old, new in sorted(tally.renamed.items())],
            tally.dropped(),
            None,
            [ELSEWHERE],
        )


def _insert(work: Work, run_id: str, planned: Identity, keys: list[tuple[str, str]]) -> None:
    inserted: dict[str, list[str]] = {}
    for table, rows in planned.rows.items():
        inserted[table] = [_added(work, table, row) for row in rows]
    for agent_id, superior in planned.superiors.items():
        work.execute(legacy.REPORTS_TO, agent_id=agent_id, superior=superior)
    legacy.remember(
        work, run_id, [*((table, key) for table in inserted for key in inserted[table]), *keys]
    )
    marks: dict[str, dict[str, str]] = {}
    for table, listed in inserted.items():
        marks[table] = {}
        for key in listed:
            row = legacy.row(work, table, key)
            if row is None:
                raise _failed(f"{table} {key} was not written")
            marks[table][key] = fingerprint(row)
            if table == "agents":
                work.unit.created("agent", key, {name: row[name] for name in SHOWN})
            elif table in ("users", "organization"):
                kind = "user" if table == "users" else table
                work.unit.created(kind, key, {"id": key, "created_at": row["created_at"]})
    for agent_id in inserted["agents"]:
        work.note("agent", agent_id, run=run_id)
    work.note("legacy", run_id, rows={table: len(listed) for table, listed in inserted.items()})
    told = {
        "at": work.now,
        "rows": marks,
        "inserted": inserted["agents"],
        "present": planned.present,
        "pinners": sorted(planning.pinners(planned)),
        "tally": planned.tally.told(),
    }
    meta.put(work, _mark(run_id), json.dumps(told, ensure_ascii=False, separators=(",", ":")))


def _added(work: Work, table: str, row: Mapping[str, Any]) -> str:
    try:
        return legacy.insert(work, table, row)
    except driver().IntegrityError as error:
        key = legacy.key_of(table, row)
        raise ValidationError(
            f"The row {shortened(key)} of {table} is not acceptable: {error}.",
            fix="cleo agent migrate-legacy --dry-run",
            table=table,
            key=key,
        ) from error


def _uncounted(source: Source, tally: Tally) -> list[str]:
    """Tables of which rows went astray."""
    counts = tally.counts()
    return [
        f"{table} has {rows} rows, of which {counts.get(table, {}).get('source', 0)} are told of"
        for table, rows in source.counts().items()
        if rows != counts.get(table, {}).get("source", 0)
    ]


def _mark(run_id: str) -> str:
    return f"legacy:{run_id}"


def _failed(words: str, faults: Sequence[str] = ()) -> CleoError:
    return CleoError(
        "E_MIGRATION_FAILED",
        f"What was taken over does not agree with the older file, which keeps its name: {words}.",
        fix="cleo agent migrate-legacy --rollback",
        details={"faults": list(faults) or [words]},
    )


def _require_readable(path: str) -> None:
    """Refuse a file that is there and is no database, or a damaged one.

    :raises StoreError: 53.
    """
    if not os.path.lexists(path) or detecting.is_registry(path):
        return
    with tempfile.TemporaryDirectory(prefix="cleo-") as folder:
        copy_whole(path, os.path.join(folder, journal.COPY))
