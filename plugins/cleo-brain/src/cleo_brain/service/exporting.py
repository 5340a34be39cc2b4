"""``export``: entries as JSON lines that ``import`` takes back, or as Markdown."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import IO, TYPE_CHECKING, Any

from cleo_brain.enums import KIND
from cleo_brain.service import fields, filtering, rendering
from cleo_brain.service.work import Verbs
from cleo_brain.store import entries, graph, search
from cleo_core import clock
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.output import camel
from cleo_core.paths import atomic_file
from cleo_core.paths.outputs import check_output

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

#: Entries that are read at once.
BLOCK = 500
FORMATS = ("jsonl", "markdown")
HEADER = {"format": "cleo-brain", "version": 1}
_HEADINGS = {
    "decision": "Decisions",
    "pattern": "Patterns",
    "learning": "Learnings",
    "observation": "Observations",
    "sticky": "Sticky notes",
}
#: Columns of ``brain_entries`` that are written; the others are computed from these.
_COLUMNS = (
    *("id", "kind", "origin", "thread", "agent", "tier", "tier_changed_at", "tier_reason"),
    *("verified", "verified_by", "verified_at", "source_confidence", "uses", "last_used_at"),
    *("seen", "last_seen_at", "summary_id", "invalid_at", "invalid_reason", "created_at"),
    "updated_at",
)
_BOOLEANS = ("verified", "title_derived", "actionable")
#: Line ends of Unicode that JSON allows inside texts.
_BREAKS = ("\x85", "\u2028", "\u2029")


@record
class Exported(Declared):
    """What was written; ``path`` is None for a stream."""

    path: str | None
    entries: int
    bytes: int


class ExportVerbs(Verbs):
    """``export`` and ``export_records``."""

    def export(
        self,
        path: str | None = None,
        *,
        format: str = "jsonl",
        force: bool = False,
        stream: IO[bytes] | None = None,
        **filters: Any,
    ) -> Exported:
        """Write entries by ``seq``, withdrawn ones too unless a filter says what is wanted.

        :param path: the file; never one of CLEO's own.
        :param format: ``jsonl`` or ``markdown``.
        :param force: replace a file that is there, in one step.
        :param stream: where to write instead of to a file.
        :param filters: those of :meth:`find`.
        :raises CleoError: 3, the file cannot be written; 2, a value is not valid.
        """
        word = fields.word(format, FORMATS, "format")
        if stream is None:
            path = fields.text(path, "path") if path is not None else f"memory.{word}"
            check_output(
                path,
                project_directory=self.app.project.directory,
                env=self.app.env,
                force=force,
            )
            path = os.path.abspath(path)
        else:
            path = None
        target: AbstractContextManager[IO[bytes]]
        if self.app.dry_run and path is not None:
            target = open(os.devnull, "wb")  # noqa: SIM115 - closed by the block
        elif path is not None:
            target = atomic_file(path)
        else:
            target = nullcontext(stream)  # type: ignore[arg-type]
        size = 0
        with target as file, self.db.snapshot():
            wanted = self._seqs(filters)
            for text in self._markdown(wanted) if word == "markdown" else self._lines(wanted):
                data = text.encode()
                size += len(data)
                file.write(data)
        return Exported(path, len(wanted), size)

    def export_records(self, task_ids: Sequence[str]) -> list[dict[str, Any]]:
        """The entries that are linked to tasks, or decide about them, by ``seq``.

        Their ``origin`` is ``<project id>:<id>``, so that a copy knows where it comes from.
        """
        seqs: set[int] = set()
        for task in fields.items(task_ids, "task-ids", 100_000):
            seqs.update(self._seqs({"task": task, "include_superseded": True}))
        prefix = self.app.project.id
        return [
            {**entry, "origin": f"{prefix}:{entry['id']}"} for entry in self._entries(sorted(seqs))
        ]

    def _seqs(self, given: dict[str, Any]) -> list[int]:
        from cleo_brain.search.filters import Conditions

        if not given:
            given = {"include_superseded": True}
        found = Conditions(filtering.filters(self.db, given), clock.now())
        return sorted(search.all_passing(self.db, found.names, found.values))

    def _lines(self, seqs: Sequence[int]) -> Iterator[str]:
        yield json.dumps(HEADER, separators=(",", ":")) + "\n"
        for entry in self._entries(seqs):
            text = json.dumps(entry, ensure_ascii=False)
            if not text.isprintable():
                # Some readers take these for the end of a line.
                for char in _BREAKS:
                    text = text.replace(char, f"\\u{ord(char):04x}")
            yield text + "\n"

    def _entries(self, seqs: Sequence[int]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(seqs), BLOCK):
            rows = entries.by_seqs(self.db, seqs[start : start + BLOCK])
            typed = entries.typed_of(self.db, rows.values())
            ids = [row["id"] for row in rows.values()]
            tags, links = graph.tags_of(self.db, ids), graph.links_of(self.db, ids)
            edges = graph.edges_of(self.db, ids)
            for seq in sorted(rows):
                row = rows[seq]
                id_ = row["id"]
                values: dict[str, Any] = {name: row[name] for name in _COLUMNS}
                values["origin"] = row["origin"] or f"{self.app.project.id}:{id_}"
                values["date"] = row["valid_at"]
                values |= {
                    name.removesuffix("_json"): value
                    for name, value in typed[id_].items()
                    if name != "id"
                }
                for name in _BOOLEANS:
                    if name in values:
                        values[name] = bool(values[name])
                entry = {camel(name): value for name, value in values.items() if value is not None}
                entry["tags"] = tags[id_]
                entry["links"] = [
                    _without_none(
                        taskId=link["task_id"],
                        linkType=link["link_type"],
                        agent=link["agent"],
                        createdAt=link["created_at"],
                    )
                    for link in links[id_]
                ]
                entry["edges"] = sorted(
                    (
                        _without_none(
                            edgeType=edge["edge_type"],
                            target=edge["to_entry"] or edge["to_node"],
                            reason=edge["reason"],
                            agent=edge["agent"],
                            createdAt=edge["created_at"],
                        )
                        for edge in edges[id_]
                        if edge["from_id"] == id_
                    ),
                    key=lambda edge: (edge["edgeType"], edge["target"]),
                )
                entry["metadata"] = row["metadata_json"]
                yield entry

    def _markdown(self, seqs: Sequence[int]) -> Iterator[str]:
        yield "# Memory\n"
        kinds: dict[str, list[int]] = {kind: [] for kind in KIND}
        for start in range(0, len(seqs), BLOCK):
            for seq, row in entries.by_seqs(self.db, seqs[start : start + BLOCK]).items():
                kinds[row["kind"]].append(seq)
        for kind, listed in kinds.items():
            if listed:
                yield f"\n## {_HEADINGS[kind]}\n\n"
            listed.sort()
            for start in range(0, len(listed), BLOCK):
                rows = entries.by_seqs(self.db, listed[start : start + BLOCK])
                typed = entries.typed_of(self.db, rows.values())
                tags = graph.tags_of(self.db, [row["id"] for row in rows.values()])
                for seq in sorted(rows):
                    row = rows[seq]
                    text = rendering.entry_text(row, typed[row["id"]], tags[row["id"]])
                    if row["invalid_reason"] is not None:
                        text += f"\nWithdrawn: {row['invalid_reason']}"
                    first, *rest = text.splitlines()
                    yield "\n".join([f"- {first}", *(f"  {one}" for one in rest)]) + "\n"


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
