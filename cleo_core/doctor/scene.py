"""What the checks of one run share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_core.errors import CleoError, ExitCode
from cleo_core.states import ABSENT, BROKEN, FOREIGN

if TYPE_CHECKING:
    from cleo_core.api import Project, StoreSpec
    from cleo_core.app import App
    from cleo_core.database import Database
    from cleo_core.states import StoreState

T = TypeVar("T")


class NotExaminedError(Exception):
    """A check cannot be made on what is there; the text says why, another check reports it.

    :param absent: nothing is there, so that nothing can be wrong with it.
    """

    def __init__(self, reason: str, *, absent: bool = False) -> None:
        super().__init__(reason)
        self.absent = absent


def no_project() -> NotExaminedError:
    """Outside of a project there is nothing of it to look at."""
    return NotExaminedError("There is no project here.", absent=True)


def without_content(state: StoreState) -> NotExaminedError:
    """There is nothing to look into."""
    if state.state == ABSENT:
        name = os.path.basename(state.path)
        return NotExaminedError(f"There is no {name} yet.", absent=True)
    if state.state == FOREIGN:
        return NotExaminedError(f"{state.path} is not this store's: {state.detail}.")
    return NotExaminedError(f"{state.path} cannot be opened: {state.detail.rstrip('.')}.")


class Scene:
    """The App and what belongs to one run.

    :ivar deep: whether the checks that take longer are wanted.
    :ivar profile: how stores are opened; ``foreign`` in another project.
    """

    def __init__(self, app: App, *, deep: bool = False, profile: str = "normal") -> None:
        self.app = app
        self.deep = deep
        self.profile = profile
        self._known: dict[str, Any] = {}

    @property
    def env(self) -> Mapping[str, str]:
        """The environment."""
        return self.app.env

    @property
    def project(self) -> Project | None:
        """The project, or None outside of one."""
        return self.app.project_or_none

    def stores(self) -> list[StoreSpec]:
        """The stores within reach, in lock order; other projects' run has only its own."""
        return [
            spec
            for spec in self.app.plugins.stores.values()
            if (spec.tier == "project" and self.project is not None)
            or (spec.tier == "global" and self.profile != "foreign")
        ]

    def directories(self) -> dict[str, str]:
        """Tier -> its directory, of those that are within reach; none need exist."""
        from cleo_core.paths import check_test_root, data_dir

        found: dict[str, str] = {}
        if self.project is not None:
            found["project"] = self.project.directory
        try:
            directory = data_dir(self.env)
            check_test_root(directory)
        except CleoError:
            # paths.home reports it.
            return found
        return {**found, "global": directory}

    def folders(self) -> list[str]:
        """The directories that CLEO makes: those of :meth:`directories` and that of settings."""
        from cleo_core.paths import check_test_root, config_dir

        found = list(self.directories().values())
        try:
            settings = config_dir(self.env)
            check_test_root(settings)
        except CleoError:
            # paths.home reports it.
            return found
        return list(dict.fromkeys([*found, settings]))

    def home(self) -> str | None:
        """Where what was done is recorded: the project's directory, else the data directory."""
        found = self.directories()
        return found.get("project") or found.get("global")

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What several checks need and is found out once; a failure is not remembered."""
        if name not in self._known:
            self._known[name] = make()
        known: T = self._known[name]
        return known

    def forget(self) -> None:
        """Find everything out anew: something was mended."""
        self._known.clear()

    def state(self, spec: StoreSpec) -> StoreState:
        """The state of a store."""
        with self.opened(spec) as (_, state):
            return state

    @contextmanager
    def opened(self, spec: StoreSpec) -> Iterator[tuple[Database | None, StoreState]]:
        """A store and its state; without the database where the state allows none."""
        stores = self.app.stores
        try:
            database, state = stores.open(spec, write=False, profile=self.profile)
        except CleoError as error:
            if error.exit == ExitCode.CONTENTION:
                raise NotExaminedError(f"{stores.path(spec)} was busy all the time.") from error
            from cleo_core.states import StoreState as State

            path = stores.path(spec)
            database, state = None, State(spec, path, BROKEN, detail=error.message, error=error)
        try:
            yield database, state
        finally:
            if database is not None and database is not stores.elsewhere(spec):
                database.close()

    def require_file(self, spec: StoreSpec) -> None:
        """Leave a store alone that a plugin keeps elsewhere than in its file.

        :raises NotExaminedError: it does.
        """
        if self.app.stores.elsewhere(spec) is not None:
            raise NotExaminedError(f"A plugin keeps {spec.name} elsewhere.", absent=True)

    @contextmanager
    def content(self, spec: StoreSpec) -> Iterator[tuple[Database, StoreState]]:
        """A store whose content can be looked at.

        :raises NotExaminedError: it is absent, foreign or broken, or a plugin keeps it elsewhere.
        """
        self.require_file(spec)
        with self.opened(spec) as (database, state):
            if database is None:
                raise without_content(state)
            yield database, state
