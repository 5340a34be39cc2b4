"""What a transfer is to do, and whether it may and can, before anything is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cleo_core.errors import UsageError, ValidationError
from cleo_core.inputs import word_of
from cleo_nexus.enums import TRANSFER_MODE
from cleo_nexus.errors import NexusError
from cleo_nexus.ids import parse_reference
from cleo_nexus.service import access
from cleo_nexus.service.elsewhere import OPEN, Waits, is_there, opened
from cleo_nexus.service.graph import Graph, Node, way
from cleo_nexus.store import edges, registry, transfers

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend, Row

SCOPES = ("subtree", "single")
ON_CONFLICT = ("remap", "skip", "fail")
ON_MISSING = ("strip", "fail")
#: What the source has to let others do.
NEEDED = {"copy": "read", "move": "execute"}


@dataclass(frozen=True)
class Wanted:
    """What is to be transferred, and how.

    :ivar tasks: ids of tasks of the source, as they were named.
    :ivar parent: the task of the target that they are to stand under.
    """

    source: str
    target: str
    tasks: tuple[str, ...]
    mode: str
    scope: str
    on_conflict: str
    on_missing: str
    parent: str | None
    with_brain: bool

    def options(self) -> dict[str, Any]:
        """What the journal keeps of it."""
        return {
            "tasks": list(self.tasks),
            "scope": self.scope,
            "onConflict": self.on_conflict,
            "onMissing": self.on_missing,
            "parent": self.parent,
            "withBrain": self.with_brain,
        }

    def arguments(self) -> dict[str, Any]:
        """What has to be the same for an idempotency key to answer."""
        ends = {"source": self.source, "target": self.target, "mode": self.mode}
        return {**ends, **self.options()}


@dataclass(frozen=True)
class Package:
    """Tasks as the source gave them.

    :ivar text: the same as JSON, as the journal keeps it.
    :ivar tried: what importing them would answer: a dry run has shown it.
    """

    records: Sequence[Mapping[str, Any]]
    text: str
    sha256: str
    tried: Any


def wanted_of(
    app: App,
    db: Backend,
    refs: str | Iterable[str],
    to: Any,
    *,
    mode: str,
    scope: str,
    on_conflict: str,
    on_missing: str,
    parent: str | None,
    with_brain: bool,
) -> tuple[Wanted, Row, Row]:
    """What a caller wants, and the rows of both projects, which allow it.

    :raises CleoError: 2, 6, 71, 72, 73, 77.
    """
    word_of(TRANSFER_MODE, "mode")(mode)
    word_of(SCOPES, "scope")(scope)
    word_of(ON_CONFLICT, "on-conflict")(on_conflict)
    word_of(ON_MISSING, "on-missing")(on_missing)
    if not isinstance(with_brain, bool):
        raise UsageError("with_brain is True or False.")
    named = [refs] if isinstance(refs, str) else list(_texts(refs))
    if not named:
        raise UsageError("Name the tasks to transfer.", fix="cleo nexus transfer T001 --to PROJECT")
    found = [access.locate(app, db, one, NEEDED[mode]) for one in named]
    source = found[0][0]
    others = {row["slug"] for row, _ in found if row["project_id"] != source["project_id"]}
    if others:
        raise ValidationError(
            f"The tasks of one transfer are of one project, not of {source['slug']} and "
            f"{', '.join(sorted(others))}.",
            fix="one `cleo nexus transfer` for each project",
        )
    target = access.project(app, db, to)
    access.require(target, "write", access.current_id(app))
    if source["project_id"] == target["project_id"]:
        raise ValidationError(
            f"The tasks are in project {target['slug']} already.", fix="cleo nexus list"
        )
    above = None
    if parent is not None:
        place = parse_reference(parent)
        if place.project is not None:
            row, _ = access.locate(app, db, parent, "write")
            if row["project_id"] != target["project_id"]:
                raise ValidationError(
                    f"{parent} is no task of project {target['slug']}.",
                    fix=f"--parent {target['slug']}:T001",
                )
        above = place.task
    wanted = Wanted(
        source["project_id"],
        target["project_id"],
        tuple(dict.fromkeys(reference.task for _, reference in found)),
        mode,
        scope,
        on_conflict,
        on_missing,
        above,
        with_brain,
    )
    return wanted, source, target


def _texts(refs: Any) -> Iterator[str]:
    try:
        yield from refs
    except TypeError as error:
        raise UsageError("The tasks to transfer are a list of references.") from error


@contextmanager
def working(app: App, row: Row) -> Iterator[App]:
    """A project's files for writing; a store that is not at head is refused, not migrated.

    :raises CleoError: 3, it is not where it was; 7; 50 to 53.
    """
    with opened(app, row) as before:
        before.store(before.plugins.kinds["task"])
    with opened(app, row, foreign=False) as found:
        yield found


def packed(app: App, db: Backend, wanted: Wanted, source: Row, target: Row) -> Package:
    """Read the tasks from the source, and see what the target would make of them.

    :raises CleoError: 4, they do not exist; 6, edges would be lost, or the target refuses; 10 to
        14; 16, open children of what moves stay; 22.
    """
    with opened(app, source) as there:
        tasks = there.service("tasks")
        records = tasks.export_records(list(wanted.tasks), wanted.scope).records
        waits: Waits = tasks.edges()
    if wanted.mode == "move":
        _require_unmoved(db, wanted, waits, records)
    text = json.dumps({"projectId": wanted.source, "records": records}, ensure_ascii=False)
    with working(app, target) as there, there.dry_running():
        tried = there.service("tasks").import_records(
            records,
            link_type="transferred",
            on_conflict=wanted.on_conflict,
            on_missing=wanted.on_missing,
            parent=wanted.parent,
        )
    if wanted.mode == "move":
        _require_whole(wanted, waits, records, tried.id_map)
    _refuse_loop(app, db, wanted, waits, tried.id_map)
    return Package(records, text, sha256_of(text), tried)


def sha256_of(text: str) -> str:
    """The SHA-256 of a package's text, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _require_unmoved(
    db: Backend, wanted: Wanted, waits: Waits, records: Sequence[Mapping[str, Any]]
) -> None:
    """Refuse what a move took along before and left archived; it would be twice elsewhere.

    :raises CleoError: 6.
    """
    archived = [
        record["id"]
        for record in records
        if record.get("record") == "task"
        and waits.statuses.get(record["id"], "archived") == "archived"
    ]
    for task, (project, new) in transfers.moved(db, wanted.source, archived).items():
        row = registry.by_id(db, project)
        name = f"{row['slug'] if row is not None else f'@{project}'}:{new}"
        raise ValidationError(
            f"{task} was moved before, and is {name} now.",
            fix=f"cleo nexus resolve {name}"
            if task in wanted.tasks
            else "the same command with --scope single",
            id=task,
            ref=name,
        )


