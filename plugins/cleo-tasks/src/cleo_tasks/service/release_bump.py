"""The bump command, and which files are its work.

It may be killed with its runner, and is then repeated. A file that differs from HEAD counts as its
work when it was written while a runner watched. Of a file that was changed between the two, by the
command's orphan or by somebody else, nobody can say whose it is: the release stops there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_core import programs
from cleo_core.database import Row
from cleo_core.errors import CleoError
from cleo_tasks.service.repository import Repository, failed, shown, step_error, words_of

if TYPE_CHECKING:
    from cleo_core.app import App

#: Seconds it may take.
TIMEOUT = 1800.0


def command(app: App) -> list[str]:
    """The configured program and arguments, empty where there are none."""
    return [str(word) for word in app.config.get("tasks.release.bump_command") or ()]


def filled(words: Sequence[str], version: str) -> list[str]:
    """The command for one version: ``{version}`` is without the ``v``, ``{tag}`` with it."""
    return [word.replace("{version}", version[1:]).replace("{tag}", version) for word in words]


def begin(repository: Repository, changed: Iterable[str], step: Row) -> dict[str, Any]:
    """What is noted before the command runs.

    :param changed: the files that differ from HEAD.
    :param step: the step as the last attempt left it.
    :returns: ``foreign``, the files that differ from HEAD and are not its work; ``paths``, those
        that earlier attempts wrote, with their fingerprints; what is in neither is doubtful.
    """
    before = step["detail"]
    own: dict[str, str | None] = before.get("paths", {})
    foreign = before.get("foreign")
    if foreign is None or step["status"] == "failed":
        # A runner has seen how the last attempt ended, so all else is somebody's.
        doubtful = before.get("doubtful", ())
        foreign = [
            path
            for path in changed
            if path not in doubtful
            and (path not in own or repository.fingerprint(path) != own[path])
        ]
    return {"foreign": foreign, "paths": own}


def run(
    repository: Repository, words: Sequence[str], release: Row, noted: Mapping[str, Any]
) -> tuple[dict[str, Any], CleoError | None]:
    """Run the command and find out what it wrote.

    :param noted: see :func:`begin`.
    :returns: the step's detail, and what went wrong.
    """
    argv = filled(words, release["version"])
    head, before = _signatures(repository)
    done = programs.run(
        argv,
        cwd=repository.tree,
        env={
            **repository.env,
            "CLEO_RELEASE_VERSION": release["version"][1:],
            "CLEO_RELEASE_TAG": release["version"],
            "CLEO_RELEASE_DIST_TAG": release["dist_tag"] or "",
        },
        timeout=TIMEOUT,
        holds=repository.holds,
    )
    moved, after = _signatures(repository)
    written = {path for path in after if before.get(path) != after[path]}
    foreign = set(noted["foreign"])
    own = ({path for path in noted["paths"] if path in after} | written) - foreign
    found: dict[str, Any] = {"paths": {path: repository.fingerprint(path) for path in sorted(own)}}
    again = f"cleo release ship {release['version']}"
    if done.code != 0:
        fix = again if done.started else "cleo config get tasks.release.bump_command"
        error: CleoError | None = failed("bump", "The bump command", done, fix)
    elif moved != head:
        error = step_error(
            "bump",
            "The bump command made a commit; the release makes its own.",
            "cleo config get tasks.release.bump_command",
        )
    else:
        error = _mixed_up(before, after, own, foreign)
        if error is not None and "doubtful" in error.details:
            found["doubtful"] = error.details["doubtful"]
    if error is not None:
        return {**found, "foreign": sorted(foreign)}, error
    return {**found, "command": argv}, None


def _mixed_up(
    before: Mapping[str, tuple[str, str]],
    after: Mapping[str, tuple[str, str]],
    own: set[str],
    foreign: set[str],
) -> CleoError | None:
    """Why the command's work cannot be told from other people's, or cannot be committed."""
    taken = [
        path
        for path, (kind, _) in before.items()
        if kind != "untracked" and path in foreign and before[path] != after.get(path)
    ]
    if taken:
        return step_error(
            "bump",
            f"The bump command changed files that somebody else had changed: {shown(taken)}.",
            f"git stash push -- {words_of(taken)}",
        )
    inside = [path for path in own if after[path][0] == "submodule"]
    if inside:
        return step_error(
            "bump",
            f"The bump command changed submodules, which no release commits: {shown(inside)}.",
            "git submodule status",
        )
    doubtful = [
        path
        for path, (kind, _) in after.items()
        if kind != "untracked" and path in before and path not in foreign and path not in own
    ]
    if doubtful:
        error = step_error(
            "bump",
            "These files were changed since the bump command was interrupted, by it or by "
            f"somebody else: {shown(doubtful)}.",
            f"git stash push -- {words_of(doubtful)}",
        )
        error.details["doubtful"] = doubtful
        return error
    return None


def _signatures(repository: Repository) -> tuple[str | None, dict[str, tuple[str, str]]]:
    """HEAD, and every path that differs from it: what it is, and what changes with each write."""
    state = repository.state()
    found = {path: (kind, repository.signature(path)) for path, kind in state.changed.items()}
    return state.head, found
