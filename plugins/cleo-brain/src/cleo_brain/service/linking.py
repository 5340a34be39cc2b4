"""Links of entries to tasks, and edges between entries and to what lies outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from cleo_brain.enums import EDGE_TYPE, LINK_TYPE, NODE_PREFIX
from cleo_brain.errors import BrainError, entry_not_found
from cleo_brain.ids import parse_id, task_id
from cleo_brain.service import fields, superseding
from cleo_brain.service.private import Stripper
from cleo_brain.service.work import Verbs, Work
from cleo_brain.store import entries, graph
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, UsageError, echoed, shortened

#: Targets of one call.
MOST_TARGETS = 100
TYPES = tuple(dict.fromkeys((*LINK_TYPE, *EDGE_TYPE)))


@record
class Linked(Declared):
    """What became of each target: ``refused`` has ``id`` and ``reason``.

    With ``remove``, ``linked`` lists what was taken away and ``existing`` is empty.
    """

    linked: list[str] = field(default_factory=list)
    existing: list[str] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    changed: bool = False


class LinkVerbs(Verbs):
    """``link``."""

    def link(
        self,
        entry: str,
        type: str,
        *targets: str,
        reason: str | None = None,
        remove: bool = False,
    ) -> Linked:
        """Link an entry to tasks, to other entries, or to what lies outside.

        A task id with one of the four link types is a link; an id of an entry is an edge; a target
        with a known prefix (``file:src/a.py``, ``url:https://…``) a ``references`` edge.

        :returns: what became of each target; of several, those that are refused are listed.
        :raises NotFoundError: there is no such entry.
        :raises BrainError: ``E_ALREADY_DONE`` (17), ``E_CYCLE`` (14) of ``supersedes``.
        :raises CleoError: ``E_REFERENCE`` (6), the only target does not exist; a value is not valid
            (2).
        """
        id_ = parse_id(entry)
        word = fields.word(type, TYPES, "type")
        strip = Stripper()
        wanted = list(dict.fromkeys(fields.items(strip(list(targets)), "target", MOST_TARGETS)))
        if not wanted:
            raise UsageError("Name what to link to.", fix=f"cleo memory link {id_} {word} T001")
        why = fields.optional(strip(reason), "reason")
        back = fields.flag(remove, "remove")
        ends, malformed = _ends(word, wanted)

        def body(work: Work) -> Linked:
            row = entries.get(work, id_)
            if row is None:
                raise entry_not_found(id_)
            result = Linked(refused=[*malformed])
            for end in ends:
                _one(work, row, word, end, why, remove=back, result=result, alone=len(wanted) == 1)
            if result.linked:
                work.note(row["kind"], id_, removed=len(result.linked) if back else 0, type=word)
                work.unit.updated(row["kind"], id_, {}, {"links": len(result.linked)})
            return Linked(result.linked, result.existing, result.refused, bool(result.linked))

        return self.write("memory.link", body)


def link_new(work: Work, row: Mapping[str, Any], tasks: Sequence[tuple[str, str]]) -> list[str]:
    """Link an entry that is being written to tasks.

    :param tasks: (task id, link type).
    :returns: the tasks.
    :raises CleoError: ``E_REFERENCE`` (6), a task does not exist.
    """
    if not tasks:
        return []
    named = [(task_id(task), type_) for task, type_ in tasks]
    work.check("brain.link_task", [task for task, _ in named])
    for task, type_ in named:
        graph.add_link(work, row["kind"], row["id"], task, type_, work.caller.agent, work.now)
    return list(dict.fromkeys(task for task, _ in named))


@record
class _End(Declared):
    """Where a link or an edge leads: one of the three is set."""

    task: str | None = None
    entry: str | None = None
    node: str | None = None

    @property
    def shown(self) -> str:
        return self.task or self.entry or self.node or ""


def _ends(word: str, targets: Sequence[str]) -> tuple[list[_End], list[dict[str, str]]]:
    """Read targets, each once; of several, those that fit no form are refused.

    :raises UsageError: the only one does not.
    """
    ends: dict[str, _End] = {}
    refused = []
    for target in targets:
        try:
            end = _end(word, target)
        except UsageError as error:
            if len(targets) == 1:
                raise
            refused.append({"id": shortened(target), "reason": error.message})
        else:
            ends[end.shown] = end
    return list(ends.values()), refused


def _end(word: str, target: str) -> _End:
    """Read a target.

    :raises UsageError: it fits neither the type nor any form.
    """
    text = target.strip()
    prefix, colon, rest = text.partition(":")
    if word in LINK_TYPE and (word not in EDGE_TYPE or _is_task(text)):
        return _End(task=task_id(text.removeprefix("task:")))
    if word == "references" and colon and prefix.casefold() in NODE_PREFIX:
        if not rest.strip() or not text.isprintable() or len(text) > fields.LINE_LENGTH:
            raise UsageError(
                f"{echoed(text)} names nothing.", fix=f"{prefix.casefold()}:what is meant"
            )
        kind = prefix.casefold()
        return _End(node=f"{kind}:{task_id(rest) if kind == 'task' else rest.strip()}")
    if _is_task(text):
        raise UsageError(
            f"{word} leads to an entry, and {echoed(text)} is a task.",
            fix=f"cleo memory link ENTRY {LINK_TYPE[1]} {shortened(text)}",
        )
    return _End(entry=parse_id(text))


def _is_task(text: str) -> bool:
    import re

    return re.fullmatch(r"(?:task:)?[Tt][0-9]+", text) is not None


def _one(
    work: Work,
    row: Mapping[str, Any],
    word: str,
    end: _End,
    reason: str | None,
    *,
    remove: bool,
    result: Linked,
    alone: bool,
) -> None:
    """Link or unlink one target; what is refused is listed, or raised where it is the only one."""
    if remove:
        if _taken_away(work, row, word, end):
            result.linked.append(end.shown)
        else:
            result.refused.append({"id": end.shown, "reason": "there is no such link"})
        return
    try:
        added = _added(work, row, word, end, reason)
    except CleoError as error:
        if alone:
            raise
        result.refused.append({"id": end.shown, "reason": error.message})
        return
    (result.linked if added else result.existing).append(end.shown)


def _added(work: Work, row: Mapping[str, Any], word: str, end: _End, reason: str | None) -> bool:
    agent, id_ = work.caller.agent, row["id"]
    if end.task is not None:
        work.check("brain.link_task", [end.task])
        return graph.add_link(work, row["kind"], id_, end.task, word, agent, work.now)
    if end.node is not None:
        prefix, _, rest = end.node.partition(":")
        if prefix in ("task", "session"):
            work.check(f"brain.edge_{prefix}", [rest])
        return graph.add_edge(
            work, id_, word, node=end.node, reason=reason, agent=agent, now=work.now
        )
    target = end.entry or ""
    if word == "supersedes":
        if any(
            edge["edge_type"] == word and edge["to_entry"] == target
            for edge in graph.edges_of(work, [id_])[id_]
        ):
            return False
        superseding.supersede(work, row, target, reason)
        return True
    if target == id_:
        raise UsageError("An entry has no edge to itself.", fix=f"cleo memory fetch {id_}")
    if entries.get(work, target) is None:
        raise entry_not_found(target)
    return graph.add_edge(work, id_, word, entry=target, reason=reason, agent=agent, now=work.now)


def _taken_away(work: Work, row: Mapping[str, Any], word: str, end: _End) -> bool:
    if end.task is not None:
        return graph.remove_link(work, row["id"], end.task, word)
    if word == "supersedes":
        raise BrainError(
            "E_ALREADY_DONE",
            "What was superseded stays withdrawn; it comes back when its successor is forgotten.",
            fix=f"cleo memory forget {row['id']} --revive",
        )
    target = end.entry or end.node or ""
    found = graph.remove_edge(work, row["id"], word, target)
    if not found and word == "contradicts" and end.entry is not None:
        found = graph.remove_edge(work, end.entry, word, row["id"])
    return found
