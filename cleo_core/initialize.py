"""Making a project: what ``cleo init`` does, in an order that leaves no half project behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.api import Declared, Project
from cleo_core.api.records import record
from cleo_core.app import App
from cleo_core.errors import CleoError, UsageError
from cleo_core.locks import locked
from cleo_core.paths import (
    MARKER,
    SETTINGS,
    append_override,
    atomic_write,
    check_worktree,
    ensure_directory,
    file_error,
    location_problem,
    named_project,
    note_worktree,
    read_marker,
)
from cleo_core.paths.files import quoted
from cleo_core.paths.ignoring import block_is_missing, write_block
from cleo_core.states import ABSENT
from cleo_core.tracked import warn_tracked

if TYPE_CHECKING:
    from cleo_core.plugins import Plugins

#: A directory of files beyond these names is a project that was there before CLEO.
GREENFIELD_STEMS = frozenset({"readme", "license", "licence", "copying", ".gitignore"})
#: Folders of what others made: they are not counted.
PASSED_OVER = frozenset({"node_modules", ".venv"})
MANIFESTS = (
    *("pyproject.toml", "setup.py", "package.json", "Cargo.toml", "go.mod", "pom.xml"),
    *("build.gradle", "Gemfile", "composer.json", "mix.exs", "CMakeLists.txt", "Makefile"),
)
LANGUAGES = {
    ".py": "Python",
    ".ts": "TypeScript",
    ".tsx": "TypeScript",
    ".js": "JavaScript",
    ".rs": "Rust",
    ".go": "Go",
    ".java": "Java",
    ".kt": "Kotlin",
    ".c": "C",
    ".h": "C",
    ".cpp": "C++",
    ".cs": "C#",
    ".rb": "Ruby",
    ".php": "PHP",
    ".swift": "Swift",
    ".ex": "Elixir",
    ".scala": "Scala",
    ".sh": "Shell",
}
SCAN_FILES = 20_000
SCAN_SECONDS = 1.0


@record
class InitResult(Declared):
    """What init did.

    :ivar stores: ``{name, state}`` of every store that init makes, with ``error`` where it failed.
    :ivar report: what the directory held before: kind, files, languages, git, manifests.
    :ivar failure: the first failure of a store, None when all are there.
    """

    project: Project
    changed: bool
    created: list[str]
    kept: list[str]
    stores: list[dict[str, Any]]
    report: dict[str, Any]
    failure: CleoError | None

    def as_json(self) -> dict[str, Any]:
        """The envelope's data."""
        return {
            "root": self.project.root,
            "projectId": self.project.id,
            "name": self.project.name,
            "changed": self.changed,
            "created": self.created,
            "kept": self.kept,
            "stores": self.stores,
            "report": self.report,
            "next": ["cleo --help"] + [f"cleo {word}" for word in ("stores", "plugins")],
        }


def initialize(
    path: str,
    *,
    plugins: Plugins,
    name: str | None = None,
    register: bool = True,
    nested: bool = False,
    dry_run: bool = False,
    env: Mapping[str, str] = os.environ,
    agent: str | None = None,
    warnings: list[dict[str, Any]] | None = None,
) -> InitResult:
    """Make the directory a project, or add what an existing one lacks.

    :param path: the root; must be a directory.
    :param name: the project's name, by default its directory's.
    :param nested: allow a project inside another one.
    :raises UsageError: the name is no text that can be kept.
    :raises CleoError: ``E_LOCATION_REFUSED``, ``E_WORKTREE``, ``E_IO``.
    """
    warnings = [] if warnings is None else warnings
    named = named_project(path, env)
    assert named is not None
    root, directory = named
    if name is not None and not _is_name(name):
        raise UsageError(
            "A project's name is one line of text.", fix=f"cleo init --path {quoted(root)}"
        )
    if not os.path.isdir(root):
        raise CleoError(
            "E_LOCATION_REFUSED", f"{root} is not a directory.", fix=f"mkdir -p {quoted(root)}"
        )
    problem = location_problem(root, env, nested=nested)
    if problem is not None:
        raise problem
    report = survey(root, os.path.basename(directory))
    created = [] if os.path.isdir(directory) else [os.path.basename(directory) + "/"]
    if not dry_run:
        ensure_directory(directory)

    def finish() -> InitResult:
        project = _project(root, directory, name, register, warnings)
        app = App(plugins, project, env=env, agent=agent, source="cli", warnings=warnings)
        app.dry_run = dry_run
        with app:
            return _add_missing(app, project, created, report)

    if dry_run or read_marker(directory) is not None:
        return finish()
    # Two processes would give the project two ids, and the stores that of the one that lost.
    with locked(directory, "init"):
        return finish()


def survey(root: str, own: str = ".cleo") -> dict[str, Any]:
    """What a directory holds, bounded in files and time.

    :param own: name of CLEO's project directory, which does not count.
    :returns: ``{kind, files, languages, git, manifests}`` and ``partial: true`` if cut short.
    """
    started = time.monotonic()
    files = 0
    languages: dict[str, int] = {}
    other = False
    partial = False
    for folder, folders, names in os.walk(root):
        other = other or not PASSED_OVER.isdisjoint(folders)
        folders[:] = sorted(
            one for one in folders if one not in PASSED_OVER and one not in (".git", own)
        )
        # In a worktree or a submodule .git is a file.
        for one in (one for one in names if one != ".git"):
            if files >= SCAN_FILES or time.monotonic() - started > SCAN_SECONDS:
                partial = True
                break
            files += 1
            stem, ending = os.path.splitext(one.lower())
            if folder != root or GREENFIELD_STEMS.isdisjoint((stem, one)):
                other = True
            language = LANGUAGES.get(ending)
            if language:
                languages[language] = languages.get(language, 0) + 1
        if partial:
            break
    result: dict[str, Any] = {
        "kind": "brownfield" if other else "greenfield",
        "files": files,
        "languages": dict(sorted(languages.items(), key=lambda item: (-item[1], item[0]))),
        "git": os.path.lexists(os.path.join(root, ".git")),
        "manifests": [one for one in MANIFESTS if os.path.isfile(os.path.join(root, one))],
    }
    if partial:
        result["partial"] = True
    return result


