"""Adding, showing and listing tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cleo_core.errors import UsageError, echoed
from cleo_core.output import Page, to_json
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import parse_id, parse_ids
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.store import audit, pipelines, tasks

if TYPE_CHECKING:
    from cleo_tasks.records import Line, Task
    from cleo_tasks.service.adding import AddResult


class TaskVerbs(Verbs):
    """``add``, ``show``, ``list``, ``exists``."""

    def add(
        self,
        title: str,
        *,
        description: str | None = None,
        type: str | None = None,
        parent: str | None = None,
        status: str | None = None,
        priority: str | int | None = None,
        phase: str | None = None,
        add_phase: bool = False,
        size: str | None = None,
        labels: Sequence[str] = (),
        depends: Sequence[str] = (),
        files: Sequence[str] = (),
        acceptance: Sequence[str] = (),
        notes: Sequence[str] = (),
        position: int | None = None,
        role: str | None = None,
        scope: str | None = None,
        severity: str | None = None,
        stage: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        allow_duplicate: bool = False,
        origin: str = "native",
        idempotency_key: str | None = None,
    ) -> AddResult:
        """Add a task.

        :param depends: ids the task waits for.
        :param phase: slug; made when absent and ``add_phase`` is set.
        :param position: place among the siblings from 1; last by default.
        :raises CleoError: 2, 4, 6, 10–14, 34, 36, 83; several problems at once are 6 with
            ``details.problems``.
        """
        given = dict(locals())
        del given["self"], given["idempotency_key"]
        from cleo_tasks.service.adding import add_task, added_from_json

        result: AddResult = self.write(
            "task.add",
            lambda work: work.unit.idempotent(
                "add",
                idempotency_key,
                to_json(given),
                lambda: add_task(work, given),
                encode=to_json,
                decode=added_from_json,
            ),
        )
        return result

    def show(
        self, *ids: str, history: bool = False, children: bool = False, gates: bool = False
    ) -> list[Task]:
        """Tasks with everything that belongs to them, in the order asked for.

        :raises NotFoundError: one of them does not exist.
        """
        db = self.db
        wanted = parse_ids(ids)
        found = []
        for id_ in wanted:
            task = tasks.get(db, id_)
            if task is None:
                missing = set(wanted) - tasks.existing(db, wanted)
                raise task_not_found(*sorted(missing))
            more: dict[str, Any] = {}
            own = pipelines.of_task(db, id_)
            if own is not None:
                more["pipeline"] = {
                    "id": own["id"],
                    "status": own["status"],
                    "stage": own["stage_name"],
                }
            if history:
                more["history"] = audit.history(db, id_)
            if children:
                more["children"] = tasks.lines(
                    db, [one["id"] for one in db.read(tasks.CHILDREN, id=id_)]
                )
            if gates:
                from cleo_tasks.service.verification import standing
                from cleo_tasks.store.gates import results

                more["gates"] = standing(results(db, id_), task.verification_round)
            found.append(replace(task, **more) if more else task)
        return found

    def exists(self, id: str) -> bool:
        """Whether a task exists, in any status.

        :raises UsageError: the text is no id.
        """
        return bool(tasks.existing(self.db, [parse_id(id)]))

    def list(
        self,
        *,
        status: Sequence[str] = (),
        parent: str | None = None,
        type: str | None = None,
        priority: str | None = None,
        phase: str | None = None,
        labels: Sequence[str] = (),
        role: str | None = None,
        assignee: str | None = None,
        stage: str | None = None,
        ready: bool = False,
        since: str | None = None,
        sort: str = "id",
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[Line], Page]:
        """A page of tasks; archived ones only when ``status`` asks for them.

        :param labels: tasks that have all of them.
        :param since: ISO-8601; tasks updated at or after it.
        :raises CleoError: a filter's value is no such word (2), the parent is missing (4).
        """
        from cleo_core import durations, inputs
        from cleo_tasks.enums import TASK_ROLE, TASK_STATUS, TASK_TYPE
        from cleo_tasks.service import fields

        if sort not in tasks.SORTS:
            raise UsageError(
                f"Tasks are not sorted by {echoed(sort)}; known: {', '.join(tasks.SORTS)}.",
                fix="cleo list --sort id",
            )
        filters: dict[str, Any] = {
            "status": [
                inputs.as_filter(inputs.word_of(TASK_STATUS, "status"), word) for word in status
            ],
            "label": inputs.as_filter(fields.labels, labels),
            "ready": "1" if ready else None,
        }
        checks: dict[str, tuple[Callable[[Any], Any], Any]] = {
            "parent": (parse_id, parent),
            "type": (inputs.word_of(TASK_TYPE, "type"), type),
            "priority": (fields.priority, priority),
            "phase": (fields.slug, phase),
            "role": (inputs.word_of(TASK_ROLE, "role"), role),
            "assignee": (lambda text: fields.name_filter(text, "assignee"), assignee),
            "stage": (fields.stage_filter, stage),
            "since": (durations.moment, since),
        }
        filters |= {
            name: inputs.as_filter(check, value)
            for name, (check, value) in checks.items()
            if value is not None
        }
        if "parent" in filters and not tasks.existing(self.db, [filters["parent"]]):
            raise task_not_found(filters["parent"])
        limit, offset = self.page(limit, offset)
        rows, total = tasks.listing(
            self.db,
            {name: value for name, value in filters.items() if value},
            sort=sort,
            limit=limit,
            offset=offset,
        )
        return rows, Page(limit, offset, total)
