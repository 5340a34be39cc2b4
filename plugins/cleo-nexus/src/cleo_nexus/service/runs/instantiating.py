"""Letting an epic go through a chain."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cleo_core.errors import UsageError, ValidationError, echoed
from cleo_core.output import to_json
from cleo_nexus.definitions import Filled, canonical, fill, parse_definition, typed, variables_of
from cleo_nexus.records.instances import Instance
from cleo_nexus.service import access
from cleo_nexus.service.chains import shelf
from cleo_nexus.service.elsewhere import Unreadable, features_of, no_task, unknown
from cleo_nexus.service.runs import advancing, opening
from cleo_nexus.service.work import Verbs, Work, mutating
from cleo_nexus.store import instances

if TYPE_CHECKING:
    from cleo_nexus.definitions import Variable


class ChainInstantiateVerbs(Verbs):
    """``chain_instantiate``."""

    @mutating("nexus.chain.instantiate")
    def chain_instantiate(
        self,
        chain: str,
        epic: str,
        *,
        variables: Mapping[str, Any] | None = None,
        words: Mapping[str, str] | None = None,
        tasks: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Instance:
        """Begin to let an epic go through a chain.

        The instance keeps the chain as it is now, with the values of its variables put in. A
        required variable of type epicId that is not given is the epic.

        :param epic: a reference to a task.
        :param variables: name -> value, of the variable's type.
        :param words: name -> text of a command line, read as the variable's type; goes before
            ``variables``.
        :param tasks: stage -> a reference to the task whose state the stage's gates look at.
        :raises NotFoundError: 4, there is no such chain or task.
        :raises CleoError: 5, nobody can say whether a task exists.
        :raises ValidationError: 6, a variable or a stage is unknown, a value is missing or wrong.
        :raises NexusError: 71, 72, 73, 77; 78, with these values it is no valid chain.
        """
        given = _mapping(variables, "variables", "--vars FILE")
        texts = _mapping(words, "words", "--var NAME=VALUE")
        if not all(isinstance(text, str) for text in texts.values()):
            raise UsageError("Words are texts.", fix="--var NAME=VALUE")
        project, task = referred(self, epic)
        named = {
            stage: ":".join(referred(self, reference))
            for stage, reference in _mapping(tasks, "tasks", "--task STAGE=REF").items()
        }
        arguments = {
            "chain": chain,
            "epic": f"{project}:{task}",
            "variables": given,
            "words": texts,
            "tasks": named,
        }

        def made(work: Work) -> Instance:
            one = shelf.take(work, chain)
            filled = _filled(one.definition, given, texts, f"@{project}:{task}")
            definition = parse_definition(filled.definition)
            known = {stage.id for stage in definition.stages}
            for stage in named:
                if stage not in known:
                    raise ValidationError(
                        f"Chain {one.id} has no stage {echoed(stage)}.",
                        fix=f"cleo chain show {one.id}",
                        stage=stage,
                    )
            work.unit.check("nexus.instance_epic", [f"{project}:{task}"])
            work.unit.check("nexus.stage_task", list(dict.fromkeys(named.values())))
            entry = definition.entry_point
            row = {
                "id": f"wci-{os.urandom(6).hex()}",
                "chain_id": one.id,
                "chain_version": one.version,
                "definition": canonical(filled.definition),
                "epic_project_id": project,
                "epic_id": task,
                "variables": canonical(filled.values),
                "stage_to_task": json.dumps(named, sort_keys=True),
                "active_stages": json.dumps([entry]),
                "current_stage": entry,
                "actor": work.actor,
                "now": work.now,
            }
            instances.add(work, row)
            stored = opening.row_of(work, row["id"])
            advancing.add_event(work, stored, "created")
            advancing.add_event(work, stored, "entered", stage_id=entry)
            work.note(instance=row["id"], chain=one.id, version=one.version)
            return opening.show(work, stored)

        def body(work: Work) -> Instance:
            work.about(project)
            found: Instance = work.unit.idempotent(
                "chain instantiate",
                idempotency_key,
                arguments,
                lambda: made(work),
                encode=to_json,
                decode=Instance.from_json,
            )
            return found

        return self.write(body)


def referred(verbs: Verbs, reference: Any) -> tuple[str, str]:
    """The project and the task that a reference means, by the id that its project gives it.

    :raises NotFoundError: 4, there is no such task.
    :raises CleoError: 5, nobody can say; 71, 72, 73, 77.
    """
    row, named = access.locate(verbs.app, verbs.db, reference, "read")
    try:
        found = features_of(verbs.app, row, access.reader_id(verbs.app), [named.task])
    except Unreadable as reason:
        raise unknown(reason, row, "which tasks it has") from reason
    if not found:
        raise no_task(row, named.task)
    return row["project_id"], next(iter(found))


def _filled(
    definition: Mapping[str, Any],
    given: Mapping[str, Any],
    words: Mapping[str, str],
    epic: str,
) -> Filled:
    variables = variables_of(definition)
    values = dict(given)
    for name, text in words.items():
        # An unknown one is refused by name where all are settled.
        values[name] = typed(variables[name], text) if name in variables else text
    for name, variable in variables.items():
        if _is_the_epic(variable) and name not in values:
            values[name] = epic
    return fill(definition, values)


def _is_the_epic(variable: Variable) -> bool:
    return variable.type == "epicId" and variable.required and variable.default is None


def _mapping(value: Any, name: str, fix: str) -> dict[str, Any]:
    """A mapping of names, JSON-ready.

    :raises UsageError: it is none.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise UsageError(f"{name} are a mapping of names.", fix=fix)
    return dict(value)
