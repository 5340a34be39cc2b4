"""The command line itself: envelopes, exits, formats, signals, and words nobody expected."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cleo_core.cli.invocation import Invocation
from cleo_core.cli.root import root
from cleo_core.errors import CODES, CleoError, UsageError
from cleo_core.output import camel, dumps, ids_in, visible, wants_json
from cleo_core.output import select as select_field
from cleo_core.testing import Outcome
from cleo_core.testing.fixtures import CLEO

Cli = Callable[..., Outcome]

#: The stable exits of core's codes; a number never changes its meaning.
EXITS = {
    1: ["E_UNEXPECTED"],
    2: ["E_USAGE", "E_CONFIRMATION_NEEDED", "E_AGENT_REQUIRED"],
    3: [
        *("E_NOT_INITIALIZED", "E_INVALID_PROJECT_ROOT", "E_WORKTREE", "E_LOCATION_REFUSED"),
        *("E_WAL_REFUSED", "E_DISK_FULL", "E_IO", "E_PERMISSION_FS", "E_TEST_ROOT"),
    ],
    4: ["E_NOT_FOUND"],
    5: ["E_PLUGIN_MISSING", "E_PLUGIN_QUARANTINED", "E_EXTRA_MISSING", "E_REFERENCE_UNKNOWN"],
    6: ["E_VALIDATION", "E_REFERENCE", "E_GUARD", "E_IDEMPOTENCY_MISMATCH", "E_CHECKS_FAILED"],
    7: ["E_WRITE_CONTENTION", "E_LOCK_TIMEOUT"],
    8: ["E_CONFIG", "E_NO_HOME", "E_PATH_OVERRIDE"],
    21: ["E_CONCURRENT_MODIFICATION"],
    50: ["E_STORE_BEHIND"],
    51: ["E_STORE_AHEAD"],
    52: ["E_STORE_FOREIGN"],
    53: ["E_STORE_CORRUPT"],
    54: ["E_MIGRATION_FAILED"],
    60: ["E_BACKUP_FAILED", "E_ARCHIVE_FAILED"],
    61: ["E_NO_BACKUP"],
    62: ["E_BACKUP_CORRUPT"],
    63: ["E_RESTORE_REFUSED"],
    64: ["E_RESTORE_PENDING"],
    65: ["E_BUNDLE_DECRYPT"],
    66: ["E_STORE_IN_USE"],
    67: ["E_BUNDLE_INVALID"],
    68: ["E_DATA_EXISTS"],
    69: ["E_NO_SPACE"],
    100: ["E_NOTHING"],
    102: ["E_NO_CHANGE"],
}
STABLE = {code: exit for exit, codes in EXITS.items() for code in codes}

#: Commands that do what no command should.
ODD = '''
import os, signal, sys, time

import click
from cleo_core.cli import Page, Result, command, group
from cleo_core.errors import CleoError


class Silent(Exception):
    def __str__(self):
        raise RuntimeError("not even that")


ERRORS = {
    "value": lambda: ValueError("some text"),
    "key": lambda: KeyError("missing"),
    "os": lambda: OSError(28, "No space left on device", "/some/file"),
    "silent": Silent,
    "deep": lambda: RecursionError("too deep"),
    "exit": lambda: SystemExit(3),
    "interrupt": KeyboardInterrupt,
    "abort": click.Abort,
    "usage": lambda: click.BadParameter("not that one"),
    "click": lambda: click.ClickException("not like that"),
    "surrogate": lambda: ValueError("half of \\udcff"),
}


@command("fail", project="none")
@click.argument("how", type=click.Choice(sorted(ERRORS)))
def fail(app, how):
    """Raise something."""
    raise ERRORS[how]()


@command("nothing", project="none")
def nothing(app):
    """Give nothing."""


@command("give", project="none")
@click.argument("text")
def give(app, text):
    """Give a text back."""
    return Result({"id": "x1", "text": text, "list": [{"id": "y1"}, {"id": "y2"}], "no": None,
                   "deep": {"er": [1, True, 0.5]}},
                  human=lambda out: (out.line(text), out.table(("text",), [(text,)])))


@command("many", project="none")
def many(app):
    """Give more than a pipe holds."""
    rows = [{"id": f"x{number}", "text": "y" * 100} for number in range(5000)]
    return Result(rows, page=Page(5000, 0, 6000),
                  human=lambda out: [out.line(row["text"]) for row in rows])


@command("hold", writes=True)
@click.option("--raw", is_flag=True, help="Without a store.")
def hold(app, raw):
    """Wait in the middle of a unit."""
    def body(unit):
        unit.execute("INSERT INTO boxes (id) VALUES ('half')")
        sys.stderr.write("ready\\n")
        sys.stderr.flush()
        time.sleep(60)

    app.write("boxes", body)
    return Result({})


@command("fault", project="none")
def fault(app):
    """Succeed in finding a fault."""
    return Result({"fault": True}, exit=6)


@command("raw", project="none")
def raw(app):
    """Print a text as it is."""
    return Result({"lines": 2}, raw="one\\ntwo\\n")


@command("warn", project="none")
def warn(app):
    """Warn."""
    app.warn("W_ODD", "Something \\x1b[31modd.")
    return Result({"id": "x1"})


odd = group("odd", "Odd things.", fail, nothing, give, many, hold, fault, raw, warn)
'''


@pytest.fixture
def odd(site: Any) -> None:
    """The command group ``odd`` and the store ``boxes``."""
    site.store("boxes", kind="box")
    site.plugin(
        "odd",
        """
        @hookimpl
        def cleo_register_commands():
            return [CommandSpec("odd", "PACKAGE.cli:odd", "Odd things.", "Odd", ("give", "many"))]
        """,
        cli=ODD,
    )


def on_terminal(*words: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Run ``cleo`` with a terminal for stdin, stdout and stderr; its exit and what it showed."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*CLEO, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color", **(env or {})},
        close_fds=True,
    )
    os.close(slave)
    shown = b""
    while True:
        ready, _, _ = select.select([master], [], [], 60)
        try:
            part = os.read(master, 65536) if ready else b""
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(master)
    return process.wait(60), shown.decode("utf-8", "replace").replace("\r\n", "\n")


def every_command() -> Iterator[str]:
    """Path of each command and verb that is installed."""
    with click.Context(root, info_name="cleo", obj=Invocation([], {})) as ctx:
        for name in root.list_commands(ctx):
            yield from _paths(name, root.get_command(ctx, name), ctx)


def _paths(path: str, command: click.Command | None, ctx: click.Context) -> Iterator[str]:
    assert command is not None, path
    yield path
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            yield from _paths(f"{path} {name}", command.get_command(ctx, name), ctx)


class TestEnvelope:
    def test_a_success_has_data_and_meta_and_nothing_else(self, cleo_cli: Cli, odd: None) -> None:
        outcome = cleo_cli("odd", "give", "a text")
        assert outcome.out.endswith("}\n")
        assert outcome.out.count("\n") == 1
        envelope = outcome.envelope
        assert list(envelope) == ["success", "data", "meta"]
        assert envelope["success"] is True
        meta = envelope["meta"]
        assert list(meta) == ["operation", "requestId", "durationMs", "timestamp"]
        assert meta["operation"] == "odd.give"
        assert re.fullmatch(
            r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
            meta["requestId"],
        )
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", meta["timestamp"])
        assert meta["durationMs"] >= 0
        assert outcome.err == ""

    def test_a_list_has_its_page(self, cleo_cli: Cli, odd: None) -> None:
        envelope = cleo_cli("odd", "many").envelope
        assert list(envelope) == ["success", "data", "page", "meta"]
        assert envelope["page"] == {"limit": 5000, "offset": 0, "total": 6000, "hasMore": True}
        assert "5000 of 6000 shown" in cleo_cli("odd", "many", "--human").out

    def test_a_failure_has_error_and_meta(self, cleo_cli: Cli) -> None:
        outcome = cleo_cli("list")
        assert list(outcome.envelope) == ["success", "error", "meta"]
        assert outcome.envelope["success"] is False
        error = outcome.error
        assert list(error)[:4] == ["code", "exit", "message", "fix"]
        assert (error["code"], error["exit"], outcome.code) == ("E_NOT_INITIALIZED", 3, 3)
        assert error["fix"] == "cleo init"
        assert outcome.envelope["meta"]["operation"] == "list"

    def test_people_get_the_same_in_words_on_stderr(self, cleo_cli: Cli) -> None:
        outcome = cleo_cli("list", "--human")
        assert outcome.out == ""
        first, second = outcome.err.splitlines()
        assert re.fullmatch(r"error: .+\. \[E_NOT_INITIALIZED\]", first)
        assert second == "  fix: cleo init"

    def test_a_noun_alone_is_answered_with_its_help(self, cleo_cli: Cli) -> None:
        for path in ("config", "config preset"):
            for words in ((), ("--json",)):
                error = cleo_cli(*path.split(), *words).error
                assert (error["code"], error["exit"]) == ("E_USAGE", 2)
                assert error["message"].startswith(f"Usage: cleo {path} ")
                assert error["fix"] == f"cleo {path} --help"
            outcome = cleo_cli(*path.split(), "--human")
            assert (outcome.code, outcome.out) == (2, "")
            assert f"Usage: cleo {path} " in outcome.err

    def test_every_verb_is_named_by_its_path(self, cleo_cli: Cli) -> None:
        for words in (("config", "preset", "list"), ("version",), ("config", "get", "agent.id")):
            path = [word for word in words if "." not in word]
            assert cleo_cli(*words).envelope["meta"]["operation"] == ".".join(path)

    def test_a_command_may_succeed_in_finding_a_fault(self, cleo_cli: Cli, odd: None) -> None:
        outcome = cleo_cli("odd", "fault")
        assert (outcome.code, outcome.envelope["success"]) == (6, True)

    def test_a_text_that_is_the_output_is_printed_as_it_is(self, cleo_cli: Cli, odd: None) -> None:
        outcome = cleo_cli("odd", "raw", "--json")
        assert outcome.out == "one\ntwo\n"
        assert json.loads(outcome.err)["data"] == {"lines": 2}
        assert cleo_cli("completion", "bash").out.lstrip().startswith("_cleo_completion()")

    def test_a_dry_run_is_marked(self, cleo_cli: Cli, cleo_project: Path) -> None:
        assert cleo_cli("add", "one", "--dry-run").envelope["meta"]["dryRun"] is True
        assert "dryRun" not in cleo_cli("add", "one").envelope["meta"]

    def test_warnings_stand_in_meta_or_on_stderr(self, cleo_cli: Cli, odd: None) -> None:
        outcome = cleo_cli("odd", "warn")
        assert outcome.warnings == [{"code": "W_ODD", "message": "Something \x1b[31modd."}]
        for words in (("--human",), ("--quiet",), ("--field", "id")):
            outcome = cleo_cli("odd", "warn", *words)
            assert outcome.err == "warning: Something \\x1b[31modd.\n"


class TestCodes:
    def test_every_code_of_core_has_its_stable_exit(self) -> None:
        assert {code: exit for code, (exit, _, _) in CODES.items()}.items() <= STABLE.items()

    def test_every_code_says_cause_and_fix(self) -> None:
        for code, (_, cause, fix) in CODES.items():
            assert cause.endswith("."), code
            assert fix, code

    def test_a_code_has_one_exit_everywhere(self, cleo_home: Path) -> None:
        plugins = Invocation([], os.environ).plugins
        packages = {plugin.value.split(".")[0] for plugin in plugins.loaded}
        for package in packages:
            if importlib.util.find_spec(f"{package}.errors") is not None:
                importlib.import_module(f"{package}.errors")
        classes = [CleoError]
        for one in classes:
            classes += one.__subclasses__()
        for one in classes:
            for code, (exit, cause, fix) in one.codes.items():
                assert STABLE.get(code, exit) == exit, (one, code)
                assert cause, (one, code)
                assert fix, (one, code)

    @pytest.mark.parametrize("code", CODES)
    def test_the_process_ends_with_the_exit_of_the_error(
        self, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch, code: str
    ) -> None:
        from cleo_core.app import App

        def fail(self: App, *arguments: Any, **options: Any) -> None:
            raise CleoError(code, "As asked.")

        monkeypatch.setattr(App, "warn", fail)
        monkeypatch.setattr("cleo_core.cli.plugins._row", fail)
        outcome = cleo_cli("plugins")
        assert (outcome.error["code"], outcome.code) == (code, STABLE[code])
        own = CODES[code][2].replace("cleo --help", "cleo plugins --help")
        assert outcome.error["fix"] == own


class TestSelecting:
    @pytest.mark.parametrize(
        ("field", "printed"),
        [
            ("text", "a text\n"),
            ("list.0.id", "y1\n"),
            ("list.-1.id", "y2\n"),
            ("deep.er", "[1, true, 0.5]\n"),
            ("deep.er.1", "true\n"),
            ("no", "\n"),
        ],
    )
    def test_one_value_is_printed_bare(
        self, cleo_cli: Cli, odd: None, field: str, printed: str
    ) -> None:
        for more in ((), ("--json",), ("--human",)):
            outcome = cleo_cli("odd", "give", "a text", "--field", field, *more)
            assert (outcome.code, outcome.out) == (0, printed)

    @pytest.mark.parametrize("field", ["nope", "list.2", "list.x", "text.0", "", "deep..er", "."])
    def test_a_path_to_nothing_is_a_usage_error_that_says_what_is_there(
        self, cleo_cli: Cli, odd: None, field: str
    ) -> None:
        outcome = cleo_cli("odd", "give", "a text", "--field", field)
        assert (outcome.error["code"], outcome.error["exit"]) == ("E_USAGE", 2)
        assert "known: " in outcome.error["message"]

    def test_an_error_is_an_error_whatever_was_to_be_selected(self, cleo_cli: Cli) -> None:
        assert cleo_cli("list", "--field", "0.id").error["exit"] == 3
        assert cleo_cli("list", "--quiet").error["exit"] == 3

    @pytest.mark.parametrize(
        ("words", "env", "printed"),
        [
            (("--quiet",), {}, "x1\n"),
            (("-q",), {}, "x1\n"),
            (("-q", "--json"), {}, "x1\n"),
            ((), {"CLEO_QUIET": "1"}, "x1\n"),
            ((), {"CLEO_QUIET": "0"}, None),
            ((), {"CLEO_QUIET": " "}, None),
        ],
    )
    def test_quiet_prints_ids_only(
        self, cleo_cli: Cli, odd: None, words: Any, env: Any, printed: str | None
    ) -> None:
        outcome = cleo_cli("odd", "give", "a text", *words, env=env)
        assert (outcome.out == printed) if printed else outcome.data["id"] == "x1"
        many = cleo_cli("odd", "many", "--quiet").out.splitlines()
        assert (len(many), many[0]) == (5000, "x0")

    @given(
        st.recursive(
            st.none() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
        st.text(),
    )
    @example([], "¹")
    @example([0], "9" * 5000)
    def test_selecting_gives_a_value_or_a_usage_error(self, data: Any, path: str) -> None:
        with contextlib.suppress(UsageError):
            select_field(data, path)
        assert all(isinstance(one, str) for one in ids_in(data))


class TestFormat:
    @pytest.mark.parametrize(
        ("words", "env", "setting", "json_expected"),
        [
            ((), {}, None, True),
            (("--json",), {}, None, True),
            (("--human",), {}, None, False),
            (("--json", "--human"), {}, None, False),
            (("--human", "--json"), {}, None, True),
            ((), {"CLEO_FORMAT": "human"}, None, False),
            ((), {"CLEO_FORMAT": "HUMAN "}, None, False),
            ((), {"CLEO_FORMAT": "json"}, None, True),
            ((), {"CLEO_FORMAT": "xml"}, None, True),
            ((), {"CLEO_FORMAT": ""}, "human", False),
            (("--json",), {"CLEO_FORMAT": "human"}, None, True),
            (("--human",), {"CLEO_FORMAT": "json"}, None, False),
            ((), {}, "human", False),
            ((), {}, "auto", True),
            ((), {"CLEO_FORMAT": "json"}, "human", True),
            (("--json",), {}, "human", True),
        ],
    )
    def test_who_decides_between_json_and_words(
        self,
        cleo_cli: Cli,
        cleo_project: Path,
        words: tuple[str, ...],
        env: dict[str, str],
        setting: str | None,
        json_expected: bool,
    ) -> None:
        if setting is not None:
            assert cleo_cli("config", "set", "output.format", setting).code == 0
        outcome = cleo_cli("list", *words, env=env)
        assert outcome.code == 0
        assert outcome.out.startswith("{") == json_expected

    def test_a_usage_error_is_said_in_the_format_that_was_asked_for(self, cleo_cli: Cli) -> None:
        assert cleo_cli("version", "--nope", "--human").err.startswith("error: ")
        assert cleo_cli("version", "--human", "--nope").err.startswith("error: ")
        env = {"CLEO_FORMAT": "human"}
        assert cleo_cli("version", "--nope", "--json", env=env).error["exit"] == 2

    def test_a_word_behind_two_dashes_is_no_option(self, cleo_cli: Cli, cleo_project: Path) -> None:
        outcome = cleo_cli("add", "--", "--human")
        assert outcome.data["task"]["title"] == "--human"
        assert wants_json(["add", "--", "--human"], {}, terminal=False)

    def test_a_terminal_gets_words_and_a_pipe_gets_json(
        self, cleo_cli: Cli, cleo_project: Path
    ) -> None:
        assert cleo_cli("add", "a title").code == 0
        code, shown = on_terminal("list")
        assert code == 0
        assert "a title" in shown
        assert not shown.startswith("{")
        code, shown = on_terminal("list", "--json")
        assert json.loads(shown)["data"][0]["title"] == "a title"
        assert cleo_cli("list", process=True).data[0]["title"] == "a title"

    def test_no_color_means_no_colour_and_a_pipe_has_none(
        self, cleo_cli: Cli, cleo_project: Path
    ) -> None:
        assert cleo_cli("add", "a title").code == 0
        colour = re.compile(r"\x1b\[[0-9;]*(3[0-9]|4[0-9]|9[0-7])m")
        for words in (("list",), ("stores",), ("show", "T001"), ("plugins",)):
            _, shown = on_terminal(*words, env={"NO_COLOR": "1"})
            assert not colour.search(shown), words
            assert "\x1b" not in cleo_cli(*words, "--human", process=words == ("list",)).out

    def test_symbols_survive_without_colour(self, cleo_cli: Cli, cleo_project: Path) -> None:
        assert cleo_cli("add", "a title").code == 0
        _, plain = on_terminal("list", env={"NO_COLOR": "1"})
        _, coloured = on_terminal("list", env={"NO_COLOR": ""})
        strip = re.compile(r"\x1b\[[0-9;]*m")
        assert strip.sub("", plain) == strip.sub("", coloured)


class TestHelp:
    @pytest.fixture(autouse=True)
    def every_plugin(self, cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """All that is installed, whatever other tests leave out."""
        monkeypatch.delenv("CLEO_DISABLE_PLUGINS")

    def test_every_command_and_verb_explains_itself(self, cleo_cli: Cli) -> None:
        paths = list(every_command())
        assert {"init", "config preset apply", "list"} <= set(paths)
        for path in paths:
            outcome = cleo_cli(*path.split(), "-h")
            assert outcome.code == 0, repr(outcome)
            assert outcome.out.startswith(f"Usage: cleo {path} "), path
            assert outcome.err == "", path
            text = outcome.out.split("Options:")[0].split("\n\n", 1)
            assert len(text) == 2, f"{path} has no help"
            assert text[1].strip(), f"{path} has no help"
            assert cleo_cli(*path.split(), "--help").out == outcome.out

    def test_every_leaf_has_the_options_that_all_have(self, cleo_cli: Cli) -> None:
        for path in every_command():
            out = cleo_cli(*path.split(), "-h").out
            if "Commands:" not in out:
                for option in ("--project", "--agent", "--session", "--json", "--human", "--field"):
                    assert f"{option} " in out, path

    @pytest.mark.parametrize("words", [(), ("-h",), ("--help",)])
    def test_the_root_lists_every_command_without_importing_any(
        self, cleo_cli: Cli, odd: None, words: tuple[str, ...]
    ) -> None:
        outcome = cleo_cli(*words)
        assert outcome.code == 0
        for name in ("init", "list", "odd", "boxes", "completion"):
            assert re.search(rf"^  {name} ", outcome.out, re.M), name
        assert not [name for name in sys.modules if re.match(r"cleo_odd_.*\.cli", name)]

    def test_the_version_is_one_line(self, cleo_cli: Cli) -> None:
        outcome = cleo_cli("--version")
        assert re.fullmatch(r"cleo \d+\.\d+\.\d+\S*\n", outcome.out)


class TestUnknownWords:
    @pytest.mark.parametrize(
        ("words", "near"),
        [
            (("lst",), "list"),
            (("conifg",), "config"),
            (("config", "gte"), "get"),
            (("config", "preset", "aply"), "apply"),
        ],
    )
    def test_an_unknown_command_is_answered_with_the_nearest(
        self, cleo_cli: Cli, words: tuple[str, ...], near: str
    ) -> None:
        outcome = cleo_cli(*words)
        assert outcome.error["exit"] == 2
        assert words[-1] in outcome.error["message"]
        assert near in outcome.error["message"] + outcome.error["fix"]

    @pytest.mark.parametrize(
        "words",
        [
            ("list", "--no-such-option"),
            ("--no-such-option",),
            ("-z",),
            ("list", "-z"),
            ("list", "too", "many"),
            ("config", "get"),
            ("config",),
            ("list", "--limit", "0"),
            ("list", "--limit", "ten"),
            ("list", "--offset", "-1"),
            ("list", "--limit"),
            ("completion", "tcsh"),
            ("",),
            ("list", "--project", ""),
            ("list", "--project", "a\x00b"),
        ],
    )
    def test_words_that_make_no_sense_are_usage_errors(
        self, cleo_cli: Cli, words: tuple[str, ...]
    ) -> None:
        outcome = cleo_cli(*words)
        assert outcome.error["exit"] == 2, repr(outcome)
        assert outcome.error["fix"]
        assert "Traceback" not in outcome.err

    @given(st.lists(st.text(st.characters(exclude_categories=[])), max_size=4))
    def test_no_words_at_all_end_in_a_traceback(self, words: list[str]) -> None:
        import io

        from cleo_core.cli import main

        # A first word that is no command keeps the rest from doing anything.
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["no-such-command", *words])
        out.flush()
        assert code == 2
        text = out.buffer.getvalue().decode()  # type: ignore[attr-defined]
        err.flush()
        shown = err.buffer.getvalue().decode()  # type: ignore[attr-defined]
        assert "Traceback" not in shown
        if {"-h", "--help", "--field", "-q", "--quiet", "--human"}.isdisjoint(words):
            assert json.loads(text)["error"]["exit"] == 2


class TestTrouble:
    @pytest.mark.parametrize(
        ("how", "code", "exit"),
        [
            ("value", "E_UNEXPECTED", 1),
            ("key", "E_UNEXPECTED", 1),
            ("silent", "E_UNEXPECTED", 1),
            ("deep", "E_UNEXPECTED", 1),
            ("exit", "E_UNEXPECTED", 1),
            ("surrogate", "E_UNEXPECTED", 1),
            ("os", "E_DISK_FULL", 3),
            ("usage", "E_USAGE", 2),
            ("click", "E_USAGE", 2),
        ],
    )
    def test_whatever_a_command_raises_ends_as_one_envelope(
        self, cleo_cli: Cli, odd: None, how: str, code: str, exit: int
    ) -> None:
        for words in ((), ("--human",)):
            outcome = cleo_cli("odd", "fail", how, *words)
            assert outcome.code == exit
            assert "Traceback" not in outcome.out + outcome.err
            if not words:
                assert (outcome.error["code"], outcome.error["exit"]) == (code, exit)

    @pytest.mark.parametrize("how", ["interrupt", "abort"])
    def test_an_interruption_is_130(self, cleo_cli: Cli, odd: None, how: str) -> None:
        outcome = cleo_cli("odd", "fail", how)
        assert (outcome.code, outcome.out) == (130, "")
        assert outcome.err.strip() == "interrupted"

    def test_a_command_that_gives_no_result_is_a_defect_and_no_success(
        self, cleo_cli: Cli, odd: None
    ) -> None:
        assert cleo_cli("odd", "nothing").error["code"] == "E_UNEXPECTED"

    def test_a_traceback_is_shown_to_who_asks_and_kept_in_the_log(
        self, cleo_cli: Cli, odd: None, cleo_home: Path
    ) -> None:
        assert cleo_cli("init").code == 0
        assert "Traceback" in cleo_cli("odd", "fail", "value", "--debug").err
        log = cleo_home / "log"
        shown = cleo_cli("odd", "fail", "value", env={"CLEO_LOG_FILE": str(log)})
        if not log.exists():
            Path(cleo_home / "home" / "data" / "cleo").mkdir(parents=True)
            shown = cleo_cli("odd", "fail", "value", env={"CLEO_LOG_FILE": str(log)})
        line = json.loads(log.read_text().splitlines()[-1])
        assert "ValueError: some text" in line["message"]
        assert line["requestId"] in shown.error["message"]

    def test_a_plugin_that_cannot_be_used_is_named_on_stderr_and_nothing_else_changes(
        self, site: Any, cleo_cli: Cli, cleo_project: Path
    ) -> None:
        site.plugin("broken", "raise RuntimeError('kaput')")
        outcome = cleo_cli("list")
        assert outcome.data == []
        (line,) = outcome.err.splitlines()
        assert "broken" in line
        assert "kaput" in line


class TestSignals:
    @pytest.mark.parametrize(
        ("number", "exit"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
    )
    def test_a_signal_in_the_middle_of_a_unit_rolls_it_back(
        self, cleo_cli: Cli, odd: None, cleo_project: Path, number: signal.Signals, exit: int
    ) -> None:
        process = subprocess.Popen(
            [*CLEO, "odd", "hold"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert process.returncode == exit
        assert out == ""
        assert "Traceback" not in err
        assert cleo_cli("boxes", "list").data == []
        assert cleo_cli("boxes", "add", "b1").code == 0
        assert not list(Path(".cleo").glob("*-journal"))

    @pytest.mark.parametrize(
        "words",
        [
            ("odd", "many"),
            ("odd", "many", "--human"),
            ("odd", "many", "--quiet"),
            ("odd", "give", "short"),
            ("--help",),
            ("list", "--help"),
            ("completion", "bash"),
            ("--version",),
        ],
    )
    def test_a_reader_that_went_away_is_141(
        self, odd: None, cleo_home: Path, words: tuple[str, ...]
    ) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [*CLEO, *words], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
        os.close(writing)
        assert (done.returncode, done.stderr) == (141, "")

    def test_a_reader_that_goes_away_in_the_middle_is_141(self, odd: None, cleo_home: Path) -> None:
        process = subprocess.Popen(
            [*CLEO, "odd", "many"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(10) == b'{"success"'
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(30) == 141

    def test_a_stdout_that_is_full_is_said(self, odd: None, cleo_home: Path) -> None:
        if not os.path.exists("/dev/full"):
            pytest.skip("this system has no /dev/full")
        for words in (("odd", "many"), ("odd", "give", "short"), ("--help",)):
            with open("/dev/full", "w") as full:
                done = subprocess.run(
                    [*CLEO, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
                )
            assert done.returncode == 3, words
            assert "No space left" in done.stderr
            assert "Traceback" not in done.stderr

    @pytest.mark.parametrize("unbuffered", ["", "1"])
    def test_an_output_that_was_cut_short_is_no_success(
        self, odd: None, cleo_home: Path, in_namespace: Any, unbuffered: str
    ) -> None:
        small = cleo_home / "small"
        small.mkdir()
        out = in_namespace(
            f"mount -t tmpfs -o size=64k tmpfs {small}; export PYTHONUNBUFFERED={unbuffered}\n"
            f"cleo odd many > {small}/out; echo $?"
        )
        assert out == "3\n"

    @pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
    def test_streams_that_are_closed_harm_nothing(
        self, cleo_cli: Cli, cleo_project: Path, closed: str
    ) -> None:
        script = f'"$0" -m cleo_core add "a title" {closed}'
        done = subprocess.run(
            ["sh", "-c", script, sys.executable], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done
        assert "Traceback" not in done.stderr
        assert [row["title"] for row in cleo_cli("list").data] == ["a title"]
        assert cleo_cli("stores", "tasks").data["state"] == "head"


class TestText:
    @pytest.mark.parametrize(
        ("words", "exit"),
        [
            ((b"add", b"caf\xe9"), 6),
            ((b"\xff\xfe",), 2),
            ((b"list", b"--agent", b"\xff"), 0),
            ((b"add", b"ok", b"--agent", b"\xff"), 2),
            ((b"show", b"\xff"), 2),
            ((b"list", b"--field", b"\xff"), 2),
            ((b"list", b"--project", b"/no/\xff"), 3),
            ((b"config", b"set", b"agent.id", b"\xff"), 8),
            ((b"config", b"get", b"\xff"), 8),
        ],
    )
    def test_words_that_are_no_utf8_are_refused_in_valid_json(
        self, cleo_project: Path, words: tuple[bytes, ...], exit: int
    ) -> None:
        done = subprocess.run([*map(os.fsencode, CLEO), *words], capture_output=True, check=False)
        assert done.returncode == exit, done
        envelope = json.loads(done.stdout)
        assert envelope["success"] is (exit == 0)
        assert b"Traceback" not in done.stderr

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
    def test_any_encoding_of_stdout_gives_valid_json_and_words(
        self, odd: None, cleo_home: Path, encoding: str
    ) -> None:
        text = "é → 日本 🎉"
        env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        for words in ((), ("--field", "text"), ("--human",)):
            done = subprocess.run(
                [*CLEO, "odd", "give", text, *words], capture_output=True, env=env, check=False
            )
            assert done.returncode == 0, done
            shown = done.stdout.decode(encoding)
            if not words:
                assert json.loads(shown)["data"]["text"] == text
            elif encoding == "utf-8":
                assert text in shown
            else:
                assert "\\u65e5" in shown

    def test_control_characters_are_shown_to_people_and_kept_for_programs(
        self, cleo_cli: Cli, odd: None
    ) -> None:
        text = "\x1b[31mred\x07 \u202ebidi\u200f \x85 tab\tend"
        assert cleo_cli("odd", "give", text).data["text"] == text
        assert cleo_cli("odd", "give", text, "--field", "text").out == text + "\n"
        shown = cleo_cli("odd", "give", text, "--human").out
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "\\x1b[31mred\\x07 \\x202ebidi\\x200f \\x85 tab" in shown
        _, shown = on_terminal("odd", "give", text, "--field", "text")
        assert "\x1b[31m" not in shown
        assert "\\x1b[31mred" in shown

    def test_a_hostile_title_cannot_steer_a_terminal(
        self, cleo_cli: Cli, cleo_project: Path
    ) -> None:
        title = "\x1b]0;owned\x07\x1b[2J [bold]not markup[/bold]"
        added = cleo_cli("add", title)
        assert added.data["task"]["title"] == title
        for words in (("list",), ("show", "T001")):
            shown = cleo_cli(*words, "--human").out
            assert "\x1b" not in shown
            assert "\x07" not in shown
            assert "[bold]not markup" in shown

    @pytest.mark.parametrize(
        "words", [("\x1b[31mx",), ("show", "\x1b[31mx"), ("list", "--\x1b[31m")]
    )
    def test_an_error_cannot_steer_a_terminal(
        self, cleo_cli: Cli, cleo_project: Path, words: tuple[str, ...]
    ) -> None:
        outcome = cleo_cli(*words, "--human")
        assert outcome.code != 0
        assert "\x1b" not in outcome.err

    def test_words_of_any_length_are_answered(self, cleo_cli: Cli, cleo_project: Path) -> None:
        long = "x" * 120_000
        for words, exit in (
            (("add", long), 6),
            ((long,), 2),
            (("config", "get", long), 8),
            (("list", f"--{long}"), 2),
            (("show", long), 2),
        ):
            outcome = cleo_cli(*words, process=True)
            assert outcome.code == exit, outcome.error["code"]
            assert outcome.error["exit"] == exit
        many = cleo_cli("show", *(f"T{number:03}" for number in range(1, 20_000)), process=True)
        assert many.error["exit"] == 4

    @given(st.text(st.characters(exclude_categories=[])))
    def test_what_people_see_holds_no_control_characters(self, text: str) -> None:
        shown = visible(text)
        assert not [
            char
            for char in shown
            if (ord(char) < 32 and char not in "\n\t") or 0x7F <= ord(char) < 0xA0
        ]
        shown.encode()
        if text.isprintable():
            assert shown == text

    @given(
        st.recursive(
            st.none() | st.booleans() | st.text(st.characters(exclude_categories=[])),
            lambda inner: st.lists(inner),
        )
    )
    def test_json_text_can_always_be_written_and_read_back(self, value: Any) -> None:
        assert json.loads(dumps(value).encode().decode()) == value

    @pytest.mark.parametrize(
        ("name", "expected"),
        [("id", "id"), ("parent_id", "parentId"), ("a_b_c", "aBC"), ("no_auto_complete",) * 2],
    )
    def test_keys_are_camel_case(self, name: str, expected: str) -> None:
        assert camel(name) == ("noAutoComplete" if name == expected and "_" in name else expected)


class TestCommandFinished:
    HOOK = """
    @hookimpl
    def cleo_command_finished(app, event):
        with open(os.environ["TOLD"], "a") as file:
            file.write(repr(event) + "\\n")
        if os.environ.get("TOLD_MODE") == "fail":
            raise RuntimeError("a plugin's own trouble")
        if os.environ.get("TOLD_MODE") == "exit":
            raise SystemExit(77)
        if os.environ.get("TOLD_MODE") == "slow":
            import time
            time.sleep(0.05)
    """

    @pytest.fixture
    def told(
        self, site: Any, odd: None, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[], list[Any]]:
        site.plugin("meter", self.HOOK)
        path = cleo_home / "told"
        monkeypatch.setenv("TOLD", str(path))

        def read() -> list[Any]:
            from cleo_core.api import CommandEvent

            lines = path.read_text().splitlines() if path.exists() else []
            return [eval(line, {"CommandEvent": CommandEvent}) for line in lines]

        return read

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (("boxes", "add", "b1"), ("boxes add", "boxes", "mutate", 0, None)),
            (("boxes", "list"), ("boxes list", "boxes", "query", 0, None)),
            (("odd", "give", "x"), ("odd give", "odd", "query", 0, None)),
            (("odd", "fault"), ("odd fault", "odd", "mutate", 6, None)),
            (("odd", "fail", "value"), ("odd fail", "odd", "mutate", 1, "E_UNEXPECTED")),
            (("config", "get", "nope"), ("config get", None, "query", 8, "E_CONFIG")),
            (("config", "set", "nope", "1"), ("config set", None, "mutate", 8, "E_CONFIG")),
            (("show", "T404"), ("show", "tasks", "query", 4, "E_NOT_FOUND")),
        ],
    )
    def test_a_finished_command_is_told_by_names_and_numbers(
        self, cleo_cli: Cli, told: Any, words: tuple[str, ...], expected: tuple[Any, ...]
    ) -> None:
        assert cleo_cli("init", env={"CLEO_DISABLE_PLUGINS": "meter"}).code == 0
        outcome = cleo_cli(*words)
        (event,) = told()
        got = (event.path, event.plugin, event.gateway, event.exit_code, event.error_code)
        assert got == expected
        assert event.exit_code == outcome.code
        assert event.duration_ms > 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", event.finished_at)

    def test_no_value_is_ever_told(self, cleo_cli: Cli, told: Any, cleo_home: Path) -> None:
        assert cleo_cli("init").code == 0
        secret = "hunter2"
        cleo_cli("boxes", "add", f"id-{secret}", "--label", f"label {secret}", agent=secret)
        cleo_cli("boxes", "add", f"id-{secret}", "--ref", secret, "--agent", secret)
        cleo_cli("config", "get", secret)
        cleo_cli("odd", "give", secret, "--field", secret)
        text = (cleo_home / "told").read_text()
        assert secret not in text
        names = {name for event in told() for name in event.option_names}
        assert {"agent", "field", "label", "ref"} <= names
        assert "id" not in names, "an argument is no option"

    @pytest.mark.parametrize("mode", ["fail", "exit"])
    def test_a_plugin_that_fails_then_changes_neither_output_nor_exit(
        self, cleo_cli: Cli, told: Any, mode: str
    ) -> None:
        outcome = cleo_cli("odd", "give", "x", env={"TOLD_MODE": mode})
        assert outcome.data["text"] == "x"
        assert outcome.warnings == []
        assert len(told()) == 1

    def test_a_plugin_that_takes_too_long_is_named(self, cleo_cli: Cli, told: Any) -> None:
        outcome = cleo_cli("odd", "give", "x", env={"TOLD_MODE": "slow"})
        assert outcome.code == 0
        assert re.fullmatch(
            r"warning: Plugin meter took \d+ ms in cleo_command_finished, "
            r"which should end within 5 ms\.\n",
            outcome.err,
        )

    def test_it_is_told_once_the_output_is_out(self, site: Any, odd: None, cleo_home: Path) -> None:
        site.plugin(
            "peek",
            """
            @hookimpl
            def cleo_command_finished(app, event):
                os.write(1, b"told")
            """,
        )
        done = subprocess.run(
            [*CLEO, "odd", "give", "x"], capture_output=True, text=True, check=False
        )
        assert done.stdout.endswith("}\ntold")

    @pytest.mark.parametrize(
        ("words", "path", "code"),
        [
            (("hunter2",), "", "E_USAGE"),
            (("odd", "hunter2"), "", "E_USAGE"),
            (("odd", "give", "--hunter2"), "odd give", "E_USAGE"),
        ],
    )
    def test_words_that_are_not_understood_are_told_without_them(
        self, cleo_cli: Cli, told: Any, words: tuple[str, ...], path: str, code: str
    ) -> None:
        outcome = cleo_cli(*words)
        (event,) = told()
        assert (event.path, event.exit_code, event.error_code) == (path, outcome.code, code)
        assert "hunter2" not in repr(event)

    @pytest.mark.parametrize("words", [("--help",), ("odd", "--help"), ("--version",)])
    def test_what_runs_no_command_tells_nothing(
        self, cleo_cli: Cli, told: Any, words: tuple[str, ...]
    ) -> None:
        cleo_cli(*words)
        assert told() == []
