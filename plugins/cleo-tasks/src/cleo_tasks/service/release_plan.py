"""What a release will be: its version, its tasks, its changelog, and whether it may begin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cleo_core import inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Row
from cleo_core.errors import CleoError, UsageError, ValidationError
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import parse_id, parse_ids
from cleo_tasks.release_records import Gate
from cleo_tasks.service import changelog, release_changelog, release_gates
from cleo_tasks.service.lifecycle.arguments import needed
from cleo_tasks.service.repository import Commit, Repository
from cleo_tasks.store import pipelines, releases, tasks

if TYPE_CHECKING:
    from cleo_core.app import App

#: A version is also the name of a tag: runs of letters and digits with one of . + - between two.
_VERSION = re.compile(r"v[0-9][0-9A-Za-z]*(?:[.+-][0-9A-Za-z]+)*")
_LENGTH = 64
_DIST_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@record
class Request(Declared):
    """What ``plan`` and ``ship`` were asked for, checked."""

    version: str
    epic: str | None = None
    tasks: Sequence[str] = ()
    all_done: bool = False
    note: str | None = None
    dist_tag: str | None = None
    push: bool = False
    force: bool = False
    reason: str | None = None

    @property
    def command(self) -> str:
        """The command that ships the same version with the same tasks."""
        words = [f"--task {id_}" for id_ in self.tasks]
        words += [f"--epic {self.epic}"] if self.epic is not None else []
        words += ["--all-done"] if self.all_done else []
        return " ".join(("cleo release ship", self.version, *words))


@record
class Seen(Declared):
    """What git and the files say of a release that is planned: asked before the store is.

    :ivar previous: id of the last release, since whose tag the commits are.
    :ivar base: the commit that is checked out; ``branch``: None where HEAD is detached.
    :ivar path: the changelog's, from the top of the work tree; ``text``: what it holds.
    :ivar unusable: why the changelog cannot be written.
    """

    previous: str | None
    base: str
    branch: str | None
    version: Gate
    tree: list[Gate]
    path: str
    text: str
    unusable: Gate | None
    commits: list[Commit]


@dataclass
class Plan:
    """What preparing settles; ``gates`` say whether it may.

    ``left_out``: done tasks that no live release has and that are older than what is taken.
    """

    seen: Seen
    gates: list[Gate]
    task_ids: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    section: str = ""
    epic: str | None = None
    pipeline: str | None = None
    previous: Row | None = None

    @property
    def forced(self) -> list[Gate]:
        """The gates that are passed by force."""
        return [gate for gate in self.gates if not gate.met and gate.forceable]


def settled(given: dict[str, Any]) -> Request:
    """The arguments of ``plan`` and ``ship``, checked.

    :raises CleoError: 2, 6; ``E_GATE_UNMET`` (80), the version is none; ``E_REASON_REQUIRED`` (84).
    """
    version = version_of(given["version"])
    ways = [bool(given["epic"] is not None), bool(given["tasks"]), bool(given["all_done"])]
    if sum(ways) > 1:
        raise UsageError(
            "The tasks are chosen in one way: by epic, by ids, or all that are done.",
            fix=f"cleo release plan {version} --all-done",
        )
    note, dist_tag, reason = given["note"], given["dist_tag"], given["reason"]
    if note is not None and not inputs.plain_text(note, "note").strip():
        raise ValidationError("The note is blank.", fix="--note TEXT")
    if dist_tag is not None and not (isinstance(dist_tag, str) and _DIST_TAG.fullmatch(dist_tag)):
        raise ValidationError(
            "A dist-tag has letters, digits and . _ -, at most 64.", fix="--dist-tag latest"
        )
    if given["force"]:
        reason = needed(reason, "Forcing needs a reason.")
    elif reason is not None:
        raise UsageError("A reason is given for forcing only.", fix="--force --reason TEXT")
    return Request(
        version,
        None if given["epic"] is None else parse_id(given["epic"]),
        tuple(parse_ids(given["tasks"])),
        bool(given["all_done"]),
        note,
        dist_tag,
        bool(given["push"]),
        bool(given["force"]),
        reason,
    )


def version_of(text: Any) -> str:
    """A version with its ``v``, from a text with or without it.

    :raises TasksError: ``E_GATE_UNMET`` (80), it is none.
    """
    word = text.strip() if isinstance(text, str) else ""
    word = "v" + word.removeprefix("v").removeprefix("V")
    if not _VERSION.fullmatch(word) or len(word) > _LENGTH or word.endswith(".lock"):
        gate = Gate(
            "version",
            False,
            f"{str(text)[:80]!r} is no version; versions look like v1.2.0 or v1.2.0-rc.1.",
            "cleo release plan v1.2.0",
        )
        raise release_gates.unmet([gate], word)
    return word


def look(app: App, repository: Repository, request: Request, previous: Row | None) -> Seen:
    """Ask git and the files what a release now would be made of.

    :param previous: the last release.
    :raises CleoError: ``E_GIT`` (3), ``E_CONFIG`` (8).
    """
    state = repository.state()
    tree = [
        *release_gates.about_tree(app, repository, state),
        release_gates.about_branch(app, state.branch),
        release_gates.about_identity(repository),
    ]
    if request.push:
        tree.append(release_gates.about_remote(app, repository))
    path, (content, problem) = (
        release_changelog.path_of(repository),
        release_changelog.read(repository),
    )
    return Seen(
        previous["id"] if previous else None,
        state.head or "",
        state.branch,
        release_gates.version_unused(repository, request.version),
        tree,
        path,
        release_changelog.text_of(content),
        release_gates.changelog_usable(repository, state, path, problem),
        _commits(repository, previous) if state.head else [],
    )


def made(db: Any, seen: Seen, request: Request, day: str) -> Plan:
    """What preparing a release now would settle; of the outside only what was seen.

    :param db: one state of the store.
    :param day: the release's date, ``YYYY-MM-DD``.
    :raises CleoError: ``E_NOT_FOUND`` (4), a task or the epic does not exist;
        ``E_CONCURRENT_MODIFICATION`` (21), another release was prepared since.
    """
    previous = releases.previous(db)
    if (previous["id"] if previous else None) != seen.previous:
        raise CleoError(
            "E_CONCURRENT_MODIFICATION",
            "Another release was prepared or taken back meanwhile.",
            fix=f"cleo release plan {request.version}",
        )
    plan = Plan(seen, [seen.version], previous=previous)
    plan.task_ids = _chosen(db, request, plan)
    rows = releases.candidates(db, plan.task_ids)
    # A first release that says nothing of its tasks has been refused for that already.
    untold = plan.gates[-1].gate == "tasks"
    plan.gates += release_gates.about_tasks(db, rows, plan.task_ids, refused=untold)
    plan.gates += seen.tree
    written = changelog.section_of(seen.text, request.version)
    plan.section = changelog.section(
        changelog.style_of(seen.text),
        request.version,
        day,
        note=request.note,
        tasks=rows,
        commits=_others(seen.commits, rows),
    )
    plan.gates.append(
        seen.unusable
        or release_gates.about_changelog(
            *(seen.path, plan.section),
            forced=f"{request.command} --force --reason 'the changelog is written'",
            written=written is not None,
            may_be_empty=untold,
        )
    )
    if written is not None and request.force:
        plan.section = written
    return plan


def _chosen(db: Any, request: Request, plan: Plan) -> list[str]:
    """The ids of the tasks that are asked for."""
    if request.epic is not None:
        epic = tasks.row(db, request.epic)
        if epic is None:
            raise task_not_found(request.epic)
        if epic["type"] != "epic":
            raise ValidationError(
                f"{request.epic} is a {epic['type']} and no epic.", fix=f"--task {request.epic}"
            )
        own = pipelines.of_task(db, request.epic)
        plan.epic, plan.pipeline = request.epic, own["id"] if own else None
        return releases.done_below(db, request.epic)
    if request.tasks:
        missing = sorted(set(request.tasks) - tasks.existing(db, request.tasks))
        if missing:
            raise task_not_found(*missing)
        return list(request.tasks)
    if request.all_done:
        return releases.done(db)
    if plan.previous is None:
        plan.gates.append(release_gates.untold(request.version))
        return []
    chosen = releases.done(db, plan.previous["prepared_at"])
    plan.left_out = [id_ for id_ in releases.done(db) if id_ not in set(chosen)]
    return chosen


def _commits(repository: Repository, previous: Row | None) -> list[Commit]:
    """The commits since the last release, or since the last tag that looks like one."""
    tag = previous["git_tag"] if previous else None
    if not (tag and repository.tag_target(tag)):
        tag = repository.last_tag()
    return [] if tag is None else repository.commits_since(tag)


def _others(commits: Sequence[Commit], rows: Sequence[Row]) -> list[Commit]:
    """The commits that name none of a release's tasks and are no release."""
    named = re.compile(r"\bT0*([0-9]{1,15})\b")
    ours = {row["seq"] for row in rows}
    return [
        one
        for one in commits
        if "Cleo-Release: " not in one.message
        and not any(int(number) in ours for number in named.findall(one.message))
    ]
