"""A release's commit: of its own files and of nothing else, made once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cleo_core.database import Row
from cleo_core.errors import CleoError
from cleo_core.programs import Finished
from cleo_tasks.release_records import Gate
from cleo_tasks.service import release_gates
from cleo_tasks.service.repository import Repository, failed, shown

if TYPE_CHECKING:
    from cleo_core.app import App

#: Path from the top of the work tree -> fingerprint of what the release wrote there.
Own = Mapping[str, str | None]


def trailer_of(release: str) -> str:
    """The line by which a release's commit is found again."""
    return f"Cleo-Release: {release}"


def made(repository: Repository, release: str, prepared: Mapping[str, Any]) -> str | None:
    """The release's commit, if it is there.

    :param prepared: detail of the step that prepared it.
    :raises TasksError: ``E_GIT`` (3), git cannot say.
    """
    return repository.marked(trailer_of(release), prepared["base"], prepared["branch"])


def edited(repository: Repository, own: Own) -> list[str]:
    """The release's files that do not hold what it wrote."""
    return [path for path, mark in own.items() if repository.fingerprint(path) != mark]


def make(
    app: App,
    repository: Repository,
    release: Row,
    prepared: Mapping[str, Any],
    own: Own,
    *,
    force: bool,
) -> tuple[str | None, CleoError | None, Own]:
    """Commit the release's files.

    :param force: as they are now, whoever has edited them.
    :returns: the commit, or what went wrong; and the files as they are then: hooks may mend what
        they object to, which is the release's own doing too.
    :raises TasksError: ``E_GATE_UNMET`` (80), somebody has edited them.
    """
    version, foreign = release["version"], edited(repository, own)
    if foreign and not force:
        gate = Gate(
            "tree",
            False,
            f"Somebody has changed these files since the release wrote them: {shown(foreign)}.",
            f"cleo release ship {version} --force --reason 'as they are now'",
            True,
        )
        raise release_gates.unmet([gate], version)
    head, _, changed = repository.state()
    ours = [path for path in own if changed.get(path) not in (None, "submodule")]
    others = [path for path in changed if path not in ours and changed[path] != "untracked"]
    if others:
        app.warn(
            "W_NOT_COMMITTED",
            f"What others have changed is not in the release: {shown(others)}.",
        )
    done = repository.commit(
        f"chore(release): {version}\n\n{trailer_of(release['id'])}\n",
        ours,
    )
    sha = made(repository, release["id"], prepared) or _unmarked(app, repository, done, head)
    if sha is not None:
        return sha, None, own
    known = {
        path: mark if path in foreign else repository.fingerprint(path)
        for path, mark in own.items()
    }
    return None, failed("commit", "git commit", done, f"cleo release ship {version}"), known


def _unmarked(app: App, repository: Repository, done: Finished, before: str | None) -> str | None:
    """The commit that git has just made, where a hook rewrote its message."""
    after = repository.state().head
    if done.code != 0 or after is None or after == before:
        return None
    app.warn("W_TRAILER", "A hook has taken the release's line from the commit's message.")
    return after
