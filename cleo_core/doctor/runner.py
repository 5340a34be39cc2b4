"""Running the checks: one by one, in time, and none at another's cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cleo_core.doctor.catalogue import CHECKS, CoreCheck
from cleo_core.doctor.finding import Finding, Status, finding_from, worst
from cleo_core.doctor.limits import Deadline, OutOfTime
from cleo_core.doctor.scene import NotExaminedError, Scene, no_project
from cleo_core.errors import CleoError, NotFoundError
from cleo_core.plugins import load_target
from cleo_core.plugins.record import described, interrupts, one_line, stdout_kept
from cleo_core.reconcile import looking

if TYPE_CHECKING:
    from cleo_core.api import Check, StoreSpec
    from cleo_core.app import App

#: Told of the checks of one project when all of them are made.
Note = Callable[[list[dict[str, Any]]], None]

#: Seconds that a check may take, and with ``--deep``.
LIMIT, DEEP_LIMIT = 10.0, 60.0

_PACKAGE = "cleo_core.doctor"


class Planned:
    """A check that is ready to run.

    :ivar look: makes the check.
    :ivar mend: mends what it found and says what was done; None where nothing can be.
    """

    __slots__ = ("id", "look", "mend", "project", "scene", "store")

    def __init__(
        self,
        id: str,
        scene: Scene,
        look: Callable[[], Any],
        mend: Callable[[], Any] | None = None,
        store: str | None = None,
        project: str | None = None,
    ) -> None:
        self.id = id
        self.scene = scene
        self.look = look
        self.mend = mend
        self.store = store
        self.project = project


@dataclass(frozen=True)
class Diagnosis:
    """What doctor answers.

    :ivar status: the worst of the checks'.
    :ivar checks: ``{id, status, store?, project?, message, details, fix, fixable, ms}`` each.
    """

    status: Status
    checks: list[dict[str, Any]]

    def failures(self, *, strict: bool = False) -> list[dict[str, Any]]:
        """The checks that make the exit 6: errors, and warnings where they count."""
        counting = ("error", "warning") if strict else ("error",)
        return [check for check in self.checks if check["status"] in counting]


def diagnose(
    app: App,
    *,
    deep: bool = False,
    fix: bool = False,
    only: Sequence[str] = (),
    all_projects: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Diagnosis:
    """Check the health of everything within reach. Without ``fix`` nothing changes.

    :param deep: look at every page and index; each check may take a minute instead of ten seconds.
    :param fix: mend what can be mended without risk, and record it in ``audit/overrides.jsonl``.
    :param only: ids, or beginnings of ids (``store``), of the checks to make.
    :param all_projects: look at the stores of every registered project too, and have the registry
        note their health.
    :param progress: called with (checks made, checks in all).
    :raises NotFoundError: ``only`` names no check.
    :raises CleoError: ``E_PLUGIN_MISSING``, no plugin registers projects.
    """
    deadline = Deadline()
    limit = DEEP_LIMIT if deep else LIMIT
    with looking(app, deadline.passed):
        scene = Scene(app, deep=deep)
        planned = [*_core(scene), *_plugins(app, scene, deadline)]
        wanted = _named(only, planned)
        planned = [one for one in planned if one.id in wanted]
        groups: list[tuple[list[Planned], Note | None]] = [(planned, None)]
        if all_projects:
            from cleo_core.doctor.everywhere import registered

            def plan(other: Scene, root: str) -> list[Planned]:
                return [one for one in _core(other, root) if one.id in wanted]

            # A few checks do not show a project's health.
            groups += registered(app, deep=deep, plan=plan, note_health=not only)
        total = sum(len(group) for group, _ in groups)
        checks: list[dict[str, Any]] = []
        for group, note in groups:
            found = []
            for one in group:
                found.append(_run(one, deadline, limit, fix=fix))
                if progress is not None:
                    progress(len(checks) + len(found), total)
            checks += found
            if note is not None:
                with _acting(app):
                    note(found)
    return Diagnosis(worst([check["status"] for check in checks]), checks)


@contextmanager
def _acting(app: App) -> Iterator[None]:
    """The App as commands have it, in the midst of looking."""
    app.close()
    before = app.dry_run, app.stores.examining
    app.dry_run, app.stores.examining = False, None
    try:
        yield
    finally:
        app.close()
        app.dry_run, app.stores.examining = before


def _core(scene: Scene, project: str | None = None) -> Iterator[Planned]:
    """Core's checks; in another project those that are made there."""
    for check in CHECKS:
        if project is not None and not check.elsewhere:
            continue
        for spec in scene.stores() if check.each_store else (None,):
            yield _core_check(check, scene, spec, project)


