"""``prune`` and ``reindex``: what nobody needs any more, and the search index made anew."""

from __future__ import annotations

from cleo_conduit.records.keeping import Pruned
from cleo_conduit.service import due
from cleo_conduit.service.documents.pruning import prune_documents
from cleo_conduit.service.leases.ending import prune_leases
from cleo_conduit.service.wiping import wipe
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import meta, pruning, status
from cleo_conduit.store.erasing import UNWIPED
from cleo_core import clock

DAY = 86_400.0
JOB_DAYS = 7
#: Rows of one kind that one unit removes.
BATCH = 500
_ALL = 2**62


class PruneVerbs(Verbs):
    """Keeping the store small."""

    def prune(self) -> Pruned:
        """Remove finished jobs after seven days, ended leases after thirty, expired idempotency
        keys and documents, blobs without a version, and, where ``conduit.retention_days`` is set,
        older messages that nobody has yet to read and nobody pinned.

        What expired or is overdue is seen to first; what a redaction could not take out of the
        file is taken out at the end. In a dry run: what would be removed.
        """
        totals = dict.fromkeys(Pruned.__dataclass_fields__, 0)
        days = int(self.app.config.get("conduit.retention_days"))
        # A dry run removes nothing, so the same rows would come again.
        most = _ALL if self.app.dry_run else BATCH
        while True:
            done = self.write("conduit.prune", lambda work: _prune(work, days, most))
            for name, number in done.items():
                totals[name] += number
            if not any(number >= most for number in done.values()):
                break
        if not self.app.dry_run and meta.get(self.db, UNWIPED) is not None:
            wipe(self.app)
        return Pruned(**totals)

    def reindex(self) -> int:
        """Make the search index anew.

        :returns: how many messages it holds.
        """

        def body(work: Work) -> int:
            work.execute(pruning.REINDEX)
            work.note("store", "conduit")
            return int(work.scalar(status.MESSAGES))

        return self.write("conduit.reindex", body)


def _prune(work: Work, days: int, most: int) -> dict[str, int]:
    now = clock.seconds()
    done = {
        "due": due.see_to(work, most),
        "jobs": work.execute(
            pruning.JOBS, before=clock.format_time(now - JOB_DAYS * DAY), limit=most
        ),
        "idempotency_keys": work.execute(pruning.KEYS, now=work.now, limit=most),
        "messages": 0,
        "leases": prune_leases(work, most),
        **prune_documents(work, most)._asdict(),
    }
    if days > 0:
        before = clock.format_time(max(0.0, now - days * DAY))
        rows = work.read(pruning.MESSAGES, before=before, limit=most)
        work.executemany(pruning.DELETE_MESSAGE, [{"seq": row["seq"]} for row in rows])
        for id_ in dict.fromkeys(row["conversation_id"] for row in rows):
            work.execute(pruning.RECOUNT, id=id_, now=work.now)
        for row in rows:
            work.unit.deleted("message", row["id"], {"id": row["id"]})
        done["messages"] = len(rows)
    if any(done.values()):
        work.note("store", "conduit", **done)
    return done
