"""Health checks of the tasks store, each run alone by ``cleo doctor``.

A check is called with the App and ``deep`` and gives a Finding. It only reads, and looks at no file
that is not at its head; the file's own state is told by core's checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.database import Database, Row
from cleo_core.errors import CleoError
from cleo_tasks.api import STORE
from cleo_tasks.enums import STATUS_REGISTRY
from cleo_tasks.service import liveness, numbering
from cleo_tasks.service.findings import (
    MOST,
    RECONCILE,
    STORES,
    Finding,
    check,
    counted,
    fine,
    ids_of,
    with_copies,
    wrong,
)
from cleo_tasks.store import claims, project
from cleo_tasks.store import health as store

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_tasks.service.graph import Loop


@check
def check_sequence(app: App, db: Database, deep: bool) -> Finding:
    """The last number given out, against the tasks that there are."""
    found = numbering.sequence_state(db)
    if found.ok:
        return fine(f"The next task is number {found.next}.")
    behind = found.stored < found.max
    return Finding(
        "warning" if behind else "error",
        f"The stored sequence {found.stored} is behind the highest task number {found.max}."
        if behind
        else f"The stored sequence {found.stored} is beyond any number that a task can have.",
        {"count": 1, "ids": ["task_sequence"], "stored": found.stored, "max": found.max},
        RECONCILE,
    )


@check
def check_counters(app: App, db: Database, deep: bool) -> Finding:
    """``dependency_count`` and ``open_dependency_count`` against a recount."""
    rows, total = store.miscounted(db, limit=MOST)
    if not total:
        return fine("Every task's dependencies are counted right.")
    return wrong(
        "error",
        "{} count their dependencies wrong, so `next` and `ready` mistake them",
        "task",
        ids_of(rows),
        total,
        RECONCILE,
    )


@check
def check_search(app: App, db: Database, deep: bool) -> Finding:
    """The full-text table against the tasks; with ``deep`` its index against its own texts too."""
    rows, missed = store.wrong(db, store.MISINDEXED, limit=MOST)
    extra, superfluous = store.superfluous(db, limit=MOST, every_task_indexed=not missed)
    fault = index_fault(app, db) if deep else None
    if not missed and not superfluous and fault is None:
        return fine("The search index holds every task's text.")
    ids = [f"T{row['seq']:03d}" for row in (*rows, *extra)]
    details: dict[str, Any] = {"outdated": missed, "superfluous": superfluous}
    if fault is not None:
        details["fault"] = fault
    return wrong(
        "error",
        "the search index is not that of {}"
        if missed or superfluous
        else "the search index does not fit the texts that it was made from",
        "task",
        ids,
        missed + superfluous,
        RECONCILE,
        **details,
    )


def index_fault(app: App, db: Database) -> str | None:
    """What is wrong inside the full-text index, or None; takes seconds on large projects.

    :raises CleoError: it cannot be looked at.
    """
    try:
        if store.checks_index_reading():
            return store.index_fault(db)
        with app.dry_running():
            app.write("tasks", store.check_index_in)
    except CleoError as error:
        if error.code != "E_STORE_CORRUPT":
            raise
        return error.message
    return None


@check
def check_cycles(app: App, db: Database, deep: bool) -> Finding:
    """Tasks that wait for each other, parents for their children included."""
    with db.snapshot():
        loops = _loops(db)
        way_out = _cut(db, loops[0].path) if loops else None
    if not loops:
        return fine("No tasks wait for each other.")
    return Finding(
        "error",
        f"{counted(len(loops), 'loop')} of tasks that wait for each other: "
        + ", ".join(" → ".join(_short(loop.path)) for loop in loops[:3])
        + (" and more." if len(loops) > 3 else "."),
        {
            "count": len(loops),
            "ids": list(dict.fromkeys(id_ for loop in loops for id_ in loop.path))[:MOST],
            "cycles": [{"path": _short(loop.path), "tasks": loop.tasks} for loop in loops[:MOST]],
        },
        way_out,
    )


@check
def check_parents(app: App, db: Database, deep: bool) -> Finding:
    """Closed parents that have open children."""
    rows, total = store.wrong(db, store.CLOSED_PARENTS, limit=MOST)
    if not total:
        return fine("No closed task has open children.")
    verb = "unarchive" if rows[0]["status"] == "archived" else "reopen"
    return wrong(
        "warning",
        "{} closed and with open children",
        "task",
        ids_of(rows),
        total,
        f"cleo {verb} {rows[0]['id']}",
    )


@check
def check_stages(app: App, db: Database, deep: bool) -> Finding:
    """The stage and status of pipelines against their tasks'."""
    rows, total = store.wrong(db, store.STAGES, limit=MOST)
    if not total:
        return fine("Every pipeline agrees with its task.")
    return wrong(
        "error",
        "{} at odds with the own pipeline",
        "task",
        ids_of(rows),
        total,
        _stage_set_right(rows[0]),
        tasks=[
            {
                "id": row["id"],
                "status": row["status"],
                "pipelineStage": row["pipeline_stage"],
                "pipeline": row["pipeline"],
                "stage": row["stage"],
            }
            for row in rows
        ],
    )


def _stage_set_right(row: Row) -> str:
    """The command that brings a task and its pipeline together."""
    if row["status"] == "cancelled":
        return f"cleo lifecycle abort {row['id']} --reason TEXT"
    if row["pipeline"] != "cancelled" and row["stage"] is not None:
        return f"cleo update {row['id']} --stage {row['stage']}"
    return f"cleo lifecycle show {row['id']}"


