"""One unit that brings the stored decisions to what their files say.

Rows first, then edges as a set difference, so that the order of files does not matter. What was
linked by hand is never touched. Nothing is read from the disk here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from cleo_core.database import Row
from cleo_tasks.adr_ids import adr_id
from cleo_tasks.adr_records import AdrSync, AdrWarning
from cleo_tasks.service import adr_edges
from cleo_tasks.service.adr_edges import Edge, Link
from cleo_tasks.service.adr_files import Document, Tree
from cleo_tasks.service.adr_text import Header, read_header
from cleo_tasks.service.work import Work
from cleo_tasks.store import adr_links, adrs, manifest_entries, tasks

#: What an edge that a file says is marked with.
FILE = "file"
#: Missing targets of one line that a warning names.
SHOWN = 50

E = TypeVar("E", Edge, Link)


def sync(work: Work, tree: Tree, *, actions: Mapping[str, str] | None = None) -> AdrSync:
    """Bring rows and edges to what the files of a tree say.

    :param actions: id -> what the audit calls its change instead of the verb.
    :raises TasksError: ``E_CYCLE`` (14), decisions would supersede each other; nothing is written.
    """
    return _Sync(work, tree, actions or {}).run()


def settle_status(work: Work, id_: str) -> None:
    """Give one decision the status that its text and the relations to it make together."""
    row = adrs.row(work, id_)
    if row is None:
        return
    superseded = any(
        edge["to_adr_id"] == id_ and edge["relation_type"] == "supersedes"
        for edge in adrs.relations_of(work, id_)
    )
    status = "superseded" if superseded else read_header(row["content"]).status
    change(work, row, {"status": status})


def change(work: Work, row: Row, values: Mapping[str, Any], action: str | None = None) -> bool:
    """Change columns of a decision and note it; returns whether any really changed."""
    changed = {name: value for name, value in values.items() if row[name] != value}
    if not changed:
        return False
    before = {name: row[name] for name in changed}
    if "content" in changed and before["content"] is None:
        found = adrs.row(work, row["id"])
        before["content"] = found["content"] if found else None
    adrs.update(work, row["id"], {**changed, "updated_at": work.now})
    work.note("adr", row["id"], before, changed, action=action)
    row.update(changed, updated_at=work.now)
    return True


class _Sync:
    def __init__(self, work: Work, tree: Tree, actions: Mapping[str, str]) -> None:
        self._work = work
        self._tree = tree
        self._actions = actions
        self._documents = {one.id: one for one in tree.documents}
        self._rows = adrs.every(work)
        # Content is compared by its hash and loaded only where it is needed.
        for row in self._rows.values():
            row["content"] = None
        self._unread = {adr_id(number) for number in tree.unread}
        self._known = {*self._rows, *self._documents}
        self._warnings: list[AdrWarning] = []
        self._changed: set[str] = set()

    def run(self) -> AdrSync:
        relations, links = self._edges()
        superseded = self._superseded(relations)
        created, restored, removed = self._write_rows(superseded)
        relation_counts = self._write_relations(relations)
        link_counts = self._write_links(links)
        updated = [
            id_
            for id_ in self._documents
            if id_ in self._changed and id_ not in created and id_ not in restored
        ]
        told = len(created) + len(updated) + len(restored)
        return AdrSync(
            files=len(self._documents),
            created=created,
            updated=sorted(updated, key=_number),
            restored=restored,
            unchanged=len(self._documents) - told,
            removed=removed,
            unread=sorted(self._unread, key=_number),
            relations_added=relation_counts[0],
            relations_removed=relation_counts[1],
            links_added=link_counts[0],
            links_removed=link_counts[1],
            warnings=sorted(self._warnings, key=lambda one: (one.file, one.line)),
        )

    # What the files say

    def _edges(self) -> tuple[dict[Edge, str], dict[Link, str]]:
        """The edges whose ends are there, each with the file and line that says it."""
        for path, finding in self._tree.findings:
            self._warn(path, finding.line, finding.code, finding.message)
        claimed = [
            (id_, path, header, names)
            for id_, path, header in self._speaking()
            for names in header.names
        ]
        wanted = {task for _, _, _, names in claimed for task in names.tasks}
        there = tasks.existing(self._work, sorted(wanted))
        relations: dict[Edge, str] = {}
        links: dict[Link, str] = {}
        for id_, path, _, names in claimed:
            missing = [one for one in names.adrs if one not in self._known]
            missing += [one for one in names.tasks if one not in there]
            if missing:
                more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
                said = ", ".join(missing[:SHOWN]) + more
                self._warn(path, names.line, "W_ADR_TARGET", f"there is no {said} yet")
            place = f"{path}:{names.line}"
            for edge in adr_edges.named(id_, names):
                if edge.owner == edge.to_adr and edge.type != "supersedes":
                    self._warn(path, names.line, "W_ADR_TARGET", f"{id_} names itself")
                elif edge.owner in self._known and edge.to_adr in self._known:
                    relations.setdefault(edge, place)
            for task in names.tasks:
                if task in there:
                    links.setdefault(Link(id_, task, "related"), place)
        return relations, links

    def _speaking(self) -> Iterator[tuple[str, str, Header]]:
        """Every decision whose file is there; of one that could not be read, what it said last."""
        for id_, one in self._documents.items():
            for finding in one.header.findings:
                self._warn(one.path, finding.line, finding.code, finding.message)
            yield id_, one.path, one.header
        for id_ in sorted(self._unread & self._rows.keys()):
            row = self._rows[id_]
            yield id_, row["file_path"] or id_, self._stored_header(id_)

    def _superseded(self, relations: Mapping[Edge, str]) -> set[str]:
        """The decisions that another one supersedes, by file or by hand."""
        manual = {
            Edge(row["from_adr_id"], row["to_adr_id"], row["relation_type"])
            for row in adrs.relations(self._work)
            if row["source"] != FILE
        }
        edges = {*relations, *manual}
        adr_edges.require_no_loop(edges, relations)
        return {edge.to_adr for edge in edges if edge.type == "supersedes"}

    # Rows

    def _write_rows(self, superseded: set[str]) -> tuple[list[str], list[str], list[str]]:
        entries = manifest_entries.existing(
            self._work,
            [one.header.consensus for one in self._documents.values() if one.header.consensus],
        )
        created, restored = [], []
        for id_, one in sorted(self._documents.items(), key=lambda item: item[1].number):
            values = self._columns(one, superseded, entries)
            row = self._rows.get(id_)
            if row is None:
                created.append(id_)
                self._create(id_, values)
                continue
            if row["removed_at"] is not None:
                restored.append(id_)
            if row["content_hash"] == one.sha256:
                del values["content"]
            elif row["status"] == "accepted":
                self._warn(
                    one.path,
                    1,
                    "W_ADR_CHANGED",
                    f"the text of {id_}, which was accepted, has changed: "
                    f"{row['content_hash']} was stored, {one.sha256} is here",
                )
            if change(self._work, row, values, self._actions.get(id_)):
                self._changed.add(id_)
        return created, restored, self._take_leave(superseded)

    def _columns(self, one: Document, superseded: set[str], entries: set[str]) -> dict[str, Any]:
        header = one.header
        status = "superseded" if one.id in superseded else header.status
        line = header.lines.get("status", header.title_line)
        if status != header.status:
            self._warn(
                one.path,
                line,
                "W_ADR_STATUS",
                f"{one.id} is superseded, and its file says {header.status}",
            )
        elif status == "superseded" and one.id not in superseded:
            self._warn(
                one.path, line, "W_ADR_STATUS", f"{one.id} is superseded, and nothing says by which"
            )
        consensus = header.consensus
        if consensus is not None and consensus not in entries:
            self._warn(
                one.path,
                header.lines["consensus"],
                "W_ADR_TARGET",
                f"there is no manifest entry {consensus[:80]} yet",
            )
            consensus = None
        return {
            "title": header.title,
            "content": one.content,
            "content_hash": one.sha256,
            "status": status,
            "date": header.date,
            "accepted_at": header.accepted_at,
            "consensus_manifest_id": consensus,
            "gate": header.gate,
            "gate_status": header.gate_status,
            "file_path": one.path,
            "summary": header.summary,
            "keywords": header.keywords,
            "topics": header.topics,
            "removed_at": None,
        }

    def _create(self, id_: str, values: Mapping[str, Any]) -> None:
        now = self._work.now
        row = {
            "id": id_,
            "number": self._documents[id_].number,
            **values,
            "created_at": now,
            "updated_at": now,
        }
        adrs.insert(self._work, row)
        self._work.note("adr", id_, None, row, action=self._actions.get(id_))
        self._rows[id_] = row

    def _take_leave(self, superseded: set[str]) -> list[str]:
        """Mark the decisions whose file is gone; their status still follows the relations."""
        gone = []
        for id_, row in self._rows.items():
            if id_ in self._documents:
                continue
            values: dict[str, Any] = {}
            if id_ in superseded:
                values["status"] = "superseded"
            elif row["status"] == "superseded":
                values["status"] = self._stored_header(id_).status
            if id_ not in self._unread and row["removed_at"] is None:
                values["removed_at"] = self._work.now
                gone.append(id_)
            change(self._work, row, values)
        return gone

    # Edges

    def _write_relations(self, wanted: Mapping[Edge, str]) -> tuple[int, int]:
        stored = {
            Edge(row["from_adr_id"], row["to_adr_id"], row["relation_type"]): row["source"]
            for row in adrs.relations(self._work)
        }
        new, old = _difference(stored, wanted)
        for edge in new:
            adrs.add_relation(self._work, *edge, source=FILE)
        for edge in old:
            adrs.remove_relation(self._work, *edge, source=FILE)
        self._note_edges("relations", stored, new, old)
        return len(new), len(old)

    def _write_links(self, wanted: Mapping[Link, str]) -> tuple[int, int]:
        stored = {
            Link(row["adr_id"], row["task_id"], row["link_type"]): row["source"]
            for row in adrs.links(self._work)
        }
        new, old = _difference(stored, wanted)
        for link in new:
            adr_links.add(self._work, *link, source=FILE, now=self._work.now)
        for link in old:
            adrs.remove_link(self._work, *link, source=FILE)
        self._note_edges("tasks", stored, new, old)
        return len(new), len(old)

    def _note_edges(
        self,
        name: str,
        stored: Iterable[Edge | Link],
        new: Collection[Edge | Link],
        old: Collection[Edge | Link],
    ) -> None:
        before = adr_edges.by_owner(stored)
        after = adr_edges.by_owner({*stored, *new}.difference(old))
        for id_ in sorted({edge.owner for edge in (*new, *old)}, key=_number):
            adr_edges.note(
                self._work,
                self._rows[id_],
                name,
                before.get(id_, []),
                after.get(id_, []),
                self._actions.get(id_),
            )
            self._changed.add(id_)

    def _stored_header(self, id_: str) -> Header:
        row = adrs.row(self._work, id_)
        return read_header(row["content"] if row else "")

    def _warn(self, path: str, line: int, code: str, message: str) -> None:
        self._warnings.append(AdrWarning(path, line, code, message))


def _difference(stored: Mapping[E, str], wanted: Iterable[E]) -> tuple[list[E], list[E]]:
    """The edges that only the files say, and those that no file says any more."""
    new = [edge for edge in wanted if edge not in stored]
    kept = set(wanted)
    return new, [edge for edge, source in stored.items() if source == FILE and edge not in kept]


def _number(id_: str) -> int:
    return int(id_.partition("-")[2])
