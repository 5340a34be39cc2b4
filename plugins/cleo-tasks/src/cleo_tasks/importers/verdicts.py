"""What is to be done about one record and its task: looked at without writing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core.database import Backend, Row
from cleo_tasks.importers import agreed
from cleo_tasks.importers.agreement import CONFLICT, IN, Case, Difference, limited
from cleo_tasks.importers.plan import ACCEPTED, KEPT
from cleo_tasks.importers.row import DEPENDENCY, PARENT
from cleo_tasks.importers.updating import merged, takes_over
from cleo_tasks.store import links, tasks

if TYPE_CHECKING:
    from cleo_tasks.importers.reconciling import Reconcile


class Verdict(NamedTuple):
    """What is to be done about one record.

    :param seen: columns of the link that say what the record was when last seen.
    :param labels: to be added; ``notes`` and ``metadata``: what they become, None where they stay.
    :param holder: whether a holder takes over; ``edges``: whether any are to be added.
    :param reason: why nothing is done, if so.
    """

    reason: str
    changes: Mapping[str, Difference] = {}
    seen: Mapping[str, Any] = {}
    labels: Sequence[str] = ()
    notes: list[dict[str, Any]] | None = None
    metadata: dict[str, Any] | None = None
    holder: bool = False
    edges: bool = False

    def of(self, *sides: str) -> dict[str, Difference]:
        """The differences in which one of these sides is to change."""
        return {name: one for name, one in self.changes.items() if one.side in sides}

    @property
    def changes_task(self) -> bool:
        """Whether the task is to change."""
        more = self.labels or self.notes or self.metadata or self.holder or self.edges
        return bool(self.of(IN) or more)

    @property
    def writes(self) -> bool:
        """Whether anything is to be written."""
        return not self.of(CONFLICT) and bool(self.changes_task or self.seen)


def look(run: Reconcile, db: Backend, body: dict[str, Any]) -> tuple[Verdict, Row]:
    """What is to be done about a record, and its task.

    :raises CleoError: ``E_CONCURRENT_MODIFICATION``, task or link vanished meanwhile.
    """
    row = tasks.row(db, run.task_at(body["row"]))
    link = links.owner(db, run.provider, run.external_id(body["key"]))
    if row is None or link is None:
        raise run.overtaken("a link or its task is gone")
    if row["status"] == "archived":
        gone = "deleted" if row["archive_reason"] == "deleted" else "archived"
        return Verdict(f"{gone} here"), row
    columns = {name: value for name, value in body["columns"].items() if name not in body["unsaid"]}
    case = Case(
        run.policy,
        run.importer.SAYS,
        link,
        row,
        columns,
        body["status"],
        body["hash"],
        columns.get("updated_at"),
        agreed.of(link["metadata"]),
    )
    found = case.differences()
    outward = link["sync_direction"] == "outbound"
    edges = not outward and _has_edges(run, case, body)
    noted = seen(run, link, body)
    verdict = Verdict(
        "kept here" if found else "noted" if noted else "unchanged",
        limited(found, link["sync_direction"]),
        noted,
        edges=edges,
    )
    if outward:
        return verdict, row
    return (_more(run, db, case, verdict, body) if case.changed_outside else verdict), row


def _more(
    run: Reconcile, db: Backend, case: Case, verdict: Verdict, body: dict[str, Any]
) -> Verdict:
    """What a changed record brings beside the columns that the two are compared by."""
    row, columns = case.task, body["columns"]
    has = tasks.labels(db, row["id"])
    labels = [one for one in body["labels"] if one not in has]
    gone = case.removed_labels(labels)
    notes = [one for one in columns.get("notes", ()) if one not in row["notes"]]
    metadata = merged(row["metadata"], run.metadata(body))
    return verdict._replace(
        labels=[one for one in labels if one not in gone],
        notes=[*row["notes"], *notes] if notes else None,
        metadata=metadata if metadata != row["metadata"] else None,
        holder=takes_over(row, columns, case.link["metadata"]),
    )


def seen(run: Reconcile, link: Row, body: dict[str, Any]) -> dict[str, Any]:
    """What the link does not say yet of the record as it is."""
    columns, metadata = body["columns"], link["metadata"]
    known = {agreed.KEY: agreed.renewed(run, agreed.of(metadata), body).stored()}
    if link["content_hash"] != body["hash"]:
        # Else its status may have been another one here from the beginning.
        known |= {"status": body["status"], "assignee": columns.get("assignee")}
    now: dict[str, Any] = {
        "external_title": columns["title"],
        "content_hash": body["hash"],
        "metadata": {**metadata, **known},
    }
    if body["url"] is not None:
        now["external_url"] = body["url"]
    if "updated_at" not in body["unsaid"]:
        now["external_updated_at"] = columns["updated_at"]
    return {name: value for name, value in now.items() if link[name] != value}


def _has_edges(run: Reconcile, case: Case, body: dict[str, Any]) -> bool:
    """Whether a record says edges that are to be added.

    A place that was changed here, and dependencies that were removed here, stay so unless the
    policy gives way.
    """
    state = run.plan.edge_state
    wanted = [one for one in agreed.own_edges(run, body) if state[one[0]] == ACCEPTED]
    for index, kind, key in wanted:
        if (kind == PARENT and case.keeps_place) or (kind == DEPENDENCY and case.removed_wait(key)):
            state[index] = KEPT
    return any(state[index] == ACCEPTED for index, *_ in wanted)