@check
def check_focus(app: App, db: Database, deep: bool) -> Finding:
    """Focus that is open although its session or task is over, or that its history belies."""
    rows, total = store.wrong(db, store.FOCUS, limit=MOST)
    if not total:
        return fine("Every open focus is that of a session that goes on.")
    return wrong(
        "warning",
        "{} with a focus that should be closed or told otherwise",
        "session",
        ids_of(rows),
        total,
        RECONCILE,
    )


@check
def check_claims(app: App, db: Database, deep: bool) -> Finding:
    """Old claims whose agents show no sign of life."""
    found = claims.stale(db, **liveness.stale_times(app))
    if not found:
        return fine("No claim is stale.")
    return wrong(
        "warning",
        "{} held by agents that show no sign of life",
        "task",
        found,
        len(found),
        "cleo unclaim --stale",
    )


@check
def check_instances(app: App, db: Database, deep: bool) -> Finding:
    """Agent instances without a heartbeat."""
    alive = liveness.alive_since(app)
    rows, total = store.wrong(db, store.STALE_INSTANCES, limit=MOST, alive=alive)
    if not total:
        return fine("Every instance that should be alive is.")
    return wrong(
        "warning",
        "{} without a heartbeat",
        "instance",
        ids_of(rows),
        total,
        "cleo instance reap",
    )


@check
def check_registry(app: App, db: Database, deep: bool) -> Finding:
    """``status_registry`` against the enums."""
    found, declared = store.registry(db), set(STATUS_REGISTRY)
    if found == declared:
        return fine("The registry of statuses is that of the program.")
    words = sorted({f"{row[1]}/{row[0]}" for row in found ^ declared})
    return with_copies(
        app,
        wrong(
            "error",
            "{} of the registry not as the program declares",
            "word",
            words,
            len(words),
            STORES,
        ),
    )


@check
def check_versions(app: App, db: Database, deep: bool) -> Finding:
    """The version key against the version table and the program; keys that a prune left."""
    keys, revisions = store.keys(db), store.revisions(db)
    stored = keys.get("schema_version")
    if stored != STORE.head or revisions != [STORE.head]:
        finding = Finding(
            "error",
            f"The file says schema {stored or 'nothing'}, its version table "
            f"{', '.join(revisions) or 'nothing'}; the program has {STORE.head}.",
            {
                "count": 1,
                "ids": ["schema_version"],
                "schemaVersion": stored,
                "revisions": revisions,
                "head": STORE.head,
            },
            STORES,
        )
        return with_copies(app, finding)
    if "audit_prune_below" in keys:
        return Finding(
            "error",
            "A mark that only a prune may set was left: audit rows below "
            f"{keys['audit_prune_below']} are not protected.",
            {"count": 1, "ids": ["audit_prune_below"], "value": keys["audit_prune_below"]},
            # A prune that has something to do takes the mark away with it.
            f"cleo log prune --before {store.early(db) or clock.now()}",
        )
    return fine(f"The schema is {STORE.head}.")


@check
def check_project(app: App, db: Database, deep: bool) -> Finding:
    """The project that the file says it belongs to, against the marker."""
    stored = project.project_of(db)
    marker = {"project_id": app.project.id, "project_name": app.project.name}
    wrong = [name for name, value in marker.items() if stored.get(name) != value]
    if not wrong:
        return fine(f"The file belongs to {app.project.name}.")
    return Finding(
        "error" if "project_id" in wrong else "warning",
        f"tasks.db says it belongs to {stored.get('project_name') or 'no project'} "
        f"({stored.get('project_id') or 'no id'}), the marker says {app.project.name} "
        f"({app.project.id}).",
        {"count": len(wrong), "ids": wrong, "stored": stored, "marker": marker},
        "cleo init",
    )


@check
def check_credentials(app: App, db: Database, deep: bool) -> Finding:
    """Cached credentials of agents that do not exist; who cannot be asked for is not missing."""
    agents = store.cached_agents(db)
    answers = app.exists("agent", agents)
    missing = [agent for agent in agents if answers[agent] is False]
    unknown = [agent for agent in agents if answers[agent] is None]
    if missing:
        return wrong(
            "warning",
            "credentials of {} without identity are cached",
            "agent",
            missing,
            len(missing),
            "cleo reconcile --reference agent_credentials.agent_id --apply",
            unknown=len(unknown),
        )
    if unknown:
        return Finding(
            "unknown",
            f"Whether {counted(len(unknown), 'agent')} with cached credentials exist "
            "could not be found out.",
            {"count": len(unknown), "ids": unknown[:MOST]},
            "cleo stores",
        )
    return fine("Every cached credential belongs to an agent.")


def _loops(db: Database) -> list[Loop]:
    """The loops of the waiting graph, which is made only where there may be one."""
    if not store.may_loop(db):
        return []
    from cleo_tasks.service.network import has_loop

    if not has_loop(*store.waiting(db)):
        return []
    from cleo_tasks.service.graph import Graph

    return Graph(db, None, closed=True).loops()


def _cut(db: Database, loop: Sequence[str]) -> str:
    """The command that opens a loop at the first place where one can."""
    for task, target in pairwise(loop):
        if store.depends(db, task, target):
            return f"cleo deps remove {task} {target}"
    return f"cleo reparent {loop[1]} --to root"


def _short(path: Sequence[str]) -> list[str]:
    """A loop as it is told: its ends, where it is long."""
    return list(path) if len(path) <= MOST else [*path[: MOST - 2], "…", path[-1]]
