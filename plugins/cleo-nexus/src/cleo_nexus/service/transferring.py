"""Taking tasks from one project to another, in steps that can be taken up again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cleo_core.errors import NotFoundError, UsageError, ValidationError, echoed
from cleo_core.output import Page, to_json
from cleo_nexus.errors import NexusError
from cleo_nexus.records.transfers import Transfer, steps_of
from cleo_nexus.service import access
from cleo_nexus.service import work as store
from cleo_nexus.service.elsewhere import is_there
from cleo_nexus.service.transfer_plan import (
    NEEDED,
    Package,
    Wanted,
    locked_for,
    packed,
    wanted_of,
)
from cleo_nexus.service.transfer_steps import Progress, Run
from cleo_nexus.service.work import Verbs, Work, mutating
from cleo_nexus.store import registry, transfers

if TYPE_CHECKING:
    from cleo_core.database import Database, Row

_ID = re.compile(r"xfr-[0-9a-f]{12}\Z")


class _NotPacked(Exception):  # noqa: N818 # an answer: the tasks have to be read first
    """A new transfer is to begin, and its tasks were not read yet."""


class TransferVerbs(Verbs):
    """``transfer``, ``transfer_resume``, ``transfer_abort`` and ``transfers``."""

    TELLS = False

    @mutating("nexus.transfer")
    def transfer(
        self,
        refs: str | Iterable[str],
        to: str,
        *,
        mode: str = "copy",
        scope: str = "subtree",
        on_conflict: str = "remap",
        on_missing: str = "strip",
        parent: str | None = None,
        with_brain: bool = False,
        idempotency_key: str | None = None,
        progress: Progress | None = None,
    ) -> Transfer:
        """Take tasks of one project to another: copies of them, or the tasks themselves.

        Hierarchy, dependencies among them, labels, gate results and links come along. Both sides
        get links to each other. What moves is archived where it was, and what names it elsewhere
        names its new place.

        :param refs: tasks of one project, by references.
        :param to: the project that they are taken to, by any of its names.
        :param mode: ``copy``; ``move``.
        :param scope: ``subtree``, with everything below them; ``single``.
        :param on_conflict: a task whose number was given out in the target gets a new one
            (``remap``) or is left out (``skip``), or nothing is done (``fail``).
        :param on_missing: what leads to tasks that do not come along is left out, a move makes
            edges between projects of dependencies (``strip``); or nothing is done (``fail``).
        :param parent: the task of the target that they are to stand under.
        :param with_brain: copy what the source's memory has of them, too.
        :param progress: told how far it is.
        :raises CleoError: 2; 3, 7, 50 to 53, a project's tasks cannot be used; 4; 5; 6; 10 to 14,
            where they would stand; 16, open children of what moves would stay; 22, an id is taken;
            71, 72, 73, 77; 74, it was begun and has to be taken up again.
        """
        wanted, source, target = wanted_of(
            self.app,
            self.db,
            refs,
            to,
            mode=mode,
            scope=scope,
            on_conflict=on_conflict,
            on_missing=on_missing,
            parent=parent,
            with_brain=with_brain,
        )
        if self.app.dry_run:
            package = packed(self.app, self.db, wanted, source, target)
            return self._preview(wanted, source, target, package)
        with locked_for(self.app, source, target):
            id_ = self._begun(wanted, source, target, idempotency_key)
            self.tell(self.db, but=id_)
            current = access.current_id(self.app)
            Run(self, id_, source, target, current, progress=progress).go()
            return self._record(id_)

    @mutating("nexus.transfer.resume")
    def transfer_resume(self, id: str, *, progress: Progress | None = None) -> Transfer:
        """Go on with a transfer that was interrupted; one that is done stays as it is.

        :raises CleoError: 4, there is none; 6, it was aborted; 71, 72, what it needs is not granted
            any more; 74, a step still cannot be done.
        """
        row = self._row(id)
        id_ = row["id"]
        source, target = self._ends(row)
        self.tell(self.db, but=id_)
        if self.app.dry_run:
            self._require_going(row)
            return self._record(id_)
        with locked_for(self.app, source, target):
            self._require_going(self._row(id_))

            def body(work: Work) -> None:
                work.about(source["project_id"], source["project_hash"])
                work.note(transfer=id_, state=row["state"])

            self.write(body)
            current = access.current_id(self.app)
            Run(self, id_, source, target, current, resumed=True, progress=progress).go()
            return self._record(id_)

    @mutating("nexus.transfer.abort")
    def transfer_abort(self, id: str) -> Transfer:
        """Give up a transfer of which nothing has arrived yet; a repeat changes nothing.

        :raises CleoError: 4, there is none; 6, tasks have arrived: it can only be gone on with; 7,
            50 to 53, nobody can say whether they have.
        """
        row = self._row(id)
        id_ = row["id"]
        self.tell(self.db, but=id_)
        ends = (row["source_project_id"], row["target_project_id"])
        found = [one for end in ends if (one := registry.by_id(self.db, end)) is not None]
        if self.app.dry_run:
            self._require_unarrived(row)
            return self._record(id_)
        with locked_for(self.app, *found):
            row = self._row(id_)
            self._require_unarrived(row)

            def body(work: Work) -> None:
                work.about(row["source_project_id"])
                work.note(transfer=id_)
                transfers.advance(work, id_, "planned", "aborted", work.now, error=row["error"])

            self.write(body)
            return self._record(id_)

    def transfers(
        self, *, limit: int | None = None, offset: int = 0
    ) -> tuple[Sequence[Transfer], Page]:
        """The transfers, the latest first.

        :returns: transfers and the page that they are.
        :raises UsageError: a number that is out of range.
        """
        chosen, start = self.page(limit, offset)
        self.tell(self.db)
        rows, total = transfers.page(self.db, chosen, start)
        slugs = self._slugs(rows)
        return [Transfer.of(row, slugs) for row in rows], Page(chosen, start, total)

    # What the verbs have in common

    @property
    def db(self) -> Database:
        """The store for reading; the verbs tell of open transfers themselves."""
        return store.registry(self.app)

    def _row(self, id_: object) -> Row:
        if not isinstance(id_, str) or not _ID.match(id_):
            raise UsageError(
                f"{echoed(id_)} is no transfer; their ids are xfr- and 12 hexadecimal digits.",
                fix="cleo nexus transfers",
            )
        row = transfers.one(self.db, id_)
        if row is None:
            raise NotFoundError(f"There is no transfer {id_}.", fix="cleo nexus transfers")
        return row

    def _ends(self, row: Row) -> tuple[Row, Row]:
        """Both projects of a transfer, which still allow it.

        :raises NexusError: 71, 72.
        """
        current = access.current_id(self.app)
        source = access.project(self.app, self.db, f"@{row['source_project_id']}")
        access.require(source, NEEDED[row["mode"]], current)
        target = access.project(self.app, self.db, f"@{row['target_project_id']}")
        access.require(target, "write", current)
        return source, target

    def _begun(self, wanted: Wanted, source: Row, target: Row, idempotency_key: str | None) -> str:
        """Put a transfer into the journal, or find the one that a key stands for; its id."""
        package: Package | None = None

        def begin(work: Work) -> str:
            if package is None:
                raise _NotPacked
            work.unit.check("nexus.transfer_source", [wanted.source])
            work.unit.check("nexus.transfer_target", [wanted.target])
            _refuse_held(work, wanted, package)
            row = {
                "id": f"xfr-{os.urandom(6).hex()}",
                "source": wanted.source,
                "target": wanted.target,
                "mode": wanted.mode,
                "package": package.text,
                "sha256": package.sha256,
                "actor": work.actor,
                "now": work.now,
            }
            transfers.add(work, row, wanted.options())
            return str(row["id"])

        def body(work: Work) -> str:
            work.about(wanted.source, source["project_hash"])
            id_ = work.unit.idempotent(
                "nexus transfer",
                idempotency_key,
                wanted.arguments(),
                lambda: begin(work),
                encode=str,
                decode=str,
            )
            work.note(transfer=id_, target=wanted.target, mode=wanted.mode)
            return id_

        if idempotency_key is None:
            package = packed(self.app, self.db, wanted, source, target)
        try:
            return self.write(body)
        except _NotPacked:
            package = packed(self.app, self.db, wanted, source, target)
            return self.write(body)

    def _preview(self, wanted: Wanted, source: Row, target: Row, package: Package) -> Transfer:
        """What a transfer would do."""
        from cleo_core import clock

        tried, now = package.tried, clock.now()
        return Transfer(
            id=None,
            state="planned",
            mode=wanted.mode,
            source=source["slug"],
            source_project_id=wanted.source,
            target=target["slug"],
            target_project_id=wanted.target,
            id_map=tried.id_map,
            skipped=to_json(tried.skipped),
            stripped=to_json(tried.stripped),
            steps=list(steps_of("planned", wanted.mode, wanted.options(), {})),
            error=None,
            created_by=self.app.actor,
            created_at=now,
            updated_at=now,
            dry_run=True,
        )

    def _record(self, id_: str) -> Transfer:
        row = self._row(id_)
        return Transfer.of(row, self._slugs([row]), dry_run=self.app.dry_run)

    def _slugs(self, rows: Iterable[Row]) -> dict[str, str]:
        ids = {row[end] for row in rows for end in ("source_project_id", "target_project_id")}
        found = [registry.by_id(self.db, id_) for id_ in sorted(ids)]
        return {row["project_id"]: row["slug"] for row in found if row is not None}

    @staticmethod
    def _require_going(row: Row) -> None:
        if row["state"] == "aborted":
            raise ValidationError(
                f"Transfer {row['id']} was aborted; nothing of it is to be done.",
                fix="cleo nexus transfer T001 --to PROJECT",
            )

    def _require_unarrived(self, row: Row) -> None:
        """Refuse to give up what has begun to arrive.

        :raises CleoError: 6; 7, 50 to 53, the target cannot say.
        """
        id_ = row["id"]
        arrived = row["state"] not in ("planned", "aborted")
        target = registry.by_id(self.db, row["target_project_id"])
        # It may have arrived without the journal knowing.
        if row["state"] == "planned" and target is not None:
            if not is_there(self.app, target):
                raise NexusError(
                    "E_INCOMPLETE",
                    f"Whether transfer {id_} has arrived cannot be found out: project "
                    f"{target['slug']} is not at {target['project_path']} any more.",
                    fix="cleo nexus scan",
                )
            arrived = Run(self, id_, target, target, None).has_arrived(row)
        if arrived:
            state = "is done" if row["state"] == "done" else "has arrived"
            raise ValidationError(
                f"Transfer {id_} {state} and cannot be aborted.",
                fix=f"cleo nexus transfer --resume {id_}",
            )


def _refuse_held(work: Work, wanted: Wanted, package: Package) -> None:
    """Refuse tasks that another transfer, which is open, takes along.

    :raises CleoError: 6, they are moved already, or would be moved before they have been copied.
    """
    ids = {str(record["id"]) for record in package.records if "id" in record}
    for row in transfers.open_from(work, wanted.source):
        if "move" not in (wanted.mode, row["mode"]):
            continue
        text, _ = transfers.package(work, row["id"])
        held = ids & {str(one["id"]) for one in json.loads(text)["records"] if "id" in one}
        if held:
            named = ", ".join(sorted(held)[:5])
            raise ValidationError(
                f"Transfer {row['id']} is not finished and has {named}.",
                fix=f"cleo nexus transfer --resume {row['id']}",
            )