def _project(
    root: str,
    directory: str,
    name: str | None,
    register: bool,
    warnings: list[dict[str, Any]],
) -> Project:
    """The project as its marker says, or a new one."""
    marker = read_marker(directory)
    if marker is not None:
        known = str(marker.get("name") or os.path.basename(root))
        if name not in (None, known):
            warnings.append(
                {"code": "W_NAME_KEPT", "message": f"The project keeps its name {known!r}."}
            )
        return Project(str(marker["projectId"]), known, root, directory, register)
    from cleo_core.ids import new_id

    chosen = name if name is not None else os.path.basename(root)
    # A directory's name may hold bytes that are no text.
    chosen = chosen.encode("utf-8", "replace").decode()
    return Project(new_id(), chosen, root, directory, register)


def _add_missing(
    app: App, project: Project, created: list[str], report: dict[str, Any]
) -> InitResult:
    """Add what the project directory lacks, the marker last, and tell the plugins."""
    directory, shown = project.directory, os.path.basename(project.directory)
    kept = [] if created else [f"{shown}/"]
    failures: list[CleoError] = []

    def make(what: str, missing: bool, act: Callable[[], None]) -> None:
        (created if missing else kept).append(what)
        if missing and not app.dry_run:
            act()

    _ignore_file(directory, shown, make)
    config = os.path.join(directory, SETTINGS)
    make(
        f"{shown}/{SETTINGS}",
        not os.path.lexists(config),
        lambda: atomic_write(config, b"{}\n"),
    )
    stores = [
        _store(app, spec, created, kept, failures)
        for spec in app.plugins.stores.values()
        if spec.create == "init"
    ]
    missing = read_marker(directory) is None
    make(f"{shown}/{MARKER}", missing, lambda: _write_marker(project, app))
    if not app.dry_run:
        _announce(app, project)
    main = check_worktree(project.root, app.env)
    if main is not None:
        record = bool(created) and not app.dry_run
        note_worktree(project.root, directory, main, app.warn, record=record)
    warn_tracked(project.root, directory, app.env, app.warnings)
    failure = failures[0] if failures else None
    return InitResult(project, bool(created), created, kept, stores, report, failure)


def _is_name(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return bool(text.strip()) and text.splitlines() == [text]


def _write_marker(project: Project, app: App) -> None:
    """Write the marker; a damaged one is kept in quarantine."""
    import json

    path = os.path.join(project.directory, MARKER)
    if os.path.lexists(path):
        stamp = "".join(char for char in clock.now() if char.isalnum())
        kept = os.path.join(project.directory, "quarantine", f"{MARKER}.{stamp}")
        ensure_directory(os.path.dirname(kept))
        try:
            os.replace(path, kept)
        except OSError as error:
            raise file_error(error, path) from error
        append_override(project.directory, "quarantine", {"file": path, "kept": kept})
        app.warn(
            "W_MARKER_QUARANTINED",
            f"{path} was damaged; it is kept as {kept}, and the project has a new id.",
        )
    content = {
        "schemaVersion": 1,
        "projectId": project.id,
        "name": project.name,
        "createdAt": clock.now(),
        "createdBy": app.actor,
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    atomic_write(path, text.encode("utf-8", "replace"))


def _ignore_file(directory: str, shown: str, make: Any) -> None:
    make(f"{shown}/.gitignore", block_is_missing(directory), lambda: write_block(directory))


def _store(
    app: App, spec: Any, created: list[str], kept: list[str], failures: list[CleoError]
) -> dict[str, Any]:
    try:
        state = app.stores.state(spec)
        no_file = app.stores.elsewhere(spec) is not None
        if state.state == ABSENT:
            if not app.dry_run:
                app.stores.create(spec)
                state = app.stores.state(spec)
            created.append(state.path if no_file else spec.file)
            return {"name": spec.name, "state": state.state}
        if state.state not in ("head", "behind"):
            raise app.stores.refusal(state)
        if not no_file:
            kept.append(spec.file)
        return {"name": spec.name, "state": state.state}
    except Exception as error:
        # What is wrong with one store, or with the plugin that brings it, must not cost the others.
        failure = error if isinstance(error, CleoError) else _unexpected(spec, error)
        failures.append(failure)
        return {"name": spec.name, "state": "failed", "error": failure.message}


def _unexpected(spec: Any, error: Exception) -> CleoError:
    return CleoError(
        "E_UNEXPECTED",
        f"Store {spec.name} could not be made: {type(error).__name__}: {error}",
        fix=f"cleo stores {spec.name}",
    )


def _announce(app: App, project: Project) -> None:
    for outcome in app.plugins.call("cleo_project_created", app=app, project=project):
        if outcome.error is not None:
            app.warn(
                "W_HOOK_FAILED",
                f"Plugin {outcome.plugin} failed after the project was made: {outcome.error}",
            )
