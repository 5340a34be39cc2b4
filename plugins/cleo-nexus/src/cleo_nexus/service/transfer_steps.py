"""The steps of a transfer, each a unit in one file and then the journal's new state.

Every step can be repeated: who finds a transfer in some state does the step after it, whether or
not that was done before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core import clock
from cleo_core.errors import CleoError, NotFoundError, ValidationError, shortened
from cleo_core.output import to_json
from cleo_core.paths.files import quoted
from cleo_core.redaction import redact
from cleo_core.units import KEY_LIFETIME
from cleo_nexus.errors import NexusError
from cleo_nexus.records.transfers import STEPS
from cleo_nexus.service.elsewhere import OPEN, opened
from cleo_nexus.service.enforcing import Targets, enforce, warn
from cleo_nexus.service.repointing import Repointing
from cleo_nexus.service.transfer_plan import sha256_of, working
from cleo_nexus.store import edges, transfers

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Row
    from cleo_nexus.service.transferring import TransferVerbs
    from cleo_nexus.service.work import Work

#: Told how far a transfer is: what is counted, how much of it is done, and of how much.
Progress = Callable[[str, int, int | None], None]
#: Exits with which the tasks service refuses what it is given: trying again is of no use.
_REFUSED = frozenset({2, 4, 6, 10, 11, 12, 13, 14, 16, 22, 83})
#: Seconds before a key runs out from which on it is not relied on any more.
_MARGIN = 24 * 3600.0
#: Links that are read at most; a file has no more.
_ALL = 2**31 - 1
#: Characters of a message that the journal keeps at most.
_LONGEST = 300


class Run:
    """A transfer that goes on.

    :param id_: which.
    :param source: the row of the project that the tasks come from; ``target`` likewise.
    :param resumed: whether it was begun by another command, some time ago.
    :param progress: told how far it is.
    """

    def __init__(
        self,
        verbs: TransferVerbs,
        id_: str,
        source: Row,
        target: Row,
        current: str | None,
        *,
        resumed: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.verbs = verbs
        self.app = verbs.app
        self.id = id_
        self.source = source
        self.target = target
        self.current = current
        self.resumed = resumed
        self.progress: Progress = progress or (lambda what, done, total: None)
        self._answer: Any = None

    def go(self) -> None:
        """Do every step that is left.

        :raises NexusError: 74, one could not be done now.
        :raises CleoError: the target refuses the tasks; the transfer is aborted.
        """
        while True:
            row = self.row()
            order = STEPS[row["mode"]]
            if row["state"] not in order[:-1]:
                return
            done = order.index(row["state"]) + 1
            step = order[done]
            self.progress("steps", done, len(order))
            do: Callable[[Row], None] = getattr(self, f"_{step}")
            try:
                do(row)
            except CleoError as error:
                raise self._stopped(row, step, error) from error

    def row(self) -> Row:
        """The transfer as the journal has it now."""
        row = transfers.one(self.verbs.db, self.id)
        assert row is not None
        return row

    def has_arrived(self, row: Row) -> bool:
        """Whether the target has the tasks, which the journal may not know; nothing is written.

        :raises CleoError: 3, 7, 50 to 53, it cannot be asked.
        """
        with working(self.app, self.target) as there, there.dry_running():
            try:
                self._receive(row, there)
            except CleoError as error:
                if error.exit not in _REFUSED:
                    raise
                return False
            return there.replayed

    # Steps

    def _imported(self, row: Row) -> None:
        found = self._import(row)
        kept = {"skipped": to_json(found.skipped), "stripped": to_json(found.stripped)}
        self._advance(row, "imported", {"imported": kept})

    def _mapped(self, row: Row) -> None:
        self._advance(row, "mapped", id_map=self._import(row).id_map)

    def _linked(self, row: Row) -> None:
        ids = _ids(row)
        with working(self.app, self.source) as there:
            tasks = there.service("tasks")
            found = tasks.features(list(ids))
            for number, feature in enumerate(found):
                self.progress("links", number, len(found))
                tasks.link_add(
                    feature.id,
                    f"{row['target_project_id']}:{ids[feature.id]}",
                    "nexus",
                    "transferred",
                    "outbound",
                )
        if row["mode"] == "copy":
            # A copy waits for nothing elsewhere, whatever the original is blocked for.
            self._enforce({row["target_project_id"]: list(ids.values())})
        self._advance(row, "linked")

    def _repointed(self, row: Row) -> None:
        with opened(self.app, self.source) as there:
            # Before anything is renamed that would have to wait for them.
            _require_whole(there.service("tasks"), _ids(row))
        kept = self._repoint(row)
        self._advance(row, "repointed", {"repointed": kept})

    def _archived(self, row: Row) -> None:
        ids, db, project = _ids(row), self.verbs.db, row["source_project_id"]
        if edges.into(db, project, ids) or edges.out_of(db, project, ids):
            # What was tied to the old names since then would keep them from being put away.
            self._repoint(row)
        self._require_arrived(ids)
        with working(self.app, self.source) as there:
            tasks = there.service("tasks")
            self._require_unmoved(row, ids, tasks)
            _require_whole(tasks, ids)
            moved = [feature.id for feature in tasks.features(list(ids))]
            if moved:
                self._warn_of_changes(tasks.show(*moved))
            if moved:
                tasks.archive_transferred(
                    {id_: f"{row['target_project_id']}:{ids[id_]}" for id_ in moved},
                    {id_: f"Transferred to {self.target['slug']}:{ids[id_]}" for id_ in moved},
                )
        self._advance(row, "archived")

    def _require_arrived(self, ids: Mapping[str, str]) -> None:
        """Refuse to put tasks away that the target has not, or has no more.

        :raises NotFoundError: 4, it has not.
        """
        with working(self.app, self.target) as there:
            found = {feature.id for feature in there.service("tasks").features(list(ids.values()))}
        missing = sorted(set(ids.values()) - found)
        if missing:
            raise NotFoundError(
                f"Project {self.target['slug']} does not have {', '.join(missing[:5])} any more.",
                fix=f"cleo nexus transfers --project {quoted(self.source['project_path'])}",
            )

    def _require_unmoved(self, row: Row, ids: Mapping[str, str], tasks: Any) -> None:
        """Refuse to go on with tasks that went somewhere else meanwhile.

        :raises ValidationError: 6, they did.
        """
        here = f"Transferred to {self.target['slug']}:"
        for feature in tasks.features(list(ids)):
            if feature.status != "archived":
                continue
            (task,) = tasks.show(feature.id)
            said = [str(note) for note in (getattr(task, "notes", None) or ())]
            away = [text for text in said if "Transferred to " in text]
            if away and not any(here in text for text in away):
                raise ValidationError(
                    f"{feature.id} was taken elsewhere meanwhile; {self.target['slug']} has "
                    f"{ids[feature.id]} as well.",
                    fix=f"cleo cancel {ids[feature.id]} --project "
                    f"{quoted(self.target['project_path'])}",
                )

    def _done(self, row: Row) -> None:
        steps = {}
        if json.loads(row["options"])["withBrain"]:
            steps["brain"] = self._remember(row)
        self._advance(row, "done", steps)

    # What they consist of

    def _import(self, row: Row) -> Any:
        """What the target made of the package; a repeat gives the first answer again."""
        if self._answer is None:
            with working(self.app, self.target) as there:
                self._answer = self._receive(row, there)
        return self._answer

    def _receive(self, row: Row, there: App) -> Any:
        text, sha256 = transfers.package(self.verbs.db, self.id)
        if sha256_of(text) != sha256:
            raise ValidationError(
                f"The package of transfer {self.id} is not what was stored.",
                fix=f"cleo nexus transfer --abort {self.id}",
            )
        package, options = json.loads(text), json.loads(row["options"])
        if clock.seconds() > clock.parse_time(row["created_at"]) + KEY_LIFETIME - _MARGIN:
            found = _found_again(row, there.service("tasks"), package)
            if found is not None:
                there.replayed = True
                return found
        return there.service("tasks").import_records(
            package["records"],
            link_type="transferred",
            on_conflict=options["onConflict"],
            on_missing=options["onMissing"],
            parent=options["parent"],
            idempotency_key=self.id,
        )

    def _warn_of_changes(self, found: Iterable[Any]) -> None:
        """Say which tasks were worked on after they had been taken along."""
        records = json.loads(transfers.package(self.verbs.db, self.id)[0])["records"]
        taken = {one["id"]: one["version"] for one in records if one.get("record") == "task"}
        changed = [one.id for one in found if one.version != taken[one.id]]
        if changed:
            self.app.warn(
                "W_TRANSFER_CHANGED",
                f"Changed after they were taken along, and archived as they are now: "
                f"{', '.join(changed[:10])}{' …' if len(changed) > 10 else ''}.",
                ids=changed[:100],
            )

    def _repoint(self, row: Row) -> dict[str, Any]:
        options = json.loads(row["options"])
        strip = options["onMissing"] == "strip"
        ids = _ids(row)
        found = Repointing(self, row, ids, strip=strip).run()
        self._enforce(self._waiting(row, list(ids.values())))
        for text in found.lost:
            self.app.warn("W_TRANSFER_EDGE_LOST", f"Transfer {self.id}: {text}")
        return found.kept()

    def _waiting(self, row: Row, moved: list[str]) -> dict[str, list[str]]:
        """Project -> tasks that may be held by what moved, or are what moved.

        The reasons of some name tasks by their old names, and some wait inside their project now.
        It goes by what there is, so that a repeat finds them, too.
        """
        project = row["target_project_id"]
        with opened(self.app, self.target) as there:
            held = there.service("tasks").edges().held()
        found = {project: [*moved, *(task for one in moved for task in held.get(one, ()))]}
        for edge in edges.into(self.verbs.db, project, moved):
            found.setdefault(edge["source_project_id"], []).append(edge["source_task_id"])
        return {one: list(dict.fromkeys(tasks)) for one, tasks in found.items()}

    def _enforce(self, affected: Mapping[str, list[str]]) -> None:
        """Hold and release tasks by what they wait for now; later is early enough."""
        targets = Targets(self.app, self.verbs.db, self.current)
        for project, tasks in affected.items():
            warn(self.app, targets.row(project), enforce(targets, project, tasks))

    def _remember(self, row: Row) -> dict[str, Any]:
        """Copy what the source's memory has of the tasks; the transfer does not fail with it."""
        ids = _ids(row)
        try:
            with opened(self.app, self.source) as there:
                records = there.service("brain").export_records(list(ids))
            count = 0
            if records:
                with working(self.app, self.target) as there:
                    there.service("brain").import_records(records, ids, self.id)
                count = len(records)
        except CleoError as error:
            if error.code == "E_NOT_INITIALIZED":
                return {"outcome": "skipped", "message": "The source has no memory."}
            return {"outcome": "failed", "message": said(error.message)}
        except Exception as error:  # another plugin fails as it likes
            return {"outcome": "failed", "message": said(f"{type(error).__name__}: {error}")}
        return {"outcome": "done", "message": f"{count} memories", "count": count}

    def _advance(
        self,
        row: Row,
        state: str,
        steps: Mapping[str, Any] | None = None,
        *,
        id_map: Mapping[str, str] | None = None,
    ) -> None:
        def body(work: Work) -> None:
            if not transfers.advance(
                work, self.id, row["state"], state, work.now, steps=steps, id_map=id_map
            ):
                raise CleoError(
                    "E_CONCURRENT_MODIFICATION",
                    f"Transfer {self.id} is not {row['state']} any more.",
                    fix="cleo nexus transfers",
                )

        self.verbs.write(body, audited=False)

    def _stopped(self, row: Row, step: str, error: CleoError) -> CleoError:
        """What a step's failure means for the transfer, which is noted in the journal."""
        over = row["state"] == "planned" and step == "imported" and error.exit in _REFUSED
        state = "aborted" if over else row["state"]

        def body(work: Work) -> None:
            transfers.advance(
                work, self.id, row["state"], state, work.now, error=said(error.message)
            )

        try:
            self.verbs.write(body, audited=False)
        except CleoError:
            # The state before the step stands, so that it is repeated.
            over = False
        if over:
            return error
        resume = f"cleo nexus transfer --resume {self.id}"
        # What was refused is refused again until its cause is gone.
        refused = error.exit in _REFUSED and error.fix.startswith("cleo ")
        return NexusError(
            "E_INCOMPLETE",
            f"Transfer {self.id} is {row['state']} and could not become {step}: {error.message}"
            + (f" Then `{resume}` goes on with it." if refused else ""),
            fix=error.fix if refused else resume,
            details={
                "transfer": self.id,
                "state": row["state"],
                "step": step,
                "cause": error.code,
                "causeFix": error.fix,
            },
        )


