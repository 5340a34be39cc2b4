"""Ending a release: cancelling one that is not committed, taking back one that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from cleo_core.database import Row
from cleo_core.programs import without_passwords
from cleo_tasks.errors import TasksError
from cleo_tasks.service import release_commit, release_gates
from cleo_tasks.service.release_lookup import moved_on
from cleo_tasks.service.releasing import own_files
from cleo_tasks.service.repository import Repository, words_of
from cleo_tasks.service.work import Work
from cleo_tasks.store import releases

if TYPE_CHECKING:
    from cleo_core.app import App


class Way(NamedTuple):
    """A verb that ends releases, the statuses that it ends, and the verb for the others."""

    verb: str
    states: tuple[str, ...]
    other: str


#: Statuses of a step that may have done its work all the same.
INTERRUPTED = ("running", "failed")

CANCEL = Way("cancel", ("draft", "prepared"), "rollback {} --reason TEXT")
ROLLBACK = Way("rollback", ("committed", "tagged", "pushed"), "cancel {}")


def require(release: Row, way: Way) -> None:
    """Whether a release can end this way.

    :raises TasksError: ``E_INVALID_TRANSITION`` (6).
    """
    if release["status"] in way.states:
        return
    raise TasksError(
        "E_INVALID_TRANSITION",
        f"{release['id']} is {release['status']}; {way.verb} ends a release that is "
        f"{' or '.join(way.states)}.",
        fix=f"cleo release {way.other.format(release['version'])}",
        details={"from": release["status"], "to": "rolled_back", "allowed": list(way.states)},
    )


def end(work: Work, release: Row, reason: str) -> Row:
    """Record that a release has ended; its row as it is now.

    :raises CleoError: ``E_CONCURRENT_MODIFICATION`` (21), it was changed meanwhile.
    """
    columns = {
        "status": "rolled_back",
        "rolled_back_at": work.now,
        "rollback_reason": reason,
    }
    if not releases.update(work, release["id"], release["row_version"], columns):
        raise moved_on(releases.get(work, release["id"]), release)
    entry = work.note("release", release["id"], {name: release[name] for name in columns}, columns)
    entry.reason = reason
    row = releases.get(work, release["id"])
    assert row is not None
    return row


def revert(
    app: App, repository: Callable[[], Repository], release: Row, steps: Mapping[str, Row]
) -> list[str]:
    """Commands that take back what git has of a release, the last thing first.

    Of a step that was interrupted git is asked. Where it cannot be, a warning says so.
    """
    tag, found = release["git_tag"], []
    try:
        if release["commit_sha"] is None:
            return _uncommitted(repository, release, steps)
        if tag is None and steps["tag"]["status"] in INTERRUPTED:
            target = repository().tag_target(release["version"])
            tag = release["version"] if target == release["commit_sha"] else None
    except TasksError as error:
        app.warn("W_GIT", f"What the release has written is not named: {error.message}")
    if release["status"] == "pushed" or steps["push"]["status"] == "running":
        remote = steps["push"]["detail"].get("remote")
        remote = remote or without_passwords(release_gates.remote_of(app))
        found.append(f"git push {words_of([remote])} :refs/tags/{tag}")
    if tag is not None:
        found.append(f"git tag -d {tag}")
    if release["commit_sha"] is not None:
        found.append(f"git revert --no-edit {release['commit_sha']}")
    return found


def _uncommitted(
    asked: Callable[[], Repository], release: Row, steps: Mapping[str, Row]
) -> list[str]:
    """How to take back what was written, or committed by a runner that was interrupted."""
    own, prepared = own_files(steps), steps["prepare"]["detail"]
    if not own and steps["commit"]["status"] == "pending":
        return []
    repository = asked()
    if steps["commit"]["status"] in INTERRUPTED:
        commit = release_commit.made(repository, release["id"], prepared)
        if commit is not None:
            return [f"git revert --no-edit {commit}"]
    changed = repository.state().changed
    git = f"git -C {words_of([repository.top])}"
    commands = {"tracked": "checkout HEAD", "added": "rm --force", "untracked": "clean --force"}
    found = []
    for kind, command in commands.items():
        paths = [path for path in own if changed.get(path) == kind]
        if paths:
            found.append(f"{git} {command} -- {words_of(paths)}")
    return found
