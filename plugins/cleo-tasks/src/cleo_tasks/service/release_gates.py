"""The gates of preparing a release: what has to hold, and whether force may pass it.

Never passed by force: what git or the store could not carry out (a tag that is there, nobody to
commit as, a changelog that cannot be written), a task in two releases, and a first release that
names no tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cleo_core.database import Row
from cleo_core.errors import CleoError
from cleo_core.programs import without_passwords
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.errors import TasksError
from cleo_tasks.release_records import Gate
from cleo_tasks.service import changelog
from cleo_tasks.service.repository import Repository, State, shown, words_of
from cleo_tasks.store import releases

if TYPE_CHECKING:
    from cleo_core.app import App


def unmet(gates: Sequence[Gate], version: str) -> CleoError:
    """The error that lists every gate that is not met."""
    failing = [gate for gate in gates if not gate.met]
    words = " ".join(str(gate.message) for gate in failing)
    return TasksError(
        "E_GATE_UNMET",
        words if len(failing) == 1 else f"{len(failing)} gates are not met: {words}",
        fix=failing[0].fix if len(failing) == 1 else f"cleo release plan {version}",
        details={
            "problems": [
                {
                    "field": gate.gate,
                    "code": "E_GATE_UNMET",
                    "exit": 80,
                    "message": gate.message,
                    "fix": gate.fix,
                    "forceable": gate.forceable,
                }
                for gate in failing
            ]
        },
    )


def require(gates: Sequence[Gate], version: str, *, force: bool) -> None:
    """Refuse what may not be prepared.

    :raises TasksError: ``E_GATE_UNMET`` (80) with every gate that is not met, where one of them is
        not passed by force.
    """
    if any(not (gate.met or (gate.forceable and force)) for gate in gates):
        raise unmet(gates, version)


def remote_of(app: App) -> str:
    """Where releases are pushed.

    :raises CleoError: ``E_CONFIG`` (8), it is no name of a remote.
    """
    remote = str(app.config.get("tasks.release.remote") or "")
    if not remote.strip() or remote.startswith("-") or not remote.isprintable():
        raise CleoError(
            "E_CONFIG",
            f"tasks.release.remote is {without_passwords(remote)!r}, which is no name of a remote.",
            fix="cleo config set tasks.release.remote origin",
        )
    return remote


def conflicts(db: Any, task_ids: Sequence[str]) -> list[Gate]:
    """The gate that a task is in at most one live release."""
    taken = releases.in_live(db, task_ids)
    if not taken:
        return []
    words = ", ".join(f"{row['task_id']} in {row['version']}" for row in taken)
    return [
        Gate(
            "tasks",
            False,
            f"Tasks are in another release: {words}.",
            f"cleo release show {taken[0]['id']}",
        )
    ]


def not_done(rows: Sequence[Row]) -> list[Gate]:
    """The gate that every task is done, or archived from done."""
    waiting = [row for row in rows if row["status"] != "done" and row["archived_from"] != "done"]
    if not waiting:
        return []
    words = ", ".join(f"{row['id']} is {row['status']}" for row in waiting)
    verb = "complete" if waiting[0]["status"] in OPEN_STATUS else "show"
    fix = f"cleo {verb} {waiting[0]['id']}"
    return [Gate("tasks", False, f"Tasks are not done: {words}.", fix, True)]


def untold(version: str) -> Gate:
    """The gate of a first release that names no tasks."""
    return Gate(
        "tasks",
        False,
        "This is the first release, which takes no task by itself.",
        f"cleo release ship {version} --all-done",
    )


def version_unused(repository: Repository, version: str) -> Gate:
    """Whether git has no tag of that name yet."""
    target = repository.tag_target(version)
    if target is None:
        return Gate("version", True)
    return Gate(
        "version",
        False,
        f"git has a tag {version} already, at {target[:12]}.",
        f"git tag -d {version}",
    )


def about_tasks(
    db: Any, rows: Sequence[Row], task_ids: Sequence[str], *, refused: bool
) -> list[Gate]:
    """Whether the tasks can be released.

    :param refused: there are none because the release does not say which, which is told already.
    """
    found = [*not_done(rows), *conflicts(db, task_ids)]
    if not task_ids and not refused:
        found.append(
            Gate("tasks", False, "No task is in the release.", "cleo list --status done", True)
        )
    return found if found or refused else [Gate("tasks", True)]


def about_tree(app: App, repository: Repository, state: State) -> list[Gate]:
    """Whether the work tree is as git has it; files that git does not know are only mentioned."""
    kinds = state.changed
    found = []
    if state.head is None:
        found.append(Gate("tree", False, "There is no commit yet.", "git commit"))
    what = repository.unfinished()
    if what is not None:
        found.append(Gate("tree", False, f"A {what} is not finished.", "git status"))
    unknown = [path for path, kind in kinds.items() if kind == "untracked"]
    if unknown:
        app.warn(
            "W_UNTRACKED",
            f"Files that git does not know are not in the release: {shown(unknown)}.",
        )
    changed = [path for path, kind in kinds.items() if kind != "untracked"]
    if changed:
        found.append(
            Gate(
                "tree",
                False,
                f"The work tree has changes that are not committed: {shown(changed)}.",
                "git stash push",
                True,
            )
        )
    return found or [Gate("tree", True)]


def about_branch(app: App, branch: str | None) -> Gate:
    """Whether the branch is one that is released.

    :param branch: the one that is checked out.
    """
    wanted = app.config.get("tasks.release.branch")
    if branch is None:
        return Gate(
            "branch",
            False,
            "No branch is checked out, so the release's commit would be on none.",
            f"git switch {words_of([wanted or 'BRANCH'])}",
            True,
        )
    if wanted and wanted != branch:
        return Gate(
            "branch",
            False,
            f"Releases are made on {wanted}, and {branch} is checked out.",
            f"git switch {words_of([wanted])}",
            True,
        )
    return Gate("branch", True)


def about_identity(repository: Repository) -> Gate:
    """Whether git knows whose commit it will be."""
    why = repository.identity_problem()
    if why is None:
        return Gate("identity", True)
    return Gate(
        "identity",
        False,
        f"git does not know whose commit it would be: {why}",
        "git config user.name NAME && git config user.email ADDRESS",
    )


def about_remote(app: App, repository: Repository) -> Gate:
    """Whether git knows where to push to.

    :raises CleoError: as :func:`remote_of`.
    """
    remote = remote_of(app)
    if repository.has_remote(remote):
        return Gate("remote", True)
    return Gate(
        "remote",
        False,
        f"git knows no remote {remote}.",
        f"git remote add {words_of([remote])} ADDRESS",
    )


def changelog_usable(
    repository: Repository, state: State, path: str, problem: str | None
) -> Gate | None:
    """The gate that the changelog can be written, where it cannot.

    :param path: from the top of the work tree.
    :param problem: why it cannot, if that is known.
    """
    if problem is None and repository.is_ignored(path):
        problem = "git ignores it"
    if problem is None and path in state.changed:
        problem = "it has changes that are not committed"
    if problem is None:
        return None
    fix = f"git status -- {words_of([path])}"
    return Gate("changelog", False, f"{shown([path])}: {problem}.", fix)


def about_changelog(
    path: str, section: str, *, forced: str, written: bool, may_be_empty: bool
) -> Gate:
    """Whether the changelog has something to say, and does not say it yet.

    :param written: whether the file has a section of this version.
    :param forced: the command that releases that section as it is.
    """
    if written:
        return Gate(
            "changelog",
            False,
            f"{shown([path])} has a section of this version already.",
            forced,
            True,
        )
    if not changelog.body_of(section) and not may_be_empty:
        return Gate("changelog", False, "Nothing is there for a changelog.", "--note TEXT", True)
    return Gate("changelog", True)
