"""Finding releases, and telling how far they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleo_core.database import Row
from cleo_core.errors import CleoError, NotFoundError, UsageError
from cleo_tasks.errors import TasksError
from cleo_tasks.service import release_plan
from cleo_tasks.service.release_plan import Request
from cleo_tasks.store import releases


def named(db: Any, text: Any) -> Row:
    """A release by id, or the live one of a version, or the latest that was.

    :raises CleoError: ``E_NOT_FOUND`` (4); ``E_GATE_UNMET`` (80), the text is no version.
    """
    word = text.strip() if isinstance(text, str) else text
    if isinstance(word, str) and word.startswith("rel-"):
        # No id has other characters; SQLite would not take half a surrogate pair.
        row = releases.get(db, word) if word.isascii() and word.isprintable() else None
    else:
        version = release_plan.version_of(word)
        row = releases.live(db, version) or releases.newest(db, version)
    if row is None:
        raise NotFoundError(f"There is no release {word[:80]!r}.", fix="cleo release list")
    return row


def free_id(db: Any, version: str) -> str:
    """``rel-<version>``, or with the next number that nobody has."""
    number = releases.count_of(db, version) + 1
    while True:
        id_ = f"rel-{version}" if number == 1 else f"rel-{version}.{number}"
        if releases.get(db, id_) is None:
            return id_
        number += 1


def require_version(release: Row | None, version: str, if_version: int | None) -> None:
    """Refuse what was based on another state of the release.

    :raises CleoError: ``E_CONCURRENT_MODIFICATION`` (21); ``E_NOT_FOUND``, there is no release.
    """
    if if_version is None:
        return
    if isinstance(if_version, bool) or not isinstance(if_version, int):
        raise UsageError("A version of a row is a number.", fix="--if-version 1")
    if release is None:
        raise NotFoundError(
            f"There is no release {version} that could be at version {if_version}.",
            fix="cleo release list",
        )
    if release["row_version"] != if_version:
        raise moved_on(release, {**release, "row_version": if_version})


def left_to_do(steps: Sequence[Row], request: Request) -> str | None:
    """The first step that a call would run."""
    for row in steps:
        if row["step"] == "push" and request.push and row["status"] != "done":
            return "push"
        if row["step"] == "push" and row["status"] != "pending":
            return None
        if row["status"] not in ("done", "skipped"):
            return str(row["step"])
    return None


def no_change(release: Row, fix: str) -> TasksError:
    """The error of a release that is where it was asked to be.

    :param fix: what can be done with it, unless it is pushed.
    """
    state = release["status"].replace("_", " ")
    return TasksError(
        "E_NO_CHANGE",
        f"{release['id']} is {state}; nothing is left to do.",
        fix=fix if release["status"] != "pushed" else f"cleo release show {release['version']}",
        details={"id": release["id"], "status": release["status"]},
    )


def moved_on(current: Row | None, known: Row) -> CleoError:
    """The error of a release that somebody else has changed."""
    return CleoError(
        "E_CONCURRENT_MODIFICATION",
        f"{known['id']} was changed by somebody else meanwhile.",
        fix=f"cleo release show {known['id']}",
        details={
            "expected": known["row_version"],
            "rowVersion": current["row_version"] if current else None,
            "current": current,
        },
    )
