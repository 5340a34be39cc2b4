"""No word of a person gets into the file, and no module could send it away."""

from __future__ import annotations

import ast
import contextlib
import gc
import itertools
import os
import runpy
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import click
import pytest

import cleo_telemetry
from cleo_core.app import App
from cleo_core.cli.invocation import Invocation
from cleo_core.cli.root import root
from cleo_core.output import Result

_timings = runpy.run_path(str(Path(__file__).with_name("timings.py")))
content, commands, rows = _timings["content"], _timings["commands"], _timings["rows"]

#: Part of every word that a person could have typed.
MARK = "hunter2"
#: Seconds after which a command that goes on for ever is ended.
PATIENCE = 0.6
#: Sends or reads over a network, or starts what could.
NETWORK = {
    *("socket", "socketserver", "ssl", "http", "urllib.request", "asyncio", "subprocess", "ctypes"),
    *("ftplib", "smtplib", "xmlrpc", "telnetlib", "multiprocessing", "webbrowser", "cffi"),
    *("requests", "httpx", "urllib3", "aiohttp", "httpcore", "pycurl", "websockets", "h2"),
}


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[Any]:
    """Every command of the tree that does something, with its path."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    with click.Context(command, info_name=" ".join(path) or "cleo", obj=Invocation([])) as ctx:
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            assert below is not None
            yield from leaves(below, (*path, name))


def value(param: click.Parameter, number: int) -> str:
    """A word for a parameter: a marker wherever its type takes one."""
    kind = param.type
    if isinstance(kind, click.Choice):
        return str(kind.choices[0])
    if isinstance(kind, (click.types.IntParamType, click.types.FloatParamType)):
        return str(getattr(kind, "min", None) or 1)
    return f"{MARK}-{number}"


def words(command: click.Command, *, options: bool) -> list[str]:
    """A call with a marker in every argument, and in every option if wanted."""
    found: list[str] = []
    numbers = itertools.count()
    for param in command.params:
        if isinstance(param, click.Argument):
            found += [value(param, next(numbers)) for _ in range(max(1, param.nargs))]
        elif isinstance(param, click.Option) and (options or param.required):
            if param.name in ("help", "debug", "project", "dry_run"):
                continue
            name = max(param.opts, key=len)
            if param.is_flag or param.count:
                # Flags for the format of output would hide each other's.
                continue
            found.append(f"{name}={value(param, next(numbers))}")
    return found


@contextlib.contextmanager
def ended_in_time() -> Iterator[None]:
    """A command that runs until it is told to stop is told so."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    # What is raised while the collector calls somebody back stops nothing, and is complained about.
    gc.disable()
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()


