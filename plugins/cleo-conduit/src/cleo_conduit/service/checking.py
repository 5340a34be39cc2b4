"""Health checks beside the search index and the documents, and what reconcile mends."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from cleo_conduit.api import STORE
from cleo_conduit.service.closing import expire, kill
from cleo_conduit.service.documents.mending import mend_contributors
from cleo_conduit.service.health import MOST, Finding
from cleo_conduit.service.wiping import FIX
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import checking, jobs, meta, pruning, refs, versions
from cleo_conduit.store.erasing import UNWIPED
from cleo_conduit.wake import directory
from cleo_core import clock
from cleo_core.api import Repair
from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Database

Status = Literal["ok", "info", "warning", "error", "unknown"]
#: Seconds after which a worker's lease that ran out was seen to by nobody.
STUCK_SECONDS = 600.0
#: So many dead letters are an error.
MANY_LETTERS = 100


def check_counters(app: App, deep: bool = False) -> Finding:
    """The counters of conversations and of contributors against what they count."""

    def look(db: Database) -> Finding:
        wrong = [*checking.miscounted(db), *versions.miscounted(db)]
        return _found(wrong, "error", "counters that are not what they count", "cleo reconcile")

    return _looked(app, look)


def check_jobs(app: App, deep: bool = False) -> Finding:
    """Jobs whose worker is gone, and that nobody took over."""

    def look(db: Database) -> Finding:
        before = clock.format_time(clock.seconds() - STUCK_SECONDS)
        stuck = [row["id"] for row in db.read(checking.STUCK, before=before)]
        return _found(stuck, "warning", "jobs without their worker", "cleo conduit run --once")

    return _looked(app, look)


def check_claims(app: App, deep: bool = False) -> Finding:
    """Messages that were handed over twenty times and never confirmed."""

    def look(db: Database) -> Finding:
        often = [row["id"] for row in db.read(checking.CLAIMED_OFTEN)]
        said = "messages that are handed over again and again"
        return _found(often, "warning", said, "cleo conduit poll --confirm SEQ")

    return _looked(app, look)


def check_letters(app: App, deep: bool = False) -> Finding:
    """Messages that could not be delivered: one is a warning, a hundred are an error."""

    def look(db: Database) -> Finding:
        dead = [row["id"] for row in db.read(checking.LETTERS)]
        status: Status = "error" if len(dead) >= MANY_LETTERS else "warning"
        return _found(dead, status, "dead letters", "cleo conduit dead list")

    return _looked(app, look)


def check_overdue(app: App, deep: bool = False) -> Finding:
    """Messages whose acknowledgement is overdue."""

    def look(db: Database) -> Finding:
        late = [row["id"] for row in db.read(checking.OVERDUE, now=clock.now())]
        return _found(late, "warning", "overdue acknowledgements", "cleo conduit overdue")

    return _looked(app, look)


def check_refs(app: App, deep: bool = False) -> Finding:
    """Refs to agents that do not exist."""

    def look(db: Database) -> Finding:
        ids = [row["agent_id"] for row in refs.listed(db, enabled_only=False)]
        known = app.exists("agent", ids) if ids else {}
        gone = [id_ for id_ in ids if known.get(id_) is False]
        return _found(gone, "warning", "refs to agents that are gone", "cleo reconcile")

    return _looked(app, look)


def check_trust(app: App, deep: bool = False) -> Finding:
    """Who can act here, and whether the directory of waiting processes is private."""

    def look(db: Database) -> Finding:
        path = directory(app.project.directory)
        try:
            found = os.lstat(path)
        except OSError:
            found = None
        if found is not None:
            open_to_others = stat.S_IMODE(found.st_mode) & 0o077
            if not stat.S_ISDIR(found.st_mode) or (os.name != "nt" and open_to_others):
                return Finding(
                    "warning",
                    f"{path} is open to others, or no directory.",
                    {"path": path},
                    f"chmod 700 {path}",
                )
        tokens = int(db.scalar(checking.TOKENS))
        return Finding(
            "ok",
            "Whoever can open conduit.db can act as any agent without a token; "
            f"{tokens} agents have one.",
            {"tokens": tokens},
            None,
        )

    return _looked(app, look)


def check_unwiped(app: App, deep: bool = False) -> Finding:
    """Text that was redacted, and that no process has yet taken out of the file."""

    def look(db: Database) -> Finding:
        seen = meta.get(db, UNWIPED)
        if seen is None:
            return Finding("ok", "What was redacted is out of the file.", {}, None)
        since = seen.partition(" ")[0]
        return Finding(
            "warning",
            f"Text that was redacted at {since} can still be read in conduit.db.",
            {"since": since},
            FIX,
        )

    return _looked(app, look)


def repairs(app: App, apply: bool) -> list[Repair]:
    """Counters of conversations, sums of contributors, receipts of jobs that ended."""
    if app.project_or_none is None or app.stores.state(STORE).state != "head":
        return []
    db = app.store(STORE.name)
    verbs = Verbs(app)
    conversations = checking.miscounted(db)
    documents = versions.miscounted(db)
    unclosed = checking.unclosed(db)

    def mended(wrong: list[Any], body: Callable[[Work], int]) -> int:
        return verbs.write("conduit.reconcile", body) if apply and wrong else 0

    return [
        _repair(
            "conduit.counters",
            int(db.scalar(checking.CONVERSATIONS)),
            len(conversations),
            mended(conversations, _recount),
        ),
        _repair(
            "conduit.contributors",
            len(documents),
            len(documents),
            mended(documents, lambda work: len(mend_contributors(work))),
        ),
        _repair(
            "conduit.receipts",
            int(db.scalar(checking.JOBS)),
            len(unclosed),
            mended(unclosed, _close),
        ),
    ]


def _recount(work: Work) -> int:
    wrong = checking.miscounted(work)
    for id_ in wrong:
        work.execute(pruning.RECOUNT, id=id_, now=work.now)
        work.note("conversation", id_, action="conversation.recount")
    return len(wrong)


def _close(work: Work) -> int:
    count = 0
    for row in checking.unclosed(work):
        seq, recipient = row["message_seq"], row["recipient"]
        if row["state"] == "done":
            work.execute(jobs.RELAY, seq=seq, agent_id=recipient)
        elif row["state"] == "expired":
            expire(work, seq, recipient)
        else:
            kill(work, seq, recipient, "max_attempts")
        count += 1
    return count


def _repair(name: str, scanned: int, wrong: int, done: int) -> Repair:
    return Repair(name, scanned, 0, 0, wrong, done)


def _looked(app: App, look: Callable[[Database], Finding]) -> Finding:
    if app.project_or_none is None:
        return Finding("ok", "There is no project here.", {}, None)
    try:
        if app.stores.state(STORE).state == "absent":
            return Finding("ok", "There is no conduit.db yet.", {}, None)
        return look(app.store(STORE.name))
    except CleoError as error:
        return Finding("unknown", error.message, {"code": error.code}, error.fix)


def _found(ids: list[str], status: Status, what: str, fix: str) -> Finding:
    if not ids:
        return Finding("ok", f"There are no {what}.", {}, None)
    message = f"{what[0].upper()}{what[1:]}: {len(ids)}."
    return Finding(status, message, {"count": len(ids), "ids": ids[:MOST]}, fix)