def _core_check(
    check: CoreCheck, scene: Scene, spec: StoreSpec | None, project: str | None
) -> Planned:
    arguments = (scene,) if spec is None else (scene, spec)
    module = check.target.partition(":")[0]

    def call(target: str) -> Any:
        return load_target(f"{_PACKAGE}.{target}")(*arguments)

    return Planned(
        check.id,
        scene,
        lambda: call(check.target),
        # Another project is its own commands' to mend.
        (lambda: call(f"{module}:{check.fix}")) if check.fix and project is None else None,
        store=spec.name if spec is not None else None,
        project=project,
    )


def _plugins(app: App, scene: Scene, deadline: Deadline) -> Iterator[Planned]:
    """The plugins' checks; one that cannot be had is reported in its place."""
    taken = {check.id for check in CHECKS}
    for name in [plugin.name for plugin in app.plugins.loaded]:
        try:
            outcomes = deadline.within(
                LIMIT, partial(app.plugins.call, "cleo_doctor_checks", {name})
            )
        except OutOfTime:
            yield _refused(scene, name, f"its checks could not be had within {LIMIT:g} seconds")
            continue
        if not outcomes:
            continue
        (outcome,) = outcomes
        try:
            if outcome.error is not None:
                raise outcome.error
            declared = list(outcome.value or ())
        except BaseException as error:
            # Whatever a plugin raises or answers here costs it its checks and nobody else's.
            if interrupts(error):
                raise
            yield _refused(scene, name, f"its checks could not be had: {described(error)}")
            continue
        for check in declared:
            problem = _problem(check, name, taken)
            if problem:
                yield _refused(scene, name, problem)
                continue
            taken.add(check.id)
            yield _plugin_check(app, scene, check)


def _problem(check: Any, plugin: str, taken: set[str]) -> str:
    """Why a plugin's check is not taken; empty where it is."""
    from cleo_core.api import Check

    if not isinstance(check, Check):
        return f"a check of it is a {type(check).__name__}, not a Check"
    names = (plugin, plugin.replace("-", "_"))
    if not isinstance(check.id, str) or not check.id.startswith(tuple(f"{n}." for n in names)):
        return f"its check {str(check.id)!r} does not begin with {plugin}."
    if check.id in taken:
        return f"there is another check {check.id}"
    return ""


def _refused(scene: Scene, plugin: str, problem: str) -> Planned:
    message = one_line(f"Plugin {plugin}: {problem}.")
    return Planned(
        f"{plugin}.checks",
        scene,
        lambda: Finding("warning", message, {"plugin": plugin}, fix=f"cleo plugins {plugin}"),
    )


def _plugin_check(app: App, scene: Scene, check: Check) -> Planned:
    def look() -> Finding:
        _require_store(app, scene, check)
        answer = load_target(check.target)(app, deep=scene.deep)
        return finding_from(answer, fixable=check.fix_target is not None)

    def mend() -> Any:
        assert check.fix_target is not None
        return load_target(check.fix_target)(app)

    return Planned(
        check.id, scene, look, mend if check.fix_target is not None else None, store=check.store
    )


def _require_store(app: App, scene: Scene, check: Check) -> None:
    """A plugin's code knows the schema of its head and no other."""
    spec = app.plugins.stores.get(check.store or "")
    if spec is None:
        return
    if spec.tier == "project" and scene.project is None:
        raise no_project()
    state = scene.state(spec)
    if state.state not in ("head", "absent"):
        raise NotExaminedError(f"Store {spec.name} is {state.state}.")