def _require_whole(tasks: Any, ids: Mapping[str, str]) -> None:
    """Refuse to move tasks below which others were put that were not taken along.

    :raises NexusError: 16, they would lose their parents.
    """
    graph = tasks.edges()
    waited = {
        one
        for id_ in ids
        if graph.statuses.get(id_, "archived") != "archived"
        for one in graph.waits.get(id_, ())
        if one not in ids and graph.statuses[one] in OPEN
    }
    left = [one for one in tasks.show(*sorted(waited)) if one.parent_id in ids] if waited else []
    if left:
        named = [one.id for one in left]
        raise NexusError(
            "E_HAS_CHILDREN",
            f"{', '.join(named[:5])} came below {left[0].parent_id} after that was taken along.",
            fix=f"cleo reparent {named[0]} --to root",
            details={"id": left[0].parent_id, "children": named[:100]},
        )


class _Found(NamedTuple):
    """What an import has made, as far as that can still be found out."""

    id_map: dict[str, str]
    skipped: tuple[()] = ()
    stripped: tuple[()] = ()


def _found_again(row: Row, tasks: Any, package: Mapping[str, Any]) -> _Found | None:
    """What an import has made whose key may have run out, by the links that it left."""
    links, _ = tasks.link_list(
        provider="nexus", type="transferred", direction="inbound", limit=_ALL
    )
    names = {
        f"{package['projectId']}:{record['id']}": record["id"]
        for record in package["records"]
        if record.get("record") == "task"
    }
    found: dict[str, str] = {}
    for link in links:
        if link.external_id in names and link.linked_at >= row["created_at"]:
            # A later transfer of the same tasks leaves links of its own, after these.
            found.setdefault(names[link.external_id], link.task_id)
    return _Found(found) if found else None


def said(message: str) -> str:
    """A message as the journal keeps it."""
    return shortened(redact(message), _LONGEST)


def _ids(row: Row) -> dict[str, str]:
    found: dict[str, str] = json.loads(row["id_map"])
    return found
