"""Labels as a whole: which there are, who has one, another name for one."""

from __future__ import annotations

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import NotFoundError
from cleo_core.output import Page
from cleo_tasks.errors import TasksError
from cleo_tasks.records import Line
from cleo_tasks.service import fields
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import labels, tasks


@record
class LabelCount(Declared):
    """A label and the number of tasks that have it, or that a change of it touched."""

    label: str
    tasks: int


@record
class LabelTasks(Declared):
    """A label, the number of tasks that have it, and a page of them."""

    label: str
    tasks: int
    lines: list[Line]


class LabelVerbs(Verbs):
    """``label_list``, ``label_show``, ``label_rename``, ``label_remove``."""

    def label_list(
        self, *, limit: int | None = None, offset: int = 0
    ) -> tuple[list[LabelCount], Page]:
        """A page of the labels in use; tasks in any status count.

        :raises UsageError: a number out of range.
        """
        limit, offset = self.page(limit, offset)
        rows, total = labels.counts(self.db, limit=limit, offset=offset)
        found = [LabelCount(row["label"], row["tasks"]) for row in rows]
        return found, Page(limit, offset, total)

    def label_show(
        self, label: str, *, limit: int | None = None, offset: int = 0
    ) -> tuple[LabelTasks, Page]:
        """A page of the tasks that have a label, in any status.

        :raises CleoError: ``E_NOT_FOUND``, no task has it; it can be no label (6).
        """
        limit, offset = self.page(limit, offset)
        name = fields.label(label, "cleo label show {}")
        total = labels.count(self.db, name)
        if not total:
            raise _unknown(name)
        ids = labels.tasks_of(self.db, name, limit=limit, offset=offset)
        return LabelTasks(name, total, tasks.lines(self.db, ids)), Page(limit, offset, total)

    def label_rename(self, label: str, to: str) -> LabelCount:
        """Give a label another name on every task; where a task has both, one is left.

        :returns: the new name and the number of tasks that changed.
        :raises CleoError: ``E_NOT_FOUND``, no task has the label; ``E_NO_CHANGE``, the names are
            the same; ``to`` can be no label (6).
        """
        old = fields.label(label, "cleo label rename {} NEW")
        new = fields.label(to, f"cleo label rename {old} {{}}")

        def body(work: Work) -> LabelCount:
            ids = labels.tasks_of(work, old)
            if not ids:
                raise _unknown(old)
            if old == new:
                raise TasksError(
                    "E_NO_CHANGE",
                    f"The label is called {old} already.",
                    fix=f"cleo label show {old}",
                )
            for id_ in ids:
                work.change_labels(work.task(id_), add=[new], remove=[old])
            return LabelCount(new, len(ids))

        return self.write("task.label_rename", body)

    def label_remove(self, label: str) -> LabelCount:
        """Take a label from every task.

        :returns: the label and the number of tasks that had it.
        :raises CleoError: ``E_NO_CHANGE``, no task has it; it can be no label (6).
        """
        name = fields.label(label, "cleo label remove {}")

        def body(work: Work) -> LabelCount:
            ids = labels.tasks_of(work, name)
            if not ids:
                raise TasksError(
                    "E_NO_CHANGE", f"No task has the label {name}.", fix="cleo label list"
                )
            for id_ in ids:
                work.change_labels(work.task(id_), remove=[name])
            return LabelCount(name, len(ids))

        return self.write("task.label_remove", body)


def _unknown(label: str) -> NotFoundError:
    return NotFoundError(f"No task has the label {label}.", fix="cleo label list", label=label)
