"""The root command: help from stored words, and only the command that runs is imported."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found] # as in __main__
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from cleo_core import __version__
from cleo_core.cli.command import COMMON_OPTIONS, CONTEXT_SETTINGS, PlainHelp
from cleo_core.cli.invocation import Invocation
from cleo_core.errors import CODES, CleoError, ExitCode, UsageError
from cleo_core.output import Result

#: Built-in commands: name -> (target, one line of help).
BUILT_IN: dict[str, tuple[str, str]] = {
    "init": ("cleo_core.cli.project:init", "Make a project here."),
    "config": ("cleo_core.cli.config:config", "Read and change settings."),
    "stores": ("cleo_core.cli.stores:stores", "List the databases and their state."),
    "migrate": ("cleo_core.cli.stores:migrate", "Bring databases to the newest schema."),
    "backup": (
        "cleo_core.cli.backup:backup",
        "Make, verify and keep copies of every database.",
    ),
    "restore": ("cleo_core.cli.restore:restore", "Put the copies of a backup set back."),
    "doctor": (
        "cleo_core.cli.health:doctor",
        "Check the health of everything, and say what helps.",
    ),
    "reconcile": (
        "cleo_core.cli.health:reconcile",
        "Find references to what is gone, and mend them.",
    ),
    "plugins": ("cleo_core.cli.plugins:plugins", "List the installed plugins."),
    "version": ("cleo_core.cli.plugins:version", "Show versions."),
    "completion": ("cleo_core.cli.plugins:completion", "Print a shell completion script."),
}

#: Set by a shell that asks for completions.
COMPLETE_VARIABLE = "_CLEO_COMPLETE"


class Root(PlainHelp, click.Group):
    """``cleo``: commands of the installed plugins and the built-in ones."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name."""
        return sorted({*BUILT_IN, *ctx.obj.plugins.commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        from cleo_core.plugins import load_target

        if cmd_name in BUILT_IN:
            loaded: click.Command = load_target(BUILT_IN[cmd_name][0])
            return loaded
        found = ctx.obj.plugins.commands.get(cmd_name)
        if found is None:
            return None
        loaded = load_target(found[0].target)
        return loaded

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The named command, or the error that says how to get it."""
        name = args[0]
        found = self.get_command(ctx, name)
        if found is None:
            if name.startswith("-"):
                raise UsageError(f"cleo has no option {name}.", fix="cleo --help")
            raise ctx.obj.plugins.explain_missing(name, known=self.list_commands(ctx))
        return name, found, args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Sections of commands from their stored help; none is imported."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for spec, _ in ctx.obj.plugins.commands.values():
            sections.setdefault(spec.section, []).append((spec.name, spec.help))
        order = list(sections)
        sections["Project and plugins"] = [(name, help) for name, (_, help) in BUILT_IN.items()]
        for section in [*order, "Project and plugins"]:
            with formatter.section(section):
                formatter.write_dl(sections[section])


root = Root(
    "cleo",
    params=list(COMMON_OPTIONS),
    help="Tasks, memory, messages and identity for developers and their agents.",
    epilog="`cleo COMMAND --help` explains a command. Start with `cleo init`.",
    context_settings=CONTEXT_SETTINGS,
    no_args_is_help=False,
    invoke_without_command=False,
)
root.params.insert(
    0,
    click.Option(
        ("--version",),
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=lambda ctx, param, value: _print_version(ctx) if value else None,
        help="Show the version.",
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``cleo`` and return its exit code; nothing is raised but on a second interrupt."""
    words = list(sys.argv[1:] if argv is None else argv)
    invocation = Invocation(words)
    previous = _on_terminate()
    try:
        return _run(invocation, words)
    except BrokenPipeError:
        _give_up_stdout()
        return ExitCode.BROKEN_PIPE
    except OSError as error:
        # Every other failure has become an envelope; this is the one of printing it.
        _give_up_stdout()
        done = "The command was carried out, but its" if invocation.carried_out else "The"
        _say(f"error: {done} output could not be written: {error.strerror or error} [E_IO]")
        return CODES["E_IO"][0]
    except KeyboardInterrupt:
        _say("interrupted")
        return ExitCode.INTERRUPTED
    except _Terminated:
        return ExitCode.TERMINATED
    finally:
        if invocation.app is not None:
            invocation.app.close()
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)


def _run(invocation: Invocation, words: list[str]) -> int:
    streams = sys.stdout, sys.stderr
    try:
        if not words:
            words = ["--help"]
        outcome = root.main(words, prog_name="cleo", obj=invocation, standalone_mode=False)
        if not isinstance(outcome, Result):
            sys.stdout.flush()
            return int(outcome or 0)
        return invocation.finish(outcome)
    except (BrokenPipeError, KeyboardInterrupt, _Terminated):
        raise
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:
        if sys.stdout is not streams[0]:
            # That is how click answers a pipe that closed while it printed help.
            sys.stdout, sys.stderr = streams
            raise BrokenPipeError from None
        if COMPLETE_VARIABLE in os.environ:
            # click ends a completion this way; what it printed is the answer.
            sys.stdout.flush()
            return ExitCode.OK
        return _fail(invocation, RuntimeError("a command called sys.exit()"))
    except Exception as error:
        # Whatever a command raises ends as one envelope with one exit; only where that was being
        # printed there is none.
        if isinstance(error, OSError) and invocation.carried_out:
            raise
        return _fail(invocation, error)


def _fail(invocation: Invocation, error: Exception) -> int:
    if invocation.debug:
        import traceback

        traceback.print_exception(error)
    return invocation.finish(None, _as_cleo_error(error, invocation))


def _as_cleo_error(error: Exception, invocation: Invocation) -> CleoError:
    if isinstance(error, CleoError):
        return error
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx is not None else "cleo"
        if error.ctx is not None and not invocation.path:
            invocation.path = path.partition(" ")[2]
        return UsageError(error.format_message(), fix=f"{path} --help")
    if isinstance(error, click.ClickException):
        return UsageError(error.format_message())
    if isinstance(error, UnicodeEncodeError):
        # What the shell passes as bytes that are no UTF-8 cannot be stored or asked for.
        return UsageError("A word of the command is not UTF-8 text.", fix="the same words in UTF-8")
    if isinstance(error, OSError):
        from cleo_core.database import translate

        return translate(error, "-", str(error.filename or "a file"))  # type: ignore[return-value]
    from cleo_core.plugins.record import described

    logged = "; the log has the traceback" if invocation.log_unexpected(error) else ""
    return CleoError(
        "E_UNEXPECTED",
        f"{described(error)} (request {invocation.request_id}{logged}; --debug shows it here)",
    )


def _give_up_stdout() -> None:
    """Let nothing write to a stdout that is gone: the interpreter would complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    try:
        print(text, file=sys.stderr)
    except OSError:
        # stderr is gone as well; the exit code still tells.
        return


class _Terminated(BaseException):
    """SIGTERM arrived; raised so that open units roll back."""


def _on_terminate() -> Any:
    def stop(number: int, frame: object) -> NoReturn:
        raise _Terminated

    try:
        return signal.signal(signal.SIGTERM, stop)
    except ValueError:
        # Only the main thread may set handlers; in-process callers elsewhere do without.
        return None


def _print_version(ctx: click.Context) -> NoReturn:
    click.echo(f"cleo {__version__}")
    ctx.exit(0)
