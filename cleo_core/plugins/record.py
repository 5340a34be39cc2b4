"""What is known about one plugin, and how one of its functions is run without harm to others."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from types import ModuleType

    from cleo_core.api import CommandSpec, ConfigKey, Reference, ServiceSpec, StoreSpec
    from cleo_core.plugins.scan import EntryPoint

Warn = Callable[[str, str], None]
Trace = Callable[[str, str, float, str], None]

Reason = Literal[
    "not-importable",
    "needs-other-core",
    "api-too-new",
    "bad-hook",
    "bad-spec",
    "duplicate",
    "hook-failed",
]

#: The way out of each quarantine where nothing better is known.
FIXES: Mapping[str, str] = {
    "not-importable": "pip install --force-reinstall {distribution}",
    "needs-other-core": "pip install --upgrade {distribution}",
    "api-too-new": "pip install --upgrade cleo-core",
    "bad-hook": "pip install --upgrade {distribution}",
    "bad-spec": "pip install --upgrade {distribution}",
    "duplicate": "pip uninstall {distribution}",
    "hook-failed": "pip install --upgrade {distribution}",
}


class PluginError(Exception):
    """A plugin cannot be taken; becomes its quarantine."""

    def __init__(self, reason: Reason, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.fix = fix


class Function:
    """One hook function of a plugin and the arguments that it is given."""

    __slots__ = ("arguments", "function", "hook")

    def __init__(self, hook: str, function: Callable[..., Any], arguments: tuple[str, ...]) -> None:
        self.hook = hook
        self.function = function
        self.arguments = arguments


class Plugin:
    """A plugin, in use or not.

    :ivar state: ``loaded``, ``quarantined`` or ``disabled`` (by an environment variable).
    :ivar api: the plugin API that it declares; None before that is known.
    :ivar ms: wall time of its import.
    :ivar commands: what it declared, as far as that is known; ``stores`` and the rest alike.
    :ivar reason: of a quarantine, else empty; ``message`` and ``fix`` (a command to run) alike.
    """

    __slots__ = (
        "api",
        "commands",
        "config_keys",
        "distribution",
        "fix",
        "functions",
        "location",
        "message",
        "module",
        "ms",
        "name",
        "reason",
        "references",
        "requires_core",
        "services",
        "state",
        "stores",
        "value",
        "version",
    )

    def __init__(self, entry: EntryPoint) -> None:
        self.name = entry.name
        self.value = entry.value
        self.distribution = entry.distribution
        self.version = entry.version
        self.location = entry.location
        self.requires_core = entry.requires_core
        self.state: Literal["loaded", "quarantined", "disabled"] = "loaded"
        self.reason: Reason | Literal[""] = ""
        self.message = ""
        self.fix = ""
        self.api: tuple[int, int] | None = None
        self.ms = 0.0
        self.module: ModuleType | None = None
        self.functions: list[Function] = []
        self.stores: tuple[StoreSpec, ...] = ()
        self.commands: tuple[CommandSpec, ...] = ()
        self.services: tuple[ServiceSpec, ...] = ()
        self.references: tuple[Reference, ...] = ()
        self.config_keys: tuple[ConfigKey, ...] = ()

    @property
    def label(self) -> str:
        """Distribution and version, for messages."""
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def prefix(self) -> str:
        """The name as it begins its configuration keys and its own hooks."""
        return self.name.replace("-", "_")

    @property
    def line(self) -> str:
        """Why the plugin is not in use, in one line."""
        return one_line(
            f"cleo: plugin {self.name} ({self.label}) is not used: {self.message} "
            f"[{self.reason}] Fix: {self.fix}"
        )

    def quarantine(self, reason: Reason, message: str, fix: str = "") -> None:
        """Take the plugin out of use, whole; the first reason stands."""
        if self.reason:
            return
        self.state = "quarantined"
        self.reason = reason
        self.message = one_line(message)
        self.fix = fix or FIXES[reason].format(distribution=self.distribution)


class Outcome:
    """What one plugin's function did: its value, or the error that it raised."""

    __slots__ = ("error", "ms", "plugin", "value")

    def __init__(self, plugin: str, value: Any, error: BaseException | None, ms: float) -> None:
        self.plugin = plugin
        self.value = value
        self.error = error
        self.ms = ms


def run(
    plugin: Plugin, function: Function, arguments: Mapping[str, Any], trace: Trace | None
) -> Outcome:
    """Call one hook function with the arguments that it names; whatever it raises is kept.

    An iterator is read to its end here, so that an error in it is the plugin's as well.

    :raises BaseException: only an interruption, see :func:`interrupts`.
    """
    value: Any = None
    failure: BaseException | None = None
    started = time.perf_counter()
    try:
        with stdout_kept():
            value = function.function(*[arguments[name] for name in function.arguments])
            if isinstance(value, Iterator):
                value = tuple(value)
    except BaseException as error:
        # sys.exit() and panics of native extensions are no Exception, and just as much a failure.
        if interrupts(error):
            raise
        value, failure = None, error
    ms = (time.perf_counter() - started) * 1000
    if trace is not None:
        trace(plugin.name, function.hook, ms, outcome_word(value, failure))
    return Outcome(plugin.name, value, failure, ms)


@contextmanager
def stdout_kept() -> Iterator[None]:
    """What a plugin prints goes to stderr: stdout is the command's result and nothing else."""
    stdout, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout = stdout


def interrupts(error: BaseException) -> bool:
    """Whether an exception comes from a signal to the whole program, not from a plugin."""
    if isinstance(error, Exception):
        return False
    return isinstance(error, KeyboardInterrupt) or type(error).__module__.startswith("cleo_core.")


def outcome_word(value: Any, error: BaseException | None) -> str:
    """An outcome for the trace: never a value or a message, they may hold what is private."""
    if error is not None:
        return type(error).__name__
    return "none" if value is None else "ok"


def trace_to_stderr(plugin: str, hook: str, ms: float, outcome: str) -> None:
    """One line per hook call, for ``CLEO_TRACE_HOOKS``."""
    sys.stderr.write(f"cleo: hook {hook} plugin {plugin} {ms:.2f} ms {outcome}\n")


def warn_on_stderr(code: str, message: str) -> None:
    """What a warning does where nobody collects them."""
    sys.stderr.write(f"cleo: {message} [{code}]\n")


def described(error: BaseException) -> str:
    """An exception in words."""
    try:
        words = str(error)
    except Exception:
        # An exception class of the plugin's own may fail even here.
        words = ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def one_line(text: str, limit: int = 500) -> str:
    """Text from elsewhere, fit for one line of a terminal."""
    text = " ".join(text.split())
    if not text.isprintable():
        text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
