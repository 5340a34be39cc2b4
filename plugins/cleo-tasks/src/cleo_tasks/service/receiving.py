"""Making tasks of records that another project handed over, inside one unit.

Everything is decided and checked first, over ids of the project that they come from; then it is
written: phases, tasks with parents before children, what belongs to them, edges.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from cleo_core.database import Row as Columns
from cleo_core.errors import ValidationError
from cleo_core.inputs import without_user
from cleo_tasks.bulk_records import Imported, Skipped, Stripped
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.errors import TasksError
from cleo_tasks.ids import task_id
from cleo_tasks.importers.parcel import PROVIDER, Parcel, metadata_of
from cleo_tasks.importers.row import DEPENDENCY, PARENT, RELATION, Edge, Link, Row
from cleo_tasks.importers.writing import DEFAULTS, make_phases
from cleo_tasks.service import hierarchy
from cleo_tasks.service.adding import UNGIVEN
from cleo_tasks.service.entries import Bulk
from cleo_tasks.service.network import Network
from cleo_tasks.service.placing import type_there
from cleo_tasks.service.work import Work
from cleo_tasks.store import links, sequence, tasks, transfer

_KINDS = {DEPENDENCY: "dependency", RELATION: "relation", PARENT: "parent"}


class Wanted(NamedTuple):
    """How to receive; the words are those of ``import_records``."""

    link_type: str
    on_conflict: str
    on_missing: str
    parent: str | None


def receive(work: Work, parcel: Parcel, wanted: Wanted) -> Imported:
    """Make the tasks; see :meth:`cleo_tasks.service.package.PackageVerbs.import_records`."""
    return _Reception(work, parcel, wanted).receive()


class _Reception:
    def __init__(self, work: Work, parcel: Parcel, wanted: Wanted) -> None:
        self.work = work
        self.parcel = parcel
        self.wanted = wanted
        self.rows: dict[str, Row] = dict(parcel.rows)
        self.skipped: list[Skipped] = []
        #: Ids whose number is free here.
        self.kept: set[str] = set()
        #: Edges between rows that come along, and those that lose an end.
        self.edges: list[Edge] = []
        self.lost: list[Edge] = []
        self.parents: dict[str, str | None] = {}
        self.types: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self._spellings: dict[str, dict[str, str]] = {}

    def receive(self) -> Imported:
        """All steps."""
        self._settle_conflicts()
        self._sort_edges()
        order = self._parents_first()
        self._check_loops(order)
        self._place(order)
        if order:
            self._number(order)
            self._write(order)
        stripped = [
            Stripped(
                edge.source,
                self._shown(edge.source),
                _KINDS[edge.kind],
                edge.target,
                edge.type,
                edge.reason,
            )
            for edge in self.lost
        ]
        return Imported({key: self._shown(key) for key in self.rows}, self.skipped, stripped)

    # What comes along

    def _settle_conflicts(self) -> None:
        given = max(sequence.read(self.work))
        taken: list[str] = []
        linked: dict[str, str] = {}
        for key, row in self.rows.items():
            owner = None
            if self.wanted.link_type != "transferred":
                owner = self.work.one(
                    links.OWNER, provider=PROVIDER, external=self._external_id(key)
                )
            if owner is not None:
                linked[key] = owner["task_id"]
            elif (row.number or 0) <= given:
                taken.append(key)
            else:
                self.kept.add(key)
        if self.wanted.on_conflict == "fail" and (taken or linked):
            conflicts = [*linked, *taken]
            shown = ", ".join(conflicts[:5]) + (" …" if len(conflicts) > 5 else "")
            raise TasksError(
                "E_ID_COLLISION",
                f"{len(conflicts)} ids of the records are taken here: {shown}.",
                fix="the same command with --on-conflict remap (or skip)",
                details={"ids": conflicts[:100]},
            )
        # Another link to the same record would be refused, whatever the new task is called.
        for key, task in linked.items():
            self._leave_out(key, "linked here", task)
        if self.wanted.on_conflict == "skip":
            there = tasks.existing(self.work, taken)
            for key in taken:
                self._leave_out(key, "id taken", key if key in there else None)

    def _leave_out(self, key: str, reason: str, task: str | None) -> None:
        del self.rows[key]
        self.skipped.append(Skipped(key, reason, task))

    def _sort_edges(self) -> None:
        for key, row in self.rows.items():
            self.parents[key] = None
            for edge in row.edges:
                if edge.kind == PARENT and self.parents[key] is not None:
                    raise ValidationError(f"{key} has two parents.", id=key)
                if edge.kind == RELATION and edge.target == key:
                    raise ValidationError(f"{key} cannot be related to itself.", id=key)
                if edge.target not in self.rows:
                    left_behind = edge.kind == PARENT and edge.target not in self.parcel.rows
                    # Who names another parent does not miss the one that was never handed over.
                    if not left_behind or self.wanted.parent is None:
                        self.lost.append(edge)
                elif edge.kind == PARENT:
                    self.parents[key] = edge.target
                else:
                    self.edges.append(edge)
        if self.lost and self.wanted.on_missing == "fail":
            raise ValidationError(
                f"{len(self.lost)} edges of the records lead to tasks that do not come along.",
                fix="the same command with --on-missing strip",
                edges=[
                    {"id": edge.source, "kind": _KINDS[edge.kind], "target": edge.target}
                    for edge in self.lost[:20]
                ],
            )

    # Where it stands

    def _parents_first(self) -> list[str]:
        """The rows level by level, siblings as they stood; those in a loop of parents are last."""
        below: dict[str | None, list[str]] = {}
        for key, parent in self.parents.items():
            below.setdefault(parent, []).append(key)
        for children in below.values():
            children.sort(key=lambda key: (self.rows[key].columns["position"], _number(key)))
        order = list(below.get(None, ()))
        for key in order:
            order += below.get(key, ())
        reached = set(order)
        return [*order, *(key for key in self.rows if key not in reached)]

    def _check_loops(self, order: list[str]) -> None:
        number = {key: place for place, key in enumerate(order)}
        waits = [
            (number[edge.source], number[edge.target])
            for edge in self.edges
            if edge.kind == DEPENDENCY
        ]
        families = [(number[parent], number[key]) for key, parent in self.parents.items() if parent]
        network = Network(len(order), [*waits, *families])
        if network.levels()[1]:
            path = [order[node] for node in network.loops()[0][0]]
            raise TasksError(
                "E_CYCLE",
                f"These would wait for each other: {' → '.join(path)}.",
                fix=f"cleo deps show {path[0]}",
                details={"path": path},
            )

    def _place(self, order: list[str]) -> None:
        """Types and limits, as ``reparent`` has them."""
        work, above = self.work, self.wanted.parent
        outer = None if above is None else hierarchy.find_parent(work, above)
        heights = dict.fromkeys(order, 0)
        families: dict[str, list[str]] = {}
        top: list[str] = []
        for key in reversed(order):
            parent, status = self.parents[key], self.rows[key].columns["status"]
            if parent is None:
                top.append(status)
                continue
            heights[parent] = max(heights[parent], heights[key] + 1)
            families.setdefault(parent, []).append(status)
            self._require_open(key, parent)
        for key in order:
            self.types[key] = self._type(key, outer, heights[key])
        for parent, statuses in families.items():
            hierarchy.check_family(work, parent, statuses)
        if outer is not None:
            there = [one["status"] for one in work.read(tasks.CHILDREN, id=outer["id"])]
            hierarchy.check_family(work, outer["id"], [*there, *top])

    def _require_open(self, key: str, parent: str) -> None:
        status = self.rows[parent].columns["status"]
        if self.rows[key].columns["status"] in OPEN_STATUS and status not in OPEN_STATUS:
            raise TasksError(
                "E_PARENT_CLOSED",
                f"{key} is open and its parent {parent} is {status}.",
                fix=f"cleo reopen {parent}",
                details={"id": key, "parent": parent},
            )

    def _type(self, key: str, outer: Columns | None, height: int) -> str:
        type_: str = self.rows[key].columns["type"]
        parent = self.parents[key]
        if parent is None:
            place = {"id": key, "type": type_, "parent_id": self.wanted.parent}
            return type_there(self.work, place, outer, height, "the same command without --parent")
        there = {"id": parent, "type": self.types[parent]}
        hierarchy.check_type(type_, there, key, fix=f"cleo show {key}")
        return type_

    # Writing

    def _number(self, order: list[str]) -> None:
        """Ids here: those that are free are kept, the others come after all of them."""
        fresh = [key for key in order if key not in self.kept]
        highest = max((_number(key) for key in self.kept if key in self.rows), default=0)
        first = self.work.take_numbers(len(fresh), beyond=highest)
        self.ids = {key: key for key in order}
        self.ids |= {
            key: task_id(first + place) for place, key in enumerate(sorted(fresh, key=_number))
        }

    def _shown(self, key: str) -> str:
        """What a task is called here; a dry run gives no numbers away."""
        return UNGIVEN if self.work.app.dry_run and key not in self.kept else self.ids[key]

    def _write(self, order: list[str]) -> None:
        work = self.work
        phases = {
            slug: self.parcel.phases.get(slug, {"slug": slug, "name": name})
            for slug, name in (row.phase for row in self.rows.values() if row.phase)
        }
        make_phases(work, phases)
        values = {key: self._values(key) for key in order}
        self._settle_positions(order, values)
        holders = sorted({one["assignee"] for one in values.values() if one["assignee"]})
        if holders:
            work.unit.check("tasks.assignee", holders)
        transfer.insert_tasks(
            work,
            [
                {**one, **transfer.encoded(one), "seq": _number(one["id"])}
                for one in values.values()
            ],
        )
        self._write_belongings(values)
        waits = self._write_edges()
        work.bulk(
            Bulk(
                values[key]["id"],
                None,
                {**values[key], "labels": self.rows[key].labels, "depends_on": waits.get(key, [])},
                {"provider": PROVIDER, "externalId": self._external_id(key)},
            )
            for key in order
        )

    def _values(self, key: str) -> dict[str, Any]:
        """All columns of a new task but its position at the top."""
        row, columns = self.rows[key], self.rows[key].columns
        parent = self.parents[key]
        type_ = self.types[key]
        return {
            **DEFAULTS,
            **columns,
            "id": self.ids[key],
            "type": type_,
            "parent_id": self.wanted.parent if parent is None else self.ids[parent],
            "pipeline_stage": columns.get("pipeline_stage")
            or ("research" if type_ == "epic" else "implementation"),
            "metadata": metadata_of(row),
            "origin": "transferred" if self.wanted.link_type == "transferred" else "imported",
            "session_id": None,
        }

    def _settle_positions(self, order: list[str], values: dict[str, dict[str, Any]]) -> None:
        """What stands at the top of the records comes after what is there."""
        top = [key for key in order if self.parents[key] is None]
        last = hierarchy.place_last(self.work, self.wanted.parent)
        for place, key in enumerate(top, last):
            values[key]["position"] = place

    def _write_belongings(self, values: dict[str, dict[str, Any]]) -> None:
        """Labels, gate results and links."""
        work = self.work
        owned = [(self.rows[key], {"id": self.ids[key]}) for key in values]
        work.executemany(
            transfer.INSERT_LABEL,
            [{**owner, "label": label} for row, owner in owned for label in row.labels],
        )
        work.executemany(
            transfer.INSERT_GATE,
            [
                {
                    **gate._asdict(),
                    **owner,
                    "evidence": _json(gate.evidence),
                    "checked_at": gate.checked_at or work.now,
                }
                for row, owner in owned
                for gate in row.gates
            ],
        )
        work.executemany(transfer.INSERT_LINK, [self._link(key, values[key]) for key in values])
        work.executemany(
            transfer.INSERT_BROUGHT_LINK,
            [{**self._brought(link), **owner} for row, owner in owned for link in row.links],
        )

    def _link(self, key: str, values: dict[str, Any]) -> dict[str, Any]:
        """The link of a new task to what it was made of."""
        return {
            "id": values["id"],
            "provider": PROVIDER,
            "external_id": self._external_id(key),
            "url": None,
            "title": values["title"],
            "type": self.wanted.link_type,
            "direction": "inbound",
            "updated_at": values["updated_at"],
            "content_hash": self.parcel.hashes[key],
            "metadata": "{}",
            "linked_at": self.work.now,
            "last_sync_at": self.work.now,
        }

    def _brought(self, link: Link) -> dict[str, Any]:
        now = self.work.now
        if link.provider not in self._spellings:
            self._spellings[link.provider] = links.spellings(self.work, link.provider)
        folded = links.folded(link.provider, link.external_id)
        return {
            **link._asdict(),
            "external_id": self._spellings[link.provider].get(folded, folded),
            "url": None if link.url is None else without_user(link.url),
            "metadata": _json(link.metadata),
            "linked_at": link.linked_at or now,
            # Without it a link that an import made would seem to wait for the rest of that import.
            "last_sync_at": link.last_sync_at or (now if link.type == "created" else None),
        }

    def _write_edges(self) -> dict[str, list[str]]:
        """Dependencies and relations; returns what each row waits for, as it is called here."""
        work = self.work
        waits: dict[str, list[str]] = {}
        dependencies, relations = [], []
        for edge in self.edges:
            ends = {"id": self.ids[edge.source], "at": edge.at or work.now}
            target = self.ids[edge.target]
            if edge.kind == RELATION:
                more = {"related_to": target, "type": edge.type, "reason": edge.reason}
                relations.append({**ends, **more})
            elif target not in waits.setdefault(edge.source, []):
                waits[edge.source].append(target)
                dependencies.append({**ends, "depends_on": target, "by": edge.by})
        work.executemany(transfer.INSERT_DEPENDENCY, dependencies)
        work.executemany(transfer.INSERT_RELATION, relations)
        return waits

    def _external_id(self, key: str) -> str:
        return f"{self.parcel.project}:{key}"


def _number(key: str) -> int:
    return int(key[1:])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
