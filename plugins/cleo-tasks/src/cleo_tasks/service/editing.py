"""Editing tasks: the fields, lists, edges, place and status that ``update`` changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cleo_core import inputs
from cleo_core.errors import UsageError
from cleo_tasks.enums import TASK_STATUS
from cleo_tasks.ids import parse_id
from cleo_tasks.service.adding import phase_unnamed
from cleo_tasks.service.edits import CLEARED, UpdateResult, finish_task, update_task
from cleo_tasks.service.verbs import Verbs

#: Other spellings of fields.
SPELLINGS = {"desc": "description", "label": "labels", "file": "files", "parent_id": "parent"}
SPELLINGS |= {"depends_on": "depends"}

#: Words of ``--status`` that verbs of their own lead to.
VERB_OF = {"done": "complete", "cancelled": "cancel", "archived": "archive"}
#: Lists that add to or take from what is there: empty, they ask for nothing.
_MORE = frozenset({"add_labels", "remove_labels", "add_depends", "remove_depends", "add_files"})
_MORE |= {"remove_files", "add_acceptance", "notes", "clear"}


class EditVerbs(Verbs):
    """``update``."""

    def update(
        self,
        id: str,
        *,
        title: str | None = None,
        description: str | None = None,
        type: str | None = None,
        parent: str | None = None,
        status: str | None = None,
        priority: str | int | None = None,
        phase: str | None = None,
        add_phase: bool = False,
        size: str | None = None,
        labels: Sequence[str] | None = None,
        add_labels: Sequence[str] = (),
        remove_labels: Sequence[str] = (),
        depends: Sequence[str] | None = None,
        add_depends: Sequence[str] = (),
        remove_depends: Sequence[str] = (),
        files: Sequence[str] | None = None,
        add_files: Sequence[str] = (),
        remove_files: Sequence[str] = (),
        acceptance: Sequence[str] | None = None,
        add_acceptance: Sequence[str] = (),
        notes: Sequence[str] = (),
        replace_notes: Sequence[str | Mapping[str, str]] | None = None,
        position: int | None = None,
        role: str | None = None,
        scope: str | None = None,
        severity: str | None = None,
        stage: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        blocked_reason: str | None = None,
        no_auto_complete: bool | None = None,
        clear: Sequence[str] = (),
        if_version: int | None = None,
    ) -> UpdateResult:
        """Edit a task. What is None stays; a list that is given replaces the stored one.

        :param parent: id of another parent, or ``root``; the task moves as ``reparent`` moves it.
        :param status: another open status; ``done`` alone runs ``complete``.
        :param add_phase: make the phase when there is none.
        :param notes: added to those that are there, each as ``{at, by, text}``.
        :param replace_notes: texts or ``{at, by, text}`` in place of those that are there.
        :param position: place among the siblings from 1.
        :param clear: names of fields to empty, keys of :data:`CLEARED`.
        :param if_version: refuse when the task is not at this version any more.
        :raises CleoError: 2, 4, 5, 6, 10–14, 21, 34, 36, 83; several problems at once are 6 with
            ``details.problems``; with ``status="done"`` what ``complete`` raises.
        """
        given = {name: value for name, value in locals().items() if _is_given(name, value)}
        id_ = parse_id(id)
        cleared = _cleared(clear, given)
        given.pop("clear", None)
        if not cleared and not set(given) - {"add_phase"}:
            raise UsageError("Nothing is given to change.", fix=f"cleo update {id_} --help")
        if "add_phase" in given and "phase" not in given:
            raise phase_unnamed()
        if _status(id_, given, cleared) == "done":
            return self.write("task.complete", lambda work: finish_task(work, id_, if_version))
        return self.write(
            "task.update", lambda work: update_task(work, id_, given, cleared, if_version)
        )


def _is_given(name: str, value: Any) -> bool:
    """Whether an argument asks for something."""
    if name in ("self", "id", "if_version") or value is None:
        return False
    if name in _MORE:
        return not (isinstance(value, list | tuple) and not value)
    return name != "add_phase" or value is not False


def _cleared(clear: Sequence[str], given: Mapping[str, Any]) -> list[str]:
    """The fields to empty, under their argument's name.

    :raises UsageError: one cannot be emptied, or is given as well.
    """
    names = []
    for word in inputs.texts(clear, "clear"):
        plain = "".join("_" + one.lower() if one.isupper() else one for one in word)
        name = SPELLINGS.get(plain.replace("-", "_"), plain.replace("-", "_"))
        if name not in CLEARED:
            known = ", ".join(sorted(name.replace("_", "-") for name in CLEARED))
            raise UsageError(
                f"{word[:80]!r} cannot be cleared; what can: {known}.",
                fix="cleo unclaim ID" if name == "assignee" else "cleo update ID --clear severity",
            )
        if name in given:
            raise UsageError(
                f"{word} is both given and cleared.", fix="the same command with one of them"
            )
        names.append(name)
    return list(dict.fromkeys(names))


def _status(id_: str, given: Mapping[str, Any], cleared: Sequence[str]) -> str | None:
    """The status asked for, when ``update`` may set it.

    :raises CleoError: another verb leads there, or it is no status.
    """
    status = given.get("status")
    if status is None:
        return None
    status = inputs.word_of(TASK_STATUS, "status")(status)
    if status == "done" and set(given) == {"status"} and not cleared:
        return status
    if status in VERB_OF:
        verb = VERB_OF[status]
        raise UsageError(
            f"A task is completed by {verb}, apart from other changes."
            if status == "done"
            else f"A task does not become {status} by update.",
            fix=f"cleo {verb} {id_}",
        )
    return status
