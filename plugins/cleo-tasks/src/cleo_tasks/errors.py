"""The codes of this store beside core's: code -> (exit, cause, usual fix)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cleo_core.errors import CleoError, NotFoundError

CODES: Mapping[str, tuple[int, str, str]] = {
    "E_GIT": (3, "git is missing, or the project is in no git repository.", "git init"),
    "E_DEPENDENCIES_OPEN": (5, "The task waits for others that are open.", "cleo deps show ID"),
    "E_INVALID_TRANSITION": (6, "The status cannot change this way.", "cleo show ID"),
    "E_RELEASE_STEP": (6, "A step of the release failed.", "cleo release ship VERSION"),
    "E_PARENT_CLOSED": (6, "The parent is done, cancelled or archived.", "cleo reopen ID"),
    "E_PARENT_NOT_FOUND": (10, "The parent does not exist.", "cleo list"),
    "E_DEPTH": (11, "The hierarchy would be deeper than allowed.", "cleo tree ID"),
    "E_SIBLING_LIMIT": (12, "The parent has as many children as allowed.", "cleo tree ID"),
    "E_PARENT_TYPE": (13, "A task of this type cannot stand under that parent.", "cleo show ID"),
    "E_CYCLE": (14, "The tasks would wait for each other.", "cleo deps cycles"),
    "E_HAS_CHILDREN": (16, "The task has open children.", "--children cascade or orphan"),
    "E_ALREADY_DONE": (17, "The task is done.", "cleo reopen ID"),
    "E_HAS_DEPENDENTS": (19, "Other tasks refer to this one.", "--detach"),
    "E_ID_COLLISION": (22, "An id of the import is taken.", "--on-conflict remap"),
    "E_SESSION_EXISTS": (30, "The agent has an active session of this scope.", "cleo session end"),
    "E_SESSION_NOT_FOUND": (31, "The session does not exist.", "cleo session list"),
    "E_SCOPE_OVERLAP": (32, "The agent has an active session around this scope.", "--session"),
    "E_SCOPE_INVALID": (33, "The scope is not global, epic:ID or task:ID.", "--scope global"),
    "E_OUT_OF_SCOPE": (34, "The task lies outside the session's scope.", "--session"),
    "E_CLAIMED": (35, "Another agent holds the task.", "cleo next"),
    "E_SESSION_REQUIRED": (36, "The command needs one session.", "cleo session start"),
    "E_NOT_VERIFIED": (
        40,
        "No verification is recorded.",
        "cleo verify ID --gate GATE --result pass --evidence ATOM",
    ),
    "E_EVIDENCE": (
        41,
        "The evidence is missing, unreadable, no success, or has changed.",
        "cleo verify ID",
    ),
    "E_GATE_UNKNOWN": (42, "There is no such gate.", "cleo verify ID"),
    "E_GATE_AGENT": (43, "The agent may not record this gate.", "another --agent"),
    "E_ROUNDS": (
        44,
        "The rounds of verification are used up.",
        "cleo verify ID --reset --reason TEXT",
    ),
    "E_GATE_NEEDED": (45, "A required gate has not passed.", "cleo verify ID"),
    "E_GATE_LOCKED": (46, "The task is closed.", "cleo reopen ID"),
    "E_ROUND_MISMATCH": (47, "The round is not the task's current one.", "cleo verify ID"),
    "E_GATE_UNMET": (
        80,
        "A stage or gate that comes before is not complete.",
        "cleo lifecycle show ID",
    ),
    "E_STAGE_ORDER": (83, "The stage cannot be entered this way.", "cleo lifecycle show ID"),
    "E_REASON_REQUIRED": (84, "What was asked for needs a reason.", "--reason TEXT"),
    "E_NOTHING_READY": (100, "No task is ready.", "cleo blockers"),
    "E_NO_CURRENT": (100, "No task is being worked on.", "cleo start ID"),
}


class TasksError(CleoError):
    """An error with one of this store's codes."""

    codes: ClassVar[Mapping[str, tuple[int, str, str]]] = CODES


def task_not_found(*ids: str) -> NotFoundError:
    """Exit 4 for task ids that do not exist."""
    words = "task" if len(ids) == 1 else "tasks"
    return NotFoundError(f"There is no {words} {', '.join(ids)}.", fix="cleo list", ids=list(ids))


def several(problems: Sequence[tuple[str | None, CleoError]], parameters: Any = None) -> CleoError:
    """One error for all problems of a command: the only one as itself, several as exit 6.

    :param problems: (field, error).
    :param parameters: the command's parameters as understood, shown in the details.
    """
    if len(problems) == 1:
        error = problems[0][1]
        if problems[0][0] is not None:
            error.details.setdefault("field", problems[0][0])
        return error
    return CleoError(
        "E_VALIDATION",
        f"{len(problems)} problems: " + " ".join(error.message for _, error in problems),
        fix="the same command with these values corrected",
        details={
            "problems": [error.as_problem(field) for field, error in problems],
            "parameters": parameters,
        },
    )
