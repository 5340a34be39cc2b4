"""``session_status``: which session a command runs in. Other stores ask it with every write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_tasks.service import scope
from cleo_tasks.store import sessions

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_tasks.session_records import Session


class SessionStatusVerbs:
    """``session_status``, apart from the other verbs of sessions because it imports little."""

    app: App

    def __init__(self, app: App) -> None:
        self.app = app

    def session_status(self) -> Session:
        """The caller's session, with its current task.

        :raises CleoError: 31; 36 there is none, or several are possible.
        """
        with self.app.store("tasks").snapshot() as db:
            return sessions.record(scope.required(self.app, db))
