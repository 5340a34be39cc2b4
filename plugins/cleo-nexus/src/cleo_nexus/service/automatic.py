"""Registering a project when it is made; it never fails what it is part of."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cleo_core.errors import CleoError
from cleo_nexus.ids import is_project_id
from cleo_nexus.service import naming, places
from cleo_nexus.service.reconciling import case_of
from cleo_nexus.service.registering import add
from cleo_nexus.service.work import Verbs, Work, mutating

if TYPE_CHECKING:
    from cleo_core.api import Project
    from cleo_core.app import App

#: Set to 1 it keeps every new project out of the registry.
DISABLING_VARIABLE = "CLEO_DISABLE_PROJECT_AUTOREGISTER"
#: Set where commands are tested; what is made there registers only where the other one says so.
_TEST_VARIABLE = "CLEO_TEST_ROOT"


def project_created(app: App, project: Project) -> None:
    """Register a project that is not registered, and touch nothing that is."""
    disabled = app.env.get(DISABLING_VARIABLE, "1" if app.env.get(_TEST_VARIABLE) else "")
    if not project.register or disabled.strip() == "1":
        return
    try:
        root = places.canonical(project.root)
        if not places.is_temporary(root, app.env) and is_project_id(project.id):
            _AutomaticVerbs(app).registered(project, root)
    except CleoError as error:
        app.warn(
            "W_NEXUS_UNAVAILABLE",
            f"The project was not registered: {error.message} `cleo nexus register` does it later.",
            cause=error.code,
        )


class _AutomaticVerbs(Verbs):
    def registered(self, project: Project, root: str) -> None:
        case = case_of(self.app, self.db, root, project.id)
        if case.name == "new":
            self._add(project, root)
        elif case.name != "ok":
            self.app.warn(
                "W_PROJECT_NOT_REGISTERED",
                f"The registry knows this project otherwise ({case.name}); "
                "`cleo nexus reconcile` says how.",
            )

    @mutating("nexus.register")
    def _add(self, project: Project, root: str) -> None:
        name = naming.title_of(project.name, os.path.basename(root))

        def body(work: Work) -> None:
            if case_of(self.app, work, root, project.id).name == "new":
                add(work, project.id, root, name, "read")
                work.note(automatic=True)

        self.write(body)