def _require_whole(
    wanted: Wanted, waits: Waits, records: Sequence[Mapping[str, Any]], moved: Mapping[str, str]
) -> None:
    """Refuse to archive parents of what is open and stays, and with ``fail`` to cut edges.

    :raises CleoError: 16; 6.
    """
    for record in records:
        if record.get("record") != "task" or record["id"] not in moved:
            continue
        edges_ = [*record["dependencies"], *record.get("externalDepends", ())]
        depends = {edge["dependsOn"] for edge in edges_}
        left = [
            one
            for one in waits.waits.get(record["id"], ())
            if one not in depends and one not in moved and waits.statuses[one] in OPEN
        ]
        if left and waits.statuses[record["id"]] != "archived":
            fix = None if wanted.scope == "single" else "the same command with --on-conflict remap"
            raise NexusError(
                "E_HAS_CHILDREN",
                f"{record['id']} cannot move without its open children {', '.join(left[:5])}.",
                fix=fix,
                details={"id": record["id"], "children": left[:100]},
            )
    if wanted.on_missing == "fail":
        above = {
            record["id"]: record["parentId"] or record.get("externalParent")
            for record in records
            if record.get("record") == "task"
        }
        held = [
            (task, one)
            for task, targets in waits.waits.items()
            for one in targets
            if one in moved and task not in moved and above[one] != task
        ]
        if held:
            raise ValidationError(
                "Tasks that stay wait for tasks that would move: "
                + ", ".join(f"{task} for {one}" for task, one in held[:5])
                + ".",
                fix="the same command with --on-missing strip",
                edges=[{"id": task, "target": one} for task, one in held[:20]],
            )


def _refuse_loop(
    app: App, db: Backend, wanted: Wanted, waits: Waits, moved: Mapping[str, str]
) -> None:
    """Refuse to move under a task that what moves waits for.

    :raises CleoError: 14.
    """
    if wanted.mode != "move" or wanted.parent is None:
        return
    graph = Graph(app, db, access.current_id(app), {wanted.source: waits})
    above: Node = (wanted.target, wanted.parent)
    targets: list[Node] = [
        (wanted.source, one)
        for task in moved
        for one in waits.waits.get(task, ())
        if one not in moved
    ]
    targets += [
        (edge["target_project_id"], edge["target_task_id"])
        for edge in edges.out_of(db, wanted.source, moved)
    ]
    for node in dict.fromkeys(targets):
        found = way(graph, node, above)
        if found is not None:
            names = " → ".join(graph.name(one) for one in found)
            raise NexusError(
                "E_CYCLE",
                f"What moves below {graph.name(above)} would wait for it: {names}.",
                fix="the same command without --parent",
                details={"path": [graph.name(one) for one in found]},
            )


@contextmanager
def locked_for(app: App, *rows: Row) -> Iterator[None]:
    """Hold the locks of the registry and of both projects' tasks, always in the same order.

    Nothing is restored, migrated or transferred there meanwhile.

    :raises CleoError: ``E_LOCK_TIMEOUT`` (7).
    """
    import os

    from cleo_core.locks import locked
    from cleo_core.paths import cleo_directory_name
    from cleo_nexus.api import STORE

    tasks = app.plugins.kinds["task"]
    name = cleo_directory_name(app.env)
    with ExitStack() as stack:
        path = app.stores.path(app.stores.spec(STORE.name))
        stack.enter_context(locked(os.path.dirname(path), STORE.name))
        for root in sorted(row["project_path"] for row in rows if is_there(app, row)):
            stack.enter_context(locked(os.path.join(root, name), tasks))
        yield