def _named(only: Sequence[str], planned: Sequence[Planned]) -> set[str]:
    """The ids of the checks that are asked for."""
    known = list(dict.fromkeys([*(check.id for check in CHECKS), *(one.id for one in planned)]))
    if not only:
        return set(known)
    wanted: set[str] = set()
    for name in only:
        found = [id_ for id_ in known if id_ == name or id_.startswith(f"{name}.")]
        if not found:
            import difflib

            first = sorted({id_.partition(".")[0] for id_ in known})
            near = difflib.get_close_matches(name, [*known, *first], 3, 0.5)
            hint = f" Nearest: {', '.join(near)}." if near else ""
            raise NotFoundError(
                f"There is no check {name[:80]!r}.{hint}",
                fix=f"cleo doctor --only {near[0] if near else 'store'}",
                checks=known,
                nearest=near,
            )
        wanted.update(found)
    return wanted


def _run(check: Planned, deadline: Deadline, limit: float, *, fix: bool) -> dict[str, Any]:
    started = time.perf_counter()
    finding = _look(check, deadline, limit)
    if fix and finding.fixable and check.mend is not None:
        done, failure = _mend(check, check.mend, finding)
        finding = _look(check, deadline, limit)
        details = {**finding.details, "fixed": done}
        if failure:
            details["fixFailed"] = failure
        finding = Finding(finding.status, finding.message, details, finding.fix, finding.fixable)
    return {
        "id": check.id,
        "status": finding.status,
        **({"store": check.store} if check.store is not None else {}),
        **({"project": check.project} if check.project is not None else {}),
        "message": finding.message,
        "details": dict(finding.details),
        "fix": finding.fix,
        "fixable": finding.fixable and check.mend is not None,
        "ms": round((time.perf_counter() - started) * 1000, 1),
    }


def _look(check: Planned, deadline: Deadline, limit: float) -> Finding:
    """Make one check; whatever it raises is its finding."""
    started = time.monotonic()
    try:
        with stdout_kept():
            finding = deadline.within(limit, lambda: finding_from(check.look()))
    except NotExaminedError as reason:
        return Finding("ok" if reason.absent else "unknown", one_line(str(reason)))
    except OutOfTime:
        return _late(limit)
    except BaseException as error:
        # A check may fail in any way without costing the others their turn.
        if interrupts(error):
            raise
        if time.monotonic() - started >= limit:
            return _late(limit)
        fix = error.fix if isinstance(error, CleoError) else "cleo plugins"
        words = error.message if isinstance(error, CleoError) else described(error)
        return Finding("unknown", one_line(f"The check failed: {words}"), fix=fix)
    return _late(limit) if time.monotonic() - started >= limit else finding


def _late(limit: float) -> Finding:
    more = "" if limit == DEEP_LIMIT else "; --deep allows a minute"
    return Finding(
        "unknown", f"Not finished after {limit:g} seconds{more}.", fix="cleo doctor --deep"
    )


def _mend(check: Planned, mend: Callable[[], Any], finding: Finding) -> tuple[Any, str]:
    """Mend what a check found and record it.

    :returns: what was done, and why not all of it was, or nothing.
    """
    app = check.scene.app
    done: Any = []
    failure = ""
    try:
        with _acting(app), stdout_kept():
            done = mend()
    except BaseException as error:
        # Mending one thing may fail without keeping the next from being mended.
        if interrupts(error):
            raise
        failure = one_line(error.message if isinstance(error, CleoError) else described(error))
    check.scene.forget()
    done = done if _is_json(done) else [check.id]
    directory = check.scene.home()
    if (done or failure) and directory is not None:
        from cleo_core.paths import append_override

        facts: dict[str, Any] = {"check": check.id, "found": finding.message, "done": done}
        if failure:
            facts["failed"] = failure
        try:
            append_override(directory, "doctor-fix", facts)
        except (CleoError, TypeError, ValueError) as error:
            app.warn("W_NOT_RECORDED", f"What {check.id} mended could not be recorded: {error}")
    return done, failure


def _is_json(done: Any) -> bool:
    """Whether what a mender says it did can be shown and recorded."""
    import json

    if not isinstance(done, (list, tuple, dict, str)):
        return False
    try:
        json.dumps(done)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
