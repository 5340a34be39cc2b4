"""How commands are written: parse, call a service, return a Result.

.. code-block:: python

    @command("show", reads=True)
    @click.argument("ids", nargs=-1, required=True)
    def show(app: App, ids: tuple[str, ...]) -> Result:
        \"\"\"Show tasks.\"\"\"
        return Result(app.service("tasks").show(*ids))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cleo_core.output import Result

if TYPE_CHECKING:
    from cleo_core.cli.invocation import Invocation

Callback = Callable[..., Result]


def _store(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None and value is not False and not ctx.resilient_parsing:
        if param.name in ("agent", "session", "project") and not value.strip():
            # `--agent "$UNSET"` must not act as whoever the environment names.
            raise click.BadParameter("a value is needed, and it is blank.", ctx=ctx, param=param)
        ctx.obj.flags[param.name] = value


def _store_format(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value and not ctx.resilient_parsing:
        ctx.obj.flags["json"] = param.name == "as_json"


def _common(*names: str, **attributes: Any) -> click.Option:
    return click.Option(names, expose_value=False, callback=_store, **attributes)


#: Options that every command has and that mean the same everywhere.
COMMON_OPTIONS: tuple[click.Parameter, ...] = (
    _common("--project", metavar="PATH", help="The project to work in."),
    _common("--agent", metavar="ID", help="Who acts."),
    _common("--session", metavar="ID", help="In which session."),
    click.Option(
        ("--json", "as_json"),
        is_flag=True,
        expose_value=False,
        callback=_store_format,
        help="Print the JSON envelope.",
    ),
    click.Option(
        ("--human", "as_human"),
        is_flag=True,
        expose_value=False,
        callback=_store_format,
        help="Print tables for people.",
    ),
    _common("--field", metavar="A.B", help="Print one value of the result."),
    _common("--quiet", "-q", is_flag=True, help="Print ids only."),
    _common("--debug", is_flag=True, hidden=True, help="Show tracebacks."),
)
_COMMON_NAMES = frozenset(option.name for option in COMMON_OPTIONS)

DRY_RUN = click.Option(("--dry-run",), is_flag=True, help="Say what would happen; change nothing.")
IF_VERSION = click.Option(
    ("--if-version",), type=click.IntRange(min=1), help="Refuse if the row has moved on."
)
IDEMPOTENCY_KEY = click.Option(
    ("--idempotency-key",), metavar="KEY", help="The same key gives the first result again."
)
LIMIT = click.Option(("--limit",), type=click.IntRange(min=1), help="Rows at most.")
OFFSET = click.Option(
    ("--offset",), type=click.IntRange(min=0), default=0, help="Rows to pass over first."
)

CONTEXT_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


def _show_help(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


class PlainHelp(click.Command):
    """A command whose help option is made without asking gettext.

    click would look for a translation of its help text with every command, and for that load
    module ``locale``, which takes several milliseconds.
    """

    _plain_help: click.Option | None = None

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """The help option, always the same one."""
        names = self.get_help_option_names(ctx)
        if not names or not self.add_help_option:
            return None
        if self._plain_help is None:
            self._plain_help = click.Option(
                # Stored under a name that no parameter of a command has, as click does.
                [*names, "_click_default_help"],
                is_flag=True,
                expose_value=False,
                is_eager=True,
                help="Show this message and exit.",
                callback=_show_help,
            )
        return self._plain_help


class Command(PlainHelp):
    """A leaf command. Its callback gets the App first and returns a Result.

    :param needs_project: ``required``, ``optional`` or ``none``.
    :param dry: whether ``--dry-run`` is offered.
    :param streams: whether it prints an envelope on each line, as long as it runs.
    """

    def __init__(
        self,
        *args: Any,
        needs_project: str = "required",
        dry: bool = False,
        streams: bool = False,
        **attributes: Any,
    ) -> None:
        attributes.setdefault("context_settings", CONTEXT_SETTINGS)
        super().__init__(*args, **attributes)
        self.needs_project = needs_project
        self.dry = dry
        self.streams = streams
        self.params = [*self.params, *COMMON_OPTIONS]

    def invoke(self, ctx: click.Context) -> Result:
        """Open the App, call the callback and leave the Result for the root to print."""
        invocation: Invocation = ctx.obj
        invocation.path = _path(ctx)
        invocation.option_names = tuple(
            param.name
            for param in self.params
            if isinstance(param, click.Option)
            and param.name is not None
            and ctx.get_parameter_source(param.name) is click.core.ParameterSource.COMMANDLINE
        )
        params = dict(ctx.params)
        dry_run = bool(params.pop("dry_run", False)) if self.dry else False
        invocation.dry_run = dry_run
        app = invocation.open_app(self.needs_project)
        app.dry_run = dry_run
        assert self.callback is not None
        with ctx:
            result = self.callback(app, **params)
        if not isinstance(result, Result):
            raise TypeError(f"the command {invocation.path!r} returned no Result")
        forced = [name for name in invocation.option_names if name.startswith("force")]
        if forced and not dry_run and not result.exit:
            from cleo_core.allowed import note_forced

            note_forced(app, forced)
        return result

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command's own options, then those that every command has."""
        own: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            # The usage line names the arguments; only those with words of their own come here too.
            if record is not None and (record[1] or not isinstance(param, click.Argument)):
                (common if param.name in _COMMON_NAMES else own).append(record)
        for heading, records in (("Options", own), ("Common options", common)):
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