@pytest.mark.slow
@pytest.mark.guarantee(
    "telemetry-07",
    "Whatever is typed at whichever command, in arguments, options, environment or paths: no byte "
    "of it is in telemetry's file.",
)
def test_no_word_that_anybody_typed_is_stored(
    cleo_home: Path, cleo_cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = cleo_home / "work" / f"{MARK}-folder"
    place.mkdir()
    monkeypatch.chdir(place)
    for name in ("CLEO_AGENT_ID", "CLEO_SESSION_ID", "USER", "HOSTNAME", MARK.upper(), "EDITOR"):
        monkeypatch.setenv(name, f"{MARK}-{name.lower()}")
    assert cleo_cli("init", f"{MARK} project").code == 0
    assert cleo_cli("telemetry", "enable").code == 0
    tree = list(leaves(root))
    assert len(tree) > 200
    # What ends the recording comes last.
    tree.sort(key=lambda one: one[0] == ("telemetry", "disable"))
    for call in (
        [MARK],
        [f"--{MARK}"],
        ["show", f"--{MARK}={MARK}"],
        ["conduit", MARK],
        ["config", MARK, MARK],
        [*itertools.repeat(MARK, 20)],
        [f"E_{MARK.upper()}"],
    ):
        cleo_cli(*call)
    ends = {0: 0, 1: 0}
    ran = []
    for path, command in tree:
        for options in (False, True):
            call = [*path, *words(command, options=options)]
            with ended_in_time():
                outcome = cleo_cli(*call, input=f"{MARK} typed\n")
            ends[min(outcome.code, 1)] += 1
            ran.append((".".join(path), outcome.code))
    assert ends[0] > 40, "some succeed"
    assert ends[1] > 100, "some fail"
    known = {f"{row['domain']}.{row['operation']}" for row in rows()}
    recorded = {name.partition(".")[2] for name in known}
    missing = {name for name, code in ran if code != 130} - recorded
    assert missing <= {"telemetry.disable"}, missing
    assert len(rows()) > len(tree)
    found = content()
    assert b"core.unknown" in found
    assert MARK.encode() not in found.lower()
    assert MARK.encode("utf-16-le") not in found
    assert str(cleo_home).encode() not in found
    assert socket.gethostname().encode() not in found


def test_a_group_that_takes_any_word_for_a_verb_is_seen_through(
    cleo_project: Path, cleo_cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_core.api import CommandEvent
    from cleo_core.cli.command import Group, command
    from cleo_telemetry import writer

    @command("any", project="none")
    def anything(app: App) -> Result:
        """Do anything."""
        return Result(None)

    class Greedy(Group):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return anything

    monkeypatch.setattr(writer, "load_target", lambda target: Greedy("config"))
    with _app() as app:
        for path in (f"config {MARK}", f"config {MARK} {MARK}", MARK, f"{MARK} show", " ", ""):
            event = CommandEvent(path, None, "mutate")
            assert writer.name_of(app.plugins, event) == ("core", "unknown")
        assert writer.name_of(app.plugins, CommandEvent("config", None, "query")) == (
            "core",
            "config",
        )


@pytest.mark.parametrize(
    ("code", "stored"),
    [
        ("E_NOT_FOUND", "E_NOT_FOUND"),
        ("E_V2", "E_V2"),
        ("E_", None),
        ("E_lower", None),
        ("E_TWO WORDS", None),
        ("E_ÄÖ", None),
        ("E_²", None),
        ("NOT_FOUND", None),
        ("E_" + "X" * 500, None),
        ("", None),
        (None, None),
    ],
)
def test_only_a_symbol_is_an_error_code(code: str | None, stored: str | None) -> None:
    from cleo_core.api import CommandEvent
    from cleo_telemetry.writer import row_of

    event = CommandEvent(
        "version", None, "query", exit_code=4, error_code=code, duration_ms=-3.0, finished_at="x"
    )
    with _app() as app:
        row = row_of(app, event)
    assert row["error_code"] == stored
    assert row["duration_ms"] == 0


def test_exits_are_those_of_the_process(cleo_project: Path) -> None:
    from cleo_core.api import CommandEvent
    from cleo_telemetry.writer import row_of

    with _app() as app:
        for code, stored in ((0, 0), (255, 255), (256, 0), (-1, 255), (10**9, 0)):
            event = CommandEvent("version", None, "query", exit_code=code, error_code="E_IO")
            row = row_of(app, event)
            assert row["exit_code"] == stored
            assert (row["error_code"] is None) is (stored == 0)


@pytest.mark.guarantee(
    "telemetry-14", "No module of the plugin imports anything that could reach a network."
)
def test_no_module_can_reach_a_network() -> None:
    package = Path(str(cleo_telemetry.__file__)).parent
    found = []
    sources = sorted(package.rglob("*.py"))
    assert len(sources) > 15
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{one.name}" for one in node.names]
            elif isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
                called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if called in ("__import__", "import_module", "exec", "eval", "system", "popen"):
                    names = [called]
            for name in names:
                parts = name.split(".")
                prefixes = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
                if prefixes & NETWORK or name in ("__import__", "import_module", "exec", "eval"):
                    found.append(f"{source.relative_to(package)}:{node.lineno} {name}")
                if name in ("system", "popen"):
                    found.append(f"{source.relative_to(package)}:{node.lineno} {name}")
    assert found == []


@pytest.mark.guarantee(
    "telemetry-14", "All tests of telemetry run with a socket that refuses to be opened."
)
def test_a_socket_refuses_to_be_opened_while_telemetry_is_tested(
    cleo_project: Path, cleo_cli: Any
) -> None:
    with pytest.raises(AssertionError, match="socket"):
        socket.socket()
    for verb in ("enable", "status", "show", "analyze", "export", "disable"):
        assert cleo_cli("telemetry", verb).code in (0, 100), verb


@contextlib.contextmanager
def _app() -> Iterator[App]:
    from cleo_core.app import create_app

    with create_app(None, env=os.environ) as app:
        yield app
