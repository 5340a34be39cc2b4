"""Tasks on their way from one project to another, as the service answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cleo_core.api import Declared
from cleo_core.api.records import record

if TYPE_CHECKING:
    from cleo_core.database import Row

#: The states of a transfer in their order; each is the name of the step that leads to it.
STEPS: Mapping[str, tuple[str, ...]] = {
    "copy": ("planned", "imported", "mapped", "linked", "done"),
    "move": ("planned", "imported", "mapped", "linked", "repointed", "archived", "done"),
}
#: Steps that not every transfer has.
_OPTIONAL = ("repointed", "archived")


@record
class Step(Declared):
    """One step of a transfer.

    :ivar step: the state that it leads to, or ``brain``.
    :ivar outcome: done, open (still to be done), skipped or failed.
    :ivar message: what is to be said about it.
    """

    step: str
    outcome: str
    message: str | None


@record
class Transfer(Declared):
    """A transfer of tasks.

    :ivar id: None in a dry run.
    :ivar state: the last step that was done, or ``aborted``.
    :ivar mode: copy or move.
    :ivar source: the slug of the project that the tasks come from, ``@`` and its id where it is not
        registered any more.
    :ivar id_map: id there -> id in the target, of every task that was taken along.
    :ivar skipped: tasks that were left out, ``{id, reason, task}``.
    :ivar stripped: what was left out because its other end stayed: ``{id, task, kind, target}``.
    :ivar error: why it did not go on.
    """

    id: str | None
    state: str
    mode: str
    source: str
    source_project_id: str
    target: str
    target_project_id: str
    id_map: dict[str, str]
    skipped: list[dict[str, Any]]
    stripped: list[dict[str, Any]]
    steps: list[Step]
    error: str | None
    created_by: str
    created_at: str
    updated_at: str
    dry_run: bool

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self.state not in ("done", "aborted")

    @classmethod
    def of(cls, row: Row, slugs: Mapping[str, str], *, dry_run: bool = False) -> Transfer:
        """A row of the journal."""
        kept = json.loads(row["steps"])
        imported = kept.get("imported", {})
        source, target = row["source_project_id"], row["target_project_id"]
        return cls(
            id=row["id"],
            state=row["state"],
            mode=row["mode"],
            source=slugs.get(source, f"@{source}"),
            source_project_id=source,
            target=slugs.get(target, f"@{target}"),
            target_project_id=target,
            id_map=json.loads(row["id_map"] or "{}"),
            skipped=imported.get("skipped", []),
            stripped=imported.get("stripped", []),
            steps=list(steps_of(row["state"], row["mode"], json.loads(row["options"]), kept)),
            error=row["error"],
            created_by=row["created_by"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            dry_run=dry_run,
        )


def steps_of(
    state: str, mode: str, options: Mapping[str, Any], kept: Mapping[str, Any]
) -> Iterator[Step]:
    """All steps of a transfer and what became of them.

    :param kept: step -> ``{outcome, message}`` and more, of those that something is to be said of.
    """
    order = STEPS[mode]
    reached = order.index(state) if state in order else 0
    for step in STEPS["move"]:
        message = kept.get(step, {}).get("message")
        if step == "done":
            brain = kept.get("brain")
            if not options.get("withBrain"):
                yield Step("brain", "skipped", None)
            elif brain is None:
                yield Step("brain", "skipped" if state == "aborted" else "open", None)
            else:
                yield Step("brain", brain["outcome"], brain.get("message"))
        if step in _OPTIONAL and step not in order:
            yield Step(step, "skipped", None)
        elif order.index(step) <= reached:
            yield Step(step, "done", message)
        else:
            yield Step(step, "skipped" if state == "aborted" else "open", message)
