"""Letting tasks wait for tasks of other projects."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError, ValidationError
from cleo_core.inputs import line
from cleo_core.paths.files import quoted
from cleo_nexus.errors import NexusError
from cleo_nexus.ids import parse_reference
from cleo_nexus.records.edges import EdgeChange
from cleo_nexus.records.projects import Ref
from cleo_nexus.service import access
from cleo_nexus.service.elsewhere import (
    Unreadable,
    Waits,
    features_of,
    no_task,
    tasks_of,
    unknown,
)
from cleo_nexus.service.enforcing import Targets, enforce, settled, warn
from cleo_nexus.service.exploring import cycle
from cleo_nexus.service.graph import Graph, Node, NotLoadedError, number, read, way
from cleo_nexus.service.work import Verbs, Work, mutating
from cleo_nexus.store import edges

if TYPE_CHECKING:
    from cleo_core.database import Row

#: Characters of a note at most.
LONGEST_NOTE = 500


class DependVerbs(Verbs):
    """``deps_add`` and ``deps_remove``."""

    @mutating("nexus.deps.add")
    def deps_add(
        self,
        source: Any,
        target: Any,
        *,
        note: str | None = None,
        idempotency_key: str | None = None,
    ) -> EdgeChange:
        """Let a task wait for a task of another project.

        A pending source becomes blocked while the target is open.

        :param source: a task of this project, or of one that lets others write.
        :param target: a task of a project that lets others read.
        :raises CleoError: 4, a task does not exist; 5, it cannot be found out whether it does, or a
            project that the target waits for cannot be read; 6, both are of one project; 14, with
            the loop in ``details.path``; 71, 72, 73, 77; 102, it waits for it already.
        """
        said = None if note is None else line(note, "note", LONGEST_NOTE, fix="--note TEXT")
        source_row, source_task = self._end(source, "write")
        target_row, target_task = self._end(target, "read")
        edge = _edge(source_row, source_task, target_row, target_task)
        known: dict[str, Waits | Unreadable] = {}
        current = access.current_id(self.app)

        def insert(work: Work) -> None:
            if edges.exists(work, edge):
                raise _no_change(source_row, edge, "waits for it already")
            work.unit.check("nexus.edge_source", [_joined(edge, "source")])
            work.unit.check("nexus.edge_target", [_joined(edge, "target")])
            graph = Graph(self.app, work, current, known, loads=False)
            _refuse_loop(graph, edge)
            before = _waits(work, edge)
            edges.add(work, edge, said, work.actor, work.now)
            _changed(work, edge, before)

        def body(work: Work) -> EdgeChange:
            work.about(edge["source_project"], source_row["project_hash"])
            work.note(**edge)

            def compute() -> EdgeChange:
                insert(work)
                return self._change(source_row, target_row, edge, created=True)

            return work.unit.idempotent(
                "nexus deps add",
                idempotency_key,
                {**edge, "note": said},
                compute,
                encode=asdict,
                decode=_decoded,
            )

        while True:
            try:
                made = self.write(body)
                break
            except NotLoadedError as missing:
                # Read outside of the unit, which then starts again on what the registry holds by
                # then: of two opposite edges the second one sees the first.
                known[missing.row["project_id"]] = read(self.app, missing.row, current)
        if made.created and not self.app.dry_run and not self.app.replayed:
            self._take_back_a_loop(edge, current)
        return self._settled(made, source_row)

    def _take_back_a_loop(self, edge: dict[str, str], current: str | None) -> None:
        """Remove an edge again with which a local one, made in the same moment, closes a loop.

        :raises CleoError: 14, it does.
        """
        try:
            _refuse_loop(Graph(self.app, self.db, current), edge)
        except CleoError as error:
            if error.code != "E_CYCLE":
                # What cannot be read now could be a moment ago.
                return

            def body(work: Work) -> None:
                work.about(edge["source_project"])
                work.note(**edge)
                edges.delete(work, edge)

            # The refusal is what the audit keeps of it.
            self.write(body, audited=False)
            self._recorded = False
            raise

    @mutating("nexus.deps.remove")
    def deps_remove(self, source: Any, target: Any) -> EdgeChange:
        """Let a task no longer wait for a task of another project.

        What waits for nothing any more becomes pending again. Neither task has to exist any more,
        nor the target's project.

        :raises CleoError: 71, 72, 73, 77; 102, it does not wait for it.
        """
        source_row, named = access.locate(self.app, self.db, source, "write")
        target_row, target_id, target_task = self._target(target)

        def body(work: Work) -> EdgeChange:
            work.about(source_row["project_id"], source_row["project_hash"])
            found = _stored(work, source_row, named.task, target_id, target_task)
            if found is None:
                raise _no_change(
                    source_row,
                    {"source_task": named.task},
                    f"does not wait for {target}",
                )
            work.note(**found)
            before = _waits(work, found)
            edges.delete(work, found)
            _changed(work, found, before)
            return self._change(source_row, target_row, found, created=False)

        made = self.write(body)
        return self._settled(made, source_row)

    def _end(self, reference: Any, required: str) -> tuple[Row, str]:
        """A project and a task of it, by the id that its tasks service gives it.

        :raises CleoError: 4; 5, nobody can say; 71, 72, 73, 77.
        """
        row, named = access.locate(self.app, self.db, reference, required)
        current = access.current_id(self.app)
        try:
            found = features_of(self.app, row, current, [named.task])
        except Unreadable as reason:
            raise unknown(reason, row, _WAITS) from reason
        if not found:
            raise no_task(row, named.task)
        return row, next(iter(found))

    def _target(self, reference: Any) -> tuple[Row | None, str, str]:
        """The target of an edge that may be an orphan: row, project's id and task as given."""
        named = parse_reference(reference)
        try:
            row, _ = access.locate(self.app, self.db, reference, "read")
        except NexusError as error:
            if error.code != "E_PROJECT_UNKNOWN" or not (named.project or "").startswith("@"):
                raise
            return None, str(named.project)[1:], named.task
        return row, row["project_id"], named.task

    def _change(
        self, source: Row, target: Row | None, edge: dict[str, str], *, created: bool
    ) -> EdgeChange:
        slug = f"@{edge['target_project']}" if target is None else target["slug"]
        return EdgeChange(
            Ref.of(source["slug"], edge["source_project"], edge["source_task"]),
            Ref.of(slug, edge["target_project"], edge["target_task"]),
            created,
            None,
        )

    def _settled(self, made: EdgeChange, source: Row) -> EdgeChange:
        """The change, after the source was held or released, with its status then."""
        task = made.source.task_id
        targets = Targets(self.app, self.db, access.current_id(self.app))
        if not self.app.dry_run:
            warn(self.app, source, enforce(targets, source["project_id"], [task]))
        try:
            with tasks_of(self.app, source, targets.current) as tasks:
                (found,) = tasks.show(task)
        except Unreadable:
            return made
        status = str(found.status)
        if self.app.dry_run:
            status = _foreseen(targets, made, status, found.blocked_reason or "")
        return replace(made, source_status=status)


