"""``status``: what the store holds."""

from __future__ import annotations

from cleo_conduit.enums import JOB_STATE, RECEIPT_STATE
from cleo_conduit.records.refs import Status
from cleo_conduit.service import breakers
from cleo_conduit.service.work import RUN_LOCK, Verbs
from cleo_conduit.store import status
from cleo_core import clock
from cleo_core.locks import held


class StatusVerbs(Verbs):
    """The state of the post office."""

    def status(self) -> Status:
        """How many agents, conversations, messages, receipts, jobs and leases there are."""
        db = self.db
        receipts = status.by_state(db, status.RECEIPTS)
        jobs = status.by_state(db, status.JOBS)
        return Status(
            agents=status.refs(db),
            conversations=int(db.scalar(status.CONVERSATIONS)),
            messages=int(db.scalar(status.MESSAGES)),
            receipts={state: receipts.get(state, 0) for state in RECEIPT_STATE},
            jobs={state: jobs.get(state, 0) for state in JOB_STATE},
            oldest_pending_at=db.scalar(status.OLDEST_PENDING),
            dead_letters=int(db.scalar(status.DEAD_LETTERS)),
            leases=int(db.scalar(status.LEASES, now=clock.now())),
            breakers=breakers.states(db),
            runners=sum(
                str(one["lock"]).startswith(RUN_LOCK) for one in held(self.app.project.directory)
            ),
        )