class Group(PlainHelp, click.Group):
    """A noun with verbs."""

    command_class = Command

    def __init__(self, *args: Any, **attributes: Any) -> None:
        attributes.setdefault("context_settings", CONTEXT_SETTINGS)
        super().__init__(*args, **attributes)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A noun alone is answered with its help, also where a form of output is asked for."""
        if args in (["--human"], ["--json"]):
            ctx.obj.flags["json"] = args == ["--json"]
            args = []
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb; an unknown one is answered with the nearest."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            import difflib

            from cleo_core.errors import UsageError

            near = difflib.get_close_matches(name, self.list_commands(ctx), 3)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise UsageError(
                f"`{ctx.command_path}` has no verb {name!r}.{hint}",
                fix=f"{ctx.command_path} {near[0]}" if near else f"{ctx.command_path} --help",
            )
        return super().resolve_command(ctx, args)


def command(
    name: str,
    *,
    project: str = "required",
    writes: bool = False,
    creates: bool = False,
    edits: bool = False,
    lists: bool = False,
    dry_run: bool | None = None,
    streams: bool = False,
    **attributes: Any,
) -> Callable[[Callback], Command]:
    """Make a leaf command of a callback ``(app, **params) -> Result``.

    :param project: whether a project is ``required``, ``optional`` or not looked for (``none``).
    :param writes: adds ``--dry-run``.
    :param creates: adds ``--idempotency-key`` (and ``--dry-run``).
    :param edits: adds ``--if-version`` (and ``--dry-run``).
    :param lists: adds ``--limit`` and ``--offset``.
    :param dry_run: False where a dry run makes no sense.
    :param streams: it prints an envelope on each line, as long as it runs; the Result is the last.
    """
    dry = (writes or creates or edits) if dry_run is None else dry_run

    def decorate(callback: Callback) -> Command:
        params: list[click.Parameter] = list(getattr(callback, "__click_params__", ()))
        params.reverse()
        if lists:
            params += [LIMIT, OFFSET]
        if edits:
            params.append(IF_VERSION)
        if creates:
            params.append(IDEMPOTENCY_KEY)
        if dry:
            params.append(DRY_RUN)
        return Command(
            name,
            callback=callback,
            params=params,
            help=callback.__doc__,
            needs_project=project,
            dry=dry,
            streams=streams,
            **attributes,
        )

    return decorate


def group(name: str, help: str, *commands: click.Command) -> Group:
    """Make a noun of its verbs."""
    made = Group(name, help=help)
    for one in commands:
        made.add_command(one)
    return made


def _path(ctx: click.Context) -> str:
    """``session start`` for ``cleo session start``."""
    names = []
    current: click.Context | None = ctx
    while current is not None and current.parent is not None:
        names.append(current.info_name or "")
        current = current.parent
    return " ".join(reversed(names))