def _foreseen(targets: Targets, made: EdgeChange, status: str, said: str) -> str:
    """The status that the source of an edge would have after the change."""
    project, task = made.source.project_id, made.source.task_id
    left = {
        (row["target_project_id"], row["target_task_id"])
        for row in edges.out_of(targets.db, project, [task])
    }
    target = {(made.target.project_id, made.target.task_id)}
    waits = targets.judged({task: sorted(left | target if made.created else left - target)}).waits
    word = settled(status, said, waits[task]) if task in waits else None
    return {"blocked": "blocked", "released": "pending"}.get(word or "", status)


#: What cannot be said of a project that cannot be read.
_WAITS = "what its tasks wait for"


def _edge(source: Row, source_task: str, target: Row, target_task: str) -> dict[str, str]:
    if source["project_id"] == target["project_id"]:
        raise ValidationError(
            f"Both tasks are of project {source['slug']}; it keeps its own dependencies.",
            fix=f"cleo deps add {source_task} {target_task} "
            f"--project {quoted(source['project_path'])}",
        )
    return {
        "source_project": source["project_id"],
        "source_task": source_task,
        "target_project": target["project_id"],
        "target_task": target_task,
    }


def _joined(edge: dict[str, str], end: str) -> str:
    return f"{edge[f'{end}_project']}:{edge[f'{end}_task']}"


def _waits(work: Work, edge: dict[str, str]) -> list[str]:
    """What the source of an edge waits for, as ids of kind ``project_task``."""
    rows = edges.out_of(work, edge["source_project"], [edge["source_task"]])
    return [_joined(edges.named(row), "target") for row in rows]


def _changed(work: Work, edge: dict[str, str], before: list[str]) -> None:
    """Say what changed, so that other plugins may refuse it or listen."""
    work.unit.updated(
        "project_task",
        _joined(edge, "source"),
        {"depends_on": before},
        {"depends_on": _waits(work, edge)},
    )


def _refuse_loop(graph: Graph, edge: dict[str, str]) -> None:
    """Follow what the target waits for.

    :raises CleoError: 14, it leads back to the source; 5, a project on the way cannot be read.
    """
    source: Node = (edge["source_project"], edge["source_task"])
    target: Node = (edge["target_project"], edge["target_task"])
    found = way(graph, target, source)
    if found is not None:
        raise cycle(graph, [source, *found], f"cleo nexus deps show {graph.name(target)}")
    for project, local in graph.known.items():
        if isinstance(local, Unreadable):
            row = graph.row(project)
            assert row is not None
            raise unknown(local, row, _WAITS)


def _stored(
    work: Work, source: Row, source_task: str, target: str, target_task: str
) -> dict[str, str] | None:
    """The edge between two tasks, whatever zeros their numbers were given with."""
    for row in edges.out_of(work, source["project_id"]):
        if (
            row["target_project_id"] == target
            and number(row["source_task_id"]) == number(source_task)
            and number(row["target_task_id"]) == number(target_task)
        ):
            return edges.named(row)
    return None


def _no_change(source: Row, edge: dict[str, str], what: str) -> CleoError:
    name = f"{source['slug']}:{edge['source_task']}"
    return CleoError("E_NO_CHANGE", f"{name} {what}.", fix=f"cleo nexus deps show {name}")


def _decoded(value: Any) -> EdgeChange:
    return EdgeChange(Ref(**value["source"]), Ref(**value["target"]), value["created"], None)
