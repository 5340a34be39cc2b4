"""One run of ``cleo``: its flags, its App, its output and what is told about it at the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_core import clock, output
from cleo_core.app import App, create_app
from cleo_core.errors import GENERAL_HELP, CleoError
from cleo_core.ids import new_id
from cleo_core.installed import load_all
from cleo_core.output import Output, Result
from cleo_core.paths import data_dir, find_project, named_project

if TYPE_CHECKING:
    from cleo_core.api import Project
    from cleo_core.plugins import Plugins


#: Built-in commands -> their verbs that only read (`""` is the command itself).
BUILT_IN_READS: Mapping[str, tuple[str, ...]] = {
    "stores": ("",),
    "version": ("",),
    "completion": ("",),
    "plugins": ("", "list", "show"),
    "config": ("get", "list", "path", "validate", "preset list", "preset show"),
    "backup": ("list", "show", "verify", "inspect"),
    "doctor": ("",),
    "reconcile": ("",),
}
#: What a command may fail with and nobody who calls it has done: it is logged as a warning, every
#: other end of a command as information.
LOGGED: frozenset[str] = frozenset(
    (
        *("E_WRITE_CONTENTION", "E_LOCK_TIMEOUT", "E_DISK_FULL", "E_IO", "E_MIGRATION_FAILED"),
        *("E_BACKUP_FAILED", "E_ARCHIVE_FAILED"),
    )
)
#: Options with which a built-in command that only reads writes.
_WRITING = frozenset({"fix", "apply"})


class Invocation:
    """What the commands of one run share; click carries it in ``ctx.obj``."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str] = os.environ) -> None:
        self.argv = list(argv)
        self.env = env
        self.started = time.perf_counter()
        self.flags: dict[str, Any] = {}
        self.path = ""
        self.option_names: tuple[str, ...] = ()
        self.warnings: list[dict[str, Any]] = []
        self.app: App | None = None
        self.request_id = new_id()
        self.carried_out = False
        self.dry_run = False
        self._plugins: Plugins | None = None

    @property
    def plugins(self) -> Plugins:
        """The installed plugins, found once."""
        if self._plugins is None:
            self._plugins = load_all(self.env, self.warnings)
            for plugin in self._plugins.quarantined:
                print(plugin.line, file=sys.stderr)
        return self._plugins

    @property
    def debug(self) -> bool:
        """Whether tracebacks are wanted."""
        return bool(self.flags.get("debug")) or "--debug" in self.argv

    def warn(self, code: str, message: str) -> None:
        """Add a warning to the result."""
        warning = {"code": code, "message": message}
        if warning not in self.warnings:
            self.warnings.append(warning)

    def open_app(self, need: str) -> App:
        """The App of this run.

        :param need: ``required``, ``optional`` or ``none``: what the command needs of a project;
            ``examined`` is optional, with what is wrong left to the command to say.
        :raises CleoError: a project is required and none is found.
        """
        project: Project | None = None
        problem: CleoError | None = None
        if need == "examined":
            try:
                project = self._look_for_project()
            except CleoError as error:
                problem = error
        elif need != "none":
            project = self._find_project(need)
        self.app = create_app(
            project,
            env=self.env,
            plugins=self.plugins,
            agent=self.flags.get("agent"),
            session=self.flags.get("session"),
            source="cli",
            verb=self.path,
            request_id=self.request_id,
            warnings=self.warnings,
        )
        self.app.project_problem = problem
        return self.app

    def output(self) -> Output:
        """How this run prints; asked for after the flags are known."""
        quiet = bool(self.flags.get("quiet"))
        if "json" not in self.flags:
            quiet = quiet or self.env.get("CLEO_QUIET", "").strip() not in ("", "0")
        return Output(
            json_format=self.json_format(),
            field=self.flags.get("field"),
            quiet=quiet,
            env=self.env,
        )

    def finish(self, result: Result | None, error: CleoError | None = None) -> int:
        """Print the outcome and tell the plugins.

        :returns: the exit code.
        """
        app = self.app
        afterwards = None
        if app is not None:
            afterwards = app.afterwards.take()
            app.close()
        printer = self.output()
        more: dict[str, Any] = {}
        if app is not None and app.replayed:
            more["replayed"] = True
        if app is not None and app.dry_run:
            more["dryRun"] = True
        meta = output.meta(
            self.path.replace(" ", ".") or "cleo",
            self.request_id,
            self.started,
            self.warnings,
            **more,
        )
        if error is None and result is not None:
            self.carried_out = True
            try:
                printer.result(result, meta)
            except CleoError as refused:
                # The command is done; whoever misspelt --field must not have to repeat it.
                refused.message = f"The command was carried out, but {refused.message}"
                refused.details["result"] = result.data
                error = refused
        if error is not None:
            error.settle(f"cleo {self.path} --help" if self.path else GENERAL_HELP)
            printer.failure(error, meta)
        sys.stdout.flush()
        code = error.exit if error is not None else result.exit if result is not None else 0
        self._log_end(code, error)
        self._tell(code, error)
        if app is not None and afterwards is not None:
            _finish_quietly(app, afterwards)
        return code

    def log_unexpected(self, error: BaseException) -> bool:
        """Write a traceback where doctor and people find it.

        :returns: whether it is there; failing to write it changes nothing.
        """
        import traceback

        frames = traceback.format_exception(type(error), error, error.__traceback__)
        return self._log("error", "unexpected", message="".join(frames)[-3000:])

    def _log_end(self, code: int, error: CleoError | None) -> None:
        """Note how a command ended, where such ends are to be noted; never what it was told."""
        if self.app is None or (error is not None and error.code == "E_UNEXPECTED"):
            return
        level = "warning" if error is not None and error.code in LOGGED else "info"
        least = self._setting("logging.level", "warning")
        if level == "warning" or least in ("debug", "info"):
            found = self.plugins.commands.get(self.path.partition(" ")[0])
            self._log(
                level,
                "command",
                duration_ms=round((time.perf_counter() - self.started) * 1000, 1),
                exit=code,
                plugin=found[1] if found is not None else None,
                message=error.code if error is not None else None,
            )

    def _log(self, level: str, event: str, **facts: Any) -> bool:
        """Add a line to the log as the settings want it; whether it is there."""
        from cleo_core import journal

        project = self.app.project_or_none if self.app is not None else None
        return journal.log(
            project.directory if project is not None else self._log_directory(),
            level,
            event,
            config_level=self._setting("logging.level", "warning"),
            max_bytes=self._setting("logging.max_bytes", 10485760),
            files=self._setting("logging.files", 5),
            env=self.env,
            command=self.path,
            request_id=self.request_id,
            project_id=project.id if project is not None else None,
            **facts,
        )

    def _setting(self, key: str, default: Any) -> Any:
        """A setting of the log; the default where the settings cannot be found."""
        try:
            return self.app.config.get(key) if self.app is not None else default
        except CleoError:
            # What is wrong with them is for other commands to say.
            return default

    def _log_directory(self) -> str:
        """The project's directory where there is one, else the data directory; else nowhere."""
        try:
            return find_project(
                explicit=self.flags.get("project"), env=self.env, record=False
            ).directory
        except CleoError:
            try:
                return data_dir(self.env)
            except CleoError:
                return ""

    def _look_for_project(self) -> Project | None:
        """The project, found without a trace.

        :raises CleoError: why there is none that can be used; only one that was named must exist.
        """
        explicit = self.flags.get("project")
        try:
            return find_project(explicit=explicit, env=self.env, warn=self.warn, record=False)
        except CleoError as error:
            if error.code == "E_NOT_INITIALIZED" and named_project(explicit, self.env) is None:
                return None
            raise

    def _find_project(self, need: str) -> Project | None:
        explicit = self.flags.get("project")
        try:
            return find_project(explicit=explicit, env=self.env, warn=self.warn)
        except CleoError as error:
            # A directory without a marker is no project either: an init that was killed left it.
            if explicit or error.code not in ("E_NOT_INITIALIZED", "E_INVALID_PROJECT_ROOT"):
                raise
            if need == "required" and self._may_auto_init():
                return self._auto_init()
            if need == "optional" and error.code == "E_NOT_INITIALIZED":
                return None
            raise

    def _may_auto_init(self) -> bool:
        # A project that a variable names is elsewhere than here.
        return (
            self.env.get("CLEO_AUTO_INIT") == "1"
            and named_project(None, self.env) is None
            and not self.dry_run
        )

    def _auto_init(self) -> Project:
        from cleo_core.initialize import initialize
        from cleo_core.paths import find_git_root

        root = find_git_root(os.getcwd())
        if root is None:
            raise CleoError(
                "E_NOT_INITIALIZED",
                "CLEO_AUTO_INIT is set, but no directory upward holds a git repository.",
            )
        made = initialize(
            root,
            plugins=self.plugins,
            env=self.env,
            agent=self.flags.get("agent"),
            warnings=self.warnings,
        )
        if made.failure is not None:
            raise made.failure
        self.warn("W_AUTO_INIT", f"A CLEO project was made in {root}, as CLEO_AUTO_INIT asks.")
        return made.project

    def json_format(self) -> bool:
        """Whether the command answers with envelopes, not with words for people."""
        terminal = sys.stdout.isatty()
        if "json" not in self.flags and self.app is not None:
            try:
                word = str(self.app.config.get("output.format"))
            except CleoError:
                # Where the settings cannot be found, that is what is about to be printed.
                word = "auto"
            if word in ("json", "human"):
                return word == "json"
        return output.wants_json(self.argv, self.env, terminal=terminal)

    def _tell(self, code: int, error: CleoError | None) -> None:
        if self._plugins is None or not self._plugins.has("cleo_command_finished"):
            return
        from cleo_core.api import CommandEvent

        duration = (time.perf_counter() - self.started) * 1000
        # Words that could not be understood end before there is an App.
        app = self.app or self.open_app("none")
        name, _, rest = self.path.partition(" ")
        spec, plugin = self.plugins.commands.get(name, (None, None))
        if spec is not None:
            reads = rest in spec.reads
        else:
            reads = rest in BUILT_IN_READS.get(name, ()) and _WRITING.isdisjoint(self.option_names)
        event = CommandEvent(
            path=self.path,
            plugin=plugin,
            gateway="query" if reads else "mutate",
            option_names=self.option_names,
            exit_code=code,
            error_code=error.code if error else None,
            duration_ms=duration,
            finished_at=clock.now(),
        )
        printed = len(self.warnings)
        self.plugins.call("cleo_command_finished", app=app, event=event)
        for warning in self.warnings[printed:]:
            # The envelope is out; what a plugin did after it can only be said here.
            print(f"warning: {warning['message']}", file=sys.stderr)
        app.close()


def _finish_quietly(app: App, afterwards: Callable[[], None]) -> None:
    """Do what was left for later; the answer stands, whatever comes of it."""
    try:
        afterwards()
    except BaseException:
        # Interrupted: what was under way is rolled back, and may be done another time.
        return
    finally:
        app.close()
