"""What happens to sessions, told to the subscribers of the topic ``lifecycle``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_conduit.api import STORE
from cleo_conduit.service.acting import SYSTEM
from cleo_conduit.service.addressing import subscribed
from cleo_conduit.service.posting import Body, post
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import mail

if TYPE_CHECKING:
    from cleo_core.api import Change
    from cleo_core.app import App

TOPIC = "lifecycle"
#: Columns of a session that are told.
TOLD = ("status", "agent_id", "name", "scope_task_id", "ended_at")


def publish(app: App, change: Change) -> None:
    """Tell the subscribers what became of sessions; nothing is written where there are none."""
    if app.project_or_none is None or app.stores.state(STORE).state != "head":
        return
    row = mail.topic(app.store(STORE.name), TOPIC)
    if row is None or not mail.participants(app.store(STORE.name), row["id"]):
        return

    def tell(work: Work) -> None:
        for id_ in change.ids:
            told = _told(change, id_)
            said = ", ".join(f"{name} {value}" for name, value in told.items())
            text = f"Session {id_}: {change.op}{f' ({said})' if said else ''}"
            goes, _ = subscribed(work, SYSTEM, row, "lifecycle", None, text)
            if goes:
                payload = {"session": id_, "op": change.op, "columns": told}
                body = Body(text, kind="lifecycle", payload=payload)
                post(work, row, SYSTEM, body, goes, verified=True)

    Verbs(app).write("lifecycle.publish", tell)


def _told(change: Change, id_: str) -> dict[str, Any]:
    after = (change.after or {}).get(id_) or {}
    return {name: after[name] for name in TOLD if after.get(name) is not None}
